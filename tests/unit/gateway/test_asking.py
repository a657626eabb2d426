"""What the pages make of answers that belong together."""

from services.gateway.web.calls import asked_for

RETURNED, SUBMITTED = {"state": "returned"}, {"state": "pending_acceptance"}
OPINIONS = [{"round_trip": 1, "sent": True}, {"round_trip": 2, "sent": True}, {"round_trip": 3, "sent": False}]
REQUESTS = [
    {"round_trip": 1, "status": "open"},
    {"round_trip": 1, "status": "granted"},
    {"round_trip": 2, "status": "open"},
]


def test_who_submitted_again_waits_for_no_answer() -> None:
    """A request belongs to its return; nobody can answer it later."""
    assert [r["status"] for r in asked_for(RETURNED, REQUESTS, OPINIONS)] == ["late", "granted", "open"]
    assert [r["status"] for r in asked_for(SUBMITTED, REQUESTS, OPINIONS)] == ["late", "granted", "late"]

"""What the pages make of answers that belong together."""

from uuid import UUID

from services.gateway.web.calls import asked_for
from shared import clock
from shared.contract.returns import OpinionView
from shared.contract.review import UnlockRequestView
from shared.contract.sections import ApplicationView

RETURNED, SUBMITTED = (ApplicationView.model_construct(state=s) for s in ("returned", "pending_acceptance"))
OPINIONS = [OpinionView.model_construct(round_trip=n, sent=n < 3) for n in (1, 2, 3)]
REQUESTS = [
    UnlockRequestView(
        id=UUID(int=n),
        round_trip=trip,
        section="contact",
        section_label="联系人",
        reason="写错",
        status=status,
        note="",
        asked_by="李响",
        asked_at=clock.now(),
        decided_by=None,
        decided_at=None,
    )
    for n, (trip, status) in enumerate(((1, "open"), (1, "granted"), (2, "open")))
]


def test_who_submitted_again_waits_for_no_answer() -> None:
    """A request belongs to its return; nobody can answer it later."""
    assert [r.status for r in asked_for(RETURNED, REQUESTS, OPINIONS)] == ["late", "granted", "open"]
    assert [r.status for r in asked_for(SUBMITTED, REQUESTS, OPINIONS)] == ["late", "granted", "late"]

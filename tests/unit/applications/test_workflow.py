"""Every (state, action, role) triple, and every guard."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from services.applications.workflow import (
    LABELS,
    TABLE,
    Action,
    Facts,
    State,
    applicant_actions,
    move,
    staff_actions,
)
from shared import clock
from shared.errors import Conflict, NotAllowed
from shared.identity import Role

NOW = clock.now()
HOUR = timedelta(hours=1)

# Written down once more, independently of the code: state, action → where to, by whom.
EXPECTED: dict[tuple[str, str], tuple[str | None, str]] = {
    ("draft", "submit"): ("pending_acceptance", "applicant"),
    ("draft", "delete"): (None, "applicant"),
    ("returned", "submit"): ("pending_acceptance", "applicant"),
    ("pending_acceptance", "withdraw"): ("draft", "applicant"),
    ("pending_acceptance", "accept"): ("form_review", "reviewer"),
    ("pending_acceptance", "return"): ("returned", "reviewer"),
    ("form_review", "return"): ("returned", "reviewer"),
    ("form_review", "pass"): ("expert_review", "reviewer"),
    ("form_review", "refuse"): ("rejected", "reviewer"),
    ("returned", "recall"): ("form_review", "reviewer"),
    ("returned", "lapse"): ("lapsed", "system"),
    ("returned", "extend"): ("returned", "reviewer"),
    ("lapsed", "extend"): ("returned", "reviewer"),
    ("expert_review", "conclude"): ("decision", "system"),
    ("decision", "propose"): ("proposed", "director"),
    ("decision", "decline"): ("rejected", "director"),
    ("proposed", "publish"): ("publicity", "director"),
    ("proposed", "reconsider"): ("decision", "director"),
    ("proposed", "decline"): ("rejected", "director"),
    ("publicity", "take_off"): ("decision", "director"),
    ("publicity", "decline"): ("rejected", "director"),
    ("publicity", "approve"): ("approved", "director"),
}


def facts(state: State, action: Action) -> Facts:
    """Facts with which no guard of this move refuses."""
    return Facts(
        state=state,
        at=NOW,
        actor="me",
        submitted_from=State.DRAFT,
        returned_from=State.FORM_REVIEW,
        opens_at=NOW - HOUR,
        accepts_until=NOW + HOUR,
        closes_at=NOW + HOUR,
        correct_by=NOW - HOUR if action is Action.LAPSE else NOW + HOUR,
        lease_holder="me",
        all_scored=True,
        publicity_until=NOW - HOUR,
        applied_wan=Decimal("22.00"),
        opinions=1,
        reason="理由",
        deadline=NOW + HOUR,
        amount_wan=Decimal("20.00"),
        budget_left=Decimal("20.00"),
    )


def test_every_state_action_and_role() -> None:
    faults = []
    for state, action, role in product(State, Action, Role):
        expected = EXPECTED.get((state.value, action.value))
        wanted: Any = (
            Conflict if any(by == role for (_, a), (_, by) in EXPECTED.items() if a == action) else NotAllowed
        )
        if expected is not None and expected[1] == role:
            wanted = expected[0]
        try:
            found: Any = move(facts(state, action), action, frozenset({role}))
        except (Conflict, NotAllowed) as error:
            found = type(error)
        if found != wanted:
            faults.append(f"{role} {action} in {state}: {found} instead of {wanted}")
    assert not faults, "\n".join(faults)


def test_every_state_has_its_label_and_can_be_reached() -> None:
    assert set(LABELS) == set(State)
    assert {to for to, _ in EXPECTED.values()} | {"draft"} == {None, *State}
    assert {(s.value, a.value) for s, a in TABLE} == set(EXPECTED)


GUARDS = [
    ("draft", "submit", {"opens_at": NOW + HOUR}, "round_not_open"),
    ("draft", "submit", {"accepts_until": NOW - HOUR}, "round_closed"),
    ("draft", "submit", {"accepts_until": None}, "round_closed"),
    ("returned", "submit", {"correct_by": NOW - HOUR}, "correction_overdue"),
    ("returned", "submit", {"unanswered": 2}, "opinions_open"),
    ("pending_acceptance", "withdraw", {"closes_at": NOW - HOUR}, "round_closed"),
    (
        "pending_acceptance",
        "withdraw",
        {"submitted_from": State.RETURNED, "correct_by": NOW - HOUR},
        "correction_overdue",
    ),
    ("pending_acceptance", "accept", {"lease_holder": None}, "lease_missing"),
    ("pending_acceptance", "accept", {"lease_holder": "other"}, "lease_held"),
    ("pending_acceptance", "accept", {"lease_holder": "other", "assigned": True}, "lease_held"),
    ("pending_acceptance", "accept", {"lease_holder": None, "lease_ended": True}, "lease_expired"),
    ("pending_acceptance", "return", {"lease_holder": None}, "lease_missing"),
    ("pending_acceptance", "return", {"opinions": 0}, "opinion_required"),
    ("form_review", "return", {"deadline": NOW}, "deadline_required"),
    ("form_review", "return", {"deadline": None}, "deadline_required"),
    ("form_review", "pass", {"lease_holder": "other"}, "lease_held"),
    ("form_review", "pass", {"noted": 1}, "opinions_noted"),
    ("form_review", "refuse", {"reason": "  "}, "reason_required"),
    ("returned", "recall", {"seen_since_return": True}, "already_seen"),
    ("returned", "lapse", {"correct_by": NOW + HOUR}, "not_overdue"),
    ("lapsed", "extend", {"deadline": NOW - HOUR}, "deadline_required"),
    ("returned", "extend", {"reason": ""}, "reason_required"),
    ("expert_review", "conclude", {"all_scored": False}, "scores_missing"),
    ("decision", "propose", {"amount_wan": Decimal("22.01")}, "amount_too_high"),
    ("decision", "propose", {"amount_wan": Decimal(0)}, "amount_required"),
    ("decision", "propose", {"budget_left": Decimal("19.99")}, "budget_exceeded"),
    ("decision", "decline", {"reason": ""}, "reason_required"),
    ("proposed", "publish", {"drafted_by": "me"}, "second_person"),
    ("proposed", "reconsider", {"reason": " "}, "reason_required"),
    ("publicity", "take_off", {"reason": ""}, "reason_required"),
    ("publicity", "approve", {"drafted_by": "me"}, "second_person"),
    ("returned", "extend", {"proposed_by": "me"}, "second_person"),
    ("lapsed", "extend", {"proposed_by": "me"}, "second_person"),
    ("publicity", "approve", {"publicity_until": NOW + HOUR}, "publicity_running"),
    ("publicity", "approve", {"objections": 1}, "objections_open"),
]


@pytest.mark.parametrize(("state", "action", "changes", "code"), GUARDS)
def test_guard_refuses(state: str, action: str, changes: dict[str, Any], code: str) -> None:
    known = replace(facts(State(state), Action(action)), **changes)
    by = frozenset({Role(EXPECTED[state, action][1])})
    with pytest.raises(Conflict) as refused:
        move(known, Action(action), by)
    assert refused.value.code == code
    # A sentence for a person, in Chinese.
    assert any("一" <= c <= "鿿" for c in refused.value.detail)


def test_submission_exactly_at_the_close_counts() -> None:
    known = replace(facts(State.DRAFT, Action.SUBMIT), accepts_until=NOW)
    assert move(known, Action.SUBMIT, frozenset({Role.APPLICANT})) is State.PENDING_ACCEPTANCE


def test_withdrawal_of_a_correction_goes_back_to_returned_even_after_the_close() -> None:
    known = replace(
        facts(State.PENDING_ACCEPTANCE, Action.WITHDRAW), submitted_from=State.RETURNED, closes_at=NOW - HOUR
    )
    assert move(known, Action.WITHDRAW, frozenset({Role.APPLICANT})) is State.RETURNED


@pytest.mark.parametrize(
    ("state", "changes", "actions"),
    [
        # A withdrawn one too: what was submitted before does not count.
        (State.DRAFT, {}, ["edit", "submit", "delete"]),
        (State.DRAFT, {"accepts_until": NOW - HOUR}, ["edit", "delete"]),
        (State.PENDING_ACCEPTANCE, {}, ["pdf", "view", "withdraw"]),
        (State.PENDING_ACCEPTANCE, {"closes_at": NOW - HOUR}, ["pdf", "view"]),
        (
            State.PENDING_ACCEPTANCE,
            {"submitted_from": State.RETURNED, "correct_by": NOW - HOUR},
            ["pdf", "view"],
        ),
        (State.RETURNED, {}, ["pdf", "correct", "opinions", "submit"]),
        (State.RETURNED, {"correct_by": NOW - HOUR}, ["pdf", "correct", "opinions"]),
        (State.LAPSED, {}, ["pdf", "view", "opinions"]),
        (State.FORM_REVIEW, {}, ["pdf", "view"]),
        (State.APPROVED, {}, ["pdf", "view"]),
    ],
)
def test_what_the_applicant_is_offered(state: State, changes: dict[str, Any], actions: list[str]) -> None:
    known = replace(facts(state, Action.SUBMIT), **changes)
    assert applicant_actions(known) == actions


def test_staff_are_offered_their_own_moves_only() -> None:
    reviewer, director = frozenset({Role.REVIEWER}), frozenset({Role.DIRECTOR})
    assert staff_actions(facts(State.PENDING_ACCEPTANCE, Action.ACCEPT), reviewer) == ["accept", "return"]
    assert staff_actions(facts(State.PENDING_ACCEPTANCE, Action.ACCEPT), director) == []
    assert staff_actions(facts(State.DECISION, Action.PROPOSE), director) == ["propose", "decline"]
    # A list is published as a whole, never from one case.
    assert staff_actions(facts(State.PROPOSED, Action.PUBLISH), director) == ["reconsider", "decline"]


def test_an_office_that_publishes_case_by_case_proposes_into_publicity() -> None:
    known = replace(facts(State.DECISION, Action.PROPOSE), published_singly=True)
    assert move(known, Action.PROPOSE, frozenset({Role.DIRECTOR})) is State.PUBLICITY

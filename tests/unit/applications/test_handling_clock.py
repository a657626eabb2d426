"""The bureau's working days with a case: the first day is not counted, no day twice, none while somebody else has it."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.review.handling_clock import WITH_THE_BUREAU, Handling, handling
from services.applications.workflow import State
from shared import clock
from shared.workdays import WorkingDays

CALENDAR = WorkingDays()


def at(day: int, hour: int = 10, month: int = 11) -> datetime:
    # The 2nd of November 2026 is a Monday; no holidays in this month.
    return datetime(2026, month, day, hour, tzinfo=clock.SHANGHAI)


def used(*moves: tuple[datetime, str], now: datetime, limit: int = 0) -> Handling | None:
    return handling(moves, now, CALENDAR.is_working, limit)


def test_begins_the_day_after_and_leaves_weekends_out() -> None:
    came = (at(6, 17), "pending_acceptance")  # a Friday
    assert used(came, now=at(6, 23)) == Handling(0, True, None, False)
    assert used(came, now=at(8)) == Handling(0, True, None, False)
    assert used(came, now=at(9, 0), limit=3) == Handling(1, True, date(2026, 11, 11), False)
    assert used(came, now=at(11), limit=3) == Handling(3, True, date(2026, 11, 11), False)
    assert used(came, now=at(12), limit=3) == Handling(4, True, None, True)


def test_stands_still_while_somebody_else_has_it() -> None:
    moves = [
        (at(2), "pending_acceptance"),
        (at(3), "form_review"),
        (at(4), "returned"),  # two days used
        (at(16), "pending_acceptance"),  # twelve days of the applicant's
        (at(17), "form_review"),
        (at(18), "expert_review"),  # four
    ]
    assert used(*moves, now=at(27), limit=5) == Handling(4, False, None, False)
    moves += [(at(27), "decision")]
    assert used(*moves, now=at(27, 20), limit=5) == Handling(4, True, date(2026, 11, 30), False)
    moves += [(at(30), "rejected")]
    assert used(*moves, now=at(7, month=12), limit=4) == Handling(
        5, False, None, False
    )  # ended: nothing is over any more


def test_a_day_that_is_shared_counts_once_and_a_draft_never() -> None:
    there_and_back = [(at(2), "pending_acceptance"), (at(3, 9), "returned"), (at(3, 10), "pending_acceptance")]
    assert used(*there_and_back, now=at(3, 18)) == Handling(1, True, None, False)
    assert used((at(2), "draft"), now=at(9)) is None
    assert used(now=at(9)) is None


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(sorted(State))), max_size=12), st.integers(0, 40))
def test_never_more_than_the_working_days_that_passed(steps: list[tuple[int, State]], limit: int) -> None:
    moves, now = [], at(2)
    for hours, state in steps:
        now += timedelta(hours=hours)
        moves.append((now, state.value))
    found = handling(moves, now, CALENDAR.is_working, limit)
    if found is None:
        assert not any(state in WITH_THE_BUREAU for _, state in steps)
        return
    begun = at(2).date()
    passed = sum(CALENDAR.is_working(begun + timedelta(days=n)) for n in range(1, (now.date() - begun).days + 1))
    assert 0 <= found.used <= passed
    assert found.running == (steps[-1][1] in WITH_THE_BUREAU)
    if found.last_day:
        assert CALENDAR.is_working(found.last_day) or found.used == limit


@pytest.mark.parametrize("state", sorted(WITH_THE_BUREAU))
def test_each_of_the_bureaus_states_runs(state: State) -> None:
    found = used((at(2), state.value), now=at(4))
    assert found == Handling(2, True, None, False)

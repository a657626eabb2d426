"""Short messages: what they cost, when they may go, and whom they tell nothing of."""

from datetime import datetime, timedelta

import pytest

from services.notify.rules import rules
from services.notify.short_messages import SIGN, lengths, masked, may_go, parts, short_message
from shared import clock
from shared.messages import AnyEvent
from tests import factories
from tests.unit.notify.test_emails import EVENTS

TOLD = [event for event in EVENTS if "sms" in rules()[event.kind].channels]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("字" * 70, 1), ("字" * 71, 2), ("字" * 134, 2), ("字" * 135, 3), ("a" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2),
     ("字" * 66 + "😀" * 34, 3)],
)  # fmt: skip
def test_parts_are_counted_in_ucs2(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize("event", TOLD, ids=lambda e: e.kind)
def test_a_text_is_one_message_or_two_and_names_nobody(event: AnyEvent) -> None:
    text = short_message(event)
    assert text.startswith(SIGN)
    assert parts(text) <= 2
    for told in (
        event.to.name,
        event.to.email,
        event.to.enterprise,
        event.project_name,
        "http",
        "20.00",
        "重复申报",
    ):
        assert not told or told not in text, told


def test_what_each_kind_costs_at_most_is_known() -> None:
    assert {kind for kind, _, _ in lengths()} == {event.kind for event in TOLD}
    assert all(count <= 2 for _, _, count in lengths())


def test_nobody_is_woken_but_on_the_last_day() -> None:
    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 12, day, hour, tzinfo=clock.SHANGHAI)

    event = factories.returned_event(correct_by=at(20, 18).isoformat())
    decided = next(event for event in TOLD if event.kind == "application_decided")
    for hour in (8, 12, 21):
        assert may_go(event, at(10, hour)) == at(10, hour)
    assert may_go(event, at(10, 22)) == at(11, 8)
    assert may_go(event, at(10, 7)) == at(10, 8)
    assert may_go(decided, at(10, 23)) == at(11, 8)
    assert may_go(event, at(19, 17)) == at(19, 17)
    assert may_go(event, at(20, 2)) == at(20, 2)
    assert may_go(event, at(19, 7) - timedelta(hours=1)) == at(19, 8)


def test_numbers_are_shown_in_part() -> None:
    assert masked("13812345678") == "138****5678"
    assert masked(None) is None

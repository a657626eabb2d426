"""How many of each process a close needs, looked up, and what several closes near each other need together."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.overload import sizing
from shared.overload.sizing import AFTER, BEFORE, PROCESSES, Closing, sizes, stretches
from tests.load import capacity

NOON = datetime(2026, 12, 1, 4, tzinfo=UTC)
TABLE = json.loads(sizing.SIZES.read_text(encoding="utf-8"))


def test_more_people_never_need_fewer_processes() -> None:
    numbers = [0, 1, *(step["enterprises"] for step in TABLE["steps"]), 60_000]
    for name in PROCESSES:
        needed = [sizes(number)[name] for number in numbers]
        assert needed == sorted(needed)
        assert needed[0] >= 2
    assert tuple(step["enterprises"] for step in TABLE["steps"]) == capacity.NIGHTS


def test_what_is_between_two_nights_takes_the_larger_and_beyond_the_largest_grows_with_it() -> None:
    largest = TABLE["steps"][-1]
    assert sizes(501) == sizes(1000)
    assert sizes(2 * largest["enterprises"])["gateway"] == 2 * largest["gateway"]


@pytest.mark.parametrize("apart", [timedelta(), BEFORE, BEFORE + AFTER])
def test_closes_whose_times_meet_are_one_crowd(apart: timedelta) -> None:
    [one] = stretches([Closing("乙", NOON + apart, 700), Closing("甲", NOON, 900)])
    assert (one.since, one.until) == (NOON - BEFORE, NOON + apart + AFTER)
    assert one.enterprises == 1600
    assert set(one.titles) == {"甲", "乙"}
    assert one.sizes == sizes(1600)


def test_closes_far_apart_are_planned_each_for_itself() -> None:
    later = NOON + BEFORE + AFTER + timedelta(seconds=1)
    assert [s.enterprises for s in stretches([Closing("乙", later, 700), Closing("甲", NOON, 900)])] == [900, 700]
    assert stretches([]) == []

"""Deadline night in virtual time, with the door and the line of the product: whoever came in time is in, work does not fall, and the system
is itself again afterwards. A base of 250 people on half a core is what two cores carry of 1,000."""

from functools import cache

import pytest

from tests.unit.overload.night import BUCKET, Night, Options, Result

BASE, CORES = 250, 0.5
# In the fullest minutes before the close.
AWAY = (660.0, 840.0)


# The same night is looked at by several tests.
@cache
def play(times: float, rule: str = "people", away: tuple[float, float] | None = None, seed: int = 1) -> Result:
    return Night(Options(people=round(BASE * times), cores=CORES, away=away, seed=seed), rule).play()


CLOSE = Options(people=BASE).close


def everybody_in_time_is_in(night: Result) -> None:
    assert night.missed == 0
    assert night.taken == night.in_time > 0


SEEDS = [1, pytest.param(2, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("times", [1.5, 2, 4])
def test_whoever_came_in_time_is_in_and_work_does_not_fall(times: float, seed: int) -> None:
    night = play(times, seed=seed)
    everybody_in_time_is_in(night)
    assert night.useful_share(CLOSE) >= 0.9
    assert night.itself_again <= 30


@pytest.mark.parametrize("seed", SEEDS)
def test_half_of_the_machine_is_taken_away_for_three_minutes(seed: int) -> None:
    night = play(2, away=AWAY, seed=seed)
    everybody_in_time_is_in(night)
    assert night.useful_share(CLOSE) >= 0.9
    assert night.itself_again <= 30


def test_nobody_waits_where_there_is_enough() -> None:
    night = play(1)
    everybody_in_time_is_in(night)
    assert sum(night.refusals.values()) == 0
    assert max(night.in_line.values()) == 0


def test_each_of_those_in_line_asks_at_most_once_in_ten_seconds() -> None:
    night = play(4)
    for bucket, refusals in night.refusals.items():
        # Those in line, those who came meanwhile, and those who were in and whom the door sent away.
        people = max(night.in_line.get(bucket, 0), night.in_line.get(bucket - 1, 0)) + BASE
        assert refusals <= people * BUCKET / 10


def test_the_rule_before_lost_people_at_half_again_and_more() -> None:
    """What is compared: requests by rank, first come, first served; the same, the newest first."""
    refusals = sum(play(2).refusals.values())
    for rule in ("today", "newest"):
        night = play(2, rule)
        assert night.missed > 0
        assert sum(night.refusals.values()) > 2 * refusals

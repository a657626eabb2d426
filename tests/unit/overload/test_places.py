"""Requests at one door: the order, the newest first in a line that stands, and work that does not grow with it."""

import time

import pytest

from shared.overload.places import PATIENCE, STANDING, Places
from shared.overload.priority import Priority


def waiting(places: Places, order: list[str], name: str, priority: Priority, now: float) -> None:
    places.wait(priority, now, lambda yes: order.append(name) if yes else order.append(f"-{name}"))


def test_newest_goes_first_once_the_line_stands_longer_than_people_wait() -> None:
    order: list[str] = []
    places = Places(most=1, line=9, transfers=1)
    assert places.enter(Priority.READ)
    for number in range(4):
        waiting(places, order, str(number), Priority.READ, number / 10)
    places.leave(Priority.READ, 0.5)
    assert order == ["0"]
    places.leave(Priority.READ, PATIENCE[Priority.READ] * STANDING + 0.2)
    places.leave(Priority.READ, PATIENCE[Priority.READ] * STANDING + 0.2)
    assert order == ["0", "3", "2"]


@pytest.mark.parametrize("newcomer", [Priority.SUBMIT, Priority.READ])
def test_full_line_sends_away_the_oldest_of_what_matters_least(newcomer: Priority) -> None:
    order: list[str] = []
    places = Places(most=1, line=2, transfers=1)
    assert places.enter(Priority.READ)
    waiting(places, order, "a", Priority.READ, 0)
    waiting(places, order, "b", Priority.READ, 0.1)
    waiting(places, order, "c", newcomer, 0.2)
    assert order == ["-a"]
    assert places.wait(Priority.LATER, 0.3, lambda _: None) is None


def test_what_another_door_let_in_waits_in_any_line() -> None:
    places = Places(most=1, line=0, transfers=1)
    assert places.enter(Priority.READ)
    assert places.wait(Priority.READ, 0, lambda _: None) is None
    assert places.wait(Priority.READ, 0, lambda _: None, sure=True) is not None


def test_an_act_costs_no_more_in_a_long_line() -> None:
    def cost(length: int) -> float:
        places = Places(most=1, line=10**6, transfers=1)
        places.enter(Priority.READ)
        line = [places.wait(Priority.READ, n / length, lambda _: None) for n in range(length)]
        best = 1.0
        for turn in range(7):
            began = time.process_time()
            for number in range(100):
                mine = places.wait(Priority.READ, 1.0, lambda _: None)
                assert mine is not None
                places.give_up(mine)
                if (one := line[(turn * 100 + number) % length]) is not None:
                    places.give_up(one)
                places.leave(Priority.READ, 1.0 + number / 1000)
            best = min(best, time.process_time() - began)
        return best

    assert cost(50_000) < 8 * cost(1_000)

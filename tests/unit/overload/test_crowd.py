"""The line of people: nobody is overtaken, whatever dies meanwhile, and no act costs more because the line is long."""

import random
import time
from collections import OrderedDict
from itertools import combinations

import pytest

from shared.overload import crowd
from shared.overload.crowd import Class, Crowd, again
from shared.overload.level import Level


def full(level: float = 0) -> Crowd:
    """A line that stands, with room for so many."""
    people = Crowd(Level(least=0, most=crowd.MOST))
    people.level.value = level
    return people


class Calls(OrderedDict[str, float]):
    """Those who were let in while away, and when each was."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def __setitem__(self, name: str, until: float) -> None:
        self.at.setdefault(name, until - crowd.UNCLAIMED)
        super().__setitem__(name, until)


def noted(people: Crowd) -> Calls:
    """Note who is let in when."""
    people._called = calls = Calls()
    return calls


def kendall(order: list[tuple[float, float]]) -> float:
    """τ between the two instants of each, of a sample that leaves chance no room."""
    agree = sum((a[0] - b[0]) * (a[1] - b[1]) > 0 for a, b in combinations(order, 2))
    differ = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(order, 2))
    return (agree - differ) / (agree + differ)


def test_classes_go_first_and_within_one_the_first_arrival() -> None:
    people = full()
    for name, kind, first in (
        ("d", Class.NEW, 1),
        ("c", Class.NEW, 0),
        ("b", Class.GOING_ON, 5),
        ("a", Class.TYPING, 9),
    ):
        place = people.ask(name, kind, first, 10)
        assert place is not None
    assert [name for _, _, name in people._line] == ["a", "b", "c", "d"]
    told = people.ask("d", Class.NEW, 1, 11)
    assert told is not None
    assert told.before == 3


def test_asking_again_changes_nothing_but_somebody_who_types_moves_up() -> None:
    people = full()
    people.ask("a", Class.GOING_ON, 1, 1)
    people.ask("b", Class.GOING_ON, 2, 2)
    for now in range(3, 30):
        # A place that pretends to be earlier is known already.
        told = people.ask("b", Class.NEW, 0, now)
        assert told is not None
        assert told.before == 1
    told = people.ask("b", Class.TYPING, 2, 30)
    assert told is not None
    assert told.before == 0
    assert people.in_line == 2


def test_whoever_is_in_stays_in_until_done_or_idle() -> None:
    people = full(1)
    assert people.ask("a", Class.NEW, 0, 0) is None
    for now in range(0, 1000, 100):
        assert people.ask("a", Class.NEW, 0, now) is None
        assert people.ask("b", Class.NEW, 1, now) is not None
    people.done("a")
    assert people.ask("b", Class.NEW, 1, 901) is None
    assert people.ask("c", Class.NEW, 2, 901) is not None
    # Somebody who was let in and sleeps.
    assert people.ask("c", Class.NEW, 2, 901 + crowd.IDLE + 1) is None


def test_whoever_was_called_and_does_not_come_leaves_the_place_to_the_next() -> None:
    people = full()
    people.ask("a", Class.NEW, 0, 0)
    people.ask("b", Class.NEW, 1, 0)
    people.level.value = 1
    people.call(1)
    assert people.ask("b", Class.NEW, 1, 2) is not None
    assert people.ask("b", Class.NEW, 1, 2 + crowd.UNCLAIMED) is None


def test_whoever_closes_the_window_is_no_longer_counted() -> None:
    people = full()
    for name in "abc":
        people.ask(name, Class.NEW, 0, 0)
    told = people.ask("d", Class.NEW, 1, crowd.GONE + 1)
    assert told is not None
    assert (told.before, people.in_line) == (0, 1)


def kind_of(name: str) -> Class:
    """A tenth types and three go on with what they began; the others are new."""
    last = int(name) // 2 % 10
    return Class.TYPING if last == 0 else Class.GOING_ON if last < 4 else Class.NEW


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_overtaken_by_ten_thousand_at_two_gateways_of_which_one_is_killed(seed: int) -> None:
    chance = random.Random(seed)
    gateways = [full(), full()]
    calls = [noted(gateway) for gateway in gateways]
    arrivals = sorted(chance.uniform(0, 60) for _ in range(10_000))
    first = {f"{n:05d}": at for n, at in enumerate(arrivals)}
    events = [(at, name) for name, at in first.items()]
    waiting: dict[str, float] = {}
    now = 0.0
    while now < 400:
        now += 1.0
        due = [name for at, name in events if now - 1 <= at < now] + [n for n, at in waiting.items() if at < now]
        if now == 90:
            # One gateway dies with its line; the arrivals are in the cookies.
            gateways.pop()
        for name in due:
            gateway = gateways[int(name) % len(gateways)]
            place = gateway.ask(name, kind_of(name), first[name], now)
            waiting.pop(name, None)
            if place is not None:
                waiting[name] = now + again(place.seconds, chance.random())
        for gateway in gateways:
            gateway.level.value = gateway.inside + 35 * (3 - len(gateways))
            gateway.call(now)
    let_in: dict[str, float] = {}
    for each in calls:
        for name, at in each.at.items():
            let_in[name] = min(at, let_in.get(name, at))
    assert len(let_in) > 9_500
    for kind in Class:
        order = [(first[name], let_in[name]) for name in sorted(let_in) if kind_of(name) is kind]
        assert kendall(chance.sample(order, min(900, len(order)))) >= 0.99, kind


def test_time_to_go_is_honest_within_a_third_at_the_median() -> None:
    people, chance = full(), random.Random(3)
    calls = noted(people)
    told: dict[str, tuple[float, float]] = {}
    off = []
    for second in range(600):
        now = float(second)
        if second < 200:
            for number in range(10):
                place = people.ask(f"{second}-{number}", Class.NEW, now + number / 100, now + number / 100)
                if place is not None and second > 60:
                    told[f"{second}-{number}"] = (now, place.seconds)
        for name in list(people._places):
            if chance.random() < 1 / 20:
                people.ask(name, Class.NEW, people._places[name][1], now)
        people.level.value = people.inside + chance.randint(3, 7)
        people.call(now)
    for name, (at, seconds) in told.items():
        if name in calls.at:
            took = calls.at[name] - at
            off.append(abs(seconds - took) / max(took, 1.0))
    assert len(off) > 500
    assert sorted(off)[len(off) // 2] <= 1 / 3


def test_an_act_costs_no_more_in_a_long_line() -> None:
    def cost(length: int) -> float:
        people = full()
        for number in range(length):
            people.ask(f"{number}", Class.NEW, float(number), float(number) / length)
        best = 1.0
        for _ in range(7):
            began = time.process_time()
            for number in range(300):
                people.ask(f"{number * 7}", Class.NEW, 0.0, 1.0)
                people.ask(f"new{number}", Class.NEW, 0.5, 1.0)
            best = min(best, time.process_time() - began)
        return best

    # Fifty times as many.
    assert cost(50_000) < 8 * cost(1_000)


def test_when_to_come_again_grows_with_the_line_and_is_spread() -> None:
    assert again(0, 0) == crowd.SOONEST
    assert again(30, 0) < again(50, 0) < again(10_000, 0) == crowd.LATEST
    assert len({again(10_000, chance / 10) for chance in range(11)}) > 8


def test_line_forms_after_some_bad_seconds_and_ends_after_some_calm_ones() -> None:
    people = Crowd()
    for number in range(100):
        people.seen(f"{number}", 0)

    def second(now: float, waited: float) -> None:
        for _ in range(10):
            people.level.note(waited)
        people.judge(now)

    for now in range(1, crowd.SLOW):
        second(now, 1.0)
        assert not people.line_stands
    second(crowd.SLOW, 1.0)
    assert people.line_stands
    assert people.level.value == pytest.approx(90)
    assert people.ask("new", Class.NEW, 6, 6) is not None
    for number in range(50):
        people.done(f"{number}")
    for now in range(7, 30):
        second(now, 0.0)
    assert not people.line_stands

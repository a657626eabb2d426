"""The model that says how many of each process a night needs."""

import json

import pytest

from tests.load import capacity
from tests.load.capacity import SERVING, Costs, afterwards, connections, enough, megabits, play
from tests.load.rehearsal.plan import Options, enterprises

NIGHT = Options(enterprises=120, minutes=1.0)
PEOPLE = enterprises(NIGHT)


@pytest.fixture(scope="module")
def costs() -> Costs:
    return capacity.read(json.loads(capacity.COSTS.read_text(encoding="utf-8")))


def test_every_step_has_a_cost_and_the_shares_are_whole(costs: Costs) -> None:
    assert {costs.of(step, argument) for one in PEOPLE for step, argument, _ in one.steps} - {0.0}
    assert sum(costs.shares.values()) == pytest.approx(1.0)


def test_material_costs_what_all_do_where_a_night_did_not_measure_each(costs: Costs) -> None:
    plain = Costs({"open": 0.018, "open contact": 0.0, "submit": 0.035}, costs.shares, costs.afterwards)
    assert (plain.of("open", "company"), plain.of("open", "contact"), plain.of("submit_late", "")) == (
        0.018,
        0.0,
        0.035,
    )


def test_nobody_waits_where_there_is_enough_and_many_where_there_is_not(costs: Costs) -> None:
    plenty = play(PEOPLE, NIGHT.seconds, costs, dict.fromkeys(SERVING, 50))
    in_time = sum(step == "submit" for one in PEOPLE for step, _, _ in one.steps)
    assert len(plenty.submits) == in_time
    assert plenty.p99() < 0.5
    dear = Costs({step: cost * 20 for step, cost in costs.steps.items()}, costs.shares, costs.afterwards)
    assert play(PEOPLE, NIGHT.seconds, dear, dict.fromkeys(SERVING, 1)).p99() > 10


def test_no_process_does_more_than_it_can(costs: Costs) -> None:
    night = play(PEOPLE, NIGHT.seconds, costs, dict.fromkeys(SERVING, 1))
    # A step that began in one minute is counted there whole.
    assert max(max(values) for values in night.busy.values()) <= 1.01


def test_dearer_steps_need_more_processes(costs: Costs) -> None:
    dear = Costs({step: cost * 10 for step, cost in costs.steps.items()}, costs.shares, costs.afterwards)
    few, many = enough(PEOPLE, NIGHT.seconds, costs), enough(PEOPLE, NIGHT.seconds, dear)
    assert all(size == 2 for size in few.sizes.values())
    assert sum(many.sizes.values()) > sum(few.sizes.values())
    assert many.p99() <= capacity.PROMISE
    assert max(max(values) for values in many.busy.values()) <= 0.75


def test_what_is_made_afterwards_is_done_half_an_hour_after_the_close(costs: Costs) -> None:
    workers = afterwards(costs, 50_000)
    assert workers["documents"] * 1800 * 0.6 >= costs.afterwards["documents"] * 50_000
    assert afterwards(costs, 10) == {"documents": 2, "notify-worker": 2}


def test_pools_are_added_up_and_files_too() -> None:
    small, large = (
        connections({"gateway": 2, "applications": 2, "notify-worker": 2}),
        connections({"gateway": 7, "applications": 9, "notify-worker": 2}),
    )
    assert large - small == 5 * 11 + 7 * 23
    assert megabits(PEOPLE, NIGHT.seconds) > 0


def test_model_is_compared_with_a_night(costs: Costs) -> None:
    """A night that went as the model says is said to have."""
    night = play(PEOPLE, NIGHT.seconds, costs, dict.fromkeys(SERVING, capacity.MANY))
    minutes = [
        {
            "at": 60.0 * n,
            "refused": 0,
            "cpu": {kind: night.busy[kind][n] * capacity.MANY for kind in SERVING} | {"valkey": 0.0},
        }
        for n in range(3)
    ]
    minutes[2]["refused"] = 5
    shares = {kind: costs.shares[kind] for kind in SERVING}
    report = {
        "options": {"enterprises": 120, "minutes": 1.0, "of a later release": 1},
        "cpu": shares | {"valkey": 0.0},
        "cost": dict(costs.afterwards),
        "weights": dict(costs.steps),
        "minutes": minutes,
    }
    found = capacity.check(report)
    assert [at for at, _, _ in found] == [0.0, 60.0]
    assert all(said == pytest.approx(measured) for _, measured, said in found)

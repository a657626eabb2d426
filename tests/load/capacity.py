"""Say how many of each process a night needs: `python -m tests.load.capacity --enterprises 20000 --minutes 10`.

A model of people, processes and servers in virtual time (simpy). People are those of the rehearsal (`rehearsal.plan`), who come when they
had planned to. A step costs what it cost on a quiet system in a rehearsal (`costs.json`, or the report that `--report` names), split among
gateway, applications and PostgreSQL as that night was. A process serves one step at a time, the longest waiting first.

What a model cannot know: that CPU becomes dearer where more processes than cores want it, what a slow disk does, and what a door refuses.
So it answers for a system that is large enough, and says from when on it is.
"""

import argparse
import json
import math
import random
from collections import defaultdict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import simpy

from deploy.embedded.system import ROOT
from services.applications.settings import ApplicationsSettings
from shared.overload import sizing
from tests.load.rehearsal import charts
from tests.load.rehearsal.measure import DRAIN_SECONDS, TARGET_LOAD, percentile
from tests.load.rehearsal.plan import Enterprise, Options, enterprises

COSTS = Path(__file__).with_name("costs.json")
REPORT = ROOT / "var" / "reports" / "capacity.html"
# What people wait for, in the order in which a step meets it; Valkey's work is counted as the database's.
SERVING = ("gateway", "applications", "postgres")
# What is made behind their backs; the relay is small and is with them.
AFTERWARDS = ("documents", "notify-worker")
# 提交申请 is answered within two seconds for 99 of 100, in the last minute as well.
PROMISE, LAST = 2.0, 60.0
# A step's cost varies; this is the deviation of its logarithm.
SPREAD = 0.4
# What is played for those who plan: everybody in the last ten minutes.
NIGHTS, MINUTES = (500, 1000, 2000, 3000, 5000, 10_000, 20_000), 10.0
# So many that nobody waits.
MANY = 10**6
# How many steps further the search goes at most.
ROUNDS = 12
# Kept by each process beside its pool: notices of published forms, changes of sessions (docs/operating/install.md).
MORE_CONNECTIONS = {"gateway": 1, "applications": 1, "relay": 1}
POOL = {
    "gateway": 10,
    "applications": ApplicationsSettings.model_fields["database_pool_size"].default,
    "relay": ApplicationsSettings.model_fields["database_pool_size"].default,
    "notify": 10,
    "notify-worker": 10,
}


@dataclass(frozen=True)
class Costs:
    """CPU seconds: of each step (`save company`, or `submit`), all serving processes together; each kind's share of them; what one
    enterprise costs of the kinds that work afterwards."""

    steps: Mapping[str, float]
    shares: Mapping[str, float]
    afterwards: Mapping[str, float]

    def of(self, step: str, argument: str) -> float:
        """What a step costs; a late submission costs what one in time does, and a material what all do where a night did not measure each."""
        step = step.removesuffix("_late")
        named = f"{step} {argument}"
        return self.steps[named if named in self.steps else step]


def read(report: Mapping[str, Any]) -> Costs:
    """Take the costs out of a rehearsal's report."""
    cpu, cost = report["cpu"], report["cost"]
    spent = {kind: cpu[kind] for kind in SERVING}
    spent["postgres"] += cpu["valkey"]
    whole = sum(spent.values())
    return Costs(
        steps=report["weights"],
        shares={kind: value / whole for kind, value in spent.items()},
        afterwards={kind: cost[kind] for kind in AFTERWARDS},
    )


@dataclass
class Night:
    """What a night was like. `busy`: for each kind, the share of its processes that was busy in each minute; `submits`: when each
    submission was planned, in seconds before the close, and how long it took."""

    sizes: Mapping[str, int]
    busy: dict[str, list[float]]
    submits: list[tuple[float, float]] = field(default_factory=list)

    def p99(self) -> float:
        """The 99th percentile of 提交申请 in the last minute, from the planned instant, in seconds."""
        return percentile([took for before, took in self.submits if 0 <= before <= LAST], 0.99)


def play(people: list[Enterprise], seconds: float, costs: Costs, sizes: Mapping[str, int], seed: int = 1) -> Night:
    """Let everybody go their way through processes of these numbers."""
    world = simpy.Environment()
    servers = {kind: simpy.Resource(world, capacity=sizes[kind]) for kind in SERVING}
    chance = random.Random(seed)
    spent: dict[str, dict[int, float]] = {kind: defaultdict(float) for kind in SERVING}
    night = Night(sizes, {})

    def go(one: Enterprise) -> Generator[simpy.Event, Any, None]:
        for step, argument, due in one.steps:
            # Who waited for an answer does the next thing later than planned.
            if due > world.now:
                yield world.timeout(due - world.now)
            # Mean 1, whatever the spread.
            cost = costs.of(step, argument) * chance.lognormvariate(-(SPREAD**2) / 2, SPREAD)
            for kind in SERVING:
                with servers[kind].request() as place:
                    yield place
                    here = cost * costs.shares[kind]
                    spent[kind][int(world.now // 60)] += here
                    yield world.timeout(here)
            if step == "submit":
                night.submits.append((seconds - due, world.now - due))

    for one in people:
        world.process(go(one))
    world.run()
    minutes = math.ceil(seconds / 60)
    night.busy = {
        kind: [by_minute.get(minute, 0.0) / 60 / sizes[kind] for minute in range(minutes)]
        for kind, by_minute in spent.items()
    }
    return night


def enough(people: list[Enterprise], seconds: float, costs: Costs) -> Night:
    """Find how many of each kind answer 提交申请 as promised with `TARGET_LOAD` of each busy at most in its busiest minute, two at least."""
    sizes = dict.fromkeys(SERVING, MANY)
    # With no end of processes nobody waits: what each kind is asked for.
    wanted = play(people, seconds, costs, sizes).busy
    for kind in SERVING:
        sizes[kind] = max(2, math.ceil(max(wanted[kind]) * MANY / TARGET_LOAD))
    for _ in range(ROUNDS):
        night = play(people, seconds, costs, sizes)
        if night.p99() <= PROMISE:
            return night
        worst = max(SERVING, key=lambda kind: max(night.busy[kind]))
        sizes[worst] += 1
    return night


def check(report: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    """Compare the model with the night that a report is of: for each minute in which nobody was refused, its second, the cores that
    serving processes kept busy, and those that the model says."""
    known = Options.__dataclass_fields__
    options = Options(**{name: value for name, value in report["options"].items() if name in known})
    costs = read(report)
    night = play(enterprises(options), options.seconds, costs, dict.fromkeys(SERVING, MANY))
    found = []
    for n, minute in enumerate(report["minutes"]):
        if minute["refused"] or minute["at"] + 60 > options.seconds:
            continue
        measured = sum(minute["cpu"][kind] for kind in (*SERVING, "valkey"))
        found.append((minute["at"], measured, sum(night.busy[kind][n] * MANY for kind in SERVING)))
    return found


def afterwards(costs: Costs, submitted: int) -> dict[str, int]:
    """How many workers have everything made half an hour after the close, two at least; they rest before it."""
    return {
        kind: max(2, math.ceil(costs.afterwards[kind] * submitted / (DRAIN_SECONDS * TARGET_LOAD)))
        for kind in AFTERWARDS
    }


def connections(sizes: Mapping[str, int]) -> int:
    """What PostgreSQL has to take with every pool full; of relay and notify two each."""
    all_ = {"relay": 2, "notify": 2, **sizes}
    return sum(all_.get(kind, 0) * (size + MORE_CONNECTIONS.get(kind, 0)) for kind, size in POOL.items())


def megabits(people: list[Enterprise], seconds: float) -> float:
    """The files of the busiest minute, as megabits a second."""
    minutes: dict[int, int] = defaultdict(int)
    for one in people:
        # The largest file goes with the second material; the others are small beside it.
        due = next(due for step, argument, due in one.steps if (step, argument) == ("attach", "company"))
        if due < seconds:
            minutes[int(due // 60)] += one.file_bytes
    return max(minutes.values(), default=0) * 8 / 60 / 1e6


def table(options: Options, people: list[Enterprise], night: Night, costs: Costs) -> list[tuple[str, str]]:
    """What the night needs, a line each."""
    workers = afterwards(costs, len(people))
    sizes = {**night.sizes, **workers}
    busiest = {kind: max(values) for kind, values in night.busy.items()}
    return [
        ("企业", f"{options.people:,}"),
        ("最后几分钟", f"{options.minutes:g}"),
        ("gateway（进程，各占一核）", f"{sizes['gateway']}，最忙的一分钟 {busiest['gateway']:.0%}"),
        ("applications（进程，各占一核）", f"{sizes['applications']}，最忙的一分钟 {busiest['applications']:.0%}"),
        ("PostgreSQL 与 Valkey（核）", f"{sizes['postgres']}，最忙的一分钟 {busiest['postgres']:.0%}"),
        (
            "documents、notify-worker（进程，截止后半小时内做完）",
            f"{workers['documents']}、{workers['notify-worker']}",
        ),
        ("PostgreSQL 连接数（连接池全满）", f"{connections(sizes):,}"),
        ("上传带宽（最忙的一分钟，Mbit/s）", f"{megabits(people, options.seconds):,.0f}"),
        ("提交申请，最后一分钟 p99（秒）", f"{night.p99():.2f}，承诺 {PROMISE:g}"),
    ]


def write_sizes(costs: Costs) -> None:
    """Play nights of several sizes and keep what each needs, for whoever plans the coming days (`shared.overload.sizing`)."""
    steps = []
    for number in NIGHTS:
        options = Options(enterprises=number, minutes=MINUTES)
        people = enterprises(options)
        night = enough(people, options.seconds, costs)
        workers = afterwards(costs, len(people))
        steps.append({"enterprises": number, **{k: {**night.sizes, **workers}[k] for k in sizing.PROCESSES}})
        print(steps[-1], flush=True)
    kept = {"minutes": MINUTES, "steps": steps}
    sizing.SIZES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enterprises", type=int, default=20000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--report", type=Path, default=COSTS)
    parser.add_argument("--check", action="store_true", help="compare the model with the night of --report")
    parser.add_argument(
        "--write-sizes", action="store_true", help="play nights of several sizes for shared/overload/sizes.json"
    )
    given = parser.parse_args()
    if given.check:
        for at, measured, said in check(json.loads(given.report.read_text(encoding="utf-8"))):
            print(f"{at:6.0f} s  {measured:5.2f} {said:5.2f}  {said / measured:5.2f}")
        return
    if given.write_sizes:
        write_sizes(read(json.loads(given.report.read_text(encoding="utf-8"))))
        return
    options = Options(enterprises=given.enterprises, minutes=given.minutes)
    costs = read(json.loads(given.report.read_text(encoding="utf-8")))
    people = enterprises(options)
    night = enough(people, options.seconds, costs)
    rows = table(options, people, night, costs)
    for name, value in rows:
        print(f"{name:<34} {value}")
    series: charts.Series = {
        kind: [(60.0 * n, share) for n, share in enumerate(values)] for kind, values in night.busy.items()
    }
    drawn = charts.lines(series, unit="忙的进程所占比例", mark=options.seconds, mark_label="截止")
    lines = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(
        f"<!doctype html><meta charset=utf-8><title>容量</title><table>{lines}</table>{drawn}", encoding="utf-8"
    )
    print(REPORT)


if __name__ == "__main__":
    main()

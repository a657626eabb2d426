"""From the crowd's steps and the samples to the figures of the report."""

import json
import math
import os
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.load.rehearsal import answered
from tests.load.rehearsal.plan import PEAK_FACTOR
from tests.unit.overload import night

# CPU seconds that an answer costs on a quiet system, all processes together: the weights of useful work where a night did not measure its own
# (`costs.weights`), as the simulation has them.
COST = {step: cost for step, (cost, _) in night.COST.items()}
# How busy a process may be on deadline night, and within how long after the close the last PDF is to be there.
TARGET_LOAD = 0.6
# When a system is itself again: with this share of its useful work, for so many seconds.
BACK, BACK_WINDOW = 0.9, 10.0
DRAIN_SECONDS = 1800
SIZES = (500, 1000, 2000, 5000, 10000)
KINDS = {
    "gateway": "gateway",
    "applications": "applications",
    "relay": "relay",
    "documents": "documents",
    "notify": "notify",
    "notify-worker": "notify-worker",
}


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def by_step(steps: list[dict[str, Any]], weights: dict[str, float] = COST) -> list[dict[str, Any]]:
    """Latency from the intended start, faults and the weight in milliseconds, for each kind of step."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for step in steps:
        grouped[step["step"]].append(step)
    found = []
    for name, each in grouped.items():
        took = [s["ended"] - s["due"] for s in each if not s["fault"]]
        found.append(
            {
                "step": name,
                "count": len(each),
                "failed": sum(bool(s["fault"]) and not told_later(s) for s in each),
                "repeated": sum(len(s["answers"]) > 1 and any(_again(a) for a in s["answers"]) for s in each),
                **{f"p{int(p * 100)}": round(percentile(took, p), 3) for p in (0.5, 0.95, 0.99)},
                "max": round(max(took, default=0.0), 3),
                "quiet_ms": round(mean_weight(weights, name) * 1000, 1),
            }
        )
    return found


def told_later(step: dict[str, Any]) -> bool:
    """Tell whether somebody who wanted a PDF had no other answer than to come again later, which is what people are told while others stand in
    line: nothing went wrong, if the PDF is made."""
    return step["step"] == "pdf" and bool(step["fault"]) and step["answers"][-1:] == [[503, True]]


def _again(answer: list[Any]) -> bool:
    return answer[0] in {0, 429, 503}


def answers(steps: list[dict[str, Any]]) -> dict[str, int]:
    """How often each status was answered; what a person must never see among them."""
    counted: dict[str, int] = defaultdict(int)
    for step in steps:
        for status, retry_after in step["answers"]:
            name = "没有应答" if status == 0 else str(status)
            if status >= 500 and not (status == 503 and retry_after):
                name += "（不应出现）"
            counted[name] += 1
    return dict(sorted(counted.items()))


def over_time(steps: list[dict[str, Any]], seconds: float, slots: int = 60) -> list[dict[str, float]]:
    """Submissions per slot of time, so many slots to `seconds`: how many were due, how many were answered, and how long
    they took."""
    width = max(seconds / slots, 0.25)
    due: dict[int, list[float]] = defaultdict(list)
    done: dict[int, int] = defaultdict(int)
    for step in steps:
        if step["step"] == "submit" and not step["fault"]:
            due[int(step["due"] / width)].append(step["ended"] - step["due"])
            done[int(step["ended"] / width)] += 1
    last = max([*due, *done], default=0)
    return [
        {
            "at": round(slot * width, 2),
            "due": round(len(due[slot]) / width, 2),
            "answered": round(done[slot] / width, 2),
            "p50": round(percentile(due[slot], 0.5), 3),
            "p99": round(percentile(due[slot], 0.99), 3),
        }
        for slot in range(last + 1)
    ]


def promised(steps: list[dict[str, Any]], close: float) -> dict[str, int]:
    """Who had everything saved and came to 提交申请 in time: how many, and how many of them did not get in; and how many others were still on
    their way at the close."""
    late = {s["who"] for s in steps if s["step"] == "submit_late"}
    came = {s["who"] for s in steps if s["step"] in {"look_over", "submit"} and s["began"] <= close} - late
    done = {s["who"] for s in steps if s["step"] == "submit" and not s["fault"]}
    everybody = {s["who"] for s in steps if s["step"] != "return"} - late
    return {"in_time": len(came), "missed": len(came - done), "in_line": len(everybody - came - done)}


def useful_share(minutes: list[dict[str, Any]], key: str = "useful") -> float:
    """Return the useful work of the last minute before the close over that of the best one.

    `key`: `useful` as counted, or `useful_at_pace` as the same machine would have done it at one pace.
    """
    before = [minute[key] for minute in minutes[:-1]]
    return round(before[-1] / max(before), 2) if before and max(before) else 0.0


def _at_pace(minutes: list[dict[str, Any]]) -> None:
    """Add to each minute `useful_at_pace`: its useful work, had the machine worked as fast as in its fastest minute and had its host taken
    nothing away."""
    fastest = max((minute["pace"] for minute in minutes), default=0.0)
    for minute in minutes:
        left = 1 - minute["stolen"] / (os.cpu_count() or 1)
        minute["pace"] = round(minute["pace"] / fastest, 3) if fastest else 1.0
        minute["useful_at_pace"] = round(minute["useful"] / (minute["pace"] * left or 1.0), 2)


def weight_of(step: str, section: str) -> str:
    """The name of a step's weight: what is done of a section costs by which section it is."""
    return f"{step} {section}".strip()


def mean_weight(weights: dict[str, float], step: str) -> float:
    """The weight of a step, the mean over its sections; 0 where it has none."""
    found = [weight for name, weight in weights.items() if name.split()[0] == step]
    return sum(found) / len(found) if found else 0.0


def _useful(step: dict[str, Any], weights: dict[str, float]) -> float:
    return weights.get(weight_of(step["step"], step.get("of", "")), weights.get(step["step"], 0.0))


def back_after(
    steps: list[dict[str, Any]], weights: dict[str, float], began: float, ended: float, within: float
) -> float | None:
    """Return how many seconds after the end of a time with fewer cores useful work was again nine tenths of what it was in the minute before it:
    the beginning of the first ten seconds that were so. None where it was not `within` so many seconds."""

    def useful(begin: float, end: float) -> float:
        return sum(_useful(s, weights) for s in steps if not s["fault"] and begin <= s["ended"] < end) / (
            end - begin
        )

    usual = BACK * useful(began - 60, began)
    latest = int(within - BACK_WINDOW)
    return next((float(n) for n in range(latest + 1) if useful(ended + n, ended + n + BACK_WINDOW) >= usual), None)


def minutes(
    steps: list[dict[str, Any]],
    samples: list[dict[str, Any]],
    close: float,
    weights: dict[str, float] = COST,
) -> list[dict[str, Any]]:
    """What was done in each minute: useful work in CPU seconds of a quiet system, refusals, people, and the share of one core that each kind of
    process had. The last of them ends with the close; what comes after it is a minute of its own.

    `done`: steps that succeeded, by kind; `answered`: requests a minute by service and kind of answer.
    `pace`: how often fixed work was done in a CPU second, the fastest minute being 1; `stolen`: cores that the host kept; `useful_at_pace`: useful work with
    both taken into account.
    """
    count = math.ceil(close / 60)
    # Whole minutes backwards from the close.
    first = close - 60 * count
    found = []
    for minute in range(count + 1):
        begin, end = first + 60 * minute, first + 60 * (minute + 1)
        inside = [s for s in samples if begin <= s["at"] < end]
        people = [s.get("people", {}) for s in inside]
        done = [s for s in steps if not s["fault"] and begin <= s["ended"] < end]
        found.append(
            {
                "at": round(begin, 1),
                "useful": round(sum(_useful(s, weights) for s in done), 2),
                "done": dict(Counter(s["step"] for s in done)),
                "answered": _answered(inside),
                "refused": sum(begin <= at < end for s in steps for at in s.get("refused", ())),
                "in": max((p.get("gm_people_in", 0.0) for p in people), default=0.0),
                "in_line": max((p.get("gm_people_in_line", 0.0) for p in people), default=0.0),
                "cpu": _cpu(inside),
                "pace": statistics.median([s["pace"] for s in inside if "pace" in s] or [0.0]),
                "stolen": _stolen(inside),
            }
        )
    _at_pace(found)
    return found


def _answered(samples: list[dict[str, Any]]) -> answered.Answered:
    asked = [s for s in samples if s.get("answered")]
    if len(asked) < 2:
        return {}
    first, last = asked[0], asked[-1]
    return answered.a_minute(first["answered"], last["answered"], last["at"] - first["at"])


def _stolen(samples: list[dict[str, Any]]) -> float:
    """Return how many cores the host kept from this machine between the first sample and the last."""
    inside = [s for s in samples if "stolen" in s]
    if len(inside) < 2:
        return 0.0
    first, last = inside[0], inside[-1]
    return round((last["stolen"] - first["stolen"]) / (last["at"] - first["at"]), 3)


def _cpu(samples: list[dict[str, Any]]) -> dict[str, float]:
    if len(samples) < 2:
        return {}
    first, last = samples[0], samples[-1]
    took = last["at"] - first["at"]
    return {
        name: round((now["cpu"] - first["processes"].get(name, {}).get("cpu", 0.0)) / took, 2)
        for name, now in last["processes"].items()
    }


def capacity(
    cpu: dict[str, float], enterprises: int, sizes: tuple[int, ...] = SIZES
) -> tuple[dict[str, float], list[dict[str, int]]]:
    """CPU seconds that one enterprise costs each kind of process, and how many of each a last hour needs.

    What people wait for is sized for the peak (the rate of the closing minute, `PEAK_FACTOR` times the mean), what
    is made behind their backs for the sum, done by `DRAIN_SECONDS` after the close.
    """
    cost: dict[str, float] = defaultdict(float)
    for name, spent in cpu.items():
        kind = next((k for k in sorted(KINDS, key=len, reverse=True) if name.startswith(k)), None)
        if kind is not None:
            cost[kind] += spent / enterprises
    plan = []
    for size in sizes:
        row = {"enterprises": size}
        for kind in KINDS:
            if kind in {"documents", "notify-worker"}:
                load = cost[kind] * size / (3600 + DRAIN_SECONDS)
            else:
                load = cost[kind] * size * PEAK_FACTOR / 3600
            # Two of each, so that one may be missing.
            row[kind] = max(2, math.ceil(load / TARGET_LOAD))
        plan.append(row)
    return {kind: round(value, 3) for kind, value in cost.items()}, plan

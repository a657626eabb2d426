"""Draw the last 24 hours of the queues and of the gateway's answers, and sum them by the hour for the table beside. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from services.gateway.operator.promise import Minute
from services.gateway.web import charts
from shared.contract.operations import QueueCurve

NAMES = {"render_document": "生成PDF", "notify": "通知"}


@dataclass(frozen=True)
class Hour:
    """An hour of all of it: requests that were answered and turned away, and of each queue what was done and the longest wait in seconds."""

    at: datetime
    answered: int
    refused: int
    done: list[int]
    waited: list[float]


def drawn(queues: Sequence[QueueCurve], answers: Sequence[Minute]) -> list[tuple[str, Markup]]:
    """Return the charts with what each shows; ten minutes a point."""
    at = _instants(queues[0])
    answered, refused = _sums(answers, at, _answered), _sums(answers, at, _refused)
    done = {NAMES.get(q.topic, q.topic): list(zip(at, q.done, strict=True)) for q in queues}
    waited = {
        NAMES.get(q.topic, q.topic): list(zip(at, map(round, q.waited_seconds), strict=True)) for q in queues
    }
    requests = {"已应答": list(zip(at, answered, strict=True)), "婉拒": list(zip(at, refused, strict=True))}
    return [
        (title, charts.over_time(title, series))
        for title, series in (
            ("每 10 分钟的请求数", requests),
            ("每 10 分钟完成的任务数", done),
            ("任务的最长等待（秒）", waited),
        )
    ]


def hours(queues: Sequence[QueueCurve], answers: Sequence[Minute]) -> list[Hour]:
    """Return the same by the hour, the latest first."""
    at = _instants(queues[0])
    answered, refused = _sums(answers, at, _answered), _sums(answers, at, _refused)
    found = []
    for n in range(0, len(at), 6):
        some = slice(n, n + 6)
        found.append(
            Hour(
                at=at[n],
                answered=sum(answered[some]),
                refused=sum(refused[some]),
                done=[sum(q.done[some]) for q in queues],
                waited=[max(q.waited_seconds[some]) for q in queues],
            )
        )
    return found[::-1]


def _instants(queue: QueueCurve) -> list[datetime]:
    return [queue.since + n * timedelta(minutes=10) for n in range(len(queue.done))]


def _answered(minute: Minute) -> int:
    return sum(cell.answered for cell in minute.cells.values())


def _refused(minute: Minute) -> int:
    return sum(cell.turned_away for cell in minute.cells.values())


def _sums(minutes: Sequence[Minute], at: Sequence[datetime], count: Callable[[Minute], int]) -> list[int]:
    found = [0] * len(at)
    for minute in minutes:
        place = (minute.at - at[0]) // timedelta(minutes=10)
        if 0 <= place < len(found):
            found[place] += count(minute)
    return found

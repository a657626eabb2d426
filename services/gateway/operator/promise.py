"""Judge by counts of minutes what was promised: which minutes were degraded, what of the promise is left, how long a round should
be extended. Pure: counts and instants are given.

The objectives are those of `deploy/observability/slo.yaml`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from services.gateway.web.minutes import Cell, Kind

# What people need to submit. Documents, exports and the bureau's lists yield on purpose.
JUDGED: tuple[Kind, ...] = ("submit", "write", "read", "transfer")
# A round is judged by so long before its close.
JUDGED_BEFORE = timedelta(hours=24)
# A minute is degraded where so many of its requests, and so great a share, were turned away, failed, or answered slowly.
DEGRADED_TIMES, DEGRADED_SHARE = 3, 0.02
# Minutes so near belong to one stretch.
STRETCH = timedelta(minutes=3)
# An extension is as long as what was degraded, in steps.
STEP = timedelta(minutes=30)
RULE = (
    "一分钟内，提交申请、保存、浏览和上传的请求中，婉拒、失败或答复过慢（提交申请和浏览超过 2 秒，保存超过 1 秒）的不少于 3 次且超过 2%，"
    "计为服务不畅的一分钟；建议延长的时间为服务不畅的分钟数之和，按半小时进位。"
)


@dataclass(frozen=True)
class Objective:
    """A promise about requests of a kind: at least `share` of them are answered at all, or, where `fast`, of those answered in time."""

    kind: Kind
    share: float
    fast: bool
    words: str


OBJECTIVES = (
    Objective("submit", 0.9995, False, "提交申请 99.95% 得到办理"),
    Objective("submit", 0.99, True, "提交申请 99% 在 2 秒内答复"),
    Objective("write", 0.999, False, "暂存和保存表单 99.9% 得到办理"),
    Objective("write", 0.99, True, "暂存和保存表单 99% 在 1 秒内答复"),
)


@dataclass
class Minute:
    """All answers of one minute, by kind."""

    at: datetime
    cells: dict[Kind, Cell] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(asked(self.cells[kind]) for kind in JUDGED if kind in self.cells)

    @property
    def bad(self) -> int:
        return sum(missed(self.cells[kind]) for kind in JUDGED if kind in self.cells)

    @property
    def degraded(self) -> bool:
        return self.bad >= DEGRADED_TIMES and self.bad > DEGRADED_SHARE * self.total


@dataclass(frozen=True)
class Stretch:
    """Degraded minutes that belong together; `minutes` counts the degraded ones, `until` is the end of the last."""

    since: datetime
    until: datetime
    minutes: int
    bad: int
    total: int


@dataclass(frozen=True)
class Kept:
    """What was kept of an objective. `left`: the share of what may be missed that is left, at least 0; None where nobody asked."""

    objective: Objective
    total: int
    bad: int

    @property
    def share(self) -> float | None:
        return None if self.total == 0 else 1 - self.bad / self.total

    @property
    def left(self) -> float | None:
        if self.total == 0:
            return None
        return max(0.0, 1 - self.bad / (self.total * (1 - self.objective.share)))


def asked(cell: Cell) -> int:
    return cell.answered + cell.turned_away + cell.failed


def missed(cell: Cell) -> int:
    return cell.slow + cell.turned_away + cell.failed


def kept(sums: Mapping[Kind, Cell]) -> list[Kept]:
    """Say for each objective how many asked, and for how many it was missed."""
    found = []
    for objective in OBJECTIVES:
        cell = sums.get(objective.kind, Cell())
        total, bad = (
            (cell.answered, cell.slow) if objective.fast else (asked(cell), cell.turned_away + cell.failed)
        )
        found.append(Kept(objective, total, bad))
    return found


def stretches(minutes: Iterable[Minute]) -> list[Stretch]:
    """Join degraded minutes, given in their order, to stretches."""
    found: list[Stretch] = []
    for one in minutes:
        if not one.degraded:
            continue
        until = one.at + timedelta(minutes=1)
        if found and one.at - found[-1].until <= STRETCH:
            last = found.pop()
            found.append(Stretch(last.since, until, last.minutes + 1, last.bad + one.bad, last.total + one.total))
        else:
            found.append(Stretch(one.at, until, 1, one.bad, one.total))
    return found


def extension(found: Iterable[Stretch]) -> timedelta:
    """How long a round should be extended for these stretches; nothing for none."""
    lost = timedelta(minutes=sum(one.minutes for one in found))
    return ceil(lost / STEP) * STEP


def bars(
    minutes: Iterable[Minute], since: datetime, until: datetime, width: timedelta
) -> list[tuple[datetime, int, int]]:
    """Sum answers and misses over stretches of one width: their beginning, answered, missed. Stretches without any are there too."""
    count = ceil((until - since) / width)
    sums = [[0, 0] for _ in range(count)]
    for one in minutes:
        if since <= one.at < until:
            place = sums[(one.at - since) // width]
            place[0] += one.total
            place[1] += one.bad
    return [(since + n * width, total, bad) for n, (total, bad) in enumerate(sums)]

"""Say what a case counts for in 统计. Pure: the sums over all cases are sums of this, and are proved by it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from services.applications.workflow import Action, State
from shared import clock

# A case's way, in its order: so many ever came so far.
WAY = (
    State.PENDING_ACCEPTANCE, State.FORM_REVIEW, State.EXPERT_REVIEW, State.DECISION, State.PROPOSED, State.APPROVED,
)  # fmt: skip
# Where a case spends time: days are counted once it has left.
STAGES = (
    State.PENDING_ACCEPTANCE, State.RETURNED, State.FORM_REVIEW, State.EXPERT_REVIEW, State.DECISION, State.PROPOSED,
    State.PUBLICITY,
)  # fmt: skip
# What a day's work is counted by.
LOAD = (
    Action.SUBMIT, Action.ACCEPT, Action.RETURN, Action.PASS, Action.REFUSE, Action.PROPOSE, Action.DECLINE, Action.APPROVE,
)  # fmt: skip
# 拟支持 and what follows from it: what has been promised or given.
SUPPORTED = frozenset({State.PROPOSED, State.PUBLICITY, State.APPROVED})
# Kinds whose cells hold sums of money beside their number.
WITH_SUMS = frozenset({"state", "direction"})
MOST_DAYS = 9999


class Move(NamedTuple):
    """A line of the audit: `to` is a state where it moved the case."""

    at: datetime
    action: str
    to: str | None


@dataclass(frozen=True)
class Case:
    """What is known of a case. `listed`: it stands on the bureau's list, for it was handed in and is not deleted. `reasons`: places of opinions
    that were sent, `section.field`; `form`: its type and version, `type.2`."""

    listed: bool
    state: str
    applied: Decimal
    approved: Decimal
    direction: str
    form: str
    moves: Sequence[Move]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Counts:
    """The cells a case is counted in, how often in each, and its sums."""

    applied: Decimal
    approved: Decimal
    cells: dict[tuple[str, str], int]


NOTHING = Counts(Decimal(0), Decimal(0), {})


def counts(case: Case) -> Counts:
    """Return what a case counts for; nothing of one that is not on the bureau's list."""
    if not case.listed:
        return NOTHING
    cells: Counter[tuple[str, str]] = Counter()
    cells["state", case.state] += 1
    cells["direction", case.direction] += 1
    cells["form", case.form] += 1
    for state in reached(case.moves, case.state):
        cells["reached", state] += 1
    for stage, days in days_spent(case.moves).items():
        cells["stage", f"{stage}:{days:04d}"] += 1
    for place in case.reasons:
        cells["reason", place] += 1
    for move in case.moves:
        if move.action in LOAD:
            cells["day", f"{clock.date_of(move.at).isoformat()}:{move.action}"] += 1
    approved = case.approved if case.state in SUPPORTED else Decimal(0)
    return Counts(case.applied, approved, dict(cells))


def reached(moves: Iterable[Move], state: str) -> set[str]:
    """Return the states of `WAY` that a case ever came to, each that comes before the furthest of them included: nobody is decided on who was not
    accepted before."""
    seen = {move.to for move in moves} | {state}
    if State.PUBLICITY in seen:
        seen.add(State.PROPOSED)
    furthest = max((n for n, step in enumerate(WAY) if step in seen), default=-1)
    return {str(step) for step in WAY[: furthest + 1]}


def days_spent(moves: Iterable[Move]) -> dict[str, int]:
    """Return the whole days that a case spent in each stage it has left, all its visits together; less than half a day is none."""
    spent: dict[str, timedelta] = {}
    state: str | None = None
    since: datetime | None = None
    for move in moves:
        if move.to is None or move.to == state:
            continue
        if state in STAGES and since is not None and state is not None:
            spent[state] = spent.get(state, timedelta()) + (move.at - since)
        state, since = move.to, move.at
    # A stage that the case is in again has not been left.
    return {
        stage: min(MOST_DAYS, round(time / timedelta(days=1))) for stage, time in spent.items() if stage != state
    }


def quantile(histogram: Sequence[tuple[int, int]], share: float) -> int | None:
    """Return the least value that `share` of all do not exceed, from (value, how many) in the values' order; None of nothing."""
    total = sum(n for _, n in histogram)
    wanted = max(1, ceil(total * share))
    for value, n in histogram:
        wanted -= n
        if wanted <= 0:
            return value
    return None

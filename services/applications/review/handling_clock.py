"""Count the working days that the bureau has had a case (办理时限). Pure.

The day on which a period begins is not counted (民法典 201), a day counts once, and time with the applicant, the experts or the public is not the
bureau's (行政许可法 45).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.applications.workflow import ENDED, State
from shared import clock

# Where a case waits for the bureau.
WITH_THE_BUREAU = frozenset({State.PENDING_ACCEPTANCE, State.FORM_REVIEW, State.DECISION, State.PROPOSED})


@dataclass(frozen=True)
class Handling:
    """Working days used, whether the clock runs now, and the last day where a limit is set and it runs; `over`: more were used than the
    limit."""

    used: int
    running: bool
    last_day: date | None
    over: bool


def handling(
    moves: Iterable[tuple[datetime, str]], now: datetime, is_working: Callable[[date], bool], limit: int
) -> Handling | None:
    """Return how long the bureau has had a case by its moves (when, into which state), oldest first; None for one that it never had. A `limit`
    of 0 is none."""
    counted: set[date] = set()
    since: date | None = None
    state: State | None = None
    had = False
    for at, to in moves:
        state = State(to)
        if state in WITH_THE_BUREAU:
            since = since or clock.date_of(at)
            had = True
        elif since is not None:
            counted |= _days(since, clock.date_of(at), is_working)
            since = None
    if not had:
        return None
    today = clock.date_of(now)
    if since is not None:
        counted |= _days(since, today, is_working)
    used, running = len(counted), since is not None
    over = bool(limit) and used > limit and state not in ENDED
    last = None
    if running and limit and not over:
        last = today
        for _ in range(limit - used):
            last = _next(last, is_working)
    return Handling(used, running, last, over)


def _days(begins: date, ends: date, is_working: Callable[[date], bool]) -> set[date]:
    days = (begins + timedelta(days=n) for n in range(1, (ends - begins).days + 1))
    return {day for day in days if is_working(day)}


def _next(day: date, is_working: Callable[[date], bool]) -> date:
    while True:
        day += timedelta(days=1)
        if is_working(day):
            return day

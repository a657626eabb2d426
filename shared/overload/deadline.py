"""How long whoever waits will still wait. The budget of a request shrinks on its way: each service passes on what is left,
and starts nothing when it has ended. An answer that was begun within it is waited for a little longer.

The header carries a duration and no instant, so that clocks need not agree.
"""

from contextvars import ContextVar
from time import monotonic

HEADER = "GM-Time-Left"
# What a service needs to say anything at all, and the most that anybody may ask for.
LEAST, MOST = 0.05, 60.0
# Kept back at each step, so that an answer still finds its caller.
MARGIN = 0.1
# How much longer than the budget a caller waits for an answer: what was begun within it is not thrown away because it is late.
FINISH = 3.0

_until: ContextVar[float | None] = ContextVar("deadline", default=None)
_budget: ContextVar[float] = ContextVar("budget", default=0.0)


def begin(seconds: float) -> None:
    """From now on this task's work is worth something for `seconds`."""
    _budget.set(min(seconds, MOST))
    _until.set(monotonic() + _budget.get())


def restart() -> None:
    """A slow line has brought a form at last: only now does its sender wait for us."""
    if _until.get() is not None:
        _until.set(monotonic() + _budget.get())


def forget() -> None:
    """This task is worth its end however long it takes: a file under way."""
    _until.set(None)


def read(header: str | None) -> float | None:
    """Return the seconds of a header; None without one, or with nonsense."""
    if not header or not header.isascii() or not header.isdecimal() or len(header) > 8:
        return None
    return int(header) / 1000


def left(most: float) -> float:
    """Return the seconds a step may take: `most`, or less when less is left. Never below `LEAST`, so that it can be a timeout."""
    until = _until.get()
    return most if until is None else max(LEAST, min(most, until - monotonic() - MARGIN))


def until_answered(most: float) -> float:
    """Return the seconds to wait for the answer to a call. The service that is called begins nothing after the budget has ended; what it
    has begun by then is waited for, for it costs as much whether anybody sees it or not."""
    return left(most) + FINISH


def over(needed: float = LEAST) -> bool:
    """Tell whether nobody will wait any more in so many seconds."""
    until = _until.get()
    return until is not None and until - monotonic() <= max(needed, LEAST)


def headers() -> dict[str, str]:
    """Return what is left, for the next service; nothing when there is no end."""
    until = _until.get()
    return {} if until is None else {HEADER: str(max(0, int((until - monotonic() - MARGIN) * 1000)))}

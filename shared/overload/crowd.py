"""Let people in, and then through: whoever is in has all requests served until they are done or idle for some minutes; the others
stand in one line by class and first arrival. Pure: no clock, no event loop; each instant is given in seconds.

Nobody is in line while nothing waits: then this only knows who is there.
"""

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum

from shared.overload.level import Level

# Whoever is in and does nothing for so long leaves the place to somebody else; whoever was let in and has not come yet, sooner.
IDLE, UNCLAIMED = 180.0, 50.0
# Whoever does not ask for so long has gone away; the first arrival is kept by the sealed place.
GONE = 100.0
# Once nobody was in line for so long, everybody is let in again.
CALM = 10.0
# When to ask again, in seconds: at least, at most, and the share of chance on top.
SOONEST, LATEST, SPREAD = 10, 30, 0.5
# People in line, and those of whom we know that they are in. More than come in a night.
MOST = 100_000
# How far back the pace of the line is measured.
PACE_SECONDS = 30.0
# The fewest that are in, and the seconds that requests wait too long before the line forms.
FEWEST, SLOW = 8, 5


class Class(IntEnum):
    """Who goes first in line: those who have typed something that is not saved, those who are signed in, newcomers."""

    TYPING = 0
    GOING_ON = 1
    NEW = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in line: how many go before, and in how many seconds the turn comes, as far as that can be told."""

    before: int
    seconds: float


class Crowd:
    """The people of one process. Names are opaque."""

    def __init__(self, level: Level | None = None) -> None:
        self.level = level or Level(least=FEWEST, most=MOST, slow=SLOW)
        # By name: when last seen, the longest ago first; and those who were let in while away, by the end of that.
        self._inside: OrderedDict[str, float] = OrderedDict()
        self._called: OrderedDict[str, float] = OrderedDict()
        # In order of class and first arrival; and by name, with when they last asked.
        self._line: list[tuple[int, float, str]] = []
        self._places: dict[str, tuple[int, float]] = {}
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._admitted: deque[float] = deque()
        self._calm_since: float | None = None

    @property
    def inside(self) -> int:
        return len(self._inside) + len(self._called)

    @property
    def in_line(self) -> int:
        return len(self._line)

    @property
    def line_stands(self) -> bool:
        """Whether anybody is held back."""
        return not self.level.open or bool(self._line)

    def seen(self, name: str, now: float) -> None:
        """Note that somebody who is in did something."""
        self._called.pop(name, None)
        self._inside[name] = now
        self._inside.move_to_end(name)
        if len(self._inside) > MOST:
            self._inside.popitem(last=False)

    def ask(self, name: str, kind: Class, first: float, now: float) -> Place | None:
        """Return None for whoever is in; else the place in line. `first`: when they first came."""
        self._forget(now)
        if name in self._inside or name in self._called or not self.line_stands:
            self._leave_line(name)
            self.seen(name, now)
            return None
        mine = self._join(name, kind, first, now)
        self.call(now)
        if name in self._called:
            self.seen(name, now)
            return None
        return self._place(mine, now)

    def welcome(self, name: str, now: float) -> None:
        """Take in somebody whom another process let in."""
        self._leave_line(name)
        self.seen(name, now)

    def done(self, name: str) -> None:
        """Give the place of somebody who is done to the next."""
        self._inside.pop(name, None)
        self._called.pop(name, None)

    def rename(self, name: str, other: str, now: float) -> None:
        """A newcomer has signed in."""
        if name in self._inside or name in self._called:
            self.done(name)
            self.seen(other, now)

    def call(self, now: float) -> None:
        """Let in whoever is first, as many as the level has room for."""
        self._forget(now)
        while self._line and self.inside < self.level.value:
            _, _, name = self._line.pop(0)
            del self._places[name], self._asked[name]
            self._called[name] = now + UNCLAIMED
            self._admitted.append(now)
        self._rest(now)

    def judge(self, now: float) -> None:
        """Move the level, then let in whoever may come."""
        self._forget(now)
        self.level.judge(now, len(self._inside))
        self.call(now)

    def _rest(self, now: float) -> None:
        """Open the level once nobody had to wait for a while."""
        if self._line or self.level.open or self.inside >= self.level.value:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= CALM:
            self.level.release()
            self._calm_since = None

    def _forget(self, now: float) -> None:
        while self._inside and now - next(iter(self._inside.values())) > IDLE:
            self._inside.popitem(last=False)
        while self._called and now > next(iter(self._called.values())):
            self._called.popitem(last=False)
        while self._asked and now - next(iter(self._asked.values())) > GONE:
            self._leave_line(next(iter(self._asked)))

    def _join(self, name: str, kind: Class, first: float, now: float) -> tuple[int, float, str]:
        had = self._places.get(name)
        if had is not None:
            # Nobody falls back by asking again, and nobody is earlier than they were.
            kind, first = Class(min(kind, had[0])), had[1]
            if (kind, first) == had:
                self._asked[name] = now
                self._asked.move_to_end(name)
                return (*had, name)
            self._leave_line(name)
        entry = (int(kind), min(first, now), name)
        if len(self._line) >= MOST:
            last = self._line.pop()
            del self._places[last[2]], self._asked[last[2]]
        insort(self._line, entry)
        self._places[name] = entry[:2]
        self._asked[name] = now
        return entry

    def _leave_line(self, name: str) -> None:
        had = self._places.pop(name, None)
        if had is not None:
            self._asked.pop(name, None)
            del self._line[bisect_left(self._line, (*had, name))]

    def _place(self, mine: tuple[int, float, str], now: float) -> Place:
        before = bisect_left(self._line, mine)
        return Place(before, (before + 1) / max(self.pace(now), 1e-3))

    def pace(self, now: float) -> float:
        """How many a second were let in lately."""
        while self._admitted and now - self._admitted[0] > PACE_SECONDS:
            self._admitted.popleft()
        return len(self._admitted) / PACE_SECONDS


def again(seconds: float, chance: float) -> int:
    """Return in how many seconds to ask again: the longer the way to go, the later; spread by `chance` (0 to 1)."""
    return round(min(LATEST, max(SOONEST, seconds / 2)) * (1 + SPREAD * chance))

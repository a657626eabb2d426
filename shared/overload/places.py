"""Decide which request is worked on next: strictly by priority, and in a class whose line stands longer than people wait, the newest
first, for the oldest is about to give up. Pure: no clock, no event loop; each instant is given. Every act costs the same however long
the line is.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.overload.priority import Priority

# Seconds that a request stands in line: what a person would wait.
PATIENCE = {
    Priority.SUBMIT: 8.0,
    Priority.WRITE: 4.0,
    Priority.READ: 1.5,
    Priority.LATER: 0.5,
    # A file waits before a byte of it is read, which costs a socket; sent away it would have to come whole once more.
    Priority.TRANSFER: 20.0,
}
# A line whose first has waited this share of its patience is longer than its patience.
STANDING = 0.5
# The share of the places that documents may take: each holds one for seconds.
DOCUMENTS = 0.4


@dataclass(eq=False, slots=True)
class Waiting:
    """A request in line. `told` is called once: with True when it is let in, with False when it is sent away for another."""

    priority: Priority
    since: float
    told: Callable[[bool], None]
    over: bool = field(default=False)
    admitted: bool = field(default=False)


class Places:
    """`most` requests inside and `line` in line; `transfers` files under way beside them, with places of their own."""

    def __init__(self, *, most: int, line: int, transfers: int, standing: float = STANDING) -> None:
        self.most = most
        self.inside = dict.fromkeys(Priority, 0)
        self._line = line
        self._standing = standing
        self._transfers = transfers
        self._waiting: dict[Priority, deque[Waiting]] = {priority: deque() for priority in Priority}
        self._count = dict.fromkeys(Priority, 0)

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return sum(self._count.values())

    def enter(self, priority: Priority) -> bool:
        """Take a place if one is free and nobody who matters as much waits for it."""
        if not self._free(priority) or self._somebody_before(priority):
            return False
        self.inside[priority] += 1
        return True

    def wait(
        self, priority: Priority, now: float, told: Callable[[bool], None], *, sure: bool = False
    ) -> Waiting | None:
        """Join the line; None when it is full of what matters more. In a full line the oldest of what matters least goes. `sure`: whoever
        waits was let in by another door, which counts them."""
        if self.waiting >= self._line and not sure:
            last = max((p for p, count in self._count.items() if count), default=None)
            if last is None or last < priority:
                return None
            self._end(self._oldest(last)).told(False)
        mine = Waiting(priority, now, told)
        self._waiting[priority].append(mine)
        self._count[priority] += 1
        return mine

    def give_up(self, mine: Waiting) -> None:
        """Leave the line."""
        if not mine.over:
            self._end(mine)
            self._clear(mine.priority)

    def leave(self, priority: Priority, now: float) -> None:
        """Give a place back, and let in whoever is next."""
        self.inside[priority] -= 1
        self.admit(now)

    def admit(self, now: float) -> None:
        """Let in as many as there are places for."""
        for priority in Priority:
            while self._count[priority] and self._free(priority):
                chosen = self._end(self._next(priority, now))
                self._clear(priority)
                self.inside[priority] += 1
                chosen.admitted = True
                chosen.told(True)

    def _free(self, priority: Priority) -> bool:
        if priority is Priority.TRANSFER:
            return self.inside[priority] < self._transfers
        taken = sum(count for p, count in self.inside.items() if p is not Priority.TRANSFER)
        few = priority is Priority.LATER and self.inside[priority] >= max(1, int(self.most * DOCUMENTS))
        return taken < self.most and not few

    def _somebody_before(self, priority: Priority) -> bool:
        if priority is Priority.TRANSFER:
            return self._count[priority] > 0
        return any(self._count[p] for p in Priority if p <= priority)

    def _next(self, priority: Priority, now: float) -> Waiting:
        first = self._oldest(priority)
        if now - first.since <= PATIENCE[priority] * self._standing:
            return first
        line = self._waiting[priority]
        while line[-1].over:
            line.pop()
        return line[-1]

    def _oldest(self, priority: Priority) -> Waiting:
        self._clear(priority)
        return self._waiting[priority][0]

    def _end(self, one: Waiting) -> Waiting:
        one.over = True
        self._count[one.priority] -= 1
        return one

    def _clear(self, priority: Priority) -> None:
        """Drop whoever has left from both ends; each is dropped once."""
        line = self._waiting[priority]
        while line and line[0].over:
            line.popleft()
        while line and line[-1].over:
            line.pop()

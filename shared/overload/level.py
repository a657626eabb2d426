"""Find out how many may be in: additive increase, multiplicative decrease (AIMD) by the time that requests wait. Pure: each instant is
given.

Waiting is measured and not processors or answers: it is the same for every kind of request, and nothing waits where there is enough.
"""

# How long a request may wait on average, and how often that is judged.
TARGET = 0.1
EVERY = 1.0
# What is left of the level when requests wait too long, and the share by which it grows when they do not.
DECREASE, INCREASE = 0.9, 0.1


class Level:
    """A number between `least` and `most`, which means that nothing is held back; it falls from there only after `slow` bad judgements in
    a row, so that a moment is no overload."""

    def __init__(self, *, least: float, most: float, target: float = TARGET, slow: int = 1) -> None:
        self._least, self._most, self._target = least, most, target
        self.value = most
        self._since = 0.0
        self._waited, self._count = 0.0, 0
        self._late, self._looks = 0.0, 0
        self._slow, self._bad = slow, 0

    @property
    def open(self) -> bool:
        """Whether nothing is held back."""
        return self.value >= self._most

    def note(self, waited: float) -> None:
        """Count the seconds that one request waited."""
        self._waited += waited
        self._count += 1

    def lag(self, late: float) -> None:
        """Count by how many seconds the event loop came late to something that was due: so long every request waits before it is seen."""
        self._late += late
        self._looks += 1

    def more(self, waited: float) -> None:
        """Count the seconds that a request counted elsewhere waited at another door."""
        self._waited += waited

    def judge(self, now: float, inside: float) -> None:
        """Move the level if it is time to. `inside`: how many are in.

        While requests wait too long the level stays a little below what is in, so that nobody is let in, and no lower: those who are
        in finish, and a level far below would leave the place of each of them empty afterwards. It grows only once it is reached, for
        those who were let in just now are not felt yet.
        """
        if now - self._since < EVERY:
            return
        mean = self._waited / max(self._count, 1) + self._late / max(self._looks, 1)
        self._since, self._waited, self._count = now, 0.0, 0
        self._late, self._looks = 0.0, 0
        if mean > self._target:
            self._bad += 1
            if not self.open or self._bad >= self._slow:
                self.value = max(self._least, min(self.value, inside * DECREASE))
        else:
            self._bad = 0
            if not self.open and inside >= self.value * (1 - INCREASE):
                self.value = min(self._most, self.value + max(1.0, self.value * INCREASE))

    def release(self) -> None:
        """Hold nothing back."""
        self.value = self._most

"""Leave a service alone that does not answer, and try again no more often than it can bear."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import Counter, Gauge

OPEN = Gauge("gm_breaker_open", "Whether a service is being left alone", ["service", "target"])
REFUSED = Counter("gm_breaker_refused", "Calls not made because the service was left alone", ["service", "target"])

FAILURES = 3
FIRST_REST, LONGEST_REST = 1.0, 15.0


class Resting(Exception):
    """The service did not answer lately and is left alone."""


class Breaker:
    """After three calls in a row without an answer nobody calls for a second; then one call tries. Each that fails doubles
    the rest, up to 15 s, shortened or prolonged by chance. A service that answers «busy» is alive: that is no failure.
    """

    def __init__(self, service: str, target: str, *, failures: int = FAILURES) -> None:
        self._labels = (service, target)
        self._most = failures
        self._failures = 0
        self._rest = FIRST_REST
        self._until = 0.0
        self._trying = False
        OPEN.labels(*self._labels).set(0)

    @property
    def rests(self) -> bool:
        return self._failures >= self._most

    @contextmanager
    def call(self, *failures: type[Exception]) -> Iterator[None]:
        """Around one call: `Resting` at once while the service is left alone; `failures` mean that it did not answer."""
        trial = False
        if self.rests:
            if self._trying or monotonic() < self._until:
                REFUSED.labels(*self._labels).inc()
                raise Resting
            trial = self._trying = True
        try:
            yield
        except failures:
            self._failed()
            raise
        else:
            self._answered()
        finally:
            if trial:
                self._trying = False

    def _failed(self) -> None:
        self._failures += 1
        # Calls that were under way together fail together: that is one reason to rest, not many.
        if self.rests and monotonic() >= self._until:
            self._until = monotonic() + self._rest * random.uniform(0.75, 1.25)  # noqa: S311  no secret
            self._rest = min(self._rest * 2, LONGEST_REST)
            OPEN.labels(*self._labels).set(1)

    def _answered(self) -> None:
        if self.rests:
            OPEN.labels(*self._labels).set(0)
        self._failures = 0
        self._rest = FIRST_REST


class RetryBudget:
    """One retry for every ten calls, and a few in hand: when everything fails, retries must not double the load."""

    def __init__(self, *, share: float = 0.1, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._left = most

    def earn(self) -> None:
        """A first try was made."""
        self._left = min(self._most, self._left + self._share)

    def spend(self) -> bool:
        """Tell whether a retry may be made."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

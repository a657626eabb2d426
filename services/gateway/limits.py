"""How often somebody may call: a bucket a key, refilled steadily. Kept in this process; several gateways allow
together what each allows alone, which is enough against a runaway script."""

import time
from collections import OrderedDict

from shared.errors import TooMany

KEYS = 50_000


class Limiter:
    """At most `per_minute` calls a minute and key, in bursts of as many."""

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._burst = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one call, or `TooMany` with the seconds until the next is allowed."""
        now = time.monotonic()
        tokens, at = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            raise TooMany(retry_after=max(1, round((1 - tokens) / self._rate + 0.5)))
        self._buckets[key] = (tokens - 1, now)
        while len(self._buckets) > KEYS:
            self._buckets.popitem(last=False)

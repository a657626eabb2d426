"""Limit how often somebody may call: counted by the minute in Redis, for all gateways together.

Every line of the route table names one of the limits below. Redis may be away: what must never be refused for that
passes uncounted (`open`), everything else is counted by each gateway alone until Redis is back.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from prometheus_client import Counter
from redis.asyncio import ConnectionPool

from shared.errors import TooMany

log = logging.getLogger(__name__)

REFUSED = Counter("gm_limited", "Calls refused for being too many", ["limit"])
# After a failure Redis is left alone this long, so that an outage does not slow down every request.
REST_SECONDS = 5.0
# Redis is not asked for every call: a gateway counts a hundredth of a minute's calls ahead, and lets so many pass within a minute. What is
# counted ahead and not made is the most that a limit is off, for each gateway.
SHARE_AHEAD, AHEAD_SECONDS = 100, 60.0
# Of so many accounts, addresses and routes.
AHEAD_MOST = 20_000


@dataclass(frozen=True)
class Limit:
    """`account`, `address`: the setting that says how many calls a minute one account may make, and one address;
    empty: as many as they like. `each`: counted for every route by itself. `open`: while Redis is away, calls pass
    uncounted."""

    name: str
    account: str = ""
    address: str = ""
    each: bool = False
    open: bool = False


USUAL = Limit("usual", account="calls_per_minute", address="address_calls_per_minute")
# 暂存, 保存表单, 提交: whatever else is broken, nobody loses work or a deadline to a counter.
KEEPING = Limit("keeping", account="calls_per_minute", each=True, open=True)
# What costs much: documents, exports.
HEAVY = Limit("heavy", account="heavy_per_minute", address="address_calls_per_minute", each=True)
# What a password could be guessed at, or a form filled in by a machine.
SIGN_IN = Limit("sign_in", address="signins_per_minute", each=True)
VERIFY = Limit("verify", address="verifications_per_minute")
# Called by the portal itself, for everybody at once.
UNLIMITED = Limit("unlimited")

LIMITS = (USUAL, KEEPING, HEAVY, SIGN_IN, VERIFY, UNLIMITED)


class Limits:
    """Counts calls against the numbers of the settings."""

    def __init__(self, redis_url: str, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._pool = ConnectionPool.from_url(
            redis_url, socket_timeout=0.25, socket_connect_timeout=0.25, retry=None
        )
        self._shared = SlidingWindowCounterRateLimiter(
            RedisStorage(
                "async+redis://",
                implementation="redispy",
                wrap_exceptions=True,
                key_prefix="gm:limit",
                connection_pool=self._pool,  # type: ignore[arg-type] # passed on to redis-py
            )
        )
        self._memory = MemoryStorage()
        self._alone = SlidingWindowCounterRateLimiter(self._memory)
        self._rests_until = 0.0
        # Calls that are counted and not made yet, and until when they may be; what was counted first comes first.
        self._ahead: OrderedDict[tuple[str, ...], tuple[int, float]] = OrderedDict()

    async def take_address(self, limit: Limit, route: str, address: str) -> None:
        """Count one call of an address; `TooMany` with the seconds until the next is allowed."""
        await self._take(limit, limit.address, "address", route, address)

    async def take_account(self, limit: Limit, route: str, account: str) -> None:
        """Count one call of an account; `TooMany` with the seconds until the next is allowed."""
        await self._take(limit, limit.account, "account", route, account)

    async def close(self) -> None:
        await self._memory.reset()
        await self._pool.aclose()

    async def _take(self, limit: Limit, setting: str, kind: str, route: str, who: str) -> None:
        if not setting:
            return
        item = RateLimitItemPerMinute(self._numbers[setting])
        key = (limit.name, kind, who, *((route,) if limit.each else ()))
        now = asyncio.get_running_loop().time()
        if self._counted(key, now):
            return
        if now >= self._rests_until:
            try:
                if (ahead := item.amount // SHARE_AHEAD) > 1 and await self._shared.hit(item, *key, cost=ahead):
                    self._count_ahead(key, ahead - 1, now)
                else:
                    await self._hit(self._shared, limit, item, key)
                return
            except (StorageError, OSError, TimeoutError) as error:
                self._rests_until = now + REST_SECONDS
                log.warning("calls are counted by this process alone", extra={"reason": repr(error)})
        if not limit.open:
            await self._hit(self._alone, limit, item, key)

    def _counted(self, key: tuple[str, ...], now: float) -> bool:
        """Tell whether a call was counted ahead, and use it up."""
        left, until = self._ahead.get(key, (0, 0.0))
        if not left or now >= until:
            return False
        self._ahead[key] = (left - 1, until)
        return True

    def _count_ahead(self, key: tuple[str, ...], calls: int, now: float) -> None:
        self._ahead.pop(key, None)
        self._ahead[key] = (calls, now + AHEAD_SECONDS)
        if len(self._ahead) > AHEAD_MOST:
            self._ahead.popitem(last=False)

    async def _hit(
        self,
        counter: SlidingWindowCounterRateLimiter,
        limit: Limit,
        item: RateLimitItemPerMinute,
        key: tuple[str, ...],
    ) -> None:
        if await counter.hit(item, *key):
            return
        REFUSED.labels(limit.name).inc()
        until = (await counter.get_window_stats(item, *key)).reset_time
        raise TooMany(retry_after=max(1, math.ceil(until - time.time())))

"""Cache texts in Redis. Without Redis everything works, only slower."""

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# After a failure Redis is left alone this long, so that an outage does not slow down every request.
REST_SECONDS = 5.0
# How many of those who were there are named.
MOST_GATHERED = 20


class Cache:
    """Text by key, for a while. A Redis that is stopped, frozen or full is the same as an empty one."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=0.25, socket_connect_timeout=0.25, decode_responses=True, retry=None
        )
        self._rests_until = 0.0

    async def get(self, key: str) -> str | None:
        if self._rests():
            return None
        try:
            value = await self._redis.get(key)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return None
        return str(value) if value is not None else None

    async def put(self, key: str, value: str, seconds: int) -> bool:
        """Whether it is there now."""
        if self._rests():
            return False
        try:
            await self._redis.set(key, value, ex=seconds)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return False
        return True

    async def gather(self, key: str, member: str, now: float, seconds: int) -> list[str]:
        """Add somebody to those who were there within so many seconds, and return them all; nobody without Redis."""
        if self._rests():
            return []
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(key, {member: now})
                pipe.zremrangebyscore(key, "-inf", now - seconds)
                pipe.expire(key, seconds)
                pipe.zrange(key, 0, MOST_GATHERED)
                return [str(one) for one in (await pipe.execute())[-1]]
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return []

    async def drop(self, key: str) -> None:
        """Tried even while resting: what is dropped must not come back."""
        try:
            await self._redis.delete(key)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)

    async def close(self) -> None:
        await self._redis.aclose()

    def _rests(self) -> bool:
        return asyncio.get_running_loop().time() < self._rests_until

    def _failed(self, error: Exception) -> None:
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
        log.warning("cache does not answer", extra={"reason": repr(error)})

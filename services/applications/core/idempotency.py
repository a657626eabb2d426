"""Answer a repeated request (same key, same body) with the first answer. Key and effect commit together."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.idempotency import IdempotencyKey
from shared import codes
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor

Answer = dict[str, Any]
# Built once: every 提交申请 asks it.
_LOCK = select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("named", type_=Text), 0)))


async def once(
    session: AsyncSession,
    actor: Actor,
    operation: str,
    key: str,
    body_sha256: str,
    act: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Run `act` unless this key has an answer already; `Conflict` (retry after 1 s) while it is being made,
    `Invalid` when the key was used with another body."""
    scope = f"{operation}:{actor.enterprise or actor.account}"
    # Held until the transaction ends, so that the second of two simultaneous requests neither waits nor acts.
    free = await session.scalar(_LOCK, {"named": f"{scope}:{key}"})
    if not free:
        raise Conflict("相同的请求正在处理，请稍候。", code=codes.IN_PROGRESS, retry_after=1)
    known = await session.get(IdempotencyKey, (scope, key))
    if known is not None:
        if known.body_sha256 != body_sha256:
            raise Invalid(
                [FieldError(code=codes.IDEMPOTENCY_KEY_REUSED, message="同一 Idempotency-Key 的请求内容不同")],
                "同一 Idempotency-Key 的请求内容不同。",
                code=codes.IDEMPOTENCY_KEY_REUSED,
            )
        return known.answer
    answer = await act()
    session.add(IdempotencyKey(scope=scope, key=key, body_sha256=body_sha256, answer=answer))
    return answer

"""Keys changed, and what is kept no longer than it should be: shown first, then carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.codec import Codec
from services.applications.idempotency_models import IdempotencyKey
from services.applications.models import Application, Attachment, Document, Round, Section
from services.applications.settings import ApplicationsSettings
from services.applications.taken_over_models import LeftOver
from services.applications.use_cases.lapse import system_actor
from services.applications.use_cases.recording import record
from services.applications.workflow import State
from shared import clock

BATCH = 500
FORGOTTEN = b""
# Answers kept for retries hold what the person sees; nobody retries after a month.
ANSWERS_KEPT = timedelta(days=30)
ENDED = (State.APPROVED, State.REJECTED, State.LAPSED)


async def rotate(session: AsyncSession, codec: Codec) -> int:
    """Wrap the keys of one batch of applications by the newest master key; how many still needed it."""
    query = select(Application.id, Application.wrapped_key).where(func.length(Application.wrapped_key) > 0)
    changed = 0
    for id, wrapped in (await session.execute(query.order_by(Application.id))).all():
        if (again := codec.rewrap(id, wrapped)) is not None:
            # Compared, so that a key forgotten meanwhile stays forgotten.
            await session.execute(
                update(Application)
                .where(Application.id == id, Application.wrapped_key == wrapped)
                .values(wrapped_key=again)
            )
            changed += 1
            if changed == BATCH:
                break
    return changed


@dataclass(frozen=True)
class Due:
    """What has been kept long enough, by reason."""

    reason: str
    whole: bool  # drafts go whole; of an application that ended only the sensitive values
    applications: Sequence[Application]


async def due(session: AsyncSession, settings: ApplicationsSettings) -> list[Due]:
    """What `forget` would take, oldest first."""
    now = clock.now()

    def before(**back: int) -> datetime:
        return now - timedelta(**back)

    async def find(*where: ColumnElement[bool]) -> Sequence[Application]:
        query = (
            select(Application)
            .join(Round, Round.id == Application.round_id)
            .where(func.length(Application.wrapped_key) > 0, *where)
            .order_by(Application.created_at)
        )
        return (await session.scalars(query)).all()

    never = and_(Application.revision == 0, Application.submitted_at.is_(None))
    return [
        Due(
            "已删除的草稿",
            True,
            await find(never, Application.deleted_at < before(days=settings.retention_deleted_days)),
        ),
        Due(
            "批次结束后未提交的草稿",
            True,
            await find(
                never,
                Application.state == State.DRAFT,
                Application.deleted_at.is_(None),
                Round.closes_at < before(days=settings.retention_draft_days),
            ),
        ),
        Due(
            "办结的申请中的敏感信息",
            False,
            await find(
                Application.state.in_(ENDED),
                Application.submitted_at < before(days=settings.retention_years * 365),
            ),
        ),
    ]


async def forget(session: AsyncSession, found: Sequence[Due]) -> int:
    """Forget keys and remove drafts; how many applications were concerned. Contents in the store go with the sweep
    that removes what nothing names."""
    actor, count = system_actor(), 0
    for one in found:
        for application in one.applications:
            application.wrapped_key = FORGOTTEN
            application.handler_name = application.handler_email = None
            if one.whole:
                id = application.id
                application.deleted_at = application.deleted_at or clock.now()
                empty: dict[str, Any] = {
                    "saved": None,
                    "saved_at": None,
                    "draft": None,
                    "draft_at": None,
                    "prefill": {},
                    "registered": {},
                }
                await session.execute(update(Section).where(Section.application_id == id).values(**empty))
                await session.execute(
                    update(Attachment)
                    .where(Attachment.application_id == id, Attachment.deleted_at.is_(None))
                    .values(deleted_at=func.now())
                )
                await session.execute(delete(LeftOver).where(LeftOver.application_id == id))
                await session.execute(update(Document).where(Document.application_id == id).values(snapshot=None))
            record(session, actor, "retention", application_id=application.id, reason=one.reason)
            count += 1
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - ANSWERS_KEPT))
    return count

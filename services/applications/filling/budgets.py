"""Bound what one enterprise can make others pay for: drafts, files, previews, withdrawals. Nobody honest meets a limit.

Withdrawing is bounded and submitting is not: whoever is refused has a submission that stands, and the last minute before
the close belongs to everybody. What is refused says when to come again.
"""

import math
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.applications.outbox.outbox import OPEN, WAITED_FOR
from services.applications.tables.applications import Application, Attachment, Audit, Document, Owed
from services.applications.workflow import ENDED, State
from shared import codes
from shared.errors import Conflict, TooLarge, TooMany
from shared.messages import RENDER_DOCUMENT

HOUR = timedelta(hours=1)
# New drafts of one enterprise in an hour, whatever became of them, as a multiple of those it may have at a time.
STARTED = 4
# Previews and pages to be stamped that are really made; the same content is made once.
PREVIEWS = 60
# Withdrawals of one application.
WITHDRAWALS = 10
# Documents of one enterprise that go before what is made ahead.
HURRIED = 3
MB = 1024 * 1024


def _too_many(what: str, hour: str, oldest_age: float) -> TooMany:
    """Return a refusal with the time at which the oldest of the hour no longer counts."""
    left = max(1, math.ceil(HOUR.total_seconds() - oldest_age))
    minutes = math.ceil(left / 60)
    return TooMany(f"{what}，请约 {minutes} 分钟后再试。{hour}", retry_after=left, code=codes.BUDGET)


async def may_start(session: AsyncSession, enterprise: str, round_id: UUID, *, most: int) -> None:
    """Raise `Conflict` when the enterprise has as many drafts in the round as it may have, `TooMany` when it made too many
    within the hour."""
    mine = Application.enterprise == enterprise
    drafts = await session.scalar(
        select(func.count()).where(
            mine,
            Application.round_id == round_id,
            Application.state == State.DRAFT,
            Application.deleted_at.is_(None),
        )
    )
    if int(drafts or 0) >= most:
        raise Conflict(
            f"本单位在该批次已有 {drafts} 个待提交的项目，最多 {most} 个；请先提交或删除不用的项目。",
            code=codes.TOO_MANY_DRAFTS,
        )
    started = math.ceil(STARTED * most)
    await _within_the_hour(session, started, "本单位一小时内新增的项目过多", Application.created_at, mine)


async def may_withdraw(session: AsyncSession, application_id: UUID) -> None:
    """Raise `TooMany` when the application was withdrawn again and again; what was submitted last then stands."""
    await _within_the_hour(
        session,
        WITHDRAWALS,
        "该申请一小时内撤销的次数过多",
        Audit.at,
        Audit.application_id == application_id,
        Audit.action == "withdraw",
        note="已提交的内容有效，不受影响。",
    )


async def may_preview(session: AsyncSession, enterprise: str) -> None:
    """Raise `TooMany` when too many previews were made for the enterprise within the hour."""
    await _within_the_hour(
        session,
        PREVIEWS,
        "本单位一小时内生成的预览过多",
        Document.requested_at,
        Document.application_id.in_(select(Application.id).where(Application.enterprise == enterprise)),
        Document.kind.in_(("preview", "commitment")),
    )


async def _within_the_hour(
    session: AsyncSession,
    most: int,
    what: str,
    at: InstrumentedAttribute[datetime],
    *where: ColumnElement[bool],
    note: str = "",
) -> None:
    recent = (
        select(at.label("at")).where(*where, at > func.now() - HOUR).order_by(at.desc()).limit(most).subquery()
    )
    count, age = (
        await session.execute(
            select(func.count(), func.extract("epoch", func.now() - func.min(recent.c.at))).select_from(recent)
        )
    ).one()
    if count >= most:
        raise _too_many(what, note, float(age))


_HELD = (
    select(func.coalesce(func.sum(Attachment.size), 0))
    .join(Application, Application.id == Attachment.application_id)
    .where(
        Application.enterprise == bindparam("enterprise"),
        Application.state.not_in(ENDED),
        Application.deleted_at.is_(None),
        Attachment.deleted_at.is_(None),
    )
)


async def may_add(session: AsyncSession, enterprise: str, size: int, *, total_mb: int) -> None:
    """Raise `TooLarge` when all files of the enterprise together would be too much. What has ended stays for years, cannot be
    deleted, and leaves the room to what comes."""
    held = await session.scalar(_HELD, {"enterprise": enterprise})
    if int(held or 0) + size > total_mb * MB:
        raise TooLarge(
            f"本单位各项目的附件合计不能超过 {total_mb} MB，请删除不用的项目或附件后上传。",
            code=codes.ENTERPRISE_TOTAL_TOO_LARGE,
        )


async def may_hurry(session: AsyncSession, application_id: UUID, but: UUID | None = None) -> bool:
    """Tell whether another document of the enterprise may go before what is made ahead: a few at a time, so that nobody's many
    keep others waiting. Whoever asks again is let forward as the ones before are finished."""
    enterprise = select(Application.enterprise).where(Application.id == application_id).scalar_subquery()
    ahead = await session.scalar(
        select(func.count())
        .select_from(Owed)
        .join(Application, Application.id == Owed.application_id)
        .where(
            Application.enterprise == enterprise,
            Owed.topic == RENDER_DOCUMENT,
            Owed.priority <= WAITED_FOR,
            *OPEN,
            *([Owed.id != but] if but else []),
        )
    )
    return int(ahead or 0) < HURRIED

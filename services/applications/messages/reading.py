"""Read one's messages, mark them, choose what to be told of."""

from collections.abc import Sequence
from typing import cast, get_args
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.cursors import cursor_of, place_of
from services.applications.core.repository import visible_to
from services.applications.tables.applications import Application
from services.applications.tables.messages import MessageChoice, StaffMessage
from shared import clock
from shared.contract.messages import KindChoice, Message, MessageKind, Messages
from shared.identity import Actor
from shared.roles import EXPERT

PAGE = 50
# The number in the menu stops here: counting costs no more than so many entries of an index.
MOST = 100
LABELS: dict[MessageKind, str] = {
    "assigned": "分配给我办理",
    "resubmitted": "申报单位再次提交",
    "unlock_asked": "申报单位申请开放材料",
    "mention": "在内部备注中提醒我",
    "asked": "征求我的意见",
    "answered": "答复了我的征求意见",
    "to_score": "请我评审",
    "score_due": "评审期限将至",
    "score_late": "评审已逾期",
    "expert_late": "专家逾期未评分",
}
OF_EXPERTS = frozenset({"to_score", "score_due", "score_late"})
KINDS: tuple[MessageKind, ...] = get_args(MessageKind)


def kinds_of(actor: Actor) -> list[MessageKind]:
    """Return the kinds of which somebody can be told: an expert is only told of what is to be scored."""
    scores, works = bool(actor.roles & EXPERT), bool(actor.roles - EXPERT)
    return [kind for kind in KINDS if (scores if kind in OF_EXPERTS else works)]


async def unread(session: AsyncSession, actor: Actor) -> int:
    """Return how many messages are unread, at most `MOST`."""
    some = select(StaffMessage.id).where(StaffMessage.account == actor.account, StaffMessage.read_at.is_(None))
    return int(await session.scalar(select(func.count()).select_from(some.limit(MOST).subquery())) or 0)


async def listed(session: AsyncSession, actor: Actor, cursor: str) -> Messages:
    """Return a page of one's messages, the latest first."""
    order = (StaffMessage.at, StaffMessage.id)
    query = (
        select(StaffMessage, Application.number, Application.project_name)
        .join(Application, Application.id == StaffMessage.application_id)
        .where(StaffMessage.account == actor.account, visible_to(actor))
        .order_by(*(column.desc() for column in order))
        .limit(PAGE + 1)
    )
    if cursor:
        query = query.where(tuple_(*order) < place_of(cursor))
    rows = (await session.execute(query)).all()
    shown = rows[:PAGE]
    refused = await _refused(session, actor)
    return Messages(
        items=[
            Message(
                id=message.id,
                kind=cast(MessageKind, message.kind),
                label=LABELS[cast(MessageKind, message.kind)],
                application_id=message.application_id,
                number=number,
                project_name=name,
                by=message.by_name,
                at=message.at,
                read=message.read_at is not None,
            )
            for message, number, name in shown
        ],
        next_cursor=cursor_of(shown[-1][0].at, shown[-1][0].id) if len(rows) > PAGE else None,
        unread=await unread(session, actor),
        choices=[
            KindChoice(kind=kind, label=LABELS[kind], wanted=kind not in refused) for kind in kinds_of(actor)
        ],
    )


async def mark_read(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> None:
    """Mark these of one's messages as read, or all up to when it was asked."""
    which = StaffMessage.id.in_(ids) if ids else StaffMessage.at <= actor.received_at
    await _mark(session, actor, which)


async def see(session: AsyncSession, actor: Actor, application: Application) -> None:
    """Mark what one was told about a case as read: one is looking at it."""
    await _mark(session, actor, StaffMessage.application_id == application.id)


async def _mark(session: AsyncSession, actor: Actor, which: object) -> None:
    mine = (StaffMessage.account == actor.account, StaffMessage.read_at.is_(None))
    await session.execute(
        update(StaffMessage).where(*mine, which).values(read_at=clock.now())  # type: ignore[arg-type]
    )


async def _refused(session: AsyncSession, actor: Actor) -> set[str]:
    found = await session.get(MessageChoice, actor.account)
    return set(found.refused) if found else set()


async def choose(session: AsyncSession, actor: Actor, wanted: Sequence[MessageKind]) -> None:
    """Keep what one wants to be told of from now on."""
    refused = [kind for kind in kinds_of(actor) if kind not in wanted]
    values = {"refused": refused, "changed_at": clock.now()}
    statement = insert(MessageChoice).values(account=actor.account, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[MessageChoice.account], set_=values))
    record(session, actor, "choose_messages", refused=refused)

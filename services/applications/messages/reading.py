"""Read one's messages, mark them, choose what to be told of."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.cursors import cursor_of, place_of
from services.applications.core.repository import visible_to
from services.applications.messages.kinds import KINDS, kinds_of, label
from services.applications.tables.applications import Application
from services.applications.tables.messages import MessageChoice, StaffMessage
from shared import clock
from shared.contract.messages import ChooseMessages, KindChoice, Message, MessageKind, Messages, Way
from shared.identity import Actor

PAGE = 50
# The number in the menu stops here: counting costs no more than so many entries of an index.
MOST = 100
DIGEST_HOUR = 9


async def unread(session: AsyncSession, actor: Actor) -> int:
    """Return how many messages are unread, at most `MOST`."""
    some = select(StaffMessage.id).where(StaffMessage.account == actor.account, StaffMessage.read_at.is_(None))
    return int(await session.scalar(select(func.count()).select_from(some.limit(MOST).subquery())) or 0)


async def listed(session: AsyncSession, actor: Actor, cursor: str) -> Messages:
    """Return a page of one's messages, the latest first."""
    order = (StaffMessage.at, StaffMessage.id)
    query = (
        select(StaffMessage, Application.number, Application.project_name)
        .outerjoin(Application, Application.id == StaffMessage.application_id)
        .where(
            StaffMessage.account == actor.account,
            or_(StaffMessage.application_id.is_(None), visible_to(actor)),
        )
        .order_by(*(column.desc() for column in order))
        .limit(PAGE + 1)
    )
    if cursor:
        query = query.where(tuple_(*order) < place_of(cursor))
    rows = (await session.execute(query)).all()
    shown = rows[:PAGE]
    chosen = await session.get(MessageChoice, actor.account)
    return Messages(
        items=[
            Message(
                id=message.id,
                kind=cast(MessageKind, message.kind),
                label=label(message.kind),
                application_id=message.application_id,
                number=number,
                project_name=message.about or "" if name is None else name,
                by=message.by_name,
                at=message.at,
                read=message.read_at is not None,
            )
            for message, number, name in shown
        ],
        next_cursor=cursor_of(shown[-1][0].at, shown[-1][0].id) if len(rows) > PAGE else None,
        unread=await unread(session, actor),
        choices=[
            KindChoice(kind=kind, label=KINDS[kind].label, wanted=way != "none", way=way)
            for kind in kinds_of(actor)
            for way in [_way(chosen, kind)]
        ],
        digest_hour=chosen.digest_hour if chosen else DIGEST_HOUR,
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


def _way(chosen: MessageChoice | None, kind: MessageKind) -> Way:
    if chosen is None:
        return "digest"
    if kind in chosen.refused:
        return "none"
    if kind in chosen.at_once:
        return "at_once"
    return "portal" if kind in chosen.portal_only else "digest"


async def choose(session: AsyncSession, actor: Actor, given: ChooseMessages) -> None:
    """Keep what one wants to be told of from now on, and which way."""
    mine = kinds_of(actor)
    values: dict[str, Any] = {
        "refused": [kind for kind in mine if kind not in given.wanted],
        "changed_at": clock.now(),
    }
    if given.mail is not None:
        for way, column in (("at_once", "at_once"), ("portal", "portal_only")):
            values[column] = [kind for kind in mine if given.mail.get(kind) == way]
    if given.digest_hour is not None:
        values["digest_hour"] = given.digest_hour
    statement = insert(MessageChoice).values(account=actor.account, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[MessageChoice.account], set_=values))
    if given.mail is not None:
        # Whoever wants no more mail of a kind gets none of what was told before, either.
        unmailed = [kind for kind in mine if kind not in given.wanted or given.mail.get(kind) == "portal"]
        theirs = (StaffMessage.account == actor.account, StaffMessage.mail > 0, StaffMessage.kind.in_(unmailed))
        await session.execute(update(StaffMessage).where(*theirs).values(mail=0))
    kept = {name: value for name, value in values.items() if name != "changed_at"}
    record(session, actor, "choose_messages", **kept)

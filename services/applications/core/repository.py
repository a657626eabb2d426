"""Select applications and what hangs on them; an applicant's are scoped to its enterprise here, in `visible_to`."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    false,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.tables.applications import (
    Application,
    Attachment,
    Audit,
    Opinion,
    Revision,
    Round,
    Section,
)
from services.applications.tables.decision import Assessment
from shared.errors import NotFound
from shared.identity import Actor, Role
from shared.roles import STAFF

# What nearly every request asks for is built once.
_SECTIONS = select(Section).where(Section.application_id == bindparam("id"))
_ATTACHMENTS = (
    select(Attachment)
    .where(Attachment.application_id == bindparam("id"), Attachment.deleted_at.is_(None))
    .order_by(Attachment.created_at, Attachment.id)
)


def of_enterprise(enterprise: str | BindParameter[str]) -> ColumnElement[bool]:
    """Return an enterprise's own applications: all that an applicant knows of."""
    return and_(Application.deleted_at.is_(None), Application.enterprise == enterprise)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return which applications a person may know of: an applicant its enterprise's, staff what was ever submitted, an expert
    what they were given to score."""
    if actor.roles & STAFF:
        return and_(Application.deleted_at.is_(None), Application.submitted_at.is_not(None))
    if actor.is_a(Role.APPLICANT) and actor.enterprise:
        return of_enterprise(actor.enterprise)
    if actor.is_a(Role.EXPERT):
        given = select(Assessment.application_id).where(Assessment.account == actor.account)
        return and_(Application.deleted_at.is_(None), Application.id.in_(given))
    return false()


async def application(session: AsyncSession, actor: Actor, id: UUID, *, lock: bool = False) -> Application:
    """Return one application, or `NotFound`, which is also the answer for somebody else's.

    `lock` keeps others from changing it until the transaction ends.
    """
    query = select(Application).where(Application.id == id, visible_to(actor))
    if lock:
        # NO KEY UPDATE: rows that only refer to it can still be inserted.
        found = await session.scalar(query.with_for_update(key_share=True))
    else:
        row = await _first_with_round(session, query)
        found = row[0] if row is not None else None
    if found is None:
        raise NotFound("未找到该申请。")
    return found


async def _first_with_round(
    session: AsyncSession, query: Select[*tuple[Any, ...]]
) -> Row[*tuple[Any, ...]] | None:
    """Nearly everybody who looks at an application looks at its round. Not where a lock is waited for: what stands beside
    the locked row would be as it was before the wait."""
    query = query.add_columns(Round).join(Round, Round.id == Application.round_id)
    row = (await session.execute(query)).first()
    if row is not None:
        round_queries.seen(session, row[-1])
    return row


async def application_and_section(
    session: AsyncSession, actor: Actor, id: UUID, key: str, *, lock: bool = False
) -> tuple[Application, Section | None]:
    """Return an application and one of its sections by one question, for what is asked most often; `NotFound` as for the application alone."""
    query = (
        select(Application, Section)
        .join(Section, and_(Section.application_id == Application.id, Section.key == key))
        .where(Application.id == id, visible_to(actor))
    )
    found: Row[*tuple[Any, ...]] | None
    if lock:
        found = (await session.execute(query.with_for_update(key_share=True, of=(Application, Section)))).first()
    else:
        found = await _first_with_round(session, query)
    return (found[0], found[1]) if found is not None else (await application(session, actor, id, lock=lock), None)


async def application_for_system(session: AsyncSession, id: UUID, *, lock: bool = False) -> Application:
    """Return one application for the product's own work, which serves every enterprise."""
    query = select(Application).where(Application.id == id)
    return (await session.scalars(query.with_for_update(key_share=True) if lock else query)).one()


async def sections(session: AsyncSession, id: UUID, *, lock: bool = False) -> dict[str, Section]:
    found = await session.scalars(_SECTIONS.with_for_update() if lock else _SECTIONS, {"id": id})
    return {section.key: section for section in found}


async def attachments(session: AsyncSession, id: UUID) -> list[Attachment]:
    return list(await session.scalars(_ATTACHMENTS, {"id": id}))


async def attachments_by_id(session: AsyncSession, id: UUID, ids: set[UUID]) -> dict[str, Attachment]:
    """Return these attachments of the application, deleted or not: a revision keeps its files."""
    query = select(Attachment).where(Attachment.application_id == id, Attachment.id.in_(ids))
    return {str(found.id): found for found in await session.scalars(query)}


async def opinions(session: AsyncSession, id: UUID, *, up_to: int | None = None) -> list[Opinion]:
    """Opinions in the order they were given; `up_to` leaves out those raised for a return still to come."""
    query = select(Opinion).where(Opinion.application_id == id)
    if up_to is not None:
        query = query.where(Opinion.round_trip <= up_to)
    return list(await session.scalars(query.order_by(Opinion.round_trip, Opinion.position, Opinion.id)))


async def unanswered(session: AsyncSession, id: UUID, round_trip: int) -> int:
    query = select(func.count()).where(
        Opinion.application_id == id, Opinion.round_trip <= round_trip, Opinion.status == "open"
    )
    return int(await session.scalar(query) or 0)


async def revision(session: AsyncSession, id: UUID, number: int) -> Revision:
    found = await session.get(Revision, (id, number))
    if found is None:
        raise NotFound("没有这一版。")
    return found


async def last_move(session: AsyncSession, id: UUID) -> Audit | None:
    """Return the latest audit row that moved an application."""
    query = select(Audit).where(Audit.application_id == id, Audit.to_state.is_not(None))
    return await session.scalar(query.order_by(Audit.id.desc()).limit(1))

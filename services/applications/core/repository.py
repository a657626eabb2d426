"""Select applications and what hangs on them; an applicant's are scoped to its enterprise here, in `visible_to`."""

from functools import cache
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
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.tables.applications import (
    Application,
    Attachment,
    Audit,
    Extension,
    Opinion,
    Revision,
    Round,
    Section,
)
from services.applications.tables.decision import Assessment
from shared.errors import NotFound
from shared.identity import Actor, Role
from shared.roles import STAFF
from shared.synthetic import ENTERPRISE

# What nearly every request asks for is built once.
_SECTIONS = select(Section).where(Section.application_id == bindparam("id"))
_ATTACHMENTS = (
    select(Attachment)
    .where(Attachment.application_id == bindparam("id"), Attachment.deleted_at.is_(None))
    .order_by(Attachment.created_at, Attachment.id)
)


# For whom an application is that of their own enterprise; everybody else is shown what is not deleted.
# Written out, so that statements which are built once take no parameter more.
THERE = or_(Application.deleted_at.is_(None), Application.enterprise == literal_column(f"'{ENTERPRISE}'"))


def of_enterprise(enterprise: str | BindParameter[str]) -> ColumnElement[bool]:
    """Return an enterprise's own applications: all that an applicant knows of. The synthetic applicant's are born deleted."""
    return and_(THERE, Application.enterprise == enterprise)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return which applications a person may know of: an applicant its enterprise's, staff what was ever submitted, an expert
    what they were given to score."""
    return _visible(_sight(actor), actor.enterprise or "", actor.account)


def _sight(actor: Actor) -> Role | None:
    """As whom a person sees applications; None: they see none."""
    if actor.roles & STAFF:
        return Role.REVIEWER
    if actor.is_a(Role.APPLICANT) and actor.enterprise:
        return Role.APPLICANT
    return Role.EXPERT if actor.is_a(Role.EXPERT) else None


def _visible(
    sight: Role | None, enterprise: str | BindParameter[str], account: str | BindParameter[str]
) -> ColumnElement[bool]:
    if sight is Role.REVIEWER:
        return and_(Application.deleted_at.is_(None), Application.submitted_at.is_not(None))
    if sight is Role.APPLICANT:
        return of_enterprise(enterprise)
    if sight is Role.EXPERT:
        given = select(Assessment.application_id).where(Assessment.account == account)
        return and_(Application.deleted_at.is_(None), Application.id.in_(given))
    return false()


@cache
def _one(sight: Role | None, *, section: bool, lock: bool) -> Select[*tuple[Any, ...]]:
    """Build the question for one application that somebody sees, once: it would cost every request as much as the answer does.

    Nearly everybody who looks at an application looks at its round and at its enterprise's late acceptance. Not where a lock is waited
    for: what stands beside the locked row would be as it was before the wait. What is locked is read as it is then, whatever the transaction saw before.
    """
    scope = _visible(sight, bindparam("enterprise"), bindparam("account"))
    query: Select[*tuple[Any, ...]] = select(Application).where(Application.id == bindparam("of"), scope)
    if section:
        key = and_(Section.application_id == Application.id, Section.key == bindparam("section"))
        query = query.add_columns(Section).join(Section, key)
    if not lock:
        mine = and_(Extension.round_id == Application.round_id, Extension.enterprise == Application.enterprise)
        query = query.join(Round, Round.id == Application.round_id).outerjoin(Extension, mine)
        return query.add_columns(Round, Extension)
    # NO KEY UPDATE: rows that only refer to it can still be inserted.
    locked = (Application, Section) if section else Application
    return query.with_for_update(key_share=True, of=locked).execution_options(populate_existing=True)


async def _first(
    session: AsyncSession, actor: Actor, id: UUID, section: str | None, *, lock: bool
) -> Row[*tuple[Any, ...]] | None:
    asked = {"of": id, "enterprise": actor.enterprise or "", "account": actor.account, "section": section}
    query = _one(_sight(actor), section=section is not None, lock=lock)
    row = (await session.execute(query, asked)).first()
    if row is not None and not lock:
        round_queries.seen(session, row[-2])
        round_queries.note_extension(session, row[0].round_id, row[0].enterprise, row[-1])
    return row


async def application(session: AsyncSession, actor: Actor, id: UUID, *, lock: bool = False) -> Application:
    """Return one application, or `NotFound`, which is also the answer for somebody else's.

    `lock` keeps others from changing it until the transaction ends.
    """
    row = await _first(session, actor, id, None, lock=lock)
    if row is None:
        raise NotFound("未找到该申请。")
    found: Application = row[0]
    return found


async def application_and_section(
    session: AsyncSession, actor: Actor, id: UUID, key: str, *, lock: bool = False
) -> tuple[Application, Section | None]:
    """Return an application and one of its sections by one question, for what is asked most often; `NotFound` as for the application alone."""
    found = await _first(session, actor, id, key, lock=lock)
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


_UNANSWERED = select(func.count()).where(
    Opinion.application_id == bindparam("application"),
    Opinion.round_trip <= bindparam("round_trip"),
    Opinion.status == "open",
)
_AROUND = (
    select(Round, Extension, _UNANSWERED.scalar_subquery())
    .outerjoin(Extension, and_(Extension.round_id == Round.id, Extension.enterprise == bindparam("enterprise")))
    .where(Round.id == bindparam("round"))
    .execution_options(populate_existing=True)
)


async def around(session: AsyncSession, application: Application) -> tuple[Round, Extension | None, int]:
    """Return what an application's deadlines and guards follow from, as it is now: its round, its enterprise's late acceptance, and how
    many opinions are open."""
    asked = {
        "application": application.id,
        "round_trip": application.round_trips,
        "round": application.round_id,
        "enterprise": application.enterprise,
    }
    round_, extension, open_ = (await session.execute(_AROUND, asked)).one()
    round_queries.seen(session, round_)
    round_queries.note_extension(session, application.round_id, application.enterprise, extension)
    return round_, extension, open_


async def unanswered(session: AsyncSession, id: UUID, round_trip: int) -> int:
    return int(await session.scalar(_UNANSWERED, {"application": id, "round_trip": round_trip}) or 0)


async def revision(session: AsyncSession, id: UUID, number: int) -> Revision:
    found = await session.get(Revision, (id, number))
    if found is None:
        raise NotFound("没有这一版。")
    return found


async def last_move(session: AsyncSession, id: UUID) -> Audit | None:
    """Return the latest audit row that moved an application."""
    query = select(Audit).where(Audit.application_id == id, Audit.to_state.is_not(None))
    return await session.scalar(query.order_by(Audit.id.desc()).limit(1))

"""Select rounds and the late acceptances in them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.synthetic import of_people
from services.applications.tables.applications import Application, Audit, Extension, Round
from services.applications.tables.forms import FormRetirement
from shared.errors import NotFound


async def round_(session: AsyncSession, id: UUID, *, lock: bool = False) -> Round:
    """Return a round: as this transaction has seen it if it has, or as it is now where locked."""
    found = await session.get(Round, id, with_for_update=lock or None)
    if found is None:
        raise NotFound("没有这个申报批次。")
    seen(session, found)
    return found


def seen(session: AsyncSession, round_: Round) -> None:
    """A session forgets what nobody holds; a round that it has seen is not asked for again."""
    session.info.setdefault("rounds", []).append(round_)


async def rounds(
    session: AsyncSession, *, closing_after: datetime | None = None, or_among: set[UUID] | None = None
) -> list[Round]:
    """Rounds by closing time; with `closing_after` only published ones that close later, or are `or_among`."""
    query = select(Round).where(of_people()).order_by(Round.closes_at, Round.id)
    if closing_after is not None:
        query = query.where(
            Round.published_at.is_not(None), or_(Round.closes_at > closing_after, Round.id.in_(or_among or set()))
        )
    return list(await session.scalars(query))


async def previous(session: AsyncSession, round_: Round) -> Round | None:
    """Return the published round of the same fund type that opened last before this one."""
    query = (
        select(Round)
        .where(
            Round.fund_type == round_.fund_type,
            Round.published_at.is_not(None),
            Round.id != round_.id,
            Round.opens_at < round_.opens_at,
        )
        .order_by(Round.opens_at.desc(), Round.id)
        .limit(1)
    )
    found: Round | None = await session.scalar(query)
    return found


async def retired_forms(session: AsyncSession) -> set[tuple[str, int]]:
    """Return the versions of forms that no new round takes."""
    rows = await session.execute(select(FormRetirement.fund_type, FormRetirement.version))
    return {(fund_type, version) for fund_type, version in rows}


async def rounds_among(session: AsyncSession, applications: Sequence[Application]) -> dict[UUID, Round]:
    """Return the rounds of these applications."""
    query = select(Round).where(Round.id.in_({a.round_id for a in applications}))
    return {found.id: found for found in await session.scalars(query)}


async def extension(session: AsyncSession, round_id: UUID, enterprise: str) -> Extension | None:
    """Return an enterprise's late acceptance, or None; asked once a transaction, and not at all where it came with the application."""
    known = _extensions(session)
    if (round_id, enterprise) not in known:
        note_extension(session, round_id, enterprise, await session.get(Extension, (round_id, enterprise)))
    return known[round_id, enterprise]


def note_extension(session: AsyncSession, round_id: UUID, enterprise: str, found: Extension | None) -> None:
    """Remember an enterprise's late acceptance in a round, or that there is none."""
    _extensions(session)[round_id, enterprise] = found


def _extensions(session: AsyncSession) -> dict[tuple[UUID, str], Extension | None]:
    known: dict[tuple[UUID, str], Extension | None] = session.info.setdefault("extensions", {})
    return known


async def extensions(session: AsyncSession, round_id: UUID) -> list[Extension]:
    """Return the late acceptances of enterprises by themselves, not as one of a class."""
    query = (
        select(Extension)
        .where(Extension.round_id == round_id, Extension.act.is_(None))
        .order_by(Extension.created_at, Extension.enterprise)
    )
    return list(await session.scalars(query))


async def extensions_of(session: AsyncSession, enterprise: str, at: datetime) -> dict[UUID, Extension]:
    """Return an enterprise's late acceptances that still run and let it begin applications, by round."""
    query = select(Extension).where(
        Extension.enterprise == enterprise, Extension.until >= at, Extension.begun_before.is_(None)
    )
    return {found.round_id: found for found in await session.scalars(query)}


async def extensions_among(
    session: AsyncSession, applications: Sequence[Application]
) -> dict[tuple[UUID, str], Extension]:
    """Return the late acceptances that concern any of these applications."""
    pairs = {(a.round_id, a.enterprise) for a in applications}
    query = select(Extension).where(tuple_(Extension.round_id, Extension.enterprise).in_(pairs))
    return {(found.round_id, found.enterprise): found for found in await session.scalars(query)}


async def round_history(session: AsyncSession, round_id: UUID, limit: int = 200) -> list[Audit]:
    """Return what was done with a round, newest first."""
    query = select(Audit).where(Audit.application_id.is_(None), Audit.details["round"].astext == str(round_id))
    return list(await session.scalars(query.order_by(Audit.id.desc()).limit(limit)))


async def counted_by_state(session: AsyncSession, round_id: UUID) -> dict[str, int]:
    """Return how many applications of a round stand in each state."""
    query = (
        select(Application.state, func.count())
        .where(Application.round_id == round_id, Application.deleted_at.is_(None))
        .group_by(Application.state)
    )
    return {row[0]: row[1] for row in await session.execute(query)}

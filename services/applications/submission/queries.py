"""Select what was handed in, and what happened to it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application, Audit, ClassExtension, Revision
from services.applications.workflow import State
from shared.contract.submission import RevisionView


async def revisions(session: AsyncSession, id: UUID) -> list[Revision]:
    query = select(Revision).where(Revision.application_id == id).order_by(Revision.number)
    return list(await session.scalars(query))


async def listed(session: AsyncSession, id: UUID) -> list[RevisionView]:
    """Return what a list of revisions shows of each, oldest first; what was submitted stays where it is."""
    version = Revision.content["form"]["version"].as_integer().label("form_version")
    query = select(
        Revision.number, Revision.received_at, Revision.sha256, Revision.sm3, version, Revision.receipt
    ).where(Revision.application_id == id)
    rows = await session.execute(query.order_by(Revision.number))
    return [RevisionView.model_validate(dict(row._mapping)) for row in rows]


async def numbered(session: AsyncSession, id: UUID, numbers: Collection[int]) -> dict[int, Revision]:
    """Return these revisions by their numbers; what there is not is left out."""
    query = select(Revision).where(Revision.application_id == id, Revision.number.in_(numbers))
    return {found.number: found for found in await session.scalars(query)}


async def lasted(session: AsyncSession, fund_type: str, since: datetime) -> list[tuple[str, int, timedelta]]:
    """Return by state how many cases of a fund type have left it since then, and how long it lasted in the middle of them. As applicants read
    states: 拟支持 is part of 审定. What an applicant took back is no pace of the bureau's."""
    moves = (
        select(
            Audit.to_state.label("state"),
            (func.lead(Audit.at).over(partition_by=Audit.application_id, order_by=Audit.id) - Audit.at).label(
                "lasted"
            ),
            func.lead(Audit.action).over(partition_by=Audit.application_id, order_by=Audit.id).label("left_by"),
        )
        .join(Application, Application.id == Audit.application_id)
        .where(
            Application.fund_type == fund_type,
            Audit.at >= since,
            Audit.to_state.is_not(None),
            Audit.to_state != State.PROPOSED,
            Audit.to_state.is_distinct_from(Audit.from_state),
            or_(Audit.from_state.is_distinct_from(State.PROPOSED), Audit.to_state != State.DECISION),
        )
        .subquery()
    )
    middle = func.percentile_cont(0.5).within_group(moves.c.lasted)
    query = (
        select(moves.c.state, func.count(), middle)
        .where(moves.c.lasted.is_not(None), moves.c.left_by != "withdraw")
        .group_by(moves.c.state)
    )
    return [(state, count, median) for state, count, median in await session.execute(query)]


async def extended(session: AsyncSession, application: Application) -> list[Audit]:
    """Return the acts by which an application's round was extended for it, as rows of its audit; they are recorded once, for the round."""
    # Not the class itself: it may be some thousand enterprises.
    query = select(
        ClassExtension.confirmed_at,
        ClassExtension.confirmed_by,
        ClassExtension.confirmed_by_name,
        ClassExtension.until,
        ClassExtension.reason,
    ).where(
        ClassExtension.round_id == application.round_id,
        or_(ClassExtension.whom == "all", ClassExtension.enterprises.contains([application.enterprise])),
        func.coalesce(ClassExtension.begun_before, ClassExtension.confirmed_at) > application.created_at,
    )
    return [
        Audit(
            at=act.confirmed_at,
            actor=act.confirmed_by,
            actor_name=act.confirmed_by_name,
            role="",
            action="extend_round",
            to_state=None,
            from_state=None,
            details={"until": act.until.isoformat(), "reason": act.reason},
        )
        for act in await session.execute(query)
    ]


async def audit(session: AsyncSession, id: UUID) -> list[Audit]:
    return list(await session.scalars(select(Audit).where(Audit.application_id == id).order_by(Audit.id)))

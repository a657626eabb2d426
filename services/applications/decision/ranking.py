"""Rank the cases of a round that wait for a decision (待审定) by their experts' scores, beside what its budget has left;
list what stands in 公示."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.repository import visible_to
from services.applications.decision.decisions import spent
from services.applications.decision.score_sheets import sheet
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Assessment
from services.applications.workflow import State
from shared.identity import Actor

AFTER_EXPERTS = (State.DECISION, State.PROPOSED, State.PUBLICITY, State.APPROVED, State.REJECTED)
# What waits for a director: for a decision, or for a list.
WAITING = (State.DECISION, State.PROPOSED)
AT_MOST = 2000


@dataclass(frozen=True)
class Ranked:
    """One case with its place: cases of the same score share one."""

    rank: int | None
    application: Application
    lowest: Decimal | None
    highest: Decimal | None
    # The experts' totals lie further apart than the sheet allows without a second look.
    wide: bool


@dataclass(frozen=True)
class Budget:
    """万元; `total` and `left` are null where the round has no budget."""

    total: Decimal | None
    used: Decimal
    left: Decimal | None


async def budget_of(session: AsyncSession, round_: Round) -> Budget:
    used = await spent(session, round_.id)
    return Budget(round_.budget_wan, used, None if round_.budget_wan is None else round_.budget_wan - used)


async def rounds_with_work(session: AsyncSession, actor: Actor) -> list[UUID]:
    """Return the rounds in which a case waits for a director, the latest first."""
    waits = select(Application.round_id).where(
        visible_to(actor), Application.state.in_(WAITING), Application.deleted_at.is_(None)
    )
    return list(
        await session.scalars(
            select(Round.id).where(Round.id.in_(waits)).order_by(Round.opens_at.desc(), Round.id)
        )
    )


async def ranking(session: AsyncSession, actor: Actor, round_id: UUID) -> tuple[Round, Budget, list[Ranked]]:
    """Return the cases of a round that experts have scored, the best first; then those decided without scores."""
    round_ = await round_queries.round_(session, round_id)
    scored = (
        select(
            Assessment.application_id,
            func.min(Assessment.total).label("lowest"),
            func.max(Assessment.total).label("highest"),
            func.min(Assessment.sheet).label("sheet"),
        )
        .join(Application, Application.id == Assessment.application_id)
        .where(Application.round_id == round_id, Application.state.in_(AFTER_EXPERTS))
        .group_by(Assessment.application_id)
        .subquery()
    )
    rows = await session.execute(
        select(Application, scored.c.lowest, scored.c.highest, scored.c.sheet)
        .join(scored, scored.c.application_id == Application.id)
        .where(visible_to(actor), Application.round_id == round_id, Application.state.in_(AFTER_EXPERTS))
        .order_by(Application.score.desc().nulls_last(), Application.submitted_at, Application.id)
        .limit(AT_MOST)
    )
    ranked: list[Ranked] = []
    for place, (application, lowest, highest, name) in enumerate(rows, 1):
        before = ranked[-1] if ranked else None
        same = before is not None and before.application.score == application.score
        wide = lowest is not None and highest - lowest > sheet(name).wide
        rank = before.rank if same and before is not None else place
        ranked.append(Ranked(rank, application, lowest, highest, wide))
    return round_, await budget_of(session, round_), ranked


async def in_publicity(session: AsyncSession) -> list[tuple[Application, Round]]:
    """Return what the public may look at now, by round, then number. For nobody in particular."""
    rows = await session.execute(
        select(Application, Round)
        .join(Round, Round.id == Application.round_id)
        .where(Application.state == State.PUBLICITY, Application.deleted_at.is_(None))
        .order_by(Round.title, Application.number)
        .limit(AT_MOST)
    )
    return [(row[0], row[1]) for row in rows]

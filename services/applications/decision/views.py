"""Show the stages' rows as the public HTTP contract does."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.views import wan
from services.applications.decision import listed, objections, ranking
from services.applications.decision.experts import is_late
from services.applications.decision.score_sheets import CURRENT, sheet_view
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Assessment, Batch, Letter
from services.applications.workflow import LABELS, State
from shared.contract.decision import (
    Assessed,
    BatchView,
    BudgetView,
    ExpertChoice,
    ExpertsOfCase,
    MySheet,
    ObjectionView,
    RankedCase,
    Ranking,
    SheetValues,
    StageView,
    StandsOn,
)
from shared.identity import Actor


def batch_view(batch: Batch, cases: int) -> BatchView:
    return BatchView(
        id=batch.id, round=batch.round_id, name=batch.name, cases=cases,
        created_at=batch.created_at, closed_at=batch.closed_at,
    )  # fmt: skip


def _assessed(found: Assessment, *, shown: bool) -> Assessed:
    return Assessed(
        account=found.account,
        name=found.name,
        assigned_at=found.assigned_at,
        submitted_at=found.submitted_at,
        total=wan(found.total) if shown else None,
        values=SheetValues.model_validate(found.values) if shown else None,
        due_at=found.due_at,
        late=not shown and is_late(found),
    )


def of_case(
    application: Application, found: list[Assessment], choices: list[ExpertChoice] | None
) -> ExpertsOfCase:
    """Return who scores a case; what they gave once all have."""
    # Blind until all have scored: not even the bureau sees a part of it.
    shown = State(application.state) is not State.EXPERT_REVIEW
    totals = [a.total for a in found if a.total is not None]
    used = sheet_view(found[0].sheet if found else CURRENT)
    return ExpertsOfCase(
        assessments=[_assessed(a, shown=shown) for a in found],
        open=shown,
        score=wan(application.score) if shown else None,
        wide=shown and bool(totals) and max(totals) - min(totals) > used.wide,
        sheet=used,
        choices=choices,
    )


def budget_view(found: ranking.Budget) -> BudgetView:
    return BudgetView(total_wan=wan(found.total), used_wan=f"{found.used:.2f}", left_wan=wan(found.left))


async def stage(session: AsyncSession, application: Application, round_: Round, *, by_list: bool) -> StageView:
    """Return what the stages know of a case that the caller may read."""
    budget = await ranking.budget_of(session, round_)
    batch = await session.get(Batch, application.batch_id) if application.batch_id else None
    on = await listed.published(session, application.id)
    letter = await session.get_one(Letter, on.letter_id) if on is not None else None
    return StageView(
        by_list=by_list,
        announcement=StandsOn(id=on.id, title=on.title, reference=letter.reference) if on and letter else None,
        batch=batch.name if batch else None,
        approved_wan=wan(application.approved_wan),
        score=wan(application.score),
        publicity_from=application.publicity_from,
        publicity_until=application.publicity_until,
        budget=budget_view(budget),
        objections=[
            ObjectionView.model_validate(o, from_attributes=True)
            for o in await objections.of_application(session, application.id)
        ],
    )


def my_sheet(assessment: Assessment) -> MySheet:
    """Return an expert's own assessment, and the sheet it is made by."""
    return MySheet(
        sheet=sheet_view(assessment.sheet),
        values=SheetValues.model_validate(assessment.values),
        saved_at=assessment.saved_at,
        submitted_at=assessment.submitted_at,
        total=wan(assessment.total),
    )


async def ranking_view(session: AsyncSession, actor: Actor, round_id: UUID, *, waiting: bool = False) -> Ranking:
    """Return a round's scored cases, the best first, beside what its budget has left, or (`waiting`) only those that wait for
    a director, with the same places; `NotFound` for a round that is not there."""
    round_, budget, found = await ranking.ranking(session, actor, round_id)
    items = [
        RankedCase(
            rank=r.rank,
            id=r.application.id,
            number=r.application.number,
            project_name=r.application.project_name,
            enterprise_name=r.application.enterprise_name,
            state=r.application.state,
            state_label=LABELS[State(r.application.state)],
            version=r.application.version,
            score=wan(r.application.score),
            lowest=wan(r.lowest),
            highest=wan(r.highest),
            wide=r.wide,
            applied_wan=wan(r.application.applied_wan),
            approved_wan=wan(r.application.approved_wan),
        )
        for r in found
        if not waiting or r.application.state in ranking.WAITING
    ]
    return Ranking(round=round_.id, round_title=round_.title, budget=budget_view(budget), items=items)

"""Give cases to experts (专家评审), who score them blind to one another; the last score concludes the case.

An expert who has declared to have to do with an enterprise (回避) is never given a case of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.moves import load_facts, make_move, must_match_or_tell
from services.applications.decision.score_sheets import CURRENT, judge, mean, sheet
from services.applications.messages.tell import take_back, tell
from services.applications.operations.lapse import system_actor
from services.applications.tables.applications import Application
from services.applications.tables.decision import Assessment, KeptSheet, Recusal
from services.applications.workflow import Action, State
from shared import clock, codes
from shared.contract.messages import MessageKind
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor
from shared.messages import StaffMember

# How long an expert has who is chosen without a day.
WORKING_DAYS = 10
WAITED_FOR = 500
OF_A_SHEET: tuple[MessageKind, ...] = ("to_score", "score_due", "score_late")


async def assessments(session: AsyncSession, id: UUID) -> list[Assessment]:
    """Return every expert's, by name."""
    query = select(Assessment).where(Assessment.application_id == id)
    return list(await session.scalars(query.order_by(Assessment.name, Assessment.account)))


async def recused_from(session: AsyncSession, enterprise: str) -> dict[str, str]:
    """Experts that must not see a case of this enterprise, and why."""
    query = select(Recusal).where(Recusal.enterprise == enterprise)
    return {found.account: found.reason for found in await session.scalars(query)}


async def loads(session: AsyncSession) -> dict[str, int]:
    """Return how many cases each expert still has to score."""
    query = (
        select(Assessment.account, func.count())
        .join(Application, Application.id == Assessment.application_id)
        .where(Assessment.submitted_at.is_(None), Application.state == State.EXPERT_REVIEW)
        .group_by(Assessment.account)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def give(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    version: str,
    wanted: Sequence[str],
    known: Sequence[StaffMember],
    *,
    due_at: datetime | None = None,
    newly_due_at: datetime | None = None,
) -> Application:
    """Let exactly these experts score a case: all who have not by `due_at`, else the newly chosen by `newly_due_at`. `Invalid` names the one who must
    not; one who has scored stays. What somebody had begun from whom it is taken is kept."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    if application.state != State.EXPERT_REVIEW:
        raise Conflict("只有专家评审中的申请可以分配专家。", code=codes.WRONG_STATE)
    names = {member.account: member.name for member in known}
    standing = {a.account: a for a in await assessments(session, id)}
    chosen = list(dict.fromkeys(wanted))
    _must_be_fit(chosen, names, await recused_from(session, application.enterprise), standing)
    before = [a.name for a in standing.values()]
    for account, assessment in standing.items():
        if account not in chosen:
            await _take_from(session, actor, assessment)
        elif due_at is not None and assessment.submitted_at is None and assessment.due_at != due_at:
            assessment.due_at, assessment.reminded = due_at, 0
    for account in chosen:
        if account not in standing:
            session.add(
                Assessment(
                    application_id=id, account=account, name=names[account], sheet=CURRENT,
                    assigned_by=actor.account, values={}, due_at=due_at or newly_due_at,
                )
            )  # fmt: skip
    after = [names[account] for account in chosen]
    if sorted(before) != sorted(after) or due_at is not None:
        until = due_at or newly_due_at
        record(
            session, actor, "give_to_experts", application_id=id, before=before, after=after,
            due=until.isoformat() if until else None,
        )  # fmt: skip
    await session.flush()
    await tell(session, actor, [account for account in chosen if account not in standing], "to_score", id)
    await _conclude(session, application)
    return application


def _must_be_fit(
    chosen: Sequence[str], names: dict[str, str], recused: dict[str, str], standing: dict[str, Assessment]
) -> None:
    errors = []
    for n, account in enumerate(chosen):
        if account not in names:
            errors.append(FieldError(field=f"experts.{n}", code=codes.UNKNOWN_EXPERT, message="没有这位评审专家"))
        elif account in recused:
            message = f"{names[account]}已声明与该单位存在利害关系（{recused[account]}），应当回避"
            errors.append(FieldError(field=f"experts.{n}", code=codes.EXPERT_RECUSED, message=message))
    for account, assessment in standing.items():
        if account not in chosen and assessment.submitted_at is not None:
            message = f"{assessment.name}已提交评分，不能取消"
            errors.append(FieldError(field="experts", code=codes.EXPERT_SCORED, message=message))
    current = sheet(CURRENT)
    if len(chosen) < current.min_experts:
        message = f"每项申请至少由 {current.min_experts} 位专家评审"
        errors.append(FieldError(field="experts", code=codes.TOO_FEW_EXPERTS, message=message))
    if errors:
        raise Invalid(errors, errors[0].message)


async def _take_from(session: AsyncSession, actor: Actor, assessment: Assessment) -> None:
    """Take a case from an expert; what they had begun is kept beside it."""
    session.add(
        KeptSheet(
            id=uuid4(),
            application_id=assessment.application_id,
            account=assessment.account,
            name=assessment.name,
            sheet=assessment.sheet,
            values=assessment.values,
            assigned_at=assessment.assigned_at,
            saved_at=assessment.saved_at,
            taken_off_by_name=actor.name,
            taken_off_at=clock.now(),
        )
    )
    await session.delete(assessment)
    for kind in OF_A_SHEET:
        await take_back(session, assessment.account, kind, assessment.application_id)


async def taken_off(session: AsyncSession, id: UUID) -> list[KeptSheet]:
    """Return the sheets of those from whom a case was taken, the latest last."""
    query = select(KeptSheet).where(KeptSheet.application_id == id)
    return list(await session.scalars(query.order_by(KeptSheet.taken_off_at, KeptSheet.id)))


async def waited_for(session: AsyncSession, actor: Actor) -> list[tuple[Assessment, Application]]:
    """Return the sheets that are waited for, those that are due first."""
    query = (
        select(Assessment, Application)
        .join(Application, Application.id == Assessment.application_id)
        .where(
            Assessment.submitted_at.is_(None),
            Application.state == State.EXPERT_REVIEW,
            repository.visible_to(actor),
        )
        .order_by(Assessment.due_at.nulls_last(), Assessment.assigned_at, Application.id, Assessment.account)
        .limit(WAITED_FOR)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


def is_late(assessment: Assessment) -> bool:
    """Tell whether a sheet has not come by the day on which it was due."""
    return assessment.submitted_at is None and assessment.due_at is not None and assessment.due_at < clock.now()


async def mine(session: AsyncSession, actor: Actor) -> list[tuple[Assessment, Application]]:
    """Return what an expert has been given: what is to be scored first, the oldest first; then what was."""
    query = (
        select(Assessment, Application)
        .join(Application, Application.id == Assessment.application_id)
        .where(Assessment.account == actor.account, Application.deleted_at.is_(None))
        .order_by(Assessment.submitted_at.desc().nulls_first(), Assessment.assigned_at, Application.id)
        .limit(500)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def my_assessment(
    session: AsyncSession, actor: Actor, id: UUID, *, lock: bool = False
) -> tuple[Assessment, Application]:
    """Return one's own assessment of a case, or `NotFound`."""
    application = await repository.application(session, actor, id, lock=lock)
    found = await session.get(Assessment, (id, actor.account))
    if found is None:
        raise NotFound("未找到该申请。")
    return found, application


def _still_open(assessment: Assessment, application: Application) -> None:
    if assessment.submitted_at is not None:
        raise Conflict("您已提交评分，不能再修改。", code=codes.ALREADY_SCORED)
    if application.state != State.EXPERT_REVIEW:
        raise Conflict("该申请的专家评审已经结束。", code=codes.WRONG_STATE)


async def keep(session: AsyncSession, actor: Actor, id: UUID, values: dict[str, Any]) -> Assessment:
    """暂存: what was typed, unjudged."""
    assessment, application = await my_assessment(session, actor, id, lock=True)
    _still_open(assessment, application)
    assessment.values, assessment.saved_at = values, clock.now()
    await session.flush()
    return assessment


async def score(
    session: AsyncSession, actor: Actor, id: UUID, scores: dict[str, Any], comments: dict[str, str], opinion: str
) -> Assessment:
    """提交评分, once; the last one concludes the case. `Invalid` with every mistake at its criterion."""
    assessment, application = await my_assessment(session, actor, id, lock=True)
    _still_open(assessment, application)
    judged = judge(sheet(assessment.sheet), scores, comments, opinion)
    assessment.values, assessment.total = judged.values, judged.total
    assessment.saved_at = assessment.submitted_at = clock.now()
    # The total stays out of the record until everybody has scored: others read it.
    record(session, actor, "score", application_id=id)
    await session.flush()
    await _conclude(session, application)
    return assessment


async def _conclude(session: AsyncSession, application: Application) -> None:
    """评审汇总, once everybody who was asked has scored."""
    found = await assessments(session, application.id)
    totals = [a.total for a in found if a.total is not None]
    if len(found) < sheet(CURRENT).min_experts or len(totals) < len(found):
        return
    actor = system_actor()
    facts = replace(await load_facts(session, application, at=actor.received_at), all_scored=True)
    score_ = mean(totals)
    details = {"score": str(score_), "totals": {a.name: str(a.total) for a in found}}
    await make_move(session, application, actor, Action.CONCLUDE, facts, details=details, score=score_)


async def recuse(session: AsyncSession, actor: Actor, id: UUID, reason: str) -> None:
    """回避 from a case one was given: it is taken away, and no case of this enterprise comes again."""
    assessment, application = await my_assessment(session, actor, id, lock=True)
    _still_open(assessment, application)
    await _declare(session, actor, application.enterprise, application.enterprise_name, reason)
    await _take_away(session, actor, assessment, application, reason)


async def declare(session: AsyncSession, actor: Actor, enterprise: str, name: str, reason: str) -> None:
    """Declare beforehand to have to do with an enterprise; its cases that wait for one's score are taken away."""
    await _declare(session, actor, enterprise, name, reason)
    record(session, actor, "declare_recusal", enterprise=enterprise, reason=reason.strip())
    waiting = await session.scalars(
        select(Application)
        .join(Assessment, Application.id == Assessment.application_id)
        .where(
            Assessment.account == actor.account,
            Assessment.submitted_at.is_(None),
            Application.enterprise == enterprise,
            Application.state == State.EXPERT_REVIEW,
        )
        .order_by(Application.id)
        .with_for_update(of=Application, key_share=True)
    )
    for application in list(waiting):
        assessment = await session.get_one(Assessment, (application.id, actor.account))
        await _take_away(session, actor, assessment, application, reason)


async def _take_away(
    session: AsyncSession, actor: Actor, assessment: Assessment, application: Application, reason: str
) -> None:
    record(session, actor, "recuse", application_id=application.id, reason=reason.strip())
    await _take_from(session, actor, assessment)
    await session.flush()
    # Those that are left may all have scored.
    await _conclude(session, application)


async def _declare(session: AsyncSession, actor: Actor, enterprise: str, name: str, reason: str) -> None:
    said = {"enterprise_name": name, "reason": reason.strip()}
    await session.execute(
        insert(Recusal)
        .values(account=actor.account, enterprise=enterprise, **said)
        .on_conflict_do_update(index_elements=[Recusal.account, Recusal.enterprise], set_=said)
    )


async def my_recusals(session: AsyncSession, actor: Actor) -> list[Recusal]:
    query = select(Recusal).where(Recusal.account == actor.account).order_by(Recusal.declared_at)
    return list(await session.scalars(query))

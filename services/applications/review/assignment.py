"""Assign cases to reviewers: by hand, or in turn. Each case is answered for by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.repository import visible_to
from services.applications.messages.tell import tell
from services.applications.tables.applications import Application
from services.applications.tables.desk import Turn
from services.applications.workflow import LABELS, State
from shared import codes
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor
from shared.messages import StaffMember

CLOSED = frozenset({State.APPROVED, State.REJECTED})


@dataclass(frozen=True)
class Outcome:
    """What became of one case of many."""

    id: UUID
    number: str | None
    done: bool
    message: str


async def _cases(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Application]:
    """Return the cases that exist for the actor, locked in one order, so that two who take many never block each other."""
    query = (
        select(Application)
        .where(visible_to(actor), Application.id.in_(ids))
        .order_by(Application.id)
        .with_for_update(key_share=True)
    )
    return {found.id: found for found in await session.scalars(query)}


async def assign(
    session: AsyncSession, actor: Actor, ids: Sequence[UUID], to: StaffMember | None
) -> list[Outcome]:
    """Give cases to one reviewer, or (None) back to nobody."""
    cases = await _cases(session, actor, ids)
    outcomes = [_give(session, actor, id, cases.get(id), to) for id in ids]
    await session.flush()
    for outcome in outcomes:
        if to is not None and outcome.done:
            await tell(session, actor, [to.account], "assigned", outcome.id)
    return outcomes


async def assign_in_turn(
    session: AsyncSession, actor: Actor, ids: Sequence[UUID], reviewers: Sequence[StaffMember]
) -> list[Outcome]:
    """Deal cases out, oldest submission first, each to the reviewer who has waited longest for one. `Conflict` when
    everybody is away."""
    # Two who deal at once take turns themselves: nobody is given two cases while another has none.
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('applications turns'))"))
    known = {turn.account: turn for turn in await session.scalars(select(Turn))}
    present = [r for r in reviewers if not ((turn := known.get(r.account)) and turn.away)]
    if not present:
        raise Conflict("没有在岗的审核人员，无法轮流分配。", code=codes.NOBODY_PRESENT)

    def waited(member: StaffMember) -> tuple[float, str]:
        turn = known.get(member.account)
        return (turn.given_at.timestamp() if turn and turn.given_at else 0.0, member.account)

    line = sorted(present, key=waited)
    cases = await _cases(session, actor, ids)
    oldest = sorted(cases.values(), key=lambda c: (c.submitted_at or c.created_at, c.id))
    outcomes: dict[UUID, Outcome] = {}
    given: list[StaffMember] = []
    for case in oldest:
        outcome = outcomes[case.id] = _give(session, actor, case.id, case, line[0], in_turn=True)
        if outcome.done:
            given = [*(g for g in given if g is not line[0]), line[0]]
            line = [*line[1:], line[0]]
    for member in given:
        await session.execute(
            insert(Turn)
            .values(account=member.account, given_at=func.clock_timestamp(), away=False)
            .on_conflict_do_update(index_elements=[Turn.account], set_={"given_at": func.clock_timestamp()})
        )
    await session.flush()
    for case in oldest:
        if outcomes[case.id].done:
            await tell(session, actor, [case.assignee], "assigned", case.id)
    return [outcomes.get(id) or _give(session, actor, id, None, None) for id in ids]


def _give(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    case: Application | None,
    to: StaffMember | None,
    *,
    in_turn: bool = False,
) -> Outcome:
    if case is None:
        return Outcome(id, None, False, "未找到该申请。")
    if State(case.state) in CLOSED:
        return Outcome(id, case.number, False, f"该申请{LABELS[State(case.state)]}，无需分配。")
    before = case.assignee_name
    if case.assignee == (to.account if to else None):
        return Outcome(id, case.number, False, f"已由{before}办理，未变。" if before else "尚未分配，未变。")
    case.assignee = to.account if to else None
    case.assignee_name = to.name if to else None
    record(
        session,
        actor,
        "assign",
        application_id=id,
        before=before,
        after=case.assignee_name,
        in_turn=in_turn,
    )
    return Outcome(id, case.number, True, f"已分配给{to.name}。" if to else "已取消分配。")


def member_of(reviewers: Sequence[StaffMember], account: str) -> StaffMember:
    """Return the reviewer with this account; `Invalid` for anybody else."""
    for member in reviewers:
        if member.account == account:
            return member
    raise Invalid(
        [FieldError(field="assignee", code=codes.UNKNOWN_REVIEWER, message="没有这位审核人员，请重新选择")]
    )


async def set_away(session: AsyncSession, actor: Actor, away: bool) -> None:
    """暂停接件, 恢复接件: who is away is left out when cases are dealt in turn."""
    await session.execute(
        insert(Turn)
        .values(account=actor.account, away=away)
        .on_conflict_do_update(index_elements=[Turn.account], set_={"away": away})
    )
    record(session, actor, "away" if away else "back")


async def who_is_away(session: AsyncSession) -> set[str]:
    return set(await session.scalars(select(Turn.account).where(Turn.away)))

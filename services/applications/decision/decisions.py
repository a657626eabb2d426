"""Decide a case: 纳批, 通过形式审查, 不予受理, 拟支持, 重新审定, 撤出公示, 不予支持, 公示无异议. Each is one move, with what it brings and what it leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move, must_match_or_tell
from services.applications.decision import batches, listed
from services.applications.documents import letters
from services.applications.outbox.events import about, owe
from services.applications.review import leases
from services.applications.review.returns import noted_opinions
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Objection
from services.applications.workflow import Action, Facts, State
from shared import clock, codes
from shared.errors import Conflict
from shared.identity import Actor
from shared.messages import ApplicationAccepted, ApplicationDecided, PublicityBegun, PublicityLeft
from shared.text.capitals import in_words
from shared.workdays import WorkingDays

# What has been promised or given out of a round's budget.
SPENDING = (State.PROPOSED, State.PUBLICITY, State.APPROVED)


@dataclass(frozen=True)
class Given:
    """What a decision brings."""

    reason: str = ""
    amount_wan: Decimal | None = None
    batch: UUID | None = None


@dataclass(frozen=True)
class Office:
    """What a decision needs of the office: its secrets, its calendar, how long 公示 and a claim last, whether it publishes lists."""

    codec: Codec
    calendar: WorkingDays
    publicity_working_days: int
    publicity_by_list: bool
    lease_minutes: int


async def decide(
    session: AsyncSession, office: Office, actor: Actor, id: UUID, version: str, action: Action, given: Given
) -> Application:
    """Make the move, or raise; with it the letter and the news that it owes. Where lists are published, 批复 takes two people as well,
    and is no decision of one."""
    if office.publicity_by_list and action is Action.APPROVE:
        raise Conflict(
            "批复须汇总成名单，由另一位审定人员发布，请到“公示与批复”拟定批复。", code=codes.BY_LIST_ONLY
        )
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    facts = replace(
        await _facts_of(session, application, facts, action),
        reason=given.reason,
        amount_wan=given.amount_wan,
        published_singly=not office.publicity_by_list,
    )
    changes: dict[str, Any] = {"lease_account": None, "lease_name": None, "lease_until": None}
    details: dict[str, Any] = {"reason": given.reason.strip()} if given.reason.strip() else {}
    match action:
        case Action.ACCEPT:
            batch = await batches.for_case(session, actor, application, given.batch)
            changes["batch_id"] = batch.id
            # 形式审查 follows: whoever took the case in goes on with it.
            changes |= leases.running_on(actor, office.lease_minutes)
            details["batch"] = batch.name
        case Action.PROPOSE:
            changes["approved_wan"] = given.amount_wan
            details["amount_wan"] = f"{given.amount_wan:.2f}" if given.amount_wan is not None else None
            if facts.published_singly:
                until = publicity_end(office.calendar, actor.received_at, office.publicity_working_days)
                changes |= {"publicity_from": actor.received_at, "publicity_until": until}
                details["publicity_until"] = until.isoformat()
        case Action.DECLINE | Action.RECONSIDER | Action.TAKE_OFF:
            # What was promised is given back to the budget; the audit keeps the sum.
            if application.approved_wan is not None:
                details["was_wan"] = f"{application.approved_wan:.2f}"
            changes["approved_wan"] = None
            if action is not Action.DECLINE:
                # It is decided anew, as if it had never been proposed.
                changes["publicity_from"] = changes["publicity_until"] = None
        case _:
            pass
    published = application.state == State.PUBLICITY
    await make_move(session, application, actor, action, facts, details=details, **changes)
    if published and action in (Action.TAKE_OFF, Action.DECLINE):
        await listed.take_off(session, actor, application.id, given.reason.strip())
    await _leave_behind(session, office, application, action, given.reason.strip())
    return application


async def _facts_of(session: AsyncSession, application: Application, facts: Facts, action: Action) -> Facts:
    """Return what this move's guards look at beside the application itself."""
    match action:
        case Action.PASS:
            return replace(facts, noted=len(await noted_opinions(session, application)))
        case Action.PROPOSE:
            # Two who spend the same budget at once do so one after the other.
            round_ = await session.get_one(
                Round, application.round_id, with_for_update={"key_share": True}, populate_existing=True
            )
            if round_.budget_wan is None:
                return facts
            return replace(facts, budget_left=round_.budget_wan - await spent(session, round_.id))
        case Action.APPROVE:
            open_ = await unsettled(session, [application.id])
            return replace(facts, objections=open_.get(application.id, 0))
        case _:
            return facts


async def unsettled(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Count the objections that nobody has answered yet, by application."""
    rows = await session.execute(
        select(Objection.application_id, func.count())
        .where(Objection.application_id.in_(ids), Objection.handled_at.is_(None))
        .group_by(Objection.application_id)
    )
    return {row[0]: int(row[1]) for row in rows}


async def spent(session: AsyncSession, round_id: UUID) -> Decimal:
    """万元 that a round has promised (拟支持, 公示中) or given (已批复)."""
    total = await session.scalar(
        select(func.coalesce(func.sum(Application.approved_wan), 0)).where(
            Application.round_id == round_id, Application.state.in_(SPENDING), Application.deleted_at.is_(None)
        )
    )
    return Decimal(total or 0)


def publicity_end(calendar: WorkingDays, begun: datetime, working_days: int) -> datetime:
    """Return the end of the last of the working days that follow the one on which it began."""
    last = calendar.after(begun, working_days).astimezone(clock.SHANGHAI).date()
    return datetime.combine(last + timedelta(days=1), time(0), clock.SHANGHAI)


def days_of(begun: datetime, until: datetime) -> tuple[str, str]:
    """Return the first and the last day of a 公示, in words."""
    begins, ends = (
        clock.show_long_date(at.astimezone(clock.SHANGHAI).date()) for at in (begun, clock.last_moment(until))
    )
    return begins, ends


async def _leave_behind(
    session: AsyncSession, office: Office, application: Application, action: Action, reason: str
) -> None:
    subject = f"{application.id}:{application.version}"
    if action is Action.ACCEPT:
        await owe(session, ApplicationAccepted(**await about(session, office.codec, application)), subject)
    elif action is Action.PROPOSE and application.publicity_until is not None:
        event = PublicityBegun(
            **await about(session, office.codec, application),
            amount_wan=f"{application.approved_wan:.2f}",
            until=application.publicity_until,
        )
        await owe(session, event, subject)
    elif action is Action.TAKE_OFF:
        left = PublicityLeft(**await about(session, office.codec, application), reason=reason)
        await owe(session, left, subject)
    elif action is Action.APPROVE:
        await tell_approval(session, office, application)
    elif action in (Action.REFUSE, Action.DECLINE):
        await letters.issue(session, application, "reject", reason=reason)
        decided = ApplicationDecided(
            **await about(session, office.codec, application), approved=False, amount_wan=None, reason=reason
        )
        await owe(session, decided, subject)


async def tell_approval(
    session: AsyncSession, office: Office, application: Application, *, basis: str = ""
) -> None:
    """Issue the letter of an approval, and owe its news; `basis` names the list that it stands on, in words."""
    amount = application.approved_wan or Decimal(0)
    assert application.publicity_until is not None
    begun = application.publicity_from or application.publicity_until
    await letters.issue(
        session,
        application,
        "approve",
        amount=f"{amount:,.2f}",
        amount_words=in_words(amount),
        publicity="至".join(days_of(begun, application.publicity_until)),
        basis=basis,
    )
    event = ApplicationDecided(
        **await about(session, office.codec, application), approved=True, amount_wan=f"{amount:.2f}", reason=None
    )
    await owe(session, event, f"{application.id}:{application.version}")

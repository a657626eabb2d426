"""Collect the facts that guards judge, and make a move by compare-and-set."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import hint, record
from services.applications.core.deadlines import accepts_until
from services.applications.core.labels import ACTIONS
from services.applications.forms.definition import RoundFacts
from services.applications.tables.applications import Application, Extension, Round
from services.applications.workflow import LABELS, Action, Facts, State, move
from shared import clock, codes
from shared.errors import Conflict, Stale
from shared.identity import Actor


def round_facts(round_: Round) -> RoundFacts:
    """Return what forms may ask of a round."""
    return RoundFacts(
        parameters=round_.parameters,
        closes_on=clock.date_of(round_.closes_at).isoformat(),
    )


def facts_of(
    application: Application,
    round_: Round,
    extension: Extension | None,
    *,
    at: datetime,
    actor: str = "",
    unanswered: int = 0,
) -> Facts:
    """Return all that guards may look at, before what a request brings."""
    leased = application.lease_until is not None and application.lease_until > clock.now()
    # What is being begun just now has no instant of its own yet.
    until = accepts_until(round_, extension, application.created_at or at)
    return Facts(
        state=State(application.state),
        at=at,
        actor=actor,
        submitted_from=State(application.submitted_from) if application.submitted_from else None,
        returned_from=State(application.returned_from) if application.returned_from else None,
        opens_at=round_.opens_at,
        accepts_until=until,
        closes_at=until,
        correct_by=application.correct_by,
        unanswered=unanswered,
        seen_since_return=application.return_seen_at is not None,
        lease_holder=application.lease_account if leased else None,
        lease_name=application.lease_name or "",
        lease_ended=not leased and application.lease_account == actor and bool(actor),
        assigned=application.assignee == actor and bool(actor),
        publicity_until=application.publicity_until,
        applied_wan=application.applied_wan,
    )


async def load_facts(session: AsyncSession, application: Application, *, at: datetime, actor: str = "") -> Facts:
    """Return the facts of one application, from the database; the round's as they are now, for whoever waited for a lock."""
    round_, extension, unanswered = await repository.around(session, application)
    return facts_of(application, round_, extension, at=at, actor=actor, unanswered=unanswered)


def must_match(application: Application, version: str) -> None:
    """Raise `Stale` unless the caller saw the application as it is."""
    if version != str(application.version):
        raise Stale(current={"etag": str(application.version), "state": application.state})


async def must_match_or_tell(session: AsyncSession, application: Application, version: str) -> None:
    """The same for members of staff, who are told who did what meanwhile."""
    if version == str(application.version):
        return
    last = await repository.last_move(session, application.id)
    state = LABELS[State(application.state)]
    told = None
    if last is not None:
        did = ACTIONS.get(last.action, last.action)
        told = f"{last.actor_name}已于 {clock.show(last.at)} 办理“{did}”，当前状态为“{state}”，请核对后重试。"
    raise Stale(told, current={"etag": str(application.version), "state": application.state})


async def make_move(
    session: AsyncSession,
    application: Application,
    actor: Actor,
    action: Action,
    facts: Facts,
    *,
    details: dict[str, Any] | None = None,
    **changes: Any,
) -> State | None:
    """Move along the table, or raise. One UPDATE compares state and version and sets them; losing it is
    `Conflict`, never a second move. The audit row says from where to where."""
    target = move(replace(facts, actor=actor.account), action, actor.roles)
    before = application.state
    if target is None:
        changes["deleted_at"] = clock.now()
    result = await session.execute(
        update(Application)
        .where(
            Application.id == application.id,
            Application.state == before,
            Application.version == application.version,
        )
        .values(state=target or before, version=Application.version + 1, **changes)
        .returning(Application)
        # The row as it is now, into the object that was moved.
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    if result.scalar_one_or_none() is None:
        raise Conflict("申请刚刚被其他操作改变，请刷新后重试。", code=codes.LOST_RACE)
    record(
        session,
        actor,
        action,
        application_id=application.id,
        from_state=before,
        to_state=target,
        revision=application.revision,
        **(details or {}),
    )
    hint(session, application, "application.state")
    return target

"""Lease a case to whoever works on it (办理), for a time. A lease keeps two reviewers apart; it changes nothing for the
applicant."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.review import case_list
from services.applications.tables.applications import Application
from services.applications.workflow import State
from shared import clock, codes
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor

# In these a reviewer's work is waited for.
TO_WORK_ON = (State.PENDING_ACCEPTANCE, State.FORM_REVIEW)


def running_on(actor: Actor, minutes: int) -> dict[str, Any]:
    """Return what a case's row holds while the actor works on it, from now on."""
    until = clock.now() + timedelta(minutes=minutes)
    return {"lease_account": actor.account, "lease_name": actor.name, "lease_until": until}


async def take(
    session: AsyncSession, actor: Actor, id: UUID, minutes: int, *, takeover: bool = False, reason: str = ""
) -> Application:
    """Take a case into work, or renew; a case that nobody has becomes the taker's. Its version does not change.

    `Conflict` names the holder, unless `takeover` says why the case is needed now (`Invalid` without a reason).
    """
    application = await repository.application(session, actor, id, lock=True)
    held_by = holder(application)
    if held_by and held_by != actor.account:
        if not takeover:
            raise Conflict(
                f"该申请正由{application.lease_name}办理。",
                code=codes.LEASE_HELD,
                holder=application.lease_name,
                until=application.lease_until,
            )
        if not reason.strip():
            raise Invalid([FieldError(field="reason", code=codes.REASON_REQUIRED, message="请填写接管理由")])
        record(
            session,
            actor,
            "take_over",
            application_id=id,
            from_holder=application.lease_name,
            until=application.lease_until.isoformat() if application.lease_until else None,
            reason=reason.strip(),
        )
    elif not held_by:
        record(session, actor, "take_lease", application_id=id)
    return await _lend(session, actor, application, minutes)


def go_on(application: Application, actor: Actor, minutes: int) -> None:
    """Let a case stay with whoever has just made a step in it, as if it was renewed."""
    for name, value in running_on(actor, minutes).items():
        setattr(application, name, value)


def let_go(application: Application) -> None:
    """Let nobody work on a case."""
    application.lease_account = application.lease_name = application.lease_until = None


def holder(application: Application) -> str | None:
    """Return the account that works on a case now."""
    running = application.lease_until is not None and application.lease_until > clock.now()
    return application.lease_account if running else None


async def take_next(session: AsyncSession, actor: Actor, minutes: int) -> Application:
    """Return the oldest case that waits and that nobody has; `NotFound` when there is none."""
    found = await case_list.next_unassigned(session, actor, TO_WORK_ON)
    if found is None:
        raise NotFound("没有待分配的申请。", code=codes.QUEUE_EMPTY)
    record(session, actor, "take_lease", application_id=found.id)
    return await _lend(session, actor, found, minutes)


async def _lend(session: AsyncSession, actor: Actor, application: Application, minutes: int) -> Application:
    go_on(application, actor, minutes)
    if application.assignee is None and State(application.state) in TO_WORK_ON:
        application.assignee = actor.account
        application.assignee_name = actor.name
    await session.flush()
    return application


async def drop(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Let go of a case one holds; nothing happens when one does not."""
    application = await repository.application(session, actor, id, lock=True)
    if application.lease_account == actor.account:
        let_go(application)
        record(session, actor, "drop_lease", application_id=id)

"""Ask for a locked material while a return is being corrected (申请开放材料); a reviewer says yes or no."""

from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import hint, record
from services.applications.core.case import form_of
from services.applications.core.deadlines import must_be_in_time
from services.applications.core.labels import ACTIONS
from services.applications.forms.filled.checks import tied
from services.applications.messages.tell import tell
from services.applications.tables.applications import Application
from services.applications.tables.desk import UnlockRequest
from services.applications.workflow import State
from shared import codes
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor


async def listed(session: AsyncSession, application: Application) -> list[UnlockRequest]:
    """Return every request of an application, oldest first."""
    query = select(UnlockRequest).where(UnlockRequest.application_id == application.id)
    return list(await session.scalars(query.order_by(UnlockRequest.asked_at, UnlockRequest.id)))


async def ask(session: AsyncSession, actor: Actor, id: UUID, section: str, reason: str) -> UnlockRequest:
    """Ask for one material. `Conflict` outside the correction, or when it is open or asked for already."""
    application = await repository.application(session, actor, id, lock=True)
    _must_be_correcting(application, actor)
    form = form_of(application)
    if form.section(section) is None:
        raise Invalid([FieldError(field="section", code=codes.UNKNOWN_SECTION, message="没有这份申报材料")])
    if not reason.strip():
        raise Invalid(
            [FieldError(field="reason", code=codes.REQUIRED, message="请说明需要修改的内容和原因")],
            "请说明需要修改的内容和原因。",
        )
    if section in application.unlocked:
        raise Conflict("本项材料已经可以修改。", code=codes.ALREADY_UNLOCKED)
    if any(r.section == section and _is_open(r, application) for r in await listed(session, application)):
        raise Conflict("已经申请开放本项材料，请等待审核人员处理。", code=codes.ALREADY_ASKED)
    made = UnlockRequest(
        id=uuid4(),
        application_id=id,
        round_trip=application.round_trips,
        section=section,
        reason=reason.strip(),
        status="open",
        note="",
        asked_by=actor.name,
        asked_at=actor.received_at,
    )
    session.add(made)
    record(session, actor, "ask_unlock", application_id=id, section=section, reason=made.reason)
    hint(session, application, "application.state", ACTIONS["ask_unlock"])
    await session.flush()
    await tell(session, actor, [application.assignee], "unlock_asked", id)
    return made


async def decide(
    session: AsyncSession, actor: Actor, id: UUID, request_id: UUID, *, grant: bool, note: str
) -> UnlockRequest:
    """Return a reviewer's answer; opening a material opens those that a check ties to it."""
    application = await repository.application(session, actor, id, lock=True)
    found = next((r for r in await listed(session, application) if r.id == request_id), None)
    if found is None:
        raise NotFound("未找到该条申请。")
    if not _is_open(found, application):
        raise Conflict("该条申请已经处理，或者申报单位已不在补正。", code=codes.ALREADY_DECIDED)
    if not grant and not note.strip():
        raise Invalid(
            [FieldError(field="note", code=codes.REQUIRED, message="请说明不同意的理由")], "请说明不同意的理由。"
        )
    found.status = "granted" if grant else "refused"
    found.note, found.decided_by, found.decided_at = note.strip(), actor.name, actor.received_at
    if grant:
        form = form_of(application)
        wanted = tied(form, {*application.unlocked, found.section})
        application.unlocked = [s.key for s in form.sections if s.key in wanted]
    action = "grant_unlock" if grant else "refuse_unlock"
    record(session, actor, action, application_id=id, section=found.section, reason=found.note)
    hint(session, application, "application.state", ACTIONS[action])
    await session.flush()
    return found


def _is_open(request: UnlockRequest, application: Application) -> bool:
    return (
        request.status == "open"
        and application.state == State.RETURNED
        and request.round_trip == application.round_trips
    )


def _must_be_correcting(application: Application, actor: Actor) -> None:
    if application.state != State.RETURNED:
        raise Conflict("只有退回补正的申请可以申请开放材料。", code=codes.WRONG_STATE)
    must_be_in_time(application, actor)

"""Record objections (异议) against a project in 公示; each is answered before anything is approved."""

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.decision import listed
from services.applications.tables.decision import Objection
from services.applications.workflow import State
from shared import clock, codes
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor


async def of_application(session: AsyncSession, id: UUID) -> list[Objection]:
    """Return an application's objections, in the order they were recorded."""
    query = select(Objection).where(Objection.application_id == id)
    return list(await session.scalars(query.order_by(Objection.recorded_at, Objection.id)))


async def note(
    session: AsyncSession, actor: Actor, id: UUID, *, objector: str, contact: str, text: str, received_on: date
) -> Objection:
    """Record an objection while the project stands in 公示."""
    application = await repository.application(session, actor, id, lock=True)
    if application.state != State.PUBLICITY:
        raise Conflict("只有公示中的项目可以登记异议。", code=codes.WRONG_STATE)
    begun = application.publicity_from.astimezone(clock.SHANGHAI).date() if application.publicity_from else None
    if received_on > clock.today() or (begun is not None and received_on < begun):
        message = "收到日期应在公示开始之后，且不晚于今天"
        raise Invalid([FieldError(field="received_on", code=codes.NOT_IN_PUBLICITY, message=message)])
    made = Objection(
        id=uuid4(),
        application_id=id,
        objector=objector.strip(),
        contact=contact.strip(),
        text=text.strip(),
        received_on=received_on,
        recorded_by=actor.name,
        announcement_id=on.id if (on := await listed.published(session, id)) else None,
    )
    session.add(made)
    record(session, actor, "note_objection", application_id=id, objection=str(made.id))
    await session.flush()
    await session.refresh(made)
    return made


async def settle(
    session: AsyncSession, actor: Actor, id: UUID, objection_id: UUID, *, upheld: bool, outcome: str
) -> Objection:
    """Answer an objection; what follows from one that is upheld (不予支持) is decided by itself."""
    await repository.application(session, actor, id, lock=True)
    found = await session.get(Objection, objection_id, with_for_update=True)
    if found is None or found.application_id != id:
        raise NotFound("没有这条异议。")
    if found.handled_at is not None:
        raise Conflict(f"该异议已由{found.handled_by}处理。", code=codes.OBJECTION_SETTLED)
    found.upheld, found.outcome = upheld, outcome.strip()
    found.handled_by, found.handled_at = actor.name, clock.now()
    record(
        session, actor, "settle_objection", application_id=id, objection=str(objection_id),
        upheld=upheld, reason=found.outcome,
    )  # fmt: skip
    await session.flush()
    return found

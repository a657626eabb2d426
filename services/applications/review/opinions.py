"""Record what becomes of opinions (退回意见): read and answered by the applicant, accepted or raised again by the
reviewer."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.deadlines import must_be_in_time
from services.applications.core.moves import must_match_or_tell
from services.applications.core.return_seen import mark_seen
from services.applications.review import queries
from services.applications.tables.applications import Application, Opinion
from services.applications.workflow import State
from shared import clock, codes
from shared.errors import Conflict, NotFound
from shared.identity import Actor


async def reply(session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, text: str) -> Opinion:
    """Return the applicant's answer to one opinion, while the application is with the applicant."""
    application = await repository.application(session, actor, id, lock=True)
    if application.state != State.RETURNED:
        raise Conflict("只有退回补正的申请可以答复意见。", code=codes.WRONG_STATE)
    must_be_in_time(application, actor)
    opinion = await queries.opinion(session, id, opinion_id)
    if opinion.round_trip > application.round_trips:
        raise NotFound("未找到该条意见。")
    if opinion.status == "accepted":
        raise Conflict("该条意见已被采纳，无需答复。", code=codes.OPINION_ACCEPTED)
    opinion.reply = text.strip()
    opinion.status = "answered"
    opinion.replied_at = clock.now()
    await mark_seen(session, application, actor)
    record(session, actor, "answer_opinion", application_id=id, opinion=str(opinion_id))
    await session.flush()
    return opinion


async def _for_judgement(
    session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, version: str
) -> tuple[Application, Opinion]:
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    opinion = await queries.opinion(session, id, opinion_id)
    if opinion.status != "answered":
        raise Conflict("只有申报单位已答复的意见可以处理。", code=codes.OPINION_NOT_ANSWERED)
    return application, opinion


async def accept(session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, version: str) -> Opinion:
    """Return the answer satisfies."""
    _, opinion = await _for_judgement(session, actor, id, opinion_id, version)
    opinion.status = "accepted"
    record(session, actor, "accept_opinion", application_id=id, opinion=str(opinion_id))
    await session.flush()
    return opinion


async def raise_again(
    session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, version: str, text: str
) -> Opinion:
    """Return the answer does not satisfy: the opinion stands again, in the return that is to come."""
    application, opinion = await _for_judgement(session, actor, id, opinion_id, version)
    opinion.status = "accepted"
    again = Opinion(
        id=uuid4(),
        application_id=id,
        round_trip=application.round_trips + 1,
        section=opinion.section,
        field=opinion.field,
        row=opinion.row,
        text=text.strip(),
        author=actor.account,
        author_name=actor.name,
        raised_from=opinion.id,
    )
    session.add(again)
    record(session, actor, "raise_opinion", application_id=id, opinion=str(opinion_id), again=str(again.id))
    await session.flush()
    await session.refresh(again)
    return again

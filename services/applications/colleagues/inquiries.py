"""Ask colleagues what they think of a case (征求意见), several at once; answer, and end it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.colleagues.cases import must_be_written, open_to
from services.applications.core.audit import record
from services.applications.messages.tell import tell
from services.applications.tables.colleagues import Inquiry, InquiryAnswer
from shared import clock, codes
from shared.contract.colleagues import MOST_ASKED
from shared.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import StaffMember
from shared.roles import DIRECTOR

AT_MOST = 100
Asked = Mapping[UUID, Sequence[InquiryAnswer]]


async def of_case(session: AsyncSession, id: UUID) -> tuple[list[Inquiry], Asked]:
    """Return the questions about a case, oldest first, and by the id of each who was asked, in the order of names."""
    inquiries = select(Inquiry).where(Inquiry.application_id == id).order_by(Inquiry.asked_at, Inquiry.id)
    found = list(await session.scalars(inquiries))
    asked: dict[UUID, list[InquiryAnswer]] = {one.id: [] for one in found}
    if found:
        query = select(InquiryAnswer).where(InquiryAnswer.inquiry_id.in_(asked))
        for answer in await session.scalars(query.order_by(InquiryAnswer.name, InquiryAnswer.account)):
            asked[answer.inquiry_id].append(answer)
    return found, asked


async def is_asked(session: AsyncSession, actor: Actor, id: UUID) -> bool:
    """Tell whether the actor was ever asked about a case."""
    query = exists().where(
        Inquiry.application_id == id,
        InquiryAnswer.inquiry_id == Inquiry.id,
        InquiryAnswer.account == actor.account,
    )
    return bool(await session.scalar(select(query)))


async def ask(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    inquiry: UUID,
    question: str,
    colleagues: Sequence[StaffMember],
    until: datetime,
) -> Inquiry:
    """Return the question as it is kept. Sent again it is the one that is there; `Invalid` without words, or with nobody to ask."""
    must_be_written(question, "question", "需要征求意见的内容")
    others = [member for member in colleagues if member.account != actor.account]
    if not others:
        message = "请选择征求意见的人员（不含本人）"
        raise Invalid([FieldError(field="colleagues", code=codes.REQUIRED, message=message)], f"{message}。")
    if len(others) > MOST_ASKED:
        message = f"一次最多征求 {MOST_ASKED} 人的意见"
        raise Invalid([FieldError(field="colleagues", code=codes.TOO_MANY_ITEMS, message=message)], f"{message}。")
    await open_to(session, actor, id)
    if there := await session.get(Inquiry, inquiry):
        if (there.application_id, there.asked_by) != (id, actor.account):
            raise Conflict("该事项已由他人提出，请刷新后重新填写。", code=codes.LOST_RACE)
        if there.question != question:
            raise Conflict("该征求意见已发出，如有补充请另行提出。", code=codes.ALREADY_SAVED)
        return there
    count = await session.scalar(select(func.count()).select_from(Inquiry).where(Inquiry.application_id == id))
    if (count or 0) >= AT_MOST:
        raise Conflict(f"该申请的征求意见已达 {AT_MOST} 次，不能再提出。", code=codes.TOO_MANY_NOTES)
    made = Inquiry(
        id=inquiry,
        application_id=id,
        question=question,
        asked_by=actor.account,
        asked_by_name=actor.name,
        asked_at=actor.received_at,
        until=until,
    )
    session.add(made)
    await session.flush()
    session.add_all(InquiryAnswer(inquiry_id=inquiry, account=m.account, name=m.name) for m in others)
    record(
        session, actor, "ask_colleagues", application_id=id, inquiry=str(inquiry),
        colleagues=[m.name for m in others], until=until.isoformat(),
    )  # fmt: skip
    await session.flush()
    await tell(session, actor, [member.account for member in others], "asked", id)
    return made


async def _found(session: AsyncSession, actor: Actor, id: UUID, inquiry: UUID) -> Inquiry:
    await open_to(session, actor, id)
    found = await session.get(Inquiry, inquiry, with_for_update=True, populate_existing=True)
    if found is None or found.application_id != id:
        raise NotFound("没有这项征求意见。")
    return found


async def answer(session: AsyncSession, actor: Actor, id: UUID, inquiry: UUID, text: str) -> None:
    """Answer as one who was asked, once; the same answer sent again changes nothing."""
    must_be_written(text, "answer", "意见")
    found = await _found(session, actor, id, inquiry)
    mine = await session.get(InquiryAnswer, (inquiry, actor.account), with_for_update=True)
    if mine is None:
        raise NotAllowed("该事项没有征求您的意见。", code=codes.NOT_ASKED)
    if mine.answer == text:
        return
    if mine.answered_at is not None:
        raise Conflict("您已答复该事项，如有补充请写内部备注。", code=codes.ALREADY_SAVED)
    if found.closed_at is not None:
        ended = f"该事项已由{found.closed_by_name}于 {clock.show(found.closed_at)} 结束，不再收集意见。"
        raise Conflict(ended, code=codes.INQUIRY_CLOSED)
    mine.answer, mine.answered_at = text, actor.received_at
    late = actor.received_at > found.until
    record(session, actor, "answer_colleague", application_id=id, inquiry=str(inquiry), late=late)
    await session.flush()
    await tell(session, actor, [found.asked_by], "answered", id)


async def close(session: AsyncSession, actor: Actor, id: UUID, inquiry: UUID) -> None:
    """Wait for no more answers; by whoever asked, or a director."""
    found = await _found(session, actor, id, inquiry)
    if found.asked_by != actor.account and not actor.roles & DIRECTOR:
        raise NotAllowed("只有提出人或审定人员可以结束征求意见。", code=codes.NOT_YOURS)
    if found.closed_at is None:
        found.closed_at, found.closed_by_name = clock.now(), actor.name
        record(session, actor, "close_inquiry", application_id=id, inquiry=str(inquiry))
        await session.flush()

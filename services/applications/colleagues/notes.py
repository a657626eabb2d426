"""Write a note for colleagues (内部备注), and withdraw one's own."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.colleagues.cases import must_be_written, open_to
from services.applications.core.audit import record
from services.applications.messages.tell import tell
from services.applications.tables.colleagues import CaseNote
from shared import clock, codes
from shared.errors import Conflict, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import StaffMember

# Far above what an office writes about one case; keeps a script from filling the table.
AT_MOST = 500


async def of_case(session: AsyncSession, id: UUID) -> list[CaseNote]:
    """Return the notes of a case, oldest first."""
    query = select(CaseNote).where(CaseNote.application_id == id)
    return list(await session.scalars(query.order_by(CaseNote.written_at, CaseNote.id)))


async def write(
    session: AsyncSession, actor: Actor, id: UUID, note: UUID, text: str, mentions: Sequence[StaffMember]
) -> CaseNote:
    """Return the note as it is kept. Sent again it is the one that is there; `Conflict` for an id that is another's."""
    must_be_written(text, "text", "备注内容")
    application = await open_to(session, actor, id)
    if there := await session.get(CaseNote, note):
        if (there.application_id, there.author) != (id, actor.account):
            raise Conflict("该备注已由他人保存，请刷新后重新填写。", code=codes.LOST_RACE)
        if there.text != text:
            raise Conflict("该备注已保存，如有补充请另写一条。", code=codes.ALREADY_SAVED)
        return there
    count = await session.scalar(
        select(func.count()).select_from(CaseNote).where(CaseNote.application_id == application.id)
    )
    if (count or 0) >= AT_MOST:
        raise Conflict(f"该申请的备注已达 {AT_MOST} 条，不能再添加。", code=codes.TOO_MANY_NOTES)
    others = [member for member in mentions if member.account != actor.account]
    made = CaseNote(
        id=note,
        application_id=id,
        text=text,
        mentions=[member.model_dump() for member in others],
        author=actor.account,
        author_name=actor.name,
        written_at=actor.received_at,
    )
    session.add(made)
    # Not its words: the audit forgets nothing.
    record(session, actor, "note_case", application_id=id, note=str(note), mentions=[m.name for m in others])
    await session.flush()
    await tell(session, actor, [member.account for member in others], "mention", id)
    return made


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, note: UUID) -> None:
    """Take the words of one's own note away; that there was one stays."""
    await open_to(session, actor, id)
    found = await session.get(CaseNote, note, with_for_update=True)
    if found is None or found.application_id != id:
        raise NotFound("没有这条备注。")
    if found.author != actor.account:
        raise NotAllowed("只有填写人可以撤回备注。", code=codes.NOT_YOURS)
    if found.withdrawn_at is not None:
        return
    found.text, found.mentions, found.withdrawn_at = "", [], clock.now()
    record(session, actor, "withdraw_note", application_id=id, note=str(note))
    await session.flush()

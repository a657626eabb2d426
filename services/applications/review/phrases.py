"""Keep the phrases (常用语) that the bureau's people share for their opinions."""

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.tables.desk import Phrase
from shared import codes
from shared.contract.review import PhraseInput
from shared.errors import Conflict, NotFound
from shared.identity import Actor

AT_MOST = 500


async def listed(session: AsyncSession) -> list[Phrase]:
    """Return all of them: for any material first, then by material, oldest first."""
    query = select(Phrase).order_by(Phrase.section.nulls_first(), Phrase.created_at, Phrase.text)
    return list(await session.scalars(query))


async def add(session: AsyncSession, actor: Actor, given: PhraseInput) -> Phrase:
    """Add a text; `Conflict` when it is there already."""
    if int(await session.scalar(select(func.count()).select_from(Phrase)) or 0) >= AT_MOST:
        raise Conflict(f"常用语最多 {AT_MOST} 条。", code=codes.TOO_MANY_PHRASES)
    row = {"id": uuid4(), **given.model_dump(), "created_by": actor.account}
    added: Phrase | None = await session.scalar(
        insert(Phrase).values(row).on_conflict_do_nothing().returning(Phrase)
    )
    if added is None:
        raise Conflict("已有相同的常用语。", code=codes.PHRASE_EXISTS)
    record(session, actor, "add_phrase", phrase=str(added.id), text=given.text)
    return added


async def change(session: AsyncSession, actor: Actor, id: UUID, given: PhraseInput) -> Phrase:
    """Replace a text. Opinions written from it keep theirs."""
    phrase = await _one(session, id)
    same = select(Phrase.id).where(Phrase.text == given.text, Phrase.id != id)
    if await session.scalar(same) is not None:
        raise Conflict("已有相同的常用语。", code=codes.PHRASE_EXISTS)
    record(session, actor, "change_phrase", phrase=str(id), before=phrase.text, after=given.text)
    phrase.text, phrase.section = given.text, given.section
    try:
        await session.flush()
    except IntegrityError:
        # Two at once: the other was first.
        raise Conflict("已有相同的常用语。", code=codes.PHRASE_EXISTS) from None
    return phrase


async def remove(session: AsyncSession, actor: Actor, id: UUID) -> None:
    phrase = await _one(session, id)
    record(session, actor, "remove_phrase", phrase=str(id), text=phrase.text)
    await session.delete(phrase)


async def _one(session: AsyncSession, id: UUID) -> Phrase:
    found = await session.get(Phrase, id, with_for_update=True)
    if found is None:
        raise NotFound("没有这条常用语。")
    return found

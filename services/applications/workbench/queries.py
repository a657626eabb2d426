"""Select published versions of forms, drafts, and what says of them who uses them."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Round
from services.applications.tables.forms import FormDraft, FormDraftSave, FormRetirement, FormVersion
from shared.errors import NotFound

Key = tuple[str, int]
# How many of a draft's earlier texts are kept.
KEPT = 50


async def digests(session: AsyncSession) -> dict[Key, str]:
    """Return every published version with the digest of its text."""
    rows = await session.execute(select(FormVersion.fund_type, FormVersion.version, FormVersion.sha256))
    return {(fund_type, version): sha256 for fund_type, version, sha256 in rows}


async def versions(session: AsyncSession, keys: Iterable[Key] | None = None) -> dict[Key, FormVersion]:
    """Return published versions, all of them where no `keys` are named."""
    query = select(FormVersion)
    if keys is not None:
        query = query.where(tuple_(FormVersion.fund_type, FormVersion.version).in_(list(keys)))
    return {(row.fund_type, row.version): row for row in await session.scalars(query)}


async def retirements(session: AsyncSession) -> dict[Key, FormRetirement]:
    return {(row.fund_type, row.version): row for row in await session.scalars(select(FormRetirement))}


async def drafts(session: AsyncSession) -> dict[str, FormDraft]:
    return {row.fund_type: row for row in await session.scalars(select(FormDraft))}


async def draft(session: AsyncSession, fund_type: str, *, lock: bool = False) -> FormDraft:
    """Return a type's draft; `NotFound` where nobody writes one."""
    found = await session.get(FormDraft, fund_type, with_for_update=lock or None)
    if found is None:
        raise NotFound("没有这份草稿，可能刚刚发布或被放弃，请到表单工作台查看。")
    return found


async def saves(session: AsyncSession, fund_type: str) -> list[FormDraftSave]:
    """Return a draft's earlier texts, newest first."""
    query = select(FormDraftSave).where(FormDraftSave.fund_type == fund_type)
    return list(await session.scalars(query.order_by(FormDraftSave.number.desc())))


async def save_at(session: AsyncSession, fund_type: str, version: int) -> FormDraftSave | None:
    """Return a draft's text as it was at a tag; None where it is no longer kept."""
    query = select(FormDraftSave).where(FormDraftSave.fund_type == fund_type, FormDraftSave.number <= version)
    found: FormDraftSave | None = await session.scalar(query.order_by(FormDraftSave.number.desc()).limit(1))
    return found


async def forget_old_saves(session: AsyncSession, fund_type: str, newest: int) -> None:
    """Keep the last `KEPT` of a draft's texts, by their number."""
    await session.execute(
        delete(FormDraftSave).where(FormDraftSave.fund_type == fund_type, FormDraftSave.number <= newest - KEPT)
    )


async def rounds_of_versions(session: AsyncSession) -> dict[Key, list[str]]:
    """Return the titles of the rounds that use each version."""
    found: dict[Key, list[str]] = defaultdict(list)
    query = select(Round.fund_type, Round.form_version, Round.title).order_by(Round.closes_at.desc(), Round.id)
    for fund_type, version, title in await session.execute(query):
        found[fund_type, version].append(title)
    return found


async def newest_round(session: AsyncSession, fund_type: str) -> Round | None:
    """Return the round of a fund type that closes last."""
    query = select(Round).where(Round.fund_type == fund_type).order_by(Round.closes_at.desc(), Round.id).limit(1)
    found: Round | None = await session.scalar(query)
    return found


async def one_at_a_time(session: AsyncSession, fund_type: str) -> None:
    """Let nobody else publish or begin a version of this type until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"form {fund_type}"))))


async def tell(session: AsyncSession, channel: str) -> None:
    """Wake every process that listens, once the transaction commits."""
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})

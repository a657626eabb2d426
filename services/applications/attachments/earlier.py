"""Offer for an empty slot what the enterprise submitted last in the same place of another application, and take it by its content: a
licence is not asked for twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments.attachments import may_upload
from services.applications.core import repository, stored_contents
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.return_seen import mark_seen
from services.applications.filling.copying import unfit
from services.applications.filling.sections import editable, open_section
from services.applications.forms.definition import Section, Slot
from services.applications.tables.applications import Application, Attachment, Revision
from shared.errors import Conflict, NotFound
from shared.identity import Actor
from shared.store import Store, attachment_key

# How many of the enterprise's latest applications are looked through.
_LOOKED_AT = 20


@dataclass(frozen=True)
class Earlier:
    """The files of a slot as another application of the enterprise submitted them last."""

    source: UUID
    project_name: str | None
    submitted_at: datetime
    files: list[Attachment]


async def offered(
    session: AsyncSession, actor: Actor, application: Application, section: Section, empty: list[Slot]
) -> dict[str, Earlier]:
    """Return by slot what may be taken over into these slots of a section, which hold nothing. Nothing for an agent, who sees one
    application; nothing into a declaration, which is made anew; nothing that was removed, forgotten, infected, or no longer fits."""
    slots = {slot.key: slot for slot in empty if not slot.each_row}
    if not slots or section.declares or actor.agent is not None or not editable(application, section.key, actor):
        return {}
    query = (
        select(Application, Revision.received_at, Revision.content["sections"][section.key])
        .join(Revision, and_(Revision.application_id == Application.id, Revision.number == Application.revision))
        .where(
            repository.of_enterprise(application.enterprise),
            Application.id != application.id,
            func.length(Application.wrapped_key) > 0,
        )
        .order_by(Revision.received_at.desc())
        .limit(_LOOKED_AT)
    )
    found: dict[str, Earlier] = {}
    for other, at, values in await session.execute(query):
        for slot in [slot for key, slot in slots.items() if key not in found]:
            ids = _named(other, section.key, slot, values or {})
            if ids and (files := await _files(session, other.id, ids, slot)):
                found[slot.key] = Earlier(other.id, other.project_name, at, files)
        if len(found) == len(slots):
            break
    return found


def _named(other: Application, section: str, slot: Slot, values: Mapping[str, object]) -> list[UUID]:
    """Return the files of the same slot in what another application submitted: the same key, and called the same."""
    there = form_of(other).section(section)
    same = there.slot(slot.key) if there and not there.declares else None
    ids = values.get(slot.key)
    if same is None or same.each_row or same.label != slot.label or not isinstance(ids, list):
        return []
    return [UUID(id) for id in ids]


async def _files(session: AsyncSession, application: UUID, ids: list[UUID], slot: Slot) -> list[Attachment]:
    known = await repository.attachments_by_id(session, application, set(ids))
    files = [known[str(id)] for id in ids if str(id) in known]
    return [f for f in files if f.deleted_at is None and unfit(f, slot) is None][: slot.max_files]


async def take(
    session: AsyncSession,
    store: Store,
    codec: Codec,
    actor: Actor,
    id: UUID,
    section: str,
    slot: str,
    source: UUID,
    *,
    total_mb: int,
) -> list[Attachment]:
    """Add what is offered for a slot, by content, each file with a row of its own. `NotFound` unless it is what is offered now, `Conflict`
    where a content is gone."""
    opened = await open_section(session, codec, actor, id, section, lock=True)
    definition = opened.definition.slot(slot)
    empty = [definition] if definition else []
    found = (await offered(session, actor, opened.application, opened.definition, empty)).get(slot)
    if found is None or found.source != source:
        raise NotFound("没有可以沿用的文件，请重新上传。")
    size = sum(file.size for file in found.files)
    await may_upload(session, codec, actor, id, section, slot, size=size, total_mb=total_mb)
    await mark_seen(session, opened.application, actor)
    made = []
    for file in found.files:
        await stored_contents.hold(session, file.sha256)
        if not await store.exists(attachment_key(file.sha256)):
            raise Conflict(f"原文件“{file.name}”已不在，请重新上传。")
        copy = Attachment(
            id=uuid4(),
            application_id=id,
            section=section,
            slot=slot,
            name=file.name,
            size=file.size,
            media_type=file.media_type,
            sha256=file.sha256,
            created_by=actor.account,
            scanned_at=file.scanned_at,
        )
        session.add(copy)
        record(
            session, actor, "attach", application_id=id, section=section, slot=slot, attachment=str(copy.id),
            sha256=file.sha256, earlier=str(source),
        )  # fmt: skip
        made.append(copy)
    await session.flush()
    return made

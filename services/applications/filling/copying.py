"""Begin a new application with the values of an earlier one of the same enterprise (复制往年申报).

Everything is taken over as a 暂存, to be looked at and saved anew; a declaration is made anew, what the registry knows
of the enterprise's identity is as it is registered now, and files are taken by their contents.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries, stored_contents
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import round_facts
from services.applications.core.stored_contents import MB
from services.applications.filling.carried_over import attention, keep_left_over, keep_report, mistakes, note
from services.applications.filling.filled_form import of_rows
from services.applications.forms.catalogue import between
from services.applications.forms.definition import Form, Slot
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import reading, registry_values
from services.applications.forms.filled.checks import name_in
from services.applications.forms.kinds import Choices, blank
from services.applications.forms.versions.rebase import rebase
from services.applications.tables.applications import Application, Attachment
from services.applications.tables.carried_over import Report
from shared import clock, codes
from shared.contract.carried_over import Entry
from shared.errors import FieldError, Invalid
from shared.identity import Actor
from shared.store import Store, attachment_key
from shared.text.typed_text import one_line

Values = dict[str, Any]


async def copy_into(
    session: AsyncSession,
    store: Store,
    codec: Codec,
    actor: Actor,
    target: Application,
    source_id: UUID,
    *,
    total_mb: int,
) -> Report:
    """Take over what an earlier application shows into one that was just begun. `NotFound` when it is not the
    enterprise's own, `Invalid` when it is of another fund type."""
    source = await repository.application(session, actor, source_id)
    if source.fund_type != target.fund_type:
        message = "只能复制同一资金类型的往年申报。"
        raise Invalid([FieldError(field="copy_from", code=codes.OTHER_FUND_TYPE, message=message)], message)
    new = form_of(target)
    old = form_of(source)
    round_ = await round_queries.round_(session, target.round_id)
    choices = new.choices(round_facts(round_))
    opener = codec.of(source, old)
    values = {}
    for key, row in (await repository.sections(session, source.id)).items():
        copy = row.draft if row.draft is not None else row.saved
        section = old.section(key)
        if copy is not None and section is not None and not section.declares:
            values[key] = opener.open(key, copy)
    done = rebase(_way(old, new), values, choices)
    # What was promised then is not promised now, wherever the tick stands today.
    for section in new.sections:
        if section.declares:
            done.sections.pop(section.key, None)
            done.entries = [e for e in done.entries if e.section != section.key or e.kind == "left_over"]

    sealer = codec.of(target, new)
    rows = await repository.sections(session, target.id, lock=True)
    files = _Files(session, store, source, target, total_mb)
    entries = done.entries
    for section in new.sections:
        if (taken := done.sections.get(section.key)) is not None:
            entries += await files.take(section, taken)
    filled = await of_rows(session, target, new, sealer, rows)
    for section in new.sections:
        taken = done.sections.get(section.key)
        if section.declares:
            entries.append(note("attention", "declare_anew", section, "承诺须重新作出，不沿用往年内容"))
        if not taken:
            continue
        brought = filled.prefill.get(section.key, {})
        entries += _prefer_the_registry(section, taken, brought, choices)
        draft = reading.draft(section, {**brought, **taken})
        rows[section.key].draft = sealer.seal(section.key, draft)
        rows[section.key].draft_at = clock.now()
        rows[section.key].etag += 1
        entries += attention(section, mistakes(filled, section, draft), entries)
    name = name_in(new, done.sections)
    if isinstance(name, str):
        target.project_name = one_line(name)[:100]
        entries += _look_at_name(new)
    keep_left_over(session, sealer, target, [replace(item, files=()) for item in done.left_over])
    report = keep_report(
        session, actor, target, "copy", entries, from_version=source.form_version, source=source.id
    )
    record(
        session, actor, "copy", application_id=target.id, source=str(source.id),
        before=old.version, after=new.version, files=len(files.taken), report=str(report.id),
    )  # fmt: skip
    await session.flush()
    return report


def _way(old: Form, new: Form) -> list[Form]:
    """Up the versions where there are any between; an older round may also take from a newer form."""
    if old.version < new.version:
        return between(new.fund_type, old.version, new.version)
    return [old] if old is new else [old, new]


def _look_at_name(form: Form) -> list[Entry]:
    if form.project_name is None:
        return []
    at, _, key = form.project_name.partition(".")
    section = form.by_key[at]
    return [note("attention", "same_name", section, "项目名称沿用往年，请核对是否需要修改", field=key)]


def _prefer_the_registry(section: Definition, taken: Values, brought: Values, choices: Choices) -> list[Entry]:
    """Identity fields as they are registered now; others as they were filled in, with a word where that differs."""
    said = []
    for field in section.fields:
        then, now = taken.get(field.key), brought.get(field.key)
        if blank(now) or blank(then) or registry_values.same(field, then, now, choices):
            if field.readonly and not blank(now):
                taken.pop(field.key, None)
            continue
        shown = "" if field.sensitive else f"“{field.show(now, choices)}”"
        if field.readonly:
            del taken[field.key]
            said.append(
                note("attention", "as_registered", section, f"已改为法人库现在登记的{shown}", field=field.key)
            )
        else:
            text = f"沿用往年填写的内容，与现在带出的{shown}不一致，请核对"
            said.append(note("attention", "registry_differs", section, text, field=field.key))
    return said


def unfit(file: Attachment, slot: Slot) -> str | None:
    """Return why a slot does not take a file of another application; None where it does."""
    if file.infected:
        return "查出病毒"
    if file.name.rpartition(".")[2].lower() not in slot.accept:
        return f"此处只接受 {'、'.join(slot.accept)}"
    return f"超过 {slot.max_mb} MB" if file.size > slot.max_mb * MB else None


class _Files:
    """The files of an earlier application on their way into a new one: by content, without sending them again."""

    def __init__(
        self, session: AsyncSession, store: Store, source: Application, target: Application, total_mb: int
    ) -> None:
        self._session = session
        self._store = store
        self._source = source
        self._target = target
        self._left = total_mb * MB
        self._known: Mapping[str, Attachment] | None = None
        self.taken: dict[str, str] = {}

    async def take(self, section: Definition, values: Values) -> list[Entry]:
        """Replace the old files' ids by the new ones' in a section's values; what there is to say about them."""
        said = []
        for slot in section.slots:
            ids = values.pop(slot.key, None) or []
            kept, refused = {}, []
            for id in ids:
                file = (await self._files()).get(id)
                why = await self._refusal(file, slot)
                if file is None or why:
                    refused.append(f"{file.name if file else '一个附件'}（{why}）")
                else:
                    kept[await self._copy(file, section, slot)] = id
            if kept:
                # Rows keep their ids, and so does each the file it was asked for.
                values[slot.key] = {new: ids[old] for new, old in kept.items()} if slot.each_row else list(kept)
                text = f"已带入往年的 {len(kept)} 个附件，请核对是否仍然适用"
                said.append(note("attention", "look_at_files", section, text, field=slot.key))
            if refused:
                text = f"须重新上传：{'、'.join(refused)}"
                said.append(note("attention", "upload_again", section, text, field=slot.key))
        return said

    async def _files(self) -> Mapping[str, Attachment]:
        if self._known is None:
            found = await repository.attachments(self._session, self._source.id)
            self._known = {str(file.id): file for file in found}
        return self._known

    async def _refusal(self, file: Attachment | None, slot: Slot) -> str | None:
        if file is None:
            return "已删除"
        if why := unfit(file, slot):
            return why
        if file.size > self._left:
            return "附件合计超过限额"
        # From here to the commit no sweep removes this content.
        await stored_contents.hold(self._session, file.sha256)
        return None if await self._store.exists(attachment_key(file.sha256)) else "原文件已不在"

    async def _copy(self, file: Attachment, section: Definition, slot: Slot) -> str:
        made = Attachment(
            id=uuid4(),
            application_id=self._target.id,
            section=section.key,
            slot=slot.key,
            name=file.name,
            size=file.size,
            media_type=file.media_type,
            sha256=file.sha256,
            created_by=self._target.created_by,
            scanned_at=file.scanned_at,
        )
        self._session.add(made)
        await self._session.flush()
        self._left -= file.size
        self.taken[str(file.id)] = str(made.id)
        return str(made.id)

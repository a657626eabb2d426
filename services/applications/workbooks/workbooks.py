"""Give out an application's workbook, compare one that came back with what stands, and keep what somebody agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.return_seen import mark_seen
from services.applications.filling.autosave import name_typed
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.filling.sections import (
    editable,
    must_be_editable,
    must_be_of,
    must_match,
    open_section,
)
from services.applications.forms.definition import Form
from services.applications.forms.filled import reading as forms_reading
from services.applications.forms.filled import validation
from services.applications.forms.filled.labels import row_title
from services.applications.forms.kinds import blank
from services.applications.tables.applications import Application
from services.applications.workbooks import layout, reading
from services.applications.workbooks.opening import Book
from services.applications.workbooks.reading import Brought, Remark
from services.applications.workbooks.writing import Standing
from shared import clock, codes
from shared.contract.workbooks import WorkbookAgreed
from shared.errors import Conflict, NotFound
from shared.identity import Actor

Values = dict[str, Any]
# What somebody has simply not filled in yet: the page of the material says so, in its own time.
_UNFINISHED = frozenset({"required", "too_few_rows"})


@dataclass(frozen=True)
class Ground:
    """An application as far as a workbook asks: its form as it is filled, what stands on the pages of the materials that can be changed,
    and their tags."""

    application: Application
    form: Form
    filled: Filled
    values: Mapping[str, Values]
    etags: Mapping[str, str]
    followed: Mapping[tuple[str, str], Mapping[str, str]]
    readonly: frozenset[str]

    @property
    def choices(self) -> Mapping[str, Any]:
        return self.form.choices(self.filled.facts.round)

    def standing(self) -> Standing:
        application = self.application
        title = f"{self.form.title} · {application.project_name or '未命名项目'}"
        return Standing(application.id, title, self.form, self.choices, self.values, self.followed, self.readonly)


async def ground(session: AsyncSession, codec: Codec, actor: Actor, id: UUID) -> Ground:
    """Load an application of the actor's enterprise; `NotFound` for another's."""
    application = await repository.application(session, actor, id)
    form = form_of(application)
    opened = codec.of(application, form)
    rows = await repository.sections(session, id)
    filled = await of_rows(session, application, form, opened, rows)
    situation = filled.situation()
    values: dict[str, Values] = {}
    followed: dict[tuple[str, str], Mapping[str, str]] = {}
    readonly: set[str] = set()
    for section in form.sections:
        key = section.key
        if not (editable(application, key, actor) and situation.visible(key)):
            continue
        row = rows[key]
        typed = opened.open_or_none(key, row.draft if row.draft is not None else row.saved)
        values[key] = filled.untyped(section) if typed is None else typed
        readonly |= {
            f"{key}.{f.key}"
            for f in section.fields
            if f.readonly and not blank(filled.prefill.get(key, {}).get(f.key))
        }
        for table in section.tables:
            if table.source:
                lines = situation.rows(key, table.key)
                followed[key, table.key] = {
                    situation.row_id(line): row_title(table, line.kept, n, form.choices(filled.facts.round))
                    for n, line in enumerate(lines, 1)
                }
    etags = {key: str(rows[key].etag) for key in values}
    return Ground(application, form, filled, values, etags, followed, frozenset(readonly))


async def to_take(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, section: str
) -> tuple[Standing, list[str]]:
    """Return what a workbook of a material, or of all that can be changed, is made of. `Conflict` where nothing can."""
    found = await ground(session, codec, actor, id)
    if section:
        if found.form.section(section) is None:
            raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION)
        must_be_editable(found.application, section, actor)
    elif not found.values:
        must_be_editable(found.application, found.form.sections[0].key, actor)
    wanted = [key for key in found.values if section in ("", key)]
    if not layout.sheets(found.form, wanted):
        raise Conflict("此项材料没有可以在工作簿中填写的内容，请在网页上填写。", code=codes.WORKBOOK_EMPTY)
    record(session, actor, "take_workbook", application_id=id, sections=wanted)
    return found.standing(), wanted


def compare(found: Ground, book: Book, actor: Actor) -> Brought:
    """Return what a workbook brings, with what the form says of it. `Conflict` for one of another application or version, and while none
    of its materials can be changed."""
    what = reading.known(book, found.form, found.application.id)
    if not set(what.sections) & set(found.values):
        must_be_editable(found.application, what.sections[0] if what.sections else "", actor)
    brought = reading.read(book, found.form, what, found.values, found.followed, found.readonly, found.choices)
    if not brought.blocked:
        _judge(found, brought)
    return brought


def _judge(found: Ground, brought: Brought) -> None:
    """Add what the form says of the values that would stand: each mistake at its cell."""
    filled = found.filled.with_saved({**found.filled.saved, **brought.values})
    for key, values in brought.values.items():
        section = found.form.by_key[key]
        _, errors = validation.judged(section, values, filled.context(key))
        for error in errors:
            place = brought.places.get((key, error.field or "", error.row, error.column))
            if place is not None and error.code not in _UNFINISHED:
                sheet, cell, label = place
                brought.remarks.append(Remark(sheet, cell, label, error.code, error.message, "wrong"))


async def keep(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, agreed: WorkbookAgreed
) -> dict[str, str]:
    """Keep every section as 暂存, or none; return their new tags. `Stale` where one was changed since it was compared, `Conflict` where one
    cannot be changed any more."""
    etags: dict[str, str] = {}
    application = await repository.application(session, actor, id, lock=True)
    must_be_of(application, agreed.form_version)
    for given in _in_order(form_of(application), agreed):
        opened = await open_section(session, codec, actor, id, given.key, lock=True)
        must_match(opened, given.etag)
        must_be_editable(opened.application, given.key, actor)
        typed = forms_reading.draft(opened.definition, given.values)
        row = opened.row
        row.draft, row.draft_at, row.etag = opened.codec.seal(given.key, typed), clock.now(), row.etag + 1
        etags[given.key] = str(row.etag)
        if (name := name_typed(opened.form, opened.application, given.key, typed)) is not None:
            opened.application.project_name = name
    await mark_seen(session, application, actor)
    record(session, actor, "bring_workbook", application_id=id, sections=list(etags))
    await session.flush()
    return etags


def _in_order(form: Form, agreed: WorkbookAgreed) -> Sequence[Any]:
    """Return each section once, in the order of the form, so that two who agree at once do not wait for each other."""
    by_key = {given.key: given for given in agreed.sections}
    unknown = [by_key[key] for key in by_key if form.section(key) is None]
    return [*unknown, *(by_key[section.key] for section in form.sections if section.key in by_key)]

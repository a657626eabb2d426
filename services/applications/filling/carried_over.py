"""Report what became of each value that was taken over, and keep what has no place any more."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.filling import carried_over_queries
from services.applications.filling.filled_form import Filled
from services.applications.forms.definition import Form, Section
from services.applications.forms.filled import reading, validation
from services.applications.forms.versions import rebase as forms
from services.applications.tables.applications import Application
from services.applications.tables.carried_over import LeftOver, Report
from services.applications.workflow import EDITABLE, State
from shared import clock, codes
from shared.contract.carried_over import Entry
from shared.errors import Conflict, FieldError, NotFound
from shared.identity import Actor

# What only says that nobody has filled it in yet.
UNFINISHED = frozenset({"required", "too_few_rows"})


def note(
    kind: Literal["kept", "moved", "attention", "left_over", "new"],
    code: str,
    section: Section,
    message: str,
    *,
    field: str | None = None,
    label: str | None = None,
) -> Entry:
    """Return a line of a report about a section, or a part of it."""
    part = section.by_key.get(field) if field else None
    return Entry(
        kind=kind,
        code=code,
        section=section.key,
        section_label=section.label,
        field=field,
        label=label or (part.label if part else section.label),
        message=message,
    )


def mistakes(filled: Filled, section: Section, values: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with values as they were taken over; what is not filled in yet is no mistake."""
    _, wrong = validation.judged(section, dict(values), filled.context(section.key))
    return [error for error in wrong if error.code not in UNFINISHED]


def attention(section: Section, errors: Iterable[FieldError], known: Iterable[Entry]) -> list[Entry]:
    """Mistakes as lines of a report, but for those that it has already."""
    told = {(e.section, e.field, e.row, e.column) for e in known if e.kind == "attention"}
    found = []
    for error in errors:
        place = (error.section or section.key, error.field, error.row, error.column)
        if place not in told:
            line = note("attention", error.code, section, error.message, field=error.field)
            found.append(line.model_copy(update={"row": error.row, "column": error.column}))
    return found


def keep_left_over(
    session: AsyncSession, codec: SectionCodec, application: Application, found: Iterable[forms.LeftOver]
) -> None:
    """Put what is left over beside the form."""
    for position, item in enumerate(found):
        id = uuid4()
        session.add(
            LeftOver(
                id=id,
                application_id=application.id,
                position=position,
                section=item.home,
                section_label=item.section_label,
                label=item.label,
                code=item.code,
                message=item.message,
                content=codec.seal_one(f"left_over.{id}", {"value": item.value, "text": item.text}),
                files=list(item.files),
            )
        )


def keep_report(
    session: AsyncSession,
    actor: Actor,
    application: Application,
    kind: Literal["rebase", "copy"],
    entries: Iterable[Entry],
    *,
    from_version: int,
    source: UUID | None = None,
) -> Report:
    listed = list(entries)
    looked_at = {(e.section, e.field) for e in listed if e.kind == "attention"}
    # What has to be looked at is said once, not also as kept.
    listed = [e for e in listed if e.kind != "kept" or (e.section, e.field) not in looked_at]
    form = form_of(application)
    order = {section.key: n for n, section in enumerate(form.sections)}
    listed.sort(key=lambda e: order.get(e.section, len(order)))
    report = Report(
        id=uuid4(),
        application_id=application.id,
        created_at=clock.now(),
        created_by=actor.name,
        kind=kind,
        from_version=from_version,
        to_version=application.form_version,
        source=source,
        entries=[entry.model_dump(mode="json") for entry in listed],
    )
    session.add(report)
    return report


def opened(codec: Codec, application: Application, form: Form, item: LeftOver) -> str:
    """Return what is left over, as people read it."""
    sealer = codec.of(application, form)
    found = sealer.open_one(f"left_over.{item.id}", item.content)
    return str(found["text"]) if found else "（保存期限已满，内容已删除）"


async def dismiss(session: AsyncSession, actor: Actor, id: UUID, item_id: UUID) -> None:
    """A person has seen what is left over and needs it no more; its files are given up. It is not shown again, but
    kept with the application."""
    application = await repository.application(session, actor, id, lock=True)
    item = next(
        (found for found in await carried_over_queries.left_over(session, id) if found.id == item_id), None
    )
    if item is None:
        raise NotFound("没有这项内容。")
    if State(application.state) not in EDITABLE:
        raise Conflict("当前状态不能修改申报材料。", code=codes.WRONG_STATE)
    item.dismissed_at = clock.now()
    item.dismissed_by = actor.account
    named = await _named_files(session, application)
    for file in await repository.attachments(session, id):
        if str(file.id) in item.files and str(file.id) not in named:
            file.deleted_at = clock.now()
    record(
        session, actor, "dismiss_left_over", application_id=id,
        item=str(item.id), place=f"{item.section_label} · {item.label}",
    )  # fmt: skip
    await session.flush()


async def _named_files(session: AsyncSession, application: Application) -> set[str]:
    form = form_of(application)
    rows = await repository.sections(session, application.id)
    copies = [(s, copy) for s in form.sections for copy in (rows[s.key].saved, rows[s.key].draft)]
    return {id for section, copy in copies for id in reading.named_files(section, copy)}

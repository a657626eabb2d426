"""Show a draft's rows as the public HTTP contract does."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import round_facts
from services.applications.core.views import summary
from services.applications.filling import carried_over_queries
from services.applications.filling.carried_over import opened
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.filling.prefill import Place, waiting
from services.applications.filling.rebasing import newer_version
from services.applications.filling.sections import Opened, editable
from services.applications.forms.definition import Form
from services.applications.forms.filled import registry_values
from services.applications.forms.formulas.rules import rules_of
from services.applications.tables.applications import Application, Attachment, Round, Section
from services.applications.tables.carried_over import Report
from shared import clock
from shared.contract.carried_over import Entry, LeftOverView, ReportView, SourceView
from shared.contract.sections import (
    ApplicationView,
    AttachmentView,
    NamedPlace,
    Prefilled,
    RegistryView,
    SectionNow,
    SectionSummary,
    SectionView,
    SectionWritten,
)
from shared.identity import Actor, Role


async def full(
    session: AsyncSession,
    codec: Codec,
    application: Application,
    actor: Actor,
    rows: Mapping[str, Section] | None = None,
    filled: Filled | None = None,
) -> ApplicationView:
    """Return an application with the state of each of its materials; whether one is shown and required follows from what is
    saved of the others. `rows` and `filled` where they were loaded before."""
    form = form_of(application)
    if rows is None:
        rows = await repository.sections(session, application.id)
    line = await summary(session, application, actor)
    round_ = await session.get_one(Round, application.round_id)
    may_edit = actor.is_a(Role.APPLICANT)
    situation = None
    if rules_of(form).conditional_sections:
        if filled is None:
            filled = await of_rows(session, application, form, codec.of(application, form), rows)
        situation = filled.situation()
    return ApplicationView(
        **line.model_dump(),
        form_title=form.title,
        parameters=round_.parameters,
        registry=RegistryView(
            answered=application.registry_answered,
            asked_at=application.registry_asked_at,
            waiting=places(form, waiting(application, form, rows)) if may_edit else [],
        ),
        newer_form_version=newer_version(application, round_.form_version) if may_edit else None,
        left_over=await carried_over_queries.count_left_over(session, application.id) if may_edit else 0,
        sections=[
            SectionSummary(
                key=section.key,
                label=section.label,
                required=situation.required(section.key) if situation else section.required,
                visible=situation is None or situation.visible(section.key),
                status=status(rows[section.key]),
                editable=may_edit and editable(application, section.key, actor),
                saved_at=rows[section.key].saved_at,
                draft_at=rows[section.key].draft_at,
                etag=str(rows[section.key].etag),
            )
            for section in form.sections
        ],
        sms_section=(form.contact_mobile or "").partition(".")[0] or None,
        sms_agreed=application.sms_agreed_at is not None,
    )


def places(form: Form, found: Iterable[Place]) -> list[NamedPlace]:
    """Fields by their places, with the words for both."""
    named = []
    for at, key in found:
        section = form.section(at)
        definition = section.field(key) if section else None
        if section and definition:
            named.append(NamedPlace(section=at, section_label=section.label, field=key, label=definition.label))
    return named


async def report(session: AsyncSession, found: Report) -> ReportView:
    source = None
    if found.source is not None:
        origin = await repository.application_for_system(session, found.source)
        round_ = await session.get_one(Round, origin.round_id)
        source = SourceView(
            id=origin.id, number=origin.number, project_name=origin.project_name, round_title=round_.title
        )
    return ReportView(
        id=found.id,
        kind="copy" if found.kind == "copy" else "rebase",
        created_at=found.created_at,
        created_by=found.created_by,
        from_version=found.from_version,
        to_version=found.to_version,
        source=source,
        entries=[Entry.model_validate(entry) for entry in found.entries],
    )


async def left_over(session: AsyncSession, codec: Codec, application: Application) -> list[LeftOverView]:
    form = form_of(application)
    files = {str(file.id): file for file in await repository.attachments(session, application.id)}
    return [
        LeftOverView(
            id=item.id,
            section=item.section,
            section_label=item.section_label,
            label=item.label,
            text=opened(codec, application, form, item),
            code=item.code,
            message=item.message,
            files=[attachment_view(files[id]) for id in item.files if id in files],
            created_at=item.created_at,
        )
        for item in await carried_over_queries.left_over(session, application.id)
    ]


def status(row: Section) -> str:
    """未填写, 已暂存 or 已保存."""
    if row.draft is not None:
        return "draft"
    return "saved" if row.saved is not None else "empty"


def attachment_view(attachment: Attachment) -> AttachmentView:
    return AttachmentView.model_validate(attachment, from_attributes=True)


def section_view(
    opened: Opened, files: list[Attachment], now: SectionNow, round_: Round, actor: Actor, filled: Filled
) -> SectionView:
    key, row = opened.definition.key, opened.row
    prefill = opened.codec.open(key, {name: item["value"] for name, item in row.prefill.items()})
    typed = opened.shown()
    shown = prefill if typed is None else typed
    brought = registry_values.Brought(prefill, opened.codec.open(key, row.registered))
    choices = opened.form.choices(round_facts(round_))
    return SectionView(
        key=key,
        saved=opened.codec.open_or_none(key, row.saved),
        draft=opened.codec.open_or_none(key, row.draft),
        prefill={name: Prefilled(**{**item, "value": prefill[name]}) for name, item in row.prefill.items()},
        registry=registry_values.changed(opened.definition, shown, brought, choices),
        defaults=filled.defaults(opened.definition),
        attachments=[attachment_view(file) for file in files],
        editable=editable(opened.application, key, actor),
        saved_at=row.saved_at,
        draft_at=row.draft_at,
        etag=str(row.etag),
        version=opened.application.version,
        now=now,
    )


def section_written(opened: Opened, now: SectionNow, shown: dict[str, Any] | None) -> SectionWritten:
    row = opened.row
    return SectionWritten(
        key=opened.definition.key,
        status=status(row),
        etag=str(row.etag),
        version=opened.application.version,
        at=row.draft_at or row.saved_at or clock.now(),
        values=shown,
        now=now,
    )

"""Keep what a reviewer ticks of a case's 形式审查 list: by whoever works on the case, and never over what another tab saved."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.moves import load_facts, round_facts
from services.applications.forms.checklist import Line, checklist
from services.applications.forms.definition import Form
from services.applications.forms.filled.labels import field_label
from services.applications.review import leases
from services.applications.tables.applications import Application
from services.applications.tables.desk import CaseChecklist
from services.applications.workflow import holds_lease
from shared import clock, codes
from shared.contract.review import ChecklistInput, ChecklistLine, ChecklistPlace, ChecklistView
from shared.errors import Conflict, FieldError, Invalid, Stale
from shared.identity import Actor


async def of_case(session: AsyncSession, application: Application) -> ChecklistView:
    """Return the lines that concern a case, as its latest submission is, with what was saved of them."""
    saved = await session.get(CaseChecklist, application.id)
    ticks: dict[str, Any] = saved.ticks if saved else {}
    form = form_of(application)
    return ChecklistView(
        version=saved.version if saved else 0,
        revision=saved.revision if saved else None,
        saved_by=saved.saved_by_name if saved else None,
        saved_at=saved.saved_at if saved else None,
        lines=[
            ChecklistLine(
                id=line.id,
                text=line.text,
                source=line.source,
                look=_places(form, line),
                met=ticks.get(line.id, {}).get("met"),
                note=ticks.get(line.id, {}).get("note", ""),
            )
            for line in await _lines(session, application)
        ],
    )


async def save(
    session: AsyncSession,
    actor: Actor,
    application: Application,
    version: str,
    given: ChecklistInput,
    *,
    lease_minutes: int,
) -> None:
    """Keep the ticks of a locked case, which stays with the reviewer for so long.

    `Conflict` where it is not waiting for a reviewer or not with this one; `Stale` where somebody saved since `version`; `Invalid`
    for a line that does not concern the case, and for one not met without a word why.
    """
    if application.state not in leases.TO_WORK_ON:
        raise Conflict("当前状态不能填写形式审查表。", code=codes.WRONG_STATE)
    if refusal := holds_lease(await load_facts(session, application, at=actor.received_at, actor=actor.account)):
        raise Conflict(refusal.message, code=refusal.code)
    saved = await session.get(CaseChecklist, application.id)
    if version != str(saved.version if saved else 0):
        told = (
            f"形式审查表已由{saved.saved_by_name}于 {clock.show(saved.saved_at)} 保存，请核对后重试。"
            if saved
            else None
        )
        raise Stale(told, current={"etag": str(saved.version if saved else 0)})
    lines = await _lines(session, application)
    _must_be_sound(lines, given)
    ticks = {
        id: {"met": tick.met, "note": tick.note.strip()}
        for id, tick in given.ticks.items()
        if tick.met is not None or tick.note.strip()
    }
    if saved is None:
        saved = CaseChecklist(application_id=application.id, version=0)
        session.add(saved)
    before = {id: tick["met"] for id, tick in (saved.ticks or {}).items()}
    now = {id: tick["met"] for id, tick in ticks.items()}
    saved.version += 1
    saved.revision, saved.ticks = application.revision, ticks
    saved.saved_by, saved.saved_by_name, saved.saved_at = actor.account, actor.name, clock.now()
    leases.go_on(application, actor, lease_minutes)
    record(
        session,
        actor,
        "save_checklist",
        application_id=application.id,
        submitted=application.revision,
        changed={id: now.get(id) for id in sorted(before.keys() | now.keys()) if before.get(id) != now.get(id)},
        met=sum(met is True for met in now.values()),
        not_met=sum(met is False for met in now.values()),
        of=len(lines),
    )
    await session.flush()


async def _lines(session: AsyncSession, application: Application) -> list[Line]:
    round_ = await round_queries.round_(session, application.round_id)
    revision = await repository.revision(session, application.id, application.revision)
    return checklist(application.fund_type).lines_for(revision.content["sections"], round_facts(round_))


def _must_be_sound(lines: list[Line], given: ChecklistInput) -> None:
    known = {line.id for line in lines}
    errors = [
        FieldError(field=f"ticks.{id}", code=codes.UNKNOWN_FIELD, message="形式审查表没有这一条")
        for id in given.ticks
        if id not in known
    ]
    errors += [
        FieldError(field=f"ticks.{line.id}.note", code=codes.REQUIRED, message=f"请写明不符合之处：{line.text}")
        for line in lines
        if (tick := given.ticks.get(line.id)) and tick.met is False and not tick.note.strip()
    ]
    if errors:
        raise Invalid(errors)


def _places(form: Form, line: Line) -> list[ChecklistPlace]:
    """Where a line says to look, as far as this version of the form has it."""
    found = []
    for place in line.look:
        key, _, part = place.partition(".")
        section, label = form.section(key), field_label(form, key, part)
        if section and label:
            found.append(ChecklistPlace(section=key, part=part, label=f"{section.label} · {label}"))
    return found

"""Keep, save and discard a section (暂存, 保存表单, 放弃修改): its two copies, each write guarded by the section's tag."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.deadlines import may_be_corrected, must_be_in_time
from services.applications.core.return_seen import mark_seen
from services.applications.filling.filled_form import Filled, part
from services.applications.forms.definition import Form
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import validation
from services.applications.forms.filled.checks import name_in, value_at
from services.applications.forms.formulas.rules import rules_of
from services.applications.tables.applications import Application, Attachment, Section
from services.applications.workflow import EDITABLE, LABELS, State
from shared import clock, codes
from shared.contract.sections import SectionCopies, SectionNow, SectionValues
from shared.errors import Conflict, NotFound, Stale
from shared.identity import Actor, Duty


@dataclass(frozen=True)
class Opened:
    """A section ready for work: its row, its definition, and the codec of its application."""

    application: Application
    form: Form
    definition: Definition
    row: Section
    codec: SectionCodec

    def shown(self) -> dict[str, Any] | None:
        """Return what was typed last: its 暂存, else what is saved."""
        kept = self.row.draft if self.row.draft is not None else self.row.saved
        return self.codec.open_or_none(self.definition.key, kept)


async def open_section(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    key: str,
    *,
    lock: bool = False,
) -> Opened:
    """Load a section the actor may see, with a lock on it and its application for those who will write."""
    application, row = await repository.application_and_section(session, actor, id, key, lock=lock)
    form = form_of(application)
    definition = form.section(key)
    if definition is None or row is None:
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION)
    return Opened(application, form, definition, row, codec.of(application, form))


async def filled_around(
    session: AsyncSession, opened: Opened, attachments: Sequence[Attachment] | None = None
) -> Filled:
    """Return the form as far as this section's conditions look: this section and those that it hangs on."""
    key = opened.definition.key
    needed = rules_of(opened.form).needs[key] | {key}
    # Most sections stand on their own, and this one is at hand.
    rows = {key: opened.row}
    if needed != {key}:
        known = await repository.sections(session, opened.application.id)
        rows = {key: known[key] for key in known.keys() & needed}
    return await part(session, opened.application, opened.form, opened.codec, rows, attachments)


async def standing(
    session: AsyncSession, opened: Opened, attachments: Sequence[Attachment] | None = None
) -> SectionNow:
    """Return how the section stands with what it shows: its 暂存, else what is saved, else what was prefilled. `attachments`: all of
    the application's, where they were loaded before."""
    filled = await filled_around(session, opened, attachments)
    typed = opened.shown()
    return filled.now(opened.definition, filled.prefill.get(opened.definition.key, {}) if typed is None else typed)


def editable(application: Application, key: str, actor: Actor) -> bool:
    """Tell whether the person could change a section when the request arrived."""
    if not actor.may(Duty.FILL):
        return False
    if application.state == State.RETURNED:
        return may_be_corrected(application, actor) and key in application.unlocked
    return State(application.state) in EDITABLE


def must_be_editable(application: Application, key: str, actor: Actor) -> None:
    """Raise `Conflict` with the reason why the applicant could not change a section when the request arrived."""
    state = State(application.state)
    if state not in EDITABLE:
        raise Conflict(f"当前状态为“{LABELS[state]}”，不能修改申报材料。", code=codes.WRONG_STATE)
    must_be_in_time(application, actor)
    if state is State.RETURNED and key not in application.unlocked:
        raise Conflict("本次退回未开放此项材料的修改。", code=codes.SECTION_LOCKED)


def must_be_of(application: Application, form_version: int | None) -> None:
    """Raise `Stale` for values that were typed into another version of the form than the application has now."""
    if form_version not in (None, application.form_version):
        raise Stale("申报表已更新为新版。", code=codes.FORM_CHANGED, current=SectionCopies().model_dump())


def must_match(opened: Opened, etag: str) -> None:
    if etag != str(opened.row.etag):
        key = opened.definition.key
        current = SectionCopies(
            saved=opened.codec.open_or_none(key, opened.row.saved),
            draft=opened.codec.open_or_none(key, opened.row.draft),
            etag=str(opened.row.etag),
        )
        raise Stale(current=current.model_dump())


async def discard_draft(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, key: str, etag: str
) -> tuple[Opened, SectionNow]:
    """放弃修改: back to what is saved, and how the section stands with that."""
    opened = await open_section(session, codec, actor, id, key, lock=True)
    must_match(opened, etag)
    must_be_editable(opened.application, key, actor)
    drop_draft(opened.row)
    await mark_seen(session, opened.application, actor)
    record(session, actor, "discard_draft", application_id=id, section=key)
    await session.flush()
    return opened, await standing(session, opened)


def drop_draft(row: Section) -> None:
    """Forget what was typed since the last 保存表单."""
    row.draft = None
    row.draft_at = None
    row.etag += 1


@dataclass(frozen=True)
class Saved:
    """A section that was saved: `kept` is what counts now, `filled` the form with it."""

    opened: Opened
    kept: dict[str, Any]
    filled: Filled


async def save(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    key: str,
    etag: str,
    given: SectionValues,
    around: Callable[[AsyncSession, Opened], Awaitable[Filled]] = filled_around,
) -> Saved:
    """保存表单: validate and make it count. Raises the section's tag and the application's version. `around`: how much of the form is
    loaded, at the least what the section's conditions look at."""
    opened = await open_section(session, codec, actor, id, key, lock=True)
    must_be_of(opened.application, given.form_version)
    must_match(opened, etag)
    must_be_editable(opened.application, key, actor)
    filled = await around(session, opened)
    kept = validation.validate(opened.definition, given.values, filled.context(key))
    opened.row.saved = opened.codec.seal(key, kept)
    opened.row.saved_at = clock.now()
    drop_draft(opened.row)
    await mark_seen(session, opened.application, actor)
    # Its row is locked: nobody else counts meanwhile.
    opened.application.version += 1
    filled = filled.with_saved({**filled.saved, key: kept})
    _follow(opened, filled.effective())
    record(session, actor, "save_section", application_id=id, section=key)
    await session.flush()
    return Saved(opened, kept, filled)


def _follow(opened: Opened, counted: dict[str, dict[str, Any]]) -> None:
    """Keep the list's columns in step with the sections they come from; the amount may be a computed one."""
    name = name_in(opened.form, counted)
    amount = value_at(opened.form.applied_amount, counted)
    if name is not None:
        opened.application.project_name = name
    if amount is not None:
        opened.application.applied_wan = Decimal(amount)

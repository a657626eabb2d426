"""Move a draft to the newer version of its form that its round has been given since the draft was begun."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries
from services.applications.core.audit import record
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.moves import must_match, round_facts
from services.applications.filling.carried_over import attention, keep_left_over, keep_report, mistakes, note
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.filling.registry_refresh import refresh
from services.applications.forms.catalogue import between
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import reading, validation
from services.applications.forms.kinds import blank
from services.applications.forms.versions.conversions import text
from services.applications.forms.versions.mapping import Homes, homes
from services.applications.forms.versions.rebase import LeftOver, Rebased, rebase
from services.applications.tables.applications import Application, Section
from services.applications.tables.carried_over import Report
from services.applications.workflow import State
from shared import clock, codes
from shared.contract.carried_over import Entry
from shared.errors import Conflict
from shared.identity import Actor
from shared.messages import Profile

Values = dict[str, Any]


@dataclass(frozen=True)
class _Copies:
    """Both copies of every section, opened; `shown` is the one its page shows."""

    saved: dict[str, Values]
    shown: dict[str, Values]

    @classmethod
    def of(cls, codec: SectionCodec, rows: Mapping[str, Section]) -> "_Copies":
        saved = {key: codec.open(key, row.saved) for key, row in rows.items() if row.saved is not None}
        drafts = {key: codec.open(key, row.draft) for key, row in rows.items() if row.draft is not None}
        return cls(saved, {**saved, **drafts})


async def rebase_draft(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, version: str | None, profile: Profile
) -> tuple[Application, Report]:
    """Move a draft that was never submitted to its round's version of the form, and say what became of everything.

    What is saved stays saved where it still fits whole; a section of which something changed or has to be looked at
    becomes a 暂存. What has no place is left over, beside the form. `Conflict` when there is nothing to move to.
    """
    application = await repository.application(session, actor, id, lock=True)
    if version is not None:
        must_match(application, version)
    round_ = await round_queries.round_(session, application.round_id)
    _must_be_movable(application, round_.form_version)
    versions = between(application.fund_type, application.form_version, round_.form_version)
    old, new = versions[0], versions[-1]
    known = homes(versions)
    rows = await repository.sections(session, id, lock=True)
    opener, sealer = (codec.of(application, form) for form in (old, new))
    copies = _Copies.of(opener, rows)
    choices = new.choices(round_facts(round_))
    done = rebase(versions, copies.shown, choices)
    done_saved = rebase(versions, copies.saved, choices)

    placed = await _place_rows(session, application, known, opener, sealer, rows)
    await _move_files(session, application, known)
    application.form_version = new.version
    application.version += 1
    filled = await of_rows(session, application, new, sealer, placed)
    readable = {
        key: reading.read(new.by_key[key], values, filled.context(key)).kept
        for key, values in done_saved.sections.items()
    }
    filled = filled.with_saved(readable)
    entries = done.entries
    left = [*done.left_over, *(item for item in done_saved.left_over if item not in done.left_over)]
    for section in new.sections:
        said, lost = _write(section, placed[section.key], sealer, filled, done, done_saved)
        entries += said + attention(section, _wrong(filled, section, done), entries)
        left += lost
    keep_left_over(session, sealer, application, left)
    await session.flush()
    # What the new version takes from the registry.
    if profile.registry_answered:
        await refresh(session, codec, actor, id, profile, ())
    report = keep_report(session, actor, application, "rebase", entries, from_version=old.version)
    record(
        session, actor, "rebase", application_id=id, before=old.version, after=new.version,
        left_over=len(left), report=str(report.id),
    )  # fmt: skip
    await session.flush()
    return application, report


def _must_be_movable(application: Application, newest: int) -> None:
    if State(application.state) is not State.DRAFT or application.revision:
        raise Conflict("已提交过的申请沿用原来的表单版本。", code=codes.ALREADY_SUBMITTED)
    if newest <= application.form_version:
        raise Conflict("本项目使用的已是本批次最新的表单版本。", code=codes.NO_NEWER_FORM)


async def _place_rows(
    session: AsyncSession,
    application: Application,
    known: Homes,
    opener: SectionCodec,
    sealer: SectionCodec,
    rows: Mapping[str, Section],
) -> dict[str, Section]:
    """Return a row for every section of the new form, with the tag and what was brought along of the one it follows."""
    prefill, registered = _brought(known, opener, sealer, rows)
    origin = {home: at for at, home in known.sections.items()}
    tags = {key: (row.etag, row.saved_at, row.draft_at) for key, row in rows.items()}
    placed = {}
    for key, row in rows.items():
        if key not in known.new.by_key:
            await session.delete(row)
    await session.flush()
    for section in known.new.sections:
        etag, saved_at, draft_at = tags.get(origin.get(section.key, ""), (0, None, None))
        row = rows.get(section.key) or Section(application_id=application.id, key=section.key)
        session.add(row)
        # A tag that was ever given out never stands for other values.
        row.etag = max(etag, row.etag or 0) + 1
        row.saved_at, row.draft_at = saved_at, draft_at
        row.prefill = prefill.get(section.key, {})
        row.registered = registered.get(section.key, {})
        placed[section.key] = row
    return placed


def _brought(
    known: Homes, opener: SectionCodec, sealer: SectionCodec, rows: Mapping[str, Section]
) -> tuple[dict[str, Values], dict[str, Values]]:
    """Return what was brought along, with the fields it belongs to."""
    prefill: dict[str, Values] = {}
    registered: dict[str, Values] = {}
    for key, row in rows.items():
        values = opener.open(key, {name: item["value"] for name, item in row.prefill.items()})
        said = opener.open(key, row.registered)
        for name in {*values, *said}:
            at, part = known.of(key, name) or ("", "")
            field = known.new.by_key[at].field(part) if at else None
            if field is None or field.prefill is None:
                continue
            if name in values:
                sealed = sealer.seal(at, {part: values[name]})[part]
                prefill.setdefault(at, {})[part] = {**row.prefill[name], "value": sealed}
            if name in said:
                registered.setdefault(at, {}).update(sealer.seal(at, {part: said[name]}))
    return prefill, registered


async def _move_files(session: AsyncSession, application: Application, known: Homes) -> None:
    for file in await repository.attachments(session, application.id):
        file.section, file.slot = known.of(file.section, file.slot) or (file.section, file.slot)
    await session.flush()


def _write(
    section: Definition, row: Section, codec: SectionCodec, filled: Filled, done: Rebased, done_saved: Rebased
) -> tuple[list[Entry], list[LeftOver]]:
    """Write both copies of a section; what there is to say about it, and what of its saved copy is left over."""
    shown, saved = done.sections.get(section.key), done_saved.sections.get(section.key)
    kept = None
    if saved is not None and row.saved_at is not None:
        clean, errors = validation.judged(section, saved, filled.context(section.key))
        kept = None if errors else clean
    untouched = row.saved_at is None and row.draft_at is None
    row.saved = None if kept is None else codec.seal(section.key, kept)
    if kept is None:
        row.saved_at = None
    if not shown or (kept is not None and shown == saved):
        row.draft, row.draft_at = None, None
        return [], []
    # A section that nobody has written in shows what was brought along; so it does with a value that moved in.
    draft = reading.draft(section, {**(filled.prefill.get(section.key, {}) if untouched else {}), **shown})
    row.draft = codec.seal(section.key, draft)
    row.draft_at = row.draft_at or clock.now()
    if kept is not None or saved is None:
        return [], []
    return [note("attention", "save_again", section, "本项材料需核对后重新保存表单")], _superseded(
        section, saved, shown
    )


def _superseded(section: Definition, saved: Values, shown: Values) -> list[LeftOver]:
    """Return what a saved copy held that the newer 暂存 does not, now that only the 暂存 is kept."""
    found = []
    for key, value in saved.items():
        if blank(value) or value == shown.get(key):
            continue
        label = section.by_key[key].label
        shown_as = text(section.by_key[key], value)
        message = "上次保存的内容；本项材料现在以暂存的内容为准"
        found.append(
            LeftOver(section.key, key, section.label, label, value, shown_as, "was_saved", message, section.key)
        )
    return found


def _wrong(filled: Filled, section: Definition, done: Rebased) -> list[Any]:
    values = done.sections.get(section.key)
    return mistakes(filled, section, values) if values else []


def newer_version(application: Application, form_version: int) -> int | None:
    """Return the round's newer version of the form, if this draft may move to it."""
    movable = State(application.state) is State.DRAFT and not application.revision
    return form_version if movable and form_version > application.form_version else None

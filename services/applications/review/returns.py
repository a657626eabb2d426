"""Return an application for correction (退回补正): opinions noted while reading, the materials they unlock, a deadline,
and the mail that is owed for it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move, must_match_or_tell
from services.applications.documents import letters
from services.applications.forms.definition import Form
from services.applications.forms.filled import presence
from services.applications.forms.filled.checks import tied
from services.applications.forms.filled.labels import field_label, row_name
from services.applications.outbox.events import about, owe
from services.applications.review import leases, queries
from services.applications.tables.applications import Application, Opinion
from services.applications.workflow import Action, State, holds_lease
from shared import clock, codes
from shared.contract.returns import OpinionInput
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor
from shared.messages import ApplicationReturned, OpinionText

RETURNABLE = frozenset({State.PENDING_ACCEPTANCE, State.FORM_REVIEW})


@dataclass(frozen=True)
class Unlocked:
    """A material that a return opens, and why: an opinion concerns it, the reviewer named it, or a check ties it to
    one of those."""

    key: str
    label: str
    why: str


def unlocked_by(form: Form, concerned: set[str | None], named: list[str]) -> list[Unlocked]:
    """Return what a return with opinions on these materials (None: on the whole) opens, in the form's order."""
    if None in concerned and concerned == {None} and not named:
        return [Unlocked(s.key, s.label, "whole") for s in form.sections]
    keys = {key for key in concerned if key}
    opened = tied(form, keys | set(named))
    return [
        Unlocked(s.key, s.label, "opinion" if s.key in keys else "named" if s.key in named else "tied")
        for s in form.sections
        if s.key in opened
    ]


async def send_back(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    version: str,
    *,
    correct_by: datetime,
    opinions: list[OpinionInput],
    unlock: list[str],
) -> Application:
    """退回补正, with what was noted before and what comes with the request."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    form = form_of(application)
    await _must_name_places(session, codec, application, form, opinions, unlock)
    trip = application.round_trips + 1
    noted = await noted_opinions(session, application)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    facts = replace(facts, opinions=len(opinions) + len(noted), deadline=correct_by)
    concerned = {o.section for o in opinions} | {o.section for o in noted}
    await make_move(
        session,
        application,
        actor,
        Action.RETURN,
        facts,
        returned_from=facts.state,
        correct_by=correct_by,
        round_trips=trip,
        unlocked=[u.key for u in unlocked_by(form, concerned, unlock)],
        return_seen_at=None,
        returned_at=actor.received_at,
        correct_set_at=actor.received_at,
        lease_account=None,
        lease_name=None,
        lease_until=None,
        details={
            "round_trip": trip,
            "correct_by": correct_by.isoformat(),
            "opinions": len(opinions) + len(noted),
        },
    )
    given = [_opinion(application, actor, o, trip, len(noted) + i) for i, o in enumerate(opinions)]
    session.add_all(given)
    await session.flush()
    event = await _event(session, codec, application, form, [*noted, *given], correct_by)
    await owe(session, event, f"{application.id}:{application.round_trips}:{application.version}")
    await letters.issue(
        session,
        application,
        "return",
        opinions="\n".join(f"{n}.{_said(opinion)}" for n, opinion in enumerate(event.opinions, 1)),
        deadline=clock.show_long_date(correct_by.astimezone(clock.SHANGHAI).date()),
    )
    return application


async def preview(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    *,
    correct_by: datetime,
    opinions: list[OpinionInput],
    unlock: list[str],
) -> tuple[list[Unlocked], ApplicationReturned]:
    """Return what a return would open and what would be told, without returning anything."""
    application = await repository.application(session, actor, id)
    form = form_of(application)
    await _must_name_places(session, codec, application, form, opinions, unlock)
    noted = await noted_opinions(session, application)
    if not noted and not opinions:
        raise Conflict("退回补正须至少填写一条意见。", code=codes.OPINION_REQUIRED)
    given = [_opinion(application, actor, o, application.round_trips + 1, i) for i, o in enumerate(opinions)]
    concerned = {o.section for o in [*noted, *given]}
    event = await _event(session, codec, application, form, [*noted, *given], correct_by)
    return unlocked_by(form, concerned, unlock), event


async def noted_opinions(session: AsyncSession, application: Application) -> list[Opinion]:
    """Opinions for a return still to come: noted while reading, raised again, or left by a return taken back."""
    return [
        o for o in await repository.opinions(session, application.id) if o.round_trip > application.round_trips
    ]


async def note(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, given: OpinionInput, *, lease_minutes: int
) -> Opinion:
    """Note an opinion at its place; the applicant hears of it with the return. The case stays with the noter, for so long."""
    application = await _to_note(session, actor, id)
    form = form_of(application)
    await _must_name_places(session, codec, application, form, [given], [])
    noted = await noted_opinions(session, application)
    if len(noted) >= 100:
        raise Conflict("一次退回最多 100 条意见。", code=codes.TOO_MANY_OPINIONS)
    opinion = _opinion(application, actor, given, application.round_trips + 1, len(noted))
    session.add(opinion)
    leases.go_on(application, actor, lease_minutes)
    record(session, actor, "note_opinion", application_id=id, opinion=str(opinion.id))
    await session.flush()
    await session.refresh(opinion)
    return opinion


async def change(session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, text: str) -> Opinion:
    """Replace the words of a noted opinion before anybody was told of it; the audit keeps what stood there."""
    opinion = await _unsent(session, actor, id, opinion_id, "修改")
    if (said := text.strip()) != opinion.text:
        if not said:
            raise Invalid(
                [FieldError(field="text", code=codes.REQUIRED, message="请填写意见内容，或删除该条意见")]
            )
        before, opinion.text = opinion.text, said
        record(session, actor, "change_opinion", application_id=id, opinion=str(opinion_id), before=before)
        await session.flush()
    return opinion


async def forget(session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID) -> None:
    """Take a noted opinion away before anybody was told of it."""
    opinion = await _unsent(session, actor, id, opinion_id, "删除")
    await session.delete(opinion)
    record(session, actor, "forget_opinion", application_id=id, opinion=str(opinion_id), text=opinion.text)


async def _unsent(session: AsyncSession, actor: Actor, id: UUID, opinion_id: UUID, act: str) -> Opinion:
    application = await _to_note(session, actor, id)
    opinion = await queries.opinion(session, id, opinion_id)
    if opinion.round_trip <= application.round_trips:
        raise Conflict(f"该条意见已随退回发出，不能{act}。", code=codes.OPINION_SENT)
    return opinion


async def _to_note(session: AsyncSession, actor: Actor, id: UUID) -> Application:
    application = await repository.application(session, actor, id, lock=True)
    if application.state not in RETURNABLE:
        raise Conflict("当前状态不能提出退回意见。", code=codes.WRONG_STATE)
    if refusal := holds_lease(await load_facts(session, application, at=actor.received_at, actor=actor.account)):
        raise Conflict(refusal.message, code=refusal.code)
    return application


def _opinion(application: Application, actor: Actor, given: OpinionInput, trip: int, position: int) -> Opinion:
    return Opinion(
        id=uuid4(),
        application_id=application.id,
        round_trip=trip,
        section=given.section or None,
        field=given.field or None,
        row=given.row or None,
        text=given.text.strip(),
        author=actor.account,
        author_name=actor.name,
        position=position,
    )


async def _must_name_places(
    session: AsyncSession,
    codec: Codec,
    application: Application,
    form: Form,
    opinions: list[OpinionInput],
    unlock: list[str],
) -> None:
    """Raise `Invalid` for a material, a field or a row that is not there, and for an opinion without words."""
    errors = [
        FieldError(field=f"unlock.{i}", code=codes.UNKNOWN_SECTION, message="没有这份申报材料")
        for i, key in enumerate(unlock)
        if form.section(key) is None
    ]
    submitted: dict[str, Any] = {}
    if any(o.section for o in opinions):
        submitted = (await repository.revision(session, application.id, application.revision)).content["sections"]
    for i, opinion in enumerate(opinions):
        if fault := _fault(form, opinion, submitted, f"opinions.{i}"):
            errors.append(fault)
        if not opinion.text.strip():
            errors.append(FieldError(field=f"opinions.{i}.text", code=codes.REQUIRED, message="请填写意见内容"))
    if errors:
        raise Invalid(errors)


def _fault(form: Form, opinion: OpinionInput, submitted: dict[str, Any], at: str) -> FieldError | None:
    """Return what is wrong with the place of an opinion, which stands `at` in the request."""
    section = form.section(opinion.section) if opinion.section else None
    if opinion.section and section is None:
        return FieldError(field=f"{at}.section", code=codes.UNKNOWN_SECTION, message="没有这份申报材料")
    if opinion.field and field_label(form, opinion.section, opinion.field) is None:
        return FieldError(field=f"{at}.field", code=codes.UNKNOWN_FIELD, message="该材料没有此项")
    if opinion.row:
        table = (opinion.field or "").partition(".")[0]
        rows = (submitted.get(opinion.section or "") or {}).get(table)
        if (
            section is None
            or section.table(table) is None
            or not any(r.get("id") == opinion.row for r in rows or [])
        ):
            return FieldError(field=f"{at}.row", code=codes.UNKNOWN_ROW, message="该表没有这一行")
    if section and not presence.exists(form, submitted, section.key, opinion.field or "", opinion.row or ""):
        part = f"{at}.field" if opinion.field else f"{at}.section"
        return FieldError(
            field=part, code=codes.NOT_IN_REVISION, message="按所填内容，本版没有此项，不能对其提出意见"
        )
    return None


async def _event(
    session: AsyncSession,
    codec: Codec,
    application: Application,
    form: Form,
    opinions: list[Opinion],
    correct_by: datetime,
) -> ApplicationReturned:
    if not application.revision:
        raise NotFound("没有已提交的版本。")
    revision = await repository.revision(session, application.id, application.revision)
    opener = codec.of(application, form)
    saved = {key: opener.open(key, values) for key, values in revision.content["sections"].items()}
    return ApplicationReturned(
        **await about(session, codec, application),
        correct_by=correct_by,
        opinions=[
            OpinionText(
                material=section.label if o.section and (section := form.section(o.section)) else "整体",
                field=_place(form, saved, o),
                text=o.text,
            )
            for o in opinions
        ],
    )


def _said(opinion: OpinionText) -> str:
    place = " · ".join(part for part in (opinion.material, opinion.field) if part)
    return f"{place}：{opinion.text}"


def _place(form: Form, saved: dict[str, Any], opinion: Opinion) -> str | None:
    """Return the words for an opinion's place within its material: the field, and the row by its label or number: a letter outlasts
    what an enterprise filled in."""
    label = field_label(form, opinion.section, opinion.field)
    key = (opinion.field or "").partition(".")[0]
    table = form.by_key[opinion.section].table(key) if opinion.section and opinion.section in form.by_key else None
    if label is None or table is None or not opinion.row:
        return label
    rows = (saved.get(opinion.section or "") or {}).get(key) or []
    numbered = ((n, row) for n, row in enumerate(rows, 1) if row.get("id") == opinion.row)
    words = next((row_name(table, row, n) for n, row in numbered), None)
    return f"{label}，{words}" if words else label

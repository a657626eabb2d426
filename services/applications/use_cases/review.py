"""What the bureau does with an application: lease, 纳批, 退回补正 and every further move of the table."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import outbox, repository
from services.applications.codec import Codec
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.checks import tied
from services.applications.forms.definition import Form
from services.applications.models import Application, Opinion
from services.applications.schemas import OpinionInput
from services.applications.use_cases.moving import load_facts, make_move, must_match
from services.applications.use_cases.recording import record
from services.applications.use_cases.submit import person_of
from services.applications.workflow import Action
from shared import clock
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor
from shared.messages import NOTIFY, ApplicationReturned, OpinionText


async def take_lease(session: AsyncSession, actor: Actor, id: UUID, minutes: int) -> Application:
    """Take an application into work, or renew; `Conflict` names the holder. Its version does not change."""
    application = await repository.application(session, actor, id, lock=True)
    now = clock.now()
    held = application.lease_until is not None and application.lease_until > now
    if held and application.lease_account != actor.account:
        raise Conflict(
            f"该申请正由{application.lease_name}办理。",
            code="lease_held",
            holder=application.lease_name,
            until=application.lease_until,
        )
    if not held:
        record(session, actor, "take_lease", application_id=id)
    application.lease_account = actor.account
    application.lease_name = actor.name
    application.lease_until = now + timedelta(minutes=minutes)
    await session.flush()
    return application


async def drop_lease(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Let go of an application one holds; nothing happens when one does not."""
    application = await repository.application(session, actor, id, lock=True)
    if application.lease_account == actor.account:
        _free(application)
        record(session, actor, "drop_lease", application_id=id)


def _free(application: Application) -> None:
    application.lease_account = application.lease_name = application.lease_until = None


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
    """退回补正: opinions, the materials they unlock, a deadline, and the mail that is owed for it."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    form = catalogue_form(application.fund_type, application.form_version)
    _must_name_places(form, opinions, unlock)
    trip = application.round_trips + 1
    raised = [o for o in await repository.opinions(session, id) if o.round_trip == trip]
    facts = await load_facts(session, application, at=actor.received_at)
    facts = replace(facts, opinions=len(opinions) + len(raised), deadline=correct_by)
    given_for = [o.section for o in opinions] + [o.section for o in raised]
    named = {key for key in given_for if key} | set(unlock)
    # An opinion on the whole opens the whole.
    sections = tied(form, named) if named else {s.key for s in form.sections}
    await make_move(
        session,
        application,
        actor,
        Action.RETURN,
        facts,
        returned_from=facts.state,
        correct_by=correct_by,
        round_trips=trip,
        unlocked=[s.key for s in form.sections if s.key in sections],
        return_seen_at=None,
        lease_account=None,
        lease_name=None,
        lease_until=None,
        details={
            "round_trip": trip,
            "correct_by": correct_by.isoformat(),
            "opinions": len(opinions) + len(raised),
        },
    )
    given = [
        Opinion(
            id=uuid4(),
            application_id=id,
            round_trip=trip,
            section=o.section,
            field=o.field,
            row=o.row,
            text=o.text.strip(),
            author=actor.account,
            author_name=actor.name,
            position=len(raised) + i,
        )
        for i, o in enumerate(opinions)
    ]
    session.add_all(given)
    await session.flush()
    await _owe_notice(session, codec, application, form, [*raised, *given], correct_by)
    return application


def _must_name_places(form: Form, opinions: list[OpinionInput], unlock: list[str]) -> None:
    errors = [
        FieldError(field=f"unlock.{i}", code="unknown_section", message="没有这份申报材料")
        for i, key in enumerate(unlock)
        if form.section(key) is None
    ]
    for i, opinion in enumerate(opinions):
        section = form.section(opinion.section) if opinion.section else None
        if opinion.section and section is None:
            errors.append(
                FieldError(field=f"opinions.{i}.section", code="unknown_section", message="没有这份申报材料")
            )
        elif opinion.field and (section is None or field_label(form, opinion.section, opinion.field) is None):
            errors.append(FieldError(field=f"opinions.{i}.field", code="unknown_field", message="该材料没有此项"))
        if not opinion.text.strip():
            errors.append(FieldError(field=f"opinions.{i}.text", code="required", message="请填写意见内容"))
    if errors:
        raise Invalid(errors)


def field_label(form: Form, section: str | None, field: str | None) -> str | None:
    """The Chinese name of a field, table, table column (`table.column`) or attachment slot."""
    found = form.section(section) if section else None
    if found is None or not field:
        return None
    inner, _, column = field.partition(".")
    if table := found.table(inner):
        labels = [c.label for c in table.columns if c.key == column]
        return f"{table.label}·{labels[0]}" if labels else (table.label if not column else None)
    part = found.field(field) or found.slot(field)
    return part.label if part else None


async def _owe_notice(
    session: AsyncSession,
    codec: Codec,
    application: Application,
    form: Form,
    opinions: list[Opinion],
    correct_by: datetime,
) -> None:
    revision = await repository.revision(session, application.id, application.revision)
    opener = codec.of(application.id, application.wrapped_key, form)
    saved = {key: opener.open(key, values) for key, values in revision.content["sections"].items()}
    event = ApplicationReturned(
        event_id=uuid4(),
        occurred_at=clock.now(),
        to=person_of(application, form, saved),
        application_id=application.id,
        project_name=application.project_name,
        fund_type_label=form.label,
        number=application.number or "",
        revision=application.revision,
        correct_by=correct_by,
        opinions=[
            OpinionText(
                material=section.label if o.section and (section := form.section(o.section)) else "整体",
                field=field_label(form, o.section, o.field),
                text=o.text,
            )
            for o in opinions
        ],
    )
    await outbox.add(
        session,
        NOTIFY,
        event,
        due_key=f"application_returned:{application.id}:{application.round_trips}:{application.version}",
        priority=outbox.NOTICE,
        application_id=application.id,
        id=event.event_id,
    )


async def recall(session: AsyncSession, actor: Actor, id: UUID, version: str) -> Application:
    """收回退回, until the applicant has opened it. Its opinions are taken back too; those that were raised again wait for
    the next return, as before this one."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at)
    trip = application.round_trips
    await make_move(
        session,
        application,
        actor,
        Action.RECALL,
        facts,
        round_trips=trip - 1,
        correct_by=None,
        unlocked=[],
        returned_from=None,
    )
    given = (Opinion.application_id == id, Opinion.round_trip == trip, Opinion.raised_from.is_(None))
    await session.execute(delete(Opinion).where(*given))
    return application


async def extend(
    session: AsyncSession, actor: Actor, id: UUID, version: str, *, correct_by: datetime, reason: str
) -> Application:
    """延长补正期限, also for what has lapsed."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at)
    facts = replace(facts, deadline=correct_by, reason=reason)
    await make_move(
        session,
        application,
        actor,
        Action.EXTEND,
        facts,
        correct_by=correct_by,
        details={"correct_by": correct_by.isoformat(), "reason": reason},
    )
    return application


async def decide(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    version: str,
    action: Action,
    *,
    reason: str = "",
    amount_wan: Decimal | None = None,
    publicity_until: datetime | None = None,
) -> Application:
    """Any other move of staff: accept, pass, refuse, propose (公示 `publicity_until`), decline, approve."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at)
    facts = replace(facts, reason=reason, amount_wan=amount_wan)
    changes: dict[str, Any] = {"lease_account": None, "lease_name": None, "lease_until": None}
    if action is Action.PROPOSE:
        changes["approved_wan"] = amount_wan
        changes["publicity_until"] = publicity_until
    details = {"reason": reason} if reason else {}
    if amount_wan is not None:
        details["amount_wan"] = f"{amount_wan:.2f}"
    await make_move(session, application, actor, action, facts, details=details, **changes)
    return application

"""Submit an application (提交申请): one transaction that moves the state, freezes a revision, and owes the PDF and the
mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import receipts, repository, synthetic
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move, must_match
from services.applications.documents.owed import owe_document
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.filling.judgement import Sections, broken, judge, unconfirmed, unmet, unsaved
from services.applications.filling.prefill import remember_latest
from services.applications.filling.sections import drop_draft
from services.applications.forms.definition import Form
from services.applications.forms.filled import reading
from services.applications.forms.filled.checks import name_in, value_at
from services.applications.messages.tell import tell
from services.applications.outbox import outbox
from services.applications.outbox.recipients import fallback_of, person_of
from services.applications.submission import paper_tokens
from services.applications.submission.tickets import arrival
from services.applications.submission.unit_confirmation import must_be_confirmed
from services.applications.tables.applications import (
    APPLICATION_NUMBER,
    Application,
    Attachment,
    Document,
    Revision,
    Section,
)
from services.applications.workflow import Action, State, move
from shared import clock, codes
from shared.contract.checks import Outcome
from shared.contract.submission import Receipt
from shared.errors import Conflict, Invalid
from shared.identity import Actor
from shared.messages import NOTIFY, Profile, SubmissionReceived
from shared.tickets import Ticket

_NEXT_NUMBER = select(APPLICATION_NUMBER.next_value())
NO_REASONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Keys:
    """The secrets a submission needs."""

    codec: Codec
    receipt_key: bytes
    public_url: str


@dataclass(frozen=True)
class Taken:
    """A submission that was taken: its receipt, the warnings that did not stop it (the form's, and what the registry has changed
    since), the application with its sections as they are now and the form as it was judged."""

    receipt: Receipt
    warnings: list[Outcome]
    application: Application
    rows: dict[str, Section]
    filled: Filled


async def submit(
    session: AsyncSession,
    keys: Keys,
    actor: Actor,
    id: UUID,
    version: str,
    discard_drafts: Mapping[str, str | None],
    profile: Profile,
    reasons: Mapping[str, str] = NO_REASONS,
    *,
    ticket: Ticket | None = None,
) -> Taken:
    """Submit, or raise: `Stale`, `Conflict` (state, deadline, open opinions, a newer 暂存), or `Invalid` with every
    reason. `discard_drafts`: per section the etag of the 暂存 that is given up; None gives up any. `reasons`: by check.

    Whoever was sent away by our overload is judged by the first arrival that its `ticket` names.
    """
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    came_at = actor.received_at
    facts = await load_facts(session, application, at=came_at, actor=actor.account)
    if (at := await arrival(session, application, actor, facts, ticket)) != came_at:
        actor, facts = actor.model_copy(update={"received_at": at}), replace(facts, at=at)
    # Said before anything is validated: a closed round makes every other reason moot.
    move(facts, Action.SUBMIT, actor.roles)
    form = form_of(application)
    codec = keys.codec.of(application, form)
    rows = await repository.sections(session, id)
    _settle_drafts(form, rows, discard_drafts)
    files = await repository.attachments(session, id)
    filled = (await of_rows(session, application, form, codec, rows, files)).with_profile(profile)
    await must_be_confirmed(session, application, filled, files)
    saved, outcomes = _validated(filled, reasons)
    warnings = [outcome for outcome in outcomes if outcome.severity == "warning"]
    confirmed = {o.id: reasons[o.id].strip() for o in warnings if o.confirm}
    choices = form.choices(filled.facts.round)
    for row in rows.values():
        # Reviewers see what was known at this moment.
        remember_latest(codec, form, row, profile, choices)

    number = application.number or await _next_number(session, actor, id)
    revision = application.revision + 1
    named = await _named(session, application, form, saved, files)
    content = _content(application, form, saved, named, actor, confirmed, number=number, revision=revision)
    sha256, sm3 = receipts.digests(receipts.canonical(content))
    receipt = receipts.sign(
        keys.receipt_key,
        number=number,
        revision=revision,
        received_at=actor.received_at,
        sha256=sha256,
        sm3=sm3,
    )
    token = paper_tokens.make(keys.receipt_key, number=number, revision=revision, sha256=sha256)
    sealed = {**content, "sections": {key: codec.seal(key, values) for key, values in saved.items()}}
    session.add(
        Revision(
            application_id=id,
            number=revision,
            content=sealed,
            sha256=sha256,
            sm3=sm3,
            received_at=actor.received_at,
            submitted_by=actor.account,
            receipt=receipt.model_dump(mode="json"),
            verify_url=f"{keys.public_url.rstrip('/')}/verify/{token}",
        )
    )
    document = Document(id=uuid4(), application_id=id, kind="revision", revision=revision, source_sha256=sha256)
    await owe_document(session, document)
    event = _received(application, form, saved, receipt)
    await outbox.add(
        session,
        NOTIFY,
        event,
        due_key=f"submission_received:{id}:{revision}",
        priority=outbox.NOTICE,
        application_id=id,
        id=event.event_id,
    )
    await make_move(
        session,
        application,
        actor,
        Action.SUBMIT,
        facts,
        revision=revision,
        number=number,
        submitted_at=actor.received_at,
        submitted_from=facts.state,
        district=str(value_at(form.district, saved) or ""),
        applied_wan=value_at(form.applied_amount, saved),
        details={"sha256": sha256, "submitted": revision, "warnings": [o.id for o in warnings]}
        | ({"came_again_at": came_at.isoformat()} if at < came_at else {}),
    )
    if facts.state == State.RETURNED:
        await tell(session, actor, [application.assignee], "resubmitted", id)
    return Taken(receipt, warnings, application, rows, filled)


def _settle_drafts(form: Form, rows: dict[str, Section], discard: Mapping[str, str | None]) -> None:
    """Nobody submits an old amount by accident: a newer 暂存 is saved or given up first; nobody gives up unseen what was
    typed after they had looked."""
    newer = [s for s in form.sections if rows[s.key].draft is not None]
    unseen = [s for s in newer if discard.get(s.key) not in {None, str(rows[s.key].etag)}]
    if unseen:
        names = "、".join(f"“{s.label}”" for s in unseen)
        raise Conflict(
            f"{names}在您选择放弃修改之后又有新的暂存，请核对后再选择。",
            code=codes.NEWER_DRAFT,
            sections=[s.key for s in unseen],
        )
    open_ = [s for s in newer if s.key not in discard]
    if open_:
        raise Invalid(
            [unsaved(s.key, s.label) for s in open_],
            "有暂存内容尚未保存，请先保存表单或放弃修改。",
            code=codes.UNSAVED_DRAFT,
        )
    for section in newer:
        drop_draft(rows[section.key])


def _validated(filled: Filled, reasons: Mapping[str, str]) -> tuple[Sections, list[Outcome]]:
    """Return the values that count, every section's validated again, and the checks that do not hold; `Invalid` with all that is missing
    or wrong."""
    kept, errors = judge(filled, filled.saved)
    filled = filled.with_saved(kept)
    outcomes = unmet(filled.checks())
    errors += [broken(outcome) for outcome in outcomes if outcome.severity == "error"]
    errors += [unconfirmed(o) for o in outcomes if o.confirm and not reasons.get(o.id, "").strip()]
    if errors:
        order = {section.key: n for n, section in enumerate(filled.form.sections)}
        errors.sort(key=lambda e: order.get(e.section or "", 0))
        raise Invalid(errors, f"还有 {len(errors)} 处需要填写或修改，暂不能提交。", code=codes.INCOMPLETE)
    return filled.effective(), outcomes


async def _next_number(session: AsyncSession, actor: Actor, id: UUID) -> str:
    """申报编号: the year of the first submission and a running number, of which the synthetic applicant uses none up."""
    if synthetic.acts(actor):
        return f"ZJ{id.int % 10**12:012d}"
    running = await session.scalar(_NEXT_NUMBER)
    return f"GM{actor.received_at.astimezone(clock.SHANGHAI).year}{running:06d}"


async def _named(
    session: AsyncSession, application: Application, form: Form, saved: Sections, files: Sequence[Attachment]
) -> dict[str, Attachment]:
    """Return the attachments that saved values name: of those that stand, and what was deleted though it is named."""
    ids = {id for s in form.sections for id in reading.named_files(s, saved.get(s.key))}
    found = {str(file.id): file for file in files if str(file.id) in ids}
    if missing := ids - found.keys():
        found |= await repository.attachments_by_id(session, application.id, {UUID(id) for id in missing})
    return found


def _content(
    application: Application,
    form: Form,
    saved: Sections,
    files: Mapping[str, Attachment],
    actor: Actor,
    reasons: Mapping[str, str],
    *,
    number: str,
    revision: int,
) -> dict[str, Any]:
    """Return what the digests are over."""
    return {
        "application": str(application.id),
        "number": number,
        "revision": revision,
        "round": str(application.round_id),
        "form": {"fund_type": form.fund_type, "version": form.version},
        "enterprise": {"uscc": application.enterprise, "name": application.enterprise_name},
        "received_at": actor.received_at.isoformat(),
        "sections": saved,
        "attachments": {
            id: {"name": a.name, "size": a.size, "media_type": a.media_type, "sha256": a.sha256}
            for id, a in sorted(files.items())
        },
        # Only where there are any: a content without is what it was before reasons could be given.
        **({"reasons": dict(reasons)} if reasons else {}),
    }


def _received(application: Application, form: Form, saved: Sections, receipt: Receipt) -> SubmissionReceived:
    to = person_of(application, form, saved)
    return SubmissionReceived(
        event_id=uuid4(),
        occurred_at=clock.now(),
        to=to,
        fallback=fallback_of(application, to),
        application_id=application.id,
        project_name=str(name_in(form, saved) or application.project_name or "未命名项目"),
        fund_type_label=form.label,
        number=receipt.number,
        revision=receipt.revision,
        received_at=receipt.received_at,
        sha256=receipt.sha256,
    )

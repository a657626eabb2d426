"""Confirm a draft within the enterprise before 提交申请 (单位确认), where the round asks for it.

A confirmation is of one digest of what is saved: whatever is changed afterwards has to be confirmed again. It stands beside the
states: 提交申请 asks for it, and nothing else knows of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import receipts, repository, round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import must_match
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.forms.definition import Form
from services.applications.forms.filled.labels import field_label
from services.applications.rounds.parameters import asks_confirmation
from services.applications.tables.applications import Application, Attachment
from services.applications.tables.confirmation import UnitConfirmation
from services.applications.workflow import EDITABLE, LABELS, State
from shared import codes
from shared.contract.checks import Obstacle
from shared.contract.confirmation import ConfirmationView, UnitOpinion, UnitOpinionInput
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor

Outcome = Literal["asked", "confirmed", "returned"]
ACTS = {"asked": "ask_confirmation", "confirmed": "confirm_unit", "returned": "return_unit"}
# How long after the close somebody may still confirm and submit what was asked for before it.
WITHIN = timedelta(hours=24)


def digest_of(filled: Filled, files: Sequence[Attachment]) -> str:
    """Return the SHA-256 of what is saved: values, the form's version, files by their content."""
    content = {
        "form": {"fund_type": filled.form.fund_type, "version": filled.form.version},
        "sections": dict(filled.saved),
        "attachments": {str(file.id): file.sha256 for file in files},
    }
    return receipts.digest(SHA256(), receipts.canonical(content))


async def latest(session: AsyncSession, id: UUID) -> UnitConfirmation | None:
    """Return the last word on a draft."""
    query = select(UnitConfirmation).where(UnitConfirmation.application_id == id)
    return await session.scalar(query.order_by(UnitConfirmation.id.desc()).limit(1))


async def asked_in_time(
    session: AsyncSession, application: Application, ends: datetime, at: datetime
) -> datetime | None:
    """Return when a confirmation was asked for before a deadline that has passed since, by at most `WITHIN`; None where nobody had asked.
    Whether anything changed since is for the caller to tell."""
    if not ends < at <= ends + WITHIN:
        return None
    query = select(UnitConfirmation.at).where(
        UnitConfirmation.application_id == application.id,
        UnitConfirmation.outcome == "asked",
        UnitConfirmation.at <= ends,
    )
    return await session.scalar(query.order_by(UnitConfirmation.id.desc()).limit(1))


def obstacle(found: UnitConfirmation | None, digest: str) -> Obstacle | None:
    """Return what keeps a draft from being submitted in a round that asks for a confirmation; None when the content is confirmed."""
    if found is not None and found.outcome == "confirmed" and found.content_sha256 == digest:
        return None
    if found is not None and found.outcome == "returned":
        told = f"{found.name}已退回修改，修改后请再次送审。"
    elif found is not None and found.outcome == "confirmed":
        told = f"{found.name}确认后内容又有修改，请再次送审。"
    else:
        told = "请送本单位的审核人员确认。" if found is None else "已送审，等待本单位的审核人员确认。"
    return Obstacle(code=codes.NOT_CONFIRMED, message=f"本批次要求提交前由本单位确认：{told}")


async def must_be_confirmed(
    session: AsyncSession, application: Application, filled: Filled, files: Sequence[Attachment]
) -> None:
    """Raise `Conflict` (`not_confirmed`) unless the content is confirmed, in a round that asks for it."""
    if not asks_confirmation(filled.facts.round.parameters):
        return
    if missing := obstacle(await latest(session, application.id), digest_of(filled, files)):
        raise Conflict(missing.message, code=missing.code)


async def say(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    version: str,
    outcome: Outcome,
    opinions: Sequence[UnitOpinionInput] = (),
) -> Application:
    """Ask for a confirmation, confirm, or return with opinions. `Conflict` outside the states in which an applicant changes anything, and
    in a round that asks for none; `Stale` for a draft that has changed since it was looked at; `Invalid` for opinions at no place."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    state = State(application.state)
    if state not in EDITABLE:
        raise Conflict(f"当前状态为“{LABELS[state]}”，不需要单位确认。", code=codes.WRONG_STATE)
    round_ = await round_queries.round_(session, application.round_id)
    if not asks_confirmation(round_.parameters):
        raise Conflict("本批次不要求单位确认。", code=codes.NO_CONFIRMATION)
    form = form_of(application)
    _must_name_places(form, outcome, opinions)
    rows, files = await repository.sections(session, id), await repository.attachments(session, id)
    filled = await of_rows(session, application, form, codec.of(application, form), rows, files)
    session.add(
        UnitConfirmation(
            application_id=id,
            outcome=outcome,
            content_sha256=digest_of(filled, files),
            account=actor.account,
            name=actor.name,
            at=actor.received_at,
            opinions=[{**o.model_dump(), "text": o.text.strip()} for o in opinions],
        )
    )
    # What was said is in the row, which is forgotten with the application.
    record(session, actor, ACTS[outcome], application_id=id)
    await session.flush()
    return application


def _must_name_places(form: Form, outcome: Outcome, opinions: Sequence[UnitOpinionInput]) -> None:
    errors = []
    if outcome == "returned" and not opinions:
        errors.append(FieldError(field="opinions", code=codes.REQUIRED, message="请填写退回修改的意见"))
    for n, opinion in enumerate(opinions):
        if not opinion.text.strip():
            errors.append(FieldError(field=f"opinions.{n}.text", code=codes.REQUIRED, message="请填写意见内容"))
        if opinion.section and form.section(opinion.section) is None:
            errors.append(
                FieldError(field=f"opinions.{n}.section", code=codes.UNKNOWN_SECTION, message="没有这份申报材料")
            )
        elif opinion.field and field_label(form, opinion.section, opinion.field) is None:
            errors.append(
                FieldError(field=f"opinions.{n}.field", code=codes.UNKNOWN_FIELD, message="该材料没有此项")
            )
    if errors:
        raise Invalid(errors)


def view(
    form: Form, found: UnitConfirmation | None, digest: str | None, counts_from: datetime | None = None
) -> ConfirmationView:
    """Return the last word as pages show it; without a `digest` it is not compared with the content."""
    if found is None:
        return ConfirmationView()
    return ConfirmationView(
        outcome=found.outcome,
        name=found.name,
        at=found.at,
        current=found.content_sha256 == digest,
        opinions=[
            UnitOpinion(
                section=o["section"],
                section_label=named.label if o["section"] and (named := form.section(o["section"])) else None,
                field=o["field"],
                field_label=field_label(form, o["section"], o["field"]) if o["field"] else None,
                text=o["text"],
            )
            for o in found.opinions
        ]
        if found.outcome == "returned"
        else [],
        counts_from=counts_from,
    )

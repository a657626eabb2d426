"""Change keys, and delete what is kept no longer than it should be: shown first, then carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.dossiers import queries as dossiers
from services.applications.operations.lapse import system_actor
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import (
    Application,
    Attachment,
    Document,
    Owed,
    Revision,
    Round,
    Section,
)
from services.applications.tables.carried_over import LeftOver
from services.applications.tables.colleagues import CaseFile, CaseNote, Inquiry, InquiryAnswer
from services.applications.tables.confirmation import UnitConfirmation
from services.applications.tables.decision import Objection
from services.applications.tables.idempotency import IdempotencyKey
from services.applications.tables.ratings import Rating
from services.applications.workflow import ENDED, State
from shared import clock
from shared.messages import FORGOTTEN_NAME, NOTIFY, forgotten_event

BATCH = 500
FORGOTTEN = b""
# Answers kept for retries hold what the person sees; nobody retries after a month.
ANSWERS_KEPT = timedelta(days=30)


async def rotate(session: AsyncSession, codec: Codec) -> int:
    """Wrap the keys of one batch of applications by the newest master key; how many still needed it."""
    query = select(Application.id, Application.wrapped_key).where(func.length(Application.wrapped_key) > 0)
    changed = 0
    for id, wrapped in (await session.execute(query.order_by(Application.id))).all():
        if (again := codec.rewrap(id, wrapped)) is not None:
            # Compared, so that a key forgotten meanwhile stays forgotten.
            await session.execute(
                update(Application)
                .where(Application.id == id, Application.wrapped_key == wrapped)
                .values(wrapped_key=again)
            )
            changed += 1
            if changed == BATCH:
                break
    return changed


@dataclass(frozen=True)
class Due:
    """What has been kept long enough, by reason."""

    reason: str
    whole: bool  # drafts go whole; of an application that ended only what tells of persons
    applications: Sequence[Application]


async def due(session: AsyncSession, settings: ApplicationsSettings) -> list[Due]:
    """Return what `forget` would take, oldest first."""
    now = clock.now()

    def before(**back: int) -> datetime:
        return now - timedelta(**back)

    async def find(*where: ColumnElement[bool]) -> Sequence[Application]:
        query = (
            select(Application)
            .join(Round, Round.id == Application.round_id)
            .where(func.length(Application.wrapped_key) > 0, *where)
            .order_by(Application.created_at)
        )
        return (await session.scalars(query)).all()

    # Withdrawn counts as never submitted: nobody has it to decide on.
    never = Application.submitted_at.is_(None)
    return [
        Due(
            "已删除的草稿和撤销后删除的申请",
            True,
            await find(never, Application.deleted_at < before(days=settings.retention_deleted_days)),
        ),
        Due(
            "批次结束后未提交或撤销后未再提交的草稿",
            True,
            await find(
                never,
                Application.state == State.DRAFT,
                Application.deleted_at.is_(None),
                Round.closes_at < before(days=settings.retention_draft_days),
            ),
        ),
        Due(
            "办结的申请中的个人信息和附件",
            False,
            await find(
                Application.state.in_(ENDED),
                Application.submitted_at < before(days=settings.retention_years * 365),
            ),
        ),
    ]


async def forget(session: AsyncSession, found: Sequence[Due]) -> int:
    """Forget keys, remove drafts, attachments and whatever names a person; how many applications were concerned. Files in
    the store go with the sweep that removes what nothing names. Every place is listed in
    `docs/operating/personal-data.md`."""
    actor, count = system_actor(), 0
    for one in found:
        for application in one.applications:
            application.wrapped_key = FORGOTTEN
            application.handler_name = application.handler_email = application.sms_agreed_at = None
            if one.whole:
                application.deleted_at = application.deleted_at or clock.now()
                empty: dict[str, Any] = {"saved": None, "saved_at": None, "draft": None, "draft_at": None}
                await session.execute(update(Section).where(_of(Section, application)).values(**empty))
                application.eligibility = None
            await _forget_persons(session, application)
            await dossiers.forget(session, application)
            record(session, actor, "retention", application_id=application.id, reason=one.reason)
            count += 1
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - ANSWERS_KEPT))
    return count


def _of(
    table: type[
        Section
        | Revision
        | Attachment
        | Document
        | LeftOver
        | Owed
        | Objection
        | UnitConfirmation
        | Rating
        | CaseNote
        | CaseFile
        | Inquiry
    ],
    application: Application,
) -> ColumnElement[bool]:
    return table.application_id == application.id


async def _forget_persons(session: AsyncSession, application: Application) -> None:
    """Whom one application names, wherever that stands; sealed values are unreadable already, their key is gone."""
    form = form_of(application)
    places = [path for path in (form.contact_name, form.contact_email) if path]
    for section in await session.scalars(select(Section).where(_of(Section, application))):
        section.prefill, section.registered = {}, {}
        section.saved = _without(section.saved, section.key, places)
        section.draft = _without(section.draft, section.key, places)
    for revision in await session.scalars(select(Revision).where(_of(Revision, application))):
        content = revision.content
        sections = {key: _without(values, key, places) for key, values in content["sections"].items()}
        files = {id: {**file, "name": FORGOTTEN_NAME} for id, file in content["attachments"].items()}
        reasons = {"reasons": dict.fromkeys(content["reasons"], "")} if "reasons" in content else {}
        revision.content = {**content, "sections": sections, "attachments": files, **reasons}
    gone = {"deleted_at": func.coalesce(Attachment.deleted_at, func.now()), "name": FORGOTTEN_NAME}
    await session.execute(update(Attachment).where(_of(Attachment, application)).values(**gone))
    await session.execute(delete(LeftOver).where(_of(LeftOver, application)))
    await session.execute(delete(UnitConfirmation).where(_of(UnitConfirmation, application)))
    await session.execute(update(Rating).where(_of(Rating, application)).values(text="", account=""))
    drawn = update(Document).where(_of(Document, application), Document.kind != "letter")
    await session.execute(drawn.values(snapshot=None))
    nobody = {"objector": FORGOTTEN_NAME, "contact": ""}
    await session.execute(update(Objection).where(_of(Objection, application)).values(**nobody))
    await _forget_colleagues(session, application)
    for owed in await session.scalars(select(Owed).where(_of(Owed, application), Owed.topic == NOTIFY)):
        # Nothing is sent to somebody who is forgotten; the row stays, for it was owed.
        owed.done_at = owed.done_at or clock.now()
        owed.payload = forgotten_event(owed.payload)
        owed.last_error = None
    scope = IdempotencyKey.scope.startswith(f"submit:{application.id}:")
    begun = IdempotencyKey.answer["id"].astext == str(application.id)
    await session.execute(delete(IdempotencyKey).where(or_(scope, begun)))


async def _forget_colleagues(session: AsyncSession, application: Application) -> None:
    """Forget the words of notes, questions and answers, which may tell of persons, and the files of the desk; who wrote, and when, stays."""
    await session.execute(update(CaseNote).where(_of(CaseNote, application)).values(text=FORGOTTEN_NAME))
    await session.execute(update(Inquiry).where(_of(Inquiry, application)).values(question=FORGOTTEN_NAME))
    asked = select(Inquiry.id).where(_of(Inquiry, application))
    answered = InquiryAnswer.inquiry_id.in_(asked) & InquiryAnswer.answered_at.is_not(None)
    await session.execute(update(InquiryAnswer).where(answered).values(answer=FORGOTTEN_NAME))
    gone = {"removed_at": func.coalesce(CaseFile.removed_at, func.now()), "name": FORGOTTEN_NAME}
    await session.execute(update(CaseFile).where(_of(CaseFile, application)).values(**gone))


def _without(values: dict[str, Any] | None, key: str, places: Sequence[str]) -> dict[str, Any] | None:
    """Return a section's values without what stands at these places."""
    named = {place.partition(".")[2] for place in places if place.partition(".")[0] == key}
    return None if values is None else {k: None if k in named else v for k, v in values.items()}

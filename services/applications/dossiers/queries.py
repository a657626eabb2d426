"""Read what a case file holds, and the case files that were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import (
    Application,
    Attachment,
    Audit,
    AuditLink,
    Document,
    Opinion,
    Revision,
)
from services.applications.tables.colleagues import CaseFile
from services.applications.tables.decision import Letter
from services.applications.tables.dossiers import Dossier
from shared import clock
from shared.errors import NotFound

FOLDER = "dossiers/"
# Attempts that broke off; after so many nobody begins again.
ATTEMPTS = 3


def key_of(id: UUID) -> str:
    """Return where a finished case file stands in the store."""
    return f"{FOLDER}{id}.zip"


@dataclass(frozen=True)
class Material:
    """All that the file of one case is made of."""

    application: Application
    revisions: Sequence[tuple[Revision, Document | None]]
    attachments: dict[UUID, Attachment]
    opinions: Sequence[Opinion]
    letters: Sequence[tuple[Letter, Document]]
    audit: Sequence[tuple[Audit, int | None, bytes | None]]
    files: Sequence[CaseFile]


async def material(session: AsyncSession, id: UUID) -> Material:
    """Return what is known of a case."""
    application = await session.get_one(Application, id)
    revisions = await session.execute(
        select(Revision, Document)
        .outerjoin(
            Document,
            (Document.application_id == Revision.application_id)
            & (Document.kind == "revision")
            & (Document.revision == Revision.number),
        )
        .where(Revision.application_id == id)
        .order_by(Revision.number)
    )
    attachments = await session.scalars(select(Attachment).where(Attachment.application_id == id))
    opinions = select(Opinion).where(Opinion.application_id == id, Opinion.round_trip <= application.round_trips)
    letters = await session.execute(
        select(Letter, Document)
        .join(Document, Document.id == Letter.document_id)
        .where(Letter.application_id == id)
        .order_by(Letter.issued_at, Letter.id)
    )
    audit = await session.execute(
        select(Audit, AuditLink.position, AuditLink.hash)
        .outerjoin(AuditLink, AuditLink.audit_id == Audit.id)
        .where(Audit.application_id == id)
        .order_by(Audit.id)
    )
    files = select(CaseFile).where(
        CaseFile.application_id == id, CaseFile.removed_at.is_(None), CaseFile.limited.is_(False)
    )
    return Material(
        application=application,
        revisions=[(revision, document) for revision, document in revisions],
        attachments={one.id: one for one in attachments},
        opinions=list(await session.scalars(opinions.order_by(Opinion.round_trip, Opinion.position, Opinion.id))),
        letters=[(letter, document) for letter, document in letters],
        audit=[(row, position, hash_) for row, position, hash_ in audit],
        files=list(await session.scalars(files.order_by(CaseFile.added_at, CaseFile.id))),
    )


async def cases_of(session: AsyncSession, dossier: Dossier) -> list[UUID]:
    """Return the cases of a case file, by number: the one, or all of the round that were handed in."""
    if dossier.application_id is not None:
        return [dossier.application_id]
    query = select(Application.id).where(
        Application.round_id == dossier.round_id,
        Application.submitted_at.is_not(None),
        Application.deleted_at.is_(None),
    )
    return list(await session.scalars(query.order_by(Application.number, Application.id)))


async def claim(session: AsyncSession, now: datetime, *, of_rounds: bool) -> Dossier | None:
    """Return the case file, of one case or of a round, that has waited longest and that nobody works on, locked."""
    left = (Dossier.state == "running") & (Dossier.attempt_until < now)
    wanted = Dossier.application_id.is_(None) if of_rounds else Dossier.application_id.is_not(None)
    query = select(Dossier).where(wanted, or_(Dossier.state == "waiting", left))
    query = query.order_by(Dossier.asked_at, Dossier.id)
    return await session.scalar(query.limit(1).with_for_update(skip_locked=True))


async def dossier(session: AsyncSession, id: UUID, *, lock: bool = False) -> Dossier:
    """Return a case file that was asked for."""
    found = await session.get(Dossier, id, with_for_update=lock)
    if found is None:
        raise NotFound("没有这份卷宗。")
    return found


async def latest(session: AsyncSession, most: int) -> list[Dossier]:
    """Return the case files that were asked for last."""
    query = select(Dossier).order_by(Dossier.asked_at.desc(), Dossier.id.desc()).limit(most)
    return list(await session.scalars(query))


async def expire(session: AsyncSession) -> list[UUID]:
    """Let those end whose time is over; return them."""
    over = update(Dossier).where(Dossier.state == "done", Dossier.expires_at < clock.now())
    return list(await session.scalars(over.values(state="expired").returning(Dossier.id)))


async def forget(session: AsyncSession, application: Application) -> None:
    """Take away what holds an application that is being forgotten: its own case files, and those of its round; one being made is made anew."""
    holds = (
        Dossier.round_id == application.round_id,
        Dossier.application_id.is_(None) | (Dossier.application_id == application.id),
    )
    await session.execute(update(Dossier).where(*holds, Dossier.state == "done").values(expires_at=clock.now()))
    begun = update(Dossier).where(*holds, Dossier.state == "running")
    await session.execute(begun.values(state="waiting", attempt=None))


async def kept(session: AsyncSession) -> set[str]:
    """Return the keys of the files that are to stand in the store: those that can be read, and those being written."""
    ids = await session.scalars(select(Dossier.id).where(Dossier.state.in_(("done", "running"))))
    return {key_of(id) for id in ids}

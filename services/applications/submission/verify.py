"""Verify (核验) what a paper's token, and a file that is said to be ours, are worth today."""

from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.settings import ApplicationsSettings
from services.applications.submission import paper_tokens
from services.applications.tables.applications import Application, Audit, Document, Revision
from shared.contract.submission import File, Verification
from shared.identity import public_key


def public_keys(settings: ApplicationsSettings) -> list[bytes]:
    """Return every key whose signature still counts, the one in use first."""
    return [public_key(settings.receipt_key), *(settings.receipt_retired_keys or ())]


async def verify(session: AsyncSession, keys: list[bytes], token: str, file: str | None = None) -> Verification:
    """Return the standing of the revision that a token names; `file` is the SHA-256 of a file to compare.

    A withdrawn revision is named so, for ever: the paper was taken back, whatever was submitted later (which is
    told beside it). A revision is superseded by the latest that was not withdrawn; what the office decided is no
    matter of the paper.
    """
    claim = paper_tokens.read(token)
    if claim is None:
        return Verification(status="unknown")
    application = await session.scalar(select(Application).where(Application.number == claim.number))
    revision = await session.get(Revision, (application.id, claim.revision)) if application else None
    if application is None or revision is None or not paper_tokens.holds(claim, revision.sha256, keys):
        # One answer to all of these: who has no token of ours learns nothing.
        return Verification(status="unknown")
    withdrawn = await _withdrawn(session, application)
    standing = [n for n in range(1, application.revision + 1) if n not in withdrawn]
    later = max((n for n in standing if n > revision.number), default=None)
    status: Literal["valid", "superseded", "withdrawn"] = "superseded" if later else "valid"
    return Verification(
        status="withdrawn" if revision.number in withdrawn else status,
        number=claim.number,
        revision=revision.number,
        submitted_at=revision.received_at,
        sha256=revision.sha256,
        sm3=revision.sm3,
        superseded_by=later,
        withdrawn_at=withdrawn.get(revision.number),
        file=await _compare(session, revision, file) if file else None,
    )


async def _withdrawn(session: AsyncSession, application: Application) -> dict[int, AwareDatetime]:
    """Return which revisions were withdrawn, and when: the audit says it, for a revision itself never changes."""
    rows = await session.scalars(
        select(Audit).where(Audit.application_id == application.id, Audit.action == "withdraw")
    )
    return {row.details["revision"]: row.at for row in rows}


async def _compare(session: AsyncSession, revision: Revision, sha256: str) -> File:
    found = await session.scalar(
        select(Document).where(
            Document.application_id == revision.application_id,
            Document.kind == "revision",
            Document.sha256 == sha256,
        )
    )
    if found is None:
        return File(sha256=sha256, matches="nothing")
    same = found.revision == revision.number
    return File(sha256=sha256, matches="this_revision" if same else "other_revision", revision=found.revision)

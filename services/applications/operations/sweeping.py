"""Sweep what nobody needs: uploads that nobody names, contents that nothing keeps, files no scanner has seen."""

import logging
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.attachments.clamd import Clamd, ScannerAway, ScannerRefused
from services.applications.attachments.page_images import folder
from services.applications.core import repository, stored_contents
from services.applications.core.audit import record
from services.applications.messages import tell
from services.applications.operations import staff_mail
from services.applications.operations.lapse import system_actor
from services.applications.tables.applications import Attachment
from services.applications.tables.colleagues import CaseFile
from services.applications.tables.notices import NoticeFile
from shared import clock
from shared.store import ATTACHMENTS, PDFS, Store, attachment_key, pdf_key

log = logging.getLogger(__name__)

Sessions = async_sessionmaker[AsyncSession]
# Somebody may leave a form open for days; after this an upload that no copy of the form names is given up.
ABANDONED = timedelta(days=7)
UNNAMED = timedelta(days=1)
MESSAGES_KEPT_DAYS = 180
SCANS = 20


async def sweep(sessions: Sessions, store: Store, grace: timedelta) -> int:
    """Tidy up once, by one relay at a time; return how many contents were removed."""
    async with sessions.begin() as session:
        # Held while this transaction is open; the work below uses transactions of its own.
        lock = func.pg_try_advisory_xact_lock(func.hashtextextended("sweep", 0))
        if not await session.scalar(select(lock)):
            return 0
        await give_up_abandoned(sessions)
        await tell.forget_old(session, MESSAGES_KEPT_DAYS)
        await staff_mail.forget_old(session, MESSAGES_KEPT_DAYS)
        return await remove_orphans(sessions, store, grace) + await remove_pdfs(sessions, store, grace)


async def give_up_abandoned(sessions: Sessions) -> int:
    """Uploads that neither copy of their section, or no version of a notice, has named for days; how many were given up."""
    before = clock.now() - ABANDONED
    async with sessions.begin() as session:
        given_up = await stored_contents.give_up_notice_files(session, before)
        found = await stored_contents.abandoned(session, before)
    for id in found:
        async with sessions.begin() as session:
            # Saving a section holds the application: nothing is named between the look and the deed.
            await repository.application_for_system(session, id, lock=True)
            taken = await stored_contents.give_up(session, id, before)
            if taken:
                record(
                    session,
                    system_actor(),
                    "detach_abandoned",
                    application_id=id,
                    attachments=[str(a) for a in taken],
                )
            given_up += len(taken)
    return given_up


async def remove_orphans(sessions: Sessions, store: Store, grace: timedelta) -> int:
    """Contents older than `grace` that no standing attachment, no revision and no file of the desk names; how many were removed."""
    before = clock.now() - grace
    removed = 0
    async for page in store.list(ATTACHMENTS):
        old = {key.rpartition("/")[2] for key, put_at in page.items() if put_at < before}
        async with sessions.begin() as session:
            spare = old - await stored_contents.kept(session, old)
        for sha256 in spare:
            async with sessions.begin() as session:
                # An upload of the same content either has committed, and is seen now, or waits until it is gone.
                await stored_contents.hold(session, sha256, alone=True)
                if not await stored_contents.kept(session, {sha256}):
                    # The file last: as long as it stands, this is found again.
                    async for pictures in store.list(f"{folder(sha256)}/"):
                        for key in pictures:
                            await store.delete(key)
                    await store.delete(attachment_key(sha256))
                    removed += 1
    if removed:
        log.info("contents that nothing kept were removed", extra={"count": removed})
    return removed


async def remove_pdfs(sessions: Sessions, store: Store, grace: timedelta) -> int:
    """PDFs of forgotten applications, and those that no document has named for a day: a second rendering that came too
    late. How many were removed."""
    now, removed = clock.now(), 0
    async for page in store.list(PDFS):
        old = {key.rpartition("/")[2].removesuffix(".pdf"): put_at for key, put_at in page.items()}
        old = {sha256: put_at for sha256, put_at in old.items() if put_at < now - grace}
        async with sessions.begin() as session:
            spare = old.keys() - await stored_contents.kept_pdfs(session, set(old))
            known = await stored_contents.known_pdfs(session, spare)
        for sha256 in spare:
            # A worker may be about to report one that nobody names yet.
            if sha256 in known or old[sha256] < now - grace - UNNAMED:
                await store.delete(pdf_key(sha256))
                removed += 1
    if removed:
        log.info("documents that nothing kept were removed", extra={"count": removed})
    return removed


async def scan_waiting(sessions: Sessions, store: Store, scanner: Clamd) -> int:
    """Ask the scanner about files it has not seen; how many got a verdict. Stops when it is away."""
    async with sessions.begin() as session:
        waiting = await stored_contents.unscanned(session, SCANS)
    done = 0
    for attachment in waiting:
        key = attachment_key(attachment.sha256)
        if not await store.exists(key):
            continue
        try:
            found = await scanner.scan(store.stream(key))
        except ScannerRefused as refused:
            log.warning(
                "the scanner does not take a file", extra={"sha256": attachment.sha256, "reason": str(refused)}
            )
            continue
        except ScannerAway as away:
            log.warning("the scanner gave no verdict", extra={"reason": str(away)})
            break
        async with sessions.begin() as session:
            await _note(session, attachment, found)
        done += 1
    return done


async def _note(session: AsyncSession, attachment: Attachment | NoticeFile | CaseFile, found: str | None) -> None:
    table = type(attachment)
    await session.execute(
        update(table)
        .where(table.id == attachment.id, table.scanned_at.is_(None))
        .values(scanned_at=clock.now(), infected=found)
    )
    if found:
        log.warning("an infected file was found", extra={"found": found, "attachment": str(attachment.id)})
        of = {"round": str(attachment.round_id)} if isinstance(attachment, NoticeFile) else {}
        application = None if isinstance(attachment, NoticeFile) else attachment.application_id
        record(
            session,
            system_actor(),
            "infected",
            application_id=application,
            attachment=str(attachment.id),
            found=found,
            **of,
        )

"""Keep files of the desk (工作文件): by the rules of attachments, read by colleagues alone, and of a limited one by some of them."""

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments.uploads import Examined, Place, Received
from services.applications.colleagues.cases import open_to
from services.applications.colleagues.inquiries import is_asked
from services.applications.core import repository, stored_contents
from services.applications.core.audit import record
from services.applications.core.readings import CASE_FILE
from services.applications.core.stored_contents import MB
from services.applications.forms.definition import Slot
from services.applications.tables.applications import Application
from services.applications.tables.colleagues import CaseFile
from shared import clock, codes
from shared.errors import Conflict, NotAllowed, NotFound, TooLarge
from shared.identity import Actor, Role
from shared.roles import DIRECTOR
from shared.store import Store, attachment_key

KINDS = {"site_visit": "现场核查记录", "minutes": "会议纪要", "other": "其他"}
AT_MOST = 100
# What a file of the desk may be: the same as most attachments.
PLACE = Place("", Slot(key="file", label="工作文件", max_mb=50))


async def of_case(session: AsyncSession, id: UUID) -> list[CaseFile]:
    """Return the files that stand, oldest first."""
    query = select(CaseFile).where(CaseFile.application_id == id, CaseFile.removed_at.is_(None))
    return list(await session.scalars(query.order_by(CaseFile.added_at, CaseFile.id)))


def may_read(actor: Actor, application: Application, file: CaseFile, *, asked: bool) -> bool:
    """Tell whether a colleague reads a file: every one of the bureau, but of a limited file only whoever added it, whoever the case is with, a director, and
    `asked`: those who were asked about the case."""
    if not file.limited:
        return True
    mine = actor.account in (file.added_by, application.assignee, application.lease_account)
    return mine or asked or bool(actor.roles & DIRECTOR)


def fault_of(file: CaseFile, actor: Actor, *, scanning: bool) -> Conflict | None:
    """Return why nobody reads a file now: a virus, or a scanner that has not seen it, for which only whoever added it need not wait."""
    if file.infected:
        return Conflict(f"该文件被查出病毒（{file.infected}），不能下载。", code=codes.FILE_INFECTED)
    if scanning and file.scanned_at is None and file.added_by != actor.account:
        return Conflict("该文件正在等待病毒查验，请稍后再试。", code=codes.SCAN_PENDING, retry_after=30)
    return None


async def may_add(session: AsyncSession, actor: Actor, id: UUID, size: int, *, total_mb: int) -> None:
    """Raise unless the actor may add so many bytes to a case; asked before the first of them is read."""
    await open_to(session, actor, id)
    query = select(func.count(), func.coalesce(func.sum(CaseFile.size), 0)).where(
        CaseFile.application_id == id, CaseFile.removed_at.is_(None)
    )
    count, held = (await session.execute(query)).one()
    if count >= AT_MOST:
        raise Conflict(f"该申请的工作文件已达 {AT_MOST} 份，请先移除不用的文件。", code=codes.TOO_MANY_FILES)
    if held + size > total_mb * MB:
        told = f"该申请的工作文件合计不能超过 {total_mb} MB，请移除不用的文件或压缩后上传。"
        raise TooLarge(told, code=codes.TOTAL_TOO_LARGE)


async def keep(
    session: AsyncSession,
    store: Store,
    actor: Actor,
    id: UUID,
    file: Received,
    examined: Examined,
    *,
    kind: str,
    limited: bool,
    total_mb: int,
) -> CaseFile:
    """Return the file as it is kept; the same content added again by the same person as the same kind is the one that stands."""
    await may_add(session, actor, id, 0, total_mb=total_mb)
    for there in await of_case(session, id):
        if (there.sha256, there.kind, there.added_by) == (file.sha256, kind, actor.account):
            return there
    await may_add(session, actor, id, file.size, total_mb=total_mb)
    # From here to the commit no sweep removes this content; one that just did is made good.
    await stored_contents.hold(session, file.sha256)
    await store.put_file(attachment_key(file.sha256), file.path)
    made = CaseFile(
        id=uuid4(),
        application_id=id,
        kind=kind,
        limited=limited,
        name=file.name,
        size=file.size,
        media_type=examined.media_type,
        sha256=file.sha256,
        added_by=actor.account,
        added_by_name=actor.name,
        added_at=actor.received_at,
        scanned_at=examined.scanned_at,
    )
    session.add(made)
    record(
        session, actor, "add_case_file", application_id=id, file=str(made.id), kind=kind, limited=limited,
        sha256=file.sha256,
    )  # fmt: skip
    await session.flush()
    return made


async def _standing(session: AsyncSession, id: UUID, file: UUID, *, lock: bool = False) -> CaseFile:
    found = await session.get(CaseFile, file, with_for_update=lock)
    if found is None or found.application_id != id or found.removed_at is not None:
        raise NotFound("没有这份工作文件。")
    return found


async def to_read(session: AsyncSession, actor: Actor, id: UUID, file: UUID, *, scanning: bool) -> CaseFile:
    """Return a file that the actor may read, which is recorded; `NotAllowed` for a colleague whom it is not for."""
    application = await repository.application(session, actor, id)
    found = await _standing(session, id, file)
    asked = found.limited and await is_asked(session, actor, id)
    if not may_read(actor, application, found, asked=asked):
        raise NotAllowed("该工作文件仅限指定人员查看。", code=codes.FILE_LIMITED)
    if fault := fault_of(found, actor, scanning=scanning):
        raise fault
    record(session, actor, CASE_FILE, application_id=id, file=str(file), sha256=found.sha256)
    return found


async def remove(session: AsyncSession, actor: Actor, id: UUID, file: UUID) -> None:
    """Take a file away, by whoever added it or a director; its content goes with the next sweep."""
    await open_to(session, actor, id)
    found = await _standing(session, id, file, lock=True)
    if found.added_by != actor.account and not actor.is_a(Role.DIRECTOR):
        raise NotAllowed("只有上传人或审定人员可以移除工作文件。", code=codes.NOT_YOURS)
    found.removed_at = clock.now()
    record(session, actor, "remove_case_file", application_id=id, file=str(file), sha256=found.sha256)
    await session.flush()

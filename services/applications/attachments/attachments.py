"""Keep attachments by content, and count one as soon as a section's saved values name it."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments import queries
from services.applications.attachments.office import MAIN
from services.applications.attachments.uploads import Examined, Place, Received
from services.applications.core import repository, stored_contents
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.disclosure import must_be_shown
from services.applications.core.readings import read_file
from services.applications.core.return_seen import mark_seen
from services.applications.core.stored_contents import MB
from services.applications.filling.sections import Opened, must_be_editable, open_section
from services.applications.forms.definition import MAX_TABLE_ROWS
from services.applications.forms.filled.reading import named_files
from services.applications.tables.applications import Application, Attachment
from shared import clock, codes
from shared.errors import Conflict, DomainError, NotFound, TooLarge
from shared.identity import Actor, Role
from shared.store import Store, attachment_key

# Far above what any slot takes; keeps a script from filling the table.
MAX_PER_SLOT = 200
# How many times over the files that are joined may be what one may be: photographs shrink on a page.
_JOINED = 4


async def may_upload(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    section: str,
    slot: str,
    *,
    size: int,
    total_mb: int,
) -> Place:
    """Return the place, if the actor may add `size` bytes to it now; asked before a single byte is read."""
    opened = await open_section(session, codec, actor, id, section)
    return await _place(session, opened, actor, slot, size=size, total_mb=total_mb)


async def _place(
    session: AsyncSession, opened: Opened, actor: Actor, slot: str, *, size: int, total_mb: int
) -> Place:
    section = opened.definition.key
    found = opened.definition.slot(slot)
    if found is None:
        raise NotFound("没有这个附件位置。", code=codes.UNKNOWN_SLOT)
    must_be_editable(opened.application, section, actor)
    count, held = await queries.taken(session, opened.application.id, section, slot)
    if count >= MAX_PER_SLOT + (MAX_TABLE_ROWS if found.each_row else 0):
        raise Conflict("此处附件过多，请先删除不用的附件。", code=codes.TOO_MANY_FILES)
    if held + size > total_mb * MB:
        raise TooLarge(
            f"本项目的附件合计不能超过 {total_mb} MB，请删除不用的附件或压缩后上传。", code=codes.TOTAL_TOO_LARGE
        )
    return Place(section, found)


async def keep(
    session: AsyncSession,
    store: Store,
    codec: Codec,
    actor: Actor,
    id: UUID,
    section: str,
    slot: str,
    file: Received,
    examined: Examined,
    *,
    total_mb: int,
) -> Attachment:
    """Record a file that is in the store already, if it may still be added. The request's stamp counts: a file that was on its
    way at the deadline is in time."""
    opened = await open_section(session, codec, actor, id, section, lock=True)
    await _place(session, opened, actor, slot, size=file.size, total_mb=total_mb)
    await mark_seen(session, opened.application, actor)
    # From here to the commit no sweep removes this content; one that just did is made good.
    await stored_contents.hold(session, file.sha256)
    await store.put_file(attachment_key(file.sha256), file.path)
    attachment = Attachment(
        id=uuid4(),
        application_id=id,
        section=section,
        slot=slot,
        name=file.name,
        size=file.size,
        media_type=examined.media_type,
        sha256=file.sha256,
        created_by=actor.account,
        scanned_at=examined.scanned_at,
        phone_link=actor.phone,
    )
    session.add(attachment)
    # Not its name, which may tell of a person: the audit forgets nothing.
    record(
        session, actor, "attach", application_id=id, section=section, slot=slot, attachment=str(attachment.id),
        sha256=file.sha256,
    )  # fmt: skip
    await session.flush()
    return attachment


async def to_join(
    session: AsyncSession, actor: Actor, id: UUID, place: Place, ids: Sequence[UUID]
) -> list[Attachment]:
    """Return files of a slot, in this order; `NotFound` where one is not there, `TooLarge` where they come to more than one file may be
    several times over."""
    found = await repository.attachments_by_id(session, id, set(ids))
    files = [found[str(file)] for file in ids if str(file) in found]
    here = [f for f in files if (f.section, f.slot) == (place.section, place.slot.key) and not f.infected]
    if len(here) != len(ids) or any(file.deleted_at is not None for file in here):
        raise NotFound("未找到该附件。")
    if "pdf" not in place.slot.accept or place.slot.each_row:
        raise Conflict("此处不接受 PDF，不能合并。", code=codes.FILE_TYPE)
    if office := next((file for file in here if file.media_type in MAIN), None):
        raise Conflict(f"“{office.name}”是 Word 或 Excel 文件，不能合并，请先“输出为PDF”。", code=codes.FILE_TYPE)
    if sum(file.size for file in here) > _JOINED * place.slot.max_mb * MB:
        raise TooLarge("要合并的文件过大，请分几次合并。")
    return here


async def to_read(
    session: AsyncSession, actor: Actor, id: UUID, attachment_id: UUID, *, scanning: bool, page: bool = False
) -> Attachment:
    """Return an attachment the actor may read, which is recorded; `page`: only a page of it. What a scanner has not seen yet is
    for its owner only; what is infected for nobody."""
    application = await repository.application(session, actor, id)
    found = await queries.attachment(session, id, attachment_id)
    await read(session, actor, application, found, scanning=scanning, page=page)
    return found


async def read(
    session: AsyncSession,
    actor: Actor,
    application: Application,
    found: Attachment,
    *,
    scanning: bool,
    page: bool = False,
) -> None:
    """Let the actor read an attachment of an application that they may read, or raise, as above."""
    must_be_shown(actor, form_of(application), found)
    if found.deleted_at is not None and not await stored_contents.in_a_revision(session, found):
        raise NotFound("未找到该附件。")
    if refusal := _unreadable(found, actor, scanning=scanning):
        raise refusal
    await read_file(session, actor, found, page=page)


def _unreadable(found: Attachment, actor: Actor, *, scanning: bool) -> DomainError | None:
    if found.infected:
        return Conflict(f"该附件被查出病毒（{found.infected}），不能下载。", code=codes.FILE_INFECTED)
    if scanning and found.scanned_at is None and not actor.is_a(Role.APPLICANT):
        return Conflict("该附件正在等待病毒查验，请稍后再试。", code=codes.SCAN_PENDING, retry_after=30)
    return None


async def remove(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, attachment_id: UUID) -> None:
    """Take an attachment away, unless saved values name it. The file stays: a revision may hold it."""
    application = await repository.application(session, actor, id, lock=True)
    attachment = await queries.attachment(session, id, attachment_id)
    if attachment.deleted_at is not None:
        raise NotFound("未找到该附件。")
    must_be_editable(application, attachment.section, actor)
    opened = await open_section(session, codec, actor, id, attachment.section)
    if str(attachment_id) in named_files(opened.definition, opened.row.saved):
        raise Conflict("已保存的表单正在使用该附件，请先在表单中移除并保存。", code=codes.ATTACHMENT_IN_USE)
    attachment.deleted_at = clock.now()
    await mark_seen(session, application, actor)
    record(session, actor, "detach", application_id=id, attachment=str(attachment_id))

"""Attachments: received as a stream, kept by content, counted once a section's saved values name them."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.codec import Codec
from services.applications.forms.answers import named_files
from services.applications.forms.definition import Slot
from services.applications.models import Attachment
from services.applications.use_cases.recording import record
from services.applications.use_cases.sections import editable, open_section
from shared import clock
from shared.errors import Conflict, NotFound, TooLarge, UnsupportedMedia
from shared.identity import Actor
from shared.store import Store, attachment_key

# How each accepted kind of file begins, whatever its name says.
_KINDS = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
}
# Far above what any slot takes; keeps a script from filling the store.
MAX_PER_SLOT = 200


@dataclass(frozen=True)
class Received:
    """A file that arrived whole, not yet in the store."""

    path: Path
    name: str
    size: int
    sha256: str
    head: bytes


async def may_upload(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, section: str, slot: str) -> Slot:
    """The slot, if the actor may add to it now; asked before a single byte is read."""
    opened = await open_section(session, codec, actor, id, section)
    found = opened.definition.slot(slot)
    if found is None:
        raise NotFound("没有这个附件位置。", code="unknown_slot")
    if not editable(opened.application, section):
        raise Conflict("当前不能修改此项材料。", code="wrong_state")
    present = await repository.attachments(session, id, section)
    if sum(a.slot == slot for a in present) >= MAX_PER_SLOT:
        raise Conflict("此处附件过多，请先删除不用的附件。", code="too_many_files")
    return found


async def receive(chunks: AsyncIterator[bytes], name: str, slot: Slot) -> Received:
    """Write the stream to a temporary file, counting as it comes. `TooLarge` over the slot's limit."""
    limit = slot.max_mb * 1024 * 1024
    hasher, size, head = hashlib.sha256(), 0, b""
    with tempfile.NamedTemporaryFile(prefix="gm-upload-", delete=False) as file:
        path = Path(file.name)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"单个文件不能超过 {slot.max_mb} MB，请压缩或拆分后重新上传。")
                head = head or chunk[:16]
                hasher.update(chunk)
                file.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 (one unlink in the temporary folder)
            raise
    return Received(path, _plain_name(name), size, hasher.hexdigest(), head)


def media_type_of(file: Received, slot: Slot) -> str:
    """The type by extension and first bytes, which must agree and be accepted by the slot."""
    extension = PurePosixPath(file.name).suffix.lower().lstrip(".")
    kinds = "、".join(slot.accept)
    if extension not in slot.accept:
        raise UnsupportedMedia(f"此处只接受 {kinds} 文件。", code="file_type")
    media_type, beginning = _KINDS[extension]
    if not file.head.startswith(beginning):
        raise UnsupportedMedia(f"文件内容与扩展名 .{extension} 不符，请重新导出后上传。", code="file_content")
    return media_type


async def keep(
    session: AsyncSession,
    store: Store,
    codec: Codec,
    actor: Actor,
    id: UUID,
    section: str,
    slot: str,
    file: Received,
) -> Attachment:
    """Put the file into the store, then record it: an object without a row is harmless, a row without one not."""
    found = await may_upload(session, codec, actor, id, section, slot)
    media_type = media_type_of(file, found)
    await store.put_async(attachment_key(file.sha256), file.path)
    attachment = Attachment(
        id=uuid4(),
        application_id=id,
        section=section,
        slot=slot,
        name=file.name,
        size=file.size,
        media_type=media_type,
        sha256=file.sha256,
        created_by=actor.account,
    )
    session.add(attachment)
    record(
        session, actor, "attach", application_id=id, section=section, slot=slot, name=file.name, sha256=file.sha256
    )
    await session.flush()
    return attachment


async def remove(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, attachment_id: UUID) -> None:
    """Take an attachment away, unless saved values name it. The file stays: a revision may hold it."""
    application = await repository.application(session, actor, id, lock=True)
    attachment = await repository.attachment(session, id, attachment_id)
    if attachment.deleted_at is not None:
        raise NotFound("未找到该附件。")
    if not editable(application, attachment.section):
        raise Conflict("当前不能修改此项材料。", code="wrong_state")
    opened = await open_section(session, codec, actor, id, attachment.section)
    if str(attachment_id) in named_files(opened.definition, opened.row.saved):
        raise Conflict("已保存的表单正在使用该附件，请先在表单中移除并保存。", code="attachment_in_use")
    attachment.deleted_at = clock.now()
    record(session, actor, "detach", application_id=id, attachment=str(attachment_id))


def _plain_name(name: str) -> str:
    """The file's own name without folders or characters that end lines; 120 characters at most."""
    # Form data escapes what a header cannot hold: browsers a quotation mark, some clients all beyond ASCII.
    if name.isascii() and "%" in name:
        with suppress(UnicodeDecodeError):
            name = unquote(name, errors="strict")
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in base if c.isprintable()).strip() or "附件"
    stem, dot, extension = shown.rpartition(".")
    return f"{stem[:110]}{dot}{extension[:9]}" if dot else shown[:120]

"""Put one case into a ZIP: papers, originals, opinions, letters, notices, the audit's extract."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.applications.core.csv_text import MARK, Cell, csv_lines
from services.applications.core.labels import ACTIONS
from services.applications.dossiers.archive import Archive
from services.applications.dossiers.names import Names, part
from services.applications.dossiers.queries import Material
from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.applications.tables.applications import Attachment, Document
from services.applications.workflow import LABELS
from shared import clock
from shared.errors import DomainError
from shared.messages import Delivery
from shared.store import Store, attachment_key, pdf_key
from shared.text.json_text import dumps

FORGOTTEN = "申报材料、附件和个人信息已按保存期限删除，此处只保留办理记录。\n"
FILE_KINDS = {"site_visit": "现场核查记录", "minutes": "会议纪要", "other": "其他"}


@dataclass(frozen=True)
class Writer:
    """Where a case goes, and where its files come from."""

    archive: Archive
    names: Names
    store: Store

    async def add(self, found: Material, mails: Sequence[Delivery]) -> None:
        """Add all of a case in a folder of its own. What the store has not is named in the manifest."""
        application = found.application
        folder = self.names.path("", part(f"{application.number or application.id} {application.project_name}"))
        form = _form(application.fund_type, application.form_version)
        if not application.wrapped_key:
            await self.archive.text(f"{folder}/已删除.txt", FORGOTTEN.encode())
        else:
            await self._papers(folder, found)
            await self._originals(folder, found, form)
        await self._table(f"{folder}/3 退回意见.csv", OPINIONS, _opinions(found, form))
        for letter, document in found.letters:
            recalled = "（已撤回）" if letter.recalled_at else ""
            name = f"{letter.reference} {letter.name}{recalled}.pdf"
            await self._pdf(self.names.path(f"{folder}/4 公文", name), document)
        await self._table(f"{folder}/5 通知.csv", NOTICES, _notices(mails))
        await self._table(f"{folder}/6 审计记录.csv", AUDIT, _audit(found))
        if application.wrapped_key:
            for file in found.files:
                kind = FILE_KINDS.get(file.kind, file.kind)
                path = self.names.path(f"{folder}/7 工作文件/{kind}", file.name)
                await self._original(path, file.sha256, file.size, file.infected)

    async def _papers(self, folder: str, found: Material) -> None:
        for revision, document in found.revisions:
            path = self.names.path(f"{folder}/1 申报书", f"第{revision.number}版 申报书.pdf")
            if document is None:
                self.archive.lacks(path, "没有 PDF 记录")
            else:
                await self._pdf(path, document)

    async def _originals(self, folder: str, found: Material, form: Form | None) -> None:
        """Add each file that any submission named, once."""
        named = {UUID(id) for revision, _ in found.revisions for id in revision.content["attachments"]}
        chosen = sorted(
            (found.attachments[id] for id in named if id in found.attachments),
            key=lambda one: (one.section, one.slot, one.created_at, one.id),
        )
        for one in chosen:
            path = self.names.path(f"{folder}/2 附件/{_place(one, form)}", one.name)
            await self._original(path, one.sha256, one.size, one.infected)
        for id in sorted(named - found.attachments.keys()):
            self.archive.lacks(f"{folder}/2 附件/{id}", "没有这份附件的记录")

    async def _pdf(self, path: str, document: Document) -> None:
        if document.sha256 is None:
            self.archive.lacks(path, "PDF 尚未生成")
        else:
            await self._from_store(path, pdf_key(document.sha256), document.size or 0)

    async def _original(self, path: str, sha256: str, size: int, infected: str | None) -> None:
        if infected:
            self.archive.lacks(path, f"含有病毒，未收入：{infected}")
        else:
            await self._from_store(path, attachment_key(sha256), size)

    async def _from_store(self, path: str, key: str, size: int) -> None:
        pieces = self.store.stream(key)
        try:
            first = await anext(pieces)
        except FileNotFoundError:
            self.archive.lacks(path, "存储中没有这份文件")
            return
        except StopAsyncIteration:
            first = b""

        async def whole() -> AsyncIterator[bytes]:
            yield first
            async for piece in pieces:
                yield piece

        await self.archive.add(path, whole(), size)

    async def _table(self, path: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        await self.archive.text(path, MARK + csv_lines([head, *rows]))


def _form(fund_type: str, version: int) -> Form | None:
    try:
        return catalogue.form(fund_type, version)
    except DomainError:
        return None


def _place(one: Attachment, form: Form | None) -> str:
    section = form.section(one.section) if form else None
    slot = section.slot(one.slot) if section else None
    return f"{part(section.label if section else one.section)}/{part(slot.label if slot else one.slot)}"


OPINIONS = ("第几次退回", "材料", "填写项", "行", "意见", "意见人", "提出时间", "答复", "答复时间")


def _opinions(found: Material, form: Form | None) -> list[Sequence[Cell]]:
    rows: list[Sequence[Cell]] = []
    for one in found.opinions:
        section = form.section(one.section) if form and one.section else None
        place = section.by_key.get(one.field) if section and one.field else None
        rows.append(
            (
                one.round_trip,
                section.label if section else one.section,
                place.label if place else one.field,
                one.row,
                one.text,
                one.author_name,
                clock.show(one.created_at),
                one.reply,
                clock.show(one.replied_at) if one.replied_at else None,
            )
        )
    return rows


NOTICES = ("通知编号", "种类", "方式", "发往", "状态", "发出时间", "阅读时间", "尝试次数", "对方应答")


def _notices(mails: Sequence[Delivery]) -> list[Sequence[Cell]]:
    states = {"pending": "待发送", "sent": "已发送", "superseded": "不再发送", "undeliverable": "未能送达"}
    return [
        (
            str(one.event_id),
            one.kind,
            {"email": "邮件", "inbox": "站内信"}.get(one.channel, one.channel),
            one.address,
            states[one.state],
            clock.show(one.sent_at) if one.sent_at else None,
            clock.show(one.read_at) if one.read_at else None,
            one.attempts,
            one.answer or one.last_error,
        )
        for one in mails
    ]


AUDIT = ("记录号", "时间", "人员", "事项", "原状态", "新状态", "结果", "内容", "链上位置", "链上摘要")


def _audit(found: Material) -> list[Sequence[Cell]]:
    return [
        (
            row.id,
            clock.show(row.at),
            row.actor_name,
            ACTIONS.get(row.action, row.action),
            LABELS.get(row.from_state, row.from_state) if row.from_state else None,  # type: ignore[call-overload]
            LABELS.get(row.to_state, row.to_state) if row.to_state else None,  # type: ignore[call-overload]
            row.result,
            dumps(row.details).decode(),
            position,
            hash_.hex() if hash_ else None,
        )
        for row, position, hash_ in found.audit
    ]

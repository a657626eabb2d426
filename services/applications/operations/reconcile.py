"""Reconcile accepted submissions = revisions = PDFs = mails, find moves that the table does not know, and name all
that differs.

The audit says what was accepted; the revisions, the documents, the store's files and notify's ledger say what
became of it. Nothing is mended here: it counts and names.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.synthetic import by_people
from services.applications.outbox.outbox import CANCELLED
from services.applications.tables.applications import Application, Audit, Document, Owed, Revision
from services.applications.workflow import TABLE, Action, Place, State
from shared.messages import NOTIFY, Delivery
from shared.store import Store, pdf_key


@dataclass
class Report:
    """Counts, and one line for each difference."""

    counts: dict[str, int]
    differences: list[str] = field(default_factory=list)
    # What is still under way: owed but within its time; not a difference yet.
    pending: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.differences and not self.pending

    def json(self) -> str:
        body: dict[str, Any] = {
            "clean": self.clean,
            "counts": self.counts,
            "differences": self.differences,
            "pending": self.pending,
        }
        return json.dumps(body, ensure_ascii=False, indent=2)


Ledger = Callable[[], Awaitable[list[Delivery] | None]]


async def reconcile(session: AsyncSession, store: Store, ledger: Ledger) -> Report:
    """Compare every accepted submission and return with what it owed, all at one instant. `ledger`: asks notify for its deliveries,
    after that instant: what is done by then stands there."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    accepted = {
        (row.application_id, row.details["submitted"])
        for row in await session.scalars(select(Audit).where(Audit.action == "submit"))
    }
    revisions = {
        (r.application_id, r.number): r
        for r in await session.scalars(select(Revision).where(by_people(Revision.application_id)))
    }
    found = await session.scalars(
        select(Document).where(Document.kind == "revision", by_people(Document.application_id))
    )
    documents = {(d.application_id, d.revision): d for d in found}
    owed = {row.id: row for row in await session.scalars(select(Owed).where(by_people(Owed.application_id)))}
    found_applications = list(await session.scalars(select(Application).where(by_people(Application.id))))
    names = {a.id: a.number or str(a.id) for a in found_applications}
    forgotten = {a.id for a in found_applications if not a.wrapped_key}
    report = Report({"accepted": len(accepted), "revisions": len(revisions), "pdfs": 0, "events": 0, "mails": 0})

    def name(key: tuple[Any, Any]) -> str:
        return f"{names.get(key[0], key[0])} 第{key[1]}版"

    for key in sorted(accepted ^ revisions.keys(), key=str):
        side = "受理记录" if key in accepted else "版本"
        report.differences.append(f"{name(key)}：只有{side}")
    for key in sorted(revisions, key=str):
        document = documents.get(key)
        if document is None:
            report.differences.append(f"{name(key)}：没有 PDF 记录")
        elif document.source_sha256 != revisions[key].sha256:
            report.differences.append(f"{name(key)}：PDF 与版本摘要不符")
        elif key[0] in forgotten:
            continue
        elif document.sha256 is None:
            report.pending.append(f"{name(key)}：PDF 尚未生成")
        elif not await store.exists(pdf_key(document.sha256)):
            report.differences.append(f"{name(key)}：存储中没有 PDF 文件 {document.sha256}")
        else:
            report.counts["pdfs"] += 1
    _compare_mails(report, owed, await ledger(), names)
    await _follow_moves(session, report, names)
    for row in owed.values():
        if row.parked_at is not None and row.done_at is None:
            report.differences.append(f"失败待处理的任务 {row.id}（{row.topic}）：{row.last_error}")
    return report


# Where a destination that depends on the way may lie.
_ANYWHERE: dict[Place, set[State | None]] = {
    Place.SUBMITTED_FROM: {State.DRAFT, State.RETURNED},
    Place.RETURNED_FROM: {State.PENDING_ACCEPTANCE, State.FORM_REVIEW},
    Place.HIDDEN: {None},
    Place.PROPOSED_TO: {State.PROPOSED, State.PUBLICITY},
}


def _legal(from_state: str, action: str, to_state: str | None) -> bool:
    try:
        rule = TABLE[State(from_state), Action(action)]
    except (KeyError, ValueError):
        return False
    if isinstance(rule.to, Place):
        return to_state in _ANYWHERE[rule.to]
    return to_state == rule.to


async def _follow_moves(session: AsyncSession, report: Report, names: dict[Any, str]) -> None:
    """The audit's moves, one after the other: each stands in the table, begins where the one before ended, and
    the last ends where the application is."""
    states: dict[Any, str | None] = {}
    moves = await session.stream(
        select(Audit.application_id, Audit.action, Audit.from_state, Audit.to_state)
        .where(Audit.from_state.is_not(None) | Audit.to_state.is_not(None))
        .order_by(Audit.id)
    )
    async for id, action, before, after in moves:
        if before is not None:
            what = f"{names.get(id, id)}：{before} → {after or '已删除'}（{action}）"
            if not _legal(before, action, after):
                report.differences.append(f"{what} 不是允许的流转")
            if id in states and states[id] != before:
                report.differences.append(f"{what} 与此前状态 {states[id]} 不衔接")
        states[id] = after
    found = await session.execute(
        select(Application.id, Application.state, Application.deleted_at).where(by_people(Application.id))
    )
    for id, state, deleted_at in found:
        last = states.get(id)
        if last != (None if deleted_at else state):
            report.differences.append(f"{names.get(id, id)}：状态为 {state}，审计记录止于 {last}")


def _compare_mails(
    report: Report, owed: dict[Any, Owed], deliveries: list[Delivery] | None, names: dict[Any, str]
) -> None:
    # What went to the bureau's people is about no application, and is forgotten by itself.
    events = {id: row for id, row in owed.items() if row.topic == NOTIFY and row.application_id is not None}
    report.counts["events"] = len(events)
    if deliveries is None:
        report.differences.append("通知服务没有响应，邮件无法核对")
        return
    ledger = {d.event_id: d for d in deliveries if d.channel == "email"}
    # What is told in the portal alone is in the ledger as well.
    taken = {d.event_id for d in deliveries}
    report.counts["mails"] = sum(d.state == "sent" for d in ledger.values())
    for id, row in events.items():
        what = f"{names.get(row.application_id, '')} {row.payload['kind']} {id}"
        delivery = ledger.get(id)
        if delivery is None and (id in taken or row.last_error == CANCELLED):
            continue
        if delivery is None:
            where = report.differences if row.done_at else report.pending
            where.append(f"{what}：{'通知台账中没有' if row.done_at else '尚未移交通知服务'}")
        elif delivery.state == "pending":
            report.pending.append(f"{what}：邮件尚未发出（已尝试 {delivery.attempts} 次）")
        elif delivery.state == "undeliverable":
            report.differences.append(f"{what}：邮件无法送达（{delivery.last_error}）")
    for id in ledger.keys() - events.keys():
        report.differences.append(f"通知台账中的 {id} 没有对应的事件")

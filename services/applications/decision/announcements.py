"""Announce lists (公示, 项目批复): gather a round's cases in a draft, which a second person publishes as one act."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.moves import facts_of, make_move
from services.applications.decision.decisions import (
    Office,
    days_of,
    publicity_end,
    spent,
    tell_approval,
    unsettled,
)
from services.applications.documents import letters
from services.applications.outbox.events import about, owe
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Announcement, Letter, Listed
from services.applications.workflow import Action, Facts, State, move, second_person
from shared import clock, codes
from shared.document import Column, Table
from shared.errors import Conflict, FieldError, Invalid, NotFound, Stale
from shared.identity import Actor, Role
from shared.messages import AnnouncedProject, PublicityAnnounced
from shared.text.capitals import in_words
from shared.text.typed_text import one_line

Kind = Literal["publicity", "approval"]
# Published in one transaction, which holds every case of the list.
AT_MOST = 300
# From which state a list takes its cases, and by which move it publishes them.
FROM: dict[Kind, tuple[State, Action]] = {
    "publicity": (State.PROPOSED, Action.PUBLISH),
    "approval": (State.PUBLICITY, Action.APPROVE),
}
NAMES: dict[Kind, str] = {"publicity": "公示", "approval": "批复"}


@dataclass(frozen=True)
class Case:
    """One case of a list. `fault` says why it cannot be published as it stands."""

    application: Application
    amount_wan: Decimal | None
    entry: Listed | None
    fault: str = ""


@dataclass(frozen=True)
class Whole:
    """A list with its cases, and what might stand on it as well (`others`; of a draft only)."""

    announcement: Announcement
    round: Round
    letter: Letter | None
    cases: list[Case]
    others: list[Case]

    @property
    def etag(self) -> str:
        """Return what changes with the list, its text, and any case on it: nobody publishes what nobody has read."""
        return f"{self.announcement.version}.{sum(case.application.version for case in self.cases)}"


def kind_of(announcement: Announcement) -> Kind:
    return cast(Kind, announcement.kind)


async def read(session: AsyncSession, id: UUID, *, lock: bool = False) -> Whole:
    """Return a list with its cases by number; `NotFound` for one that is not there. `lock` holds it and every case of it."""
    announcement = await session.get(Announcement, id, with_for_update=lock or None, populate_existing=lock)
    if announcement is None:
        raise NotFound("没有这份公示或批复。")
    query = (
        select(Application, Listed)
        .join(Listed, Listed.application_id == Application.id)
        .where(Listed.announcement_id == id)
    )
    if lock:
        # In one order, so that two who hold many never wait for one another.
        ids = sorted(row.id for row, _ in await session.execute(query))
        locking = select(Application).where(Application.id.in_(ids)).order_by(Application.id)
        await session.execute(locking.with_for_update(key_share=True).execution_options(populate_existing=True))
    rows = (await session.execute(query.order_by(Application.number, Application.id))).all()
    draft = announcement.published_at is None
    open_ = await unsettled(session, [a.id for a, _ in rows]) if draft else {}
    cases = [
        Case(
            application,
            application.approved_wan if draft else entry.amount_wan,
            entry,
            _fault(announcement, application, open_.get(application.id, 0)) if draft else "",
        )
        for application, entry in rows
    ]
    others = [Case(a, a.approved_wan, None) for a in await candidates(session, announcement)] if draft else []
    letter = await session.get(Letter, announcement.letter_id) if announcement.letter_id else None
    return Whole(announcement, await session.get_one(Round, announcement.round_id), letter, cases, others)


def _facts(announcement: Announcement, application: Application, objections: int) -> Facts:
    """Return what the move's guards look at, for somebody who has not drafted the list."""
    return Facts(
        state=State(application.state),
        at=clock.now(),
        publicity_until=application.publicity_until,
        objections=objections,
        drafted_by=announcement.drafted_by,
    )


def _fault(announcement: Announcement, application: Application, objections: int) -> str:
    """Return why the list's move would be refused for a case, whoever publishes it; empty where it would not."""
    _, action = FROM[kind_of(announcement)]
    try:
        move(_facts(announcement, application, objections), action, frozenset({Role.DIRECTOR}))
    except Conflict as error:
        return error.detail
    return ""


def _ready(kind: Kind) -> list[Any]:
    """Return which applications may be put on a list."""
    state, _ = FROM[kind]
    found = [Application.state == state, Application.deleted_at.is_(None)]
    if kind == "approval":
        found.append(Application.publicity_until <= clock.now())
    return found


async def candidates(session: AsyncSession, announcement: Announcement) -> list[Application]:
    """Return the round's cases that might stand on a draft and stand on no list of its kind."""
    kind = kind_of(announcement)
    listed = select(Listed.application_id).where(Listed.kind == kind, Listed.taken_off_at.is_(None))
    query = select(Application).where(
        Application.round_id == announcement.round_id, *_ready(kind), Application.id.not_in(listed)
    )
    found = list(await session.scalars(query.order_by(Application.number, Application.id).limit(2 * AT_MOST)))
    if kind == "approval":
        open_ = await unsettled(session, [a.id for a in found])
        found = [a for a in found if a.id not in open_]
    return found


async def gathered(session: AsyncSession, kind: Kind) -> dict[UUID, tuple[int, Decimal]]:
    """Count what waits for a list of this kind, by round, with its sum in 万元."""
    listed = select(Listed.application_id).where(Listed.kind == kind, Listed.taken_off_at.is_(None))
    rows = await session.execute(
        select(Application.round_id, func.count(), func.coalesce(func.sum(Application.approved_wan), 0))
        .where(*_ready(kind), Application.id.not_in(listed))
        .group_by(Application.round_id)
    )
    return {round_id: (n, Decimal(total or 0)) for round_id, n, total in rows}


async def draft(session: AsyncSession, actor: Actor, round_id: UUID, kind: Kind, working_days: int) -> UUID:
    """Return the round's draft of this kind: a new one with everything that waits for it, or the one that is there. `Conflict` when
    nothing waits."""
    round_ = await round_queries.round_(session, round_id)
    words = letters.kinds()[kind]
    made: Announcement | None = await session.scalar(
        insert(Announcement)
        .values(
            id=uuid4(),
            kind=kind,
            round_id=round_id,
            title=words.title.format(round=one_line(round_.title)),
            text="\n".join(words.paragraphs),
            working_days=working_days if kind == "publicity" else None,
            version=1,
            drafted_by=actor.account,
            drafted_by_name=actor.name,
        )
        .on_conflict_do_nothing(
            index_elements=[Announcement.round_id, Announcement.kind],
            index_where=Announcement.published_at.is_(None),
        )
        .returning(Announcement)
    )
    if made is None:
        open_ = select(Announcement.id).where(
            Announcement.round_id == round_id, Announcement.kind == kind, Announcement.published_at.is_(None)
        )
        return (await session.scalars(open_)).one()
    found = await candidates(session, made)
    if not found:
        what = "拟支持" if kind == "publicity" else "公示期满且无未处理异议"
        raise Conflict(f"该申报批次没有{what}的项目，不能拟定{NAMES[kind]}。", code=codes.NOTHING_TO_LIST)
    await _put(session, made, [a.id for a in found[:AT_MOST]])
    record(session, actor, "draft_list", announcement=str(made.id), kind=kind, cases=min(len(found), AT_MOST))
    return made.id


async def _put(session: AsyncSession, announcement: Announcement, ids: Sequence[UUID]) -> None:
    if ids:
        rows = [
            {"announcement_id": announcement.id, "application_id": id, "kind": announcement.kind} for id in ids
        ]
        # One that stands on another list by now is left there.
        await session.execute(insert(Listed).values(rows).on_conflict_do_nothing())


def _must_be_draft(announcement: Announcement) -> None:
    if announcement.published_at is not None:
        name, by = NAMES[kind_of(announcement)], announcement.published_by_name
        told = f"该{name}已由{by}于 {clock.show(announcement.published_at)} 发布，不能再修改或重复发布。"
        raise Conflict(told, code=codes.ALREADY_PUBLISHED)


def _must_match(whole: Whole, etag: str) -> None:
    if etag != whole.etag:
        by = whole.announcement.drafted_by_name
        raise Stale(
            f"名单、文字或项目金额在您打开后已有变化（最后修改：{by}），请核对后重试。",
            current={"etag": whole.etag},
        )


async def change(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    etag: str,
    *,
    title: str,
    text: str,
    working_days: int | None,
    cases: Sequence[UUID],
) -> None:
    """Keep a draft's title, text, days and cases; `actor` is the one who drafted it from now on. `Invalid` names what cannot be
    listed."""
    whole = await read(session, id, lock=True)
    announcement = whole.announcement
    _must_be_draft(announcement)
    _must_match(whole, etag)
    wanted, kind = set(cases), kind_of(announcement)
    errors: list[FieldError] = []
    if kind == "publicity" and working_days is None:
        errors.append(FieldError(field="working_days", code=codes.REQUIRED, message="请填写公示期的工作日数。"))
    if len(wanted) > AT_MOST:
        message = f"一份{NAMES[kind]}最多列 {AT_MOST} 个项目，请分批发布。"
        errors.append(FieldError(field="cases", code=codes.LIST_TOO_LONG, message=message))
    now, possible = {c.application.id for c in whole.cases}, {c.application.id for c in whole.others}
    if wanted - now - possible:
        message = "所选项目中有的不能列入：已列入其他名单，或状态已变化。请核对后重试。"
        errors.append(FieldError(field="cases", code=codes.NOT_LISTABLE, message=message))
    if errors:
        raise Invalid(errors)
    if gone := now - wanted:
        await session.execute(delete(Listed).where(Listed.announcement_id == id, Listed.application_id.in_(gone)))
    await _put(session, announcement, sorted(wanted - now))
    announcement.title, announcement.text = one_line(title), text
    announcement.working_days = working_days if kind == "publicity" else None
    announcement.drafted_by, announcement.drafted_by_name = actor.account, actor.name
    announcement.drafted_at = clock.now()
    announcement.version += 1
    record(
        session, actor, "change_list", announcement=str(id), kind=kind, cases=len(wanted),
        added=len(wanted - now), removed=len(gone),
    )  # fmt: skip
    await session.flush()


async def discard(session: AsyncSession, actor: Actor, id: UUID, etag: str) -> None:
    """Delete a draft; its cases wait for another."""
    whole = await read(session, id, lock=True)
    _must_be_draft(whole.announcement)
    _must_match(whole, etag)
    await session.execute(delete(Listed).where(Listed.announcement_id == id))
    await session.delete(whole.announcement)
    record(
        session, actor, "discard_list", announcement=str(id), kind=whole.announcement.kind,
        title=whole.announcement.title, cases=len(whole.cases),
    )  # fmt: skip
    await session.flush()


async def publish(session: AsyncSession, office: Office, actor: Actor, id: UUID, etag: str) -> None:
    """Publish a draft that somebody else drafted: number and letter, every case moved, news owed. All or nothing: `Invalid` names
    each case that stands in the way."""
    whole = await read(session, id, lock=True)
    announcement, kind = whole.announcement, kind_of(whole.announcement)
    _must_be_draft(announcement)
    _must_match(whole, etag)
    if not whole.cases:
        raise Conflict("名单中没有项目，不能发布。", code=codes.LIST_EMPTY)
    own = replace(_facts(announcement, whole.cases[0].application, 0), actor=actor.account)
    if refusal := second_person(own):
        raise Conflict(refusal.message, code=refusal.code)
    faults = [
        FieldError(
            field=str(c.application.id),
            code=codes.NOT_LISTABLE,
            message=f"“{one_line(c.application.project_name)}”（{c.application.number}）：{c.fault}",
        )
        for c in whole.cases
        if c.fault
    ]
    if faults:
        raise Invalid(faults, "名单中有的项目不能发布，请处理或移出名单后重试。", code=codes.NOT_LISTABLE)
    if kind == "publicity" and whole.round.budget_wan is not None:
        # 拟支持 keeps within the budget; the budget may have been lowered since.
        over = await spent(session, whole.round.id) - whole.round.budget_wan
        if over > 0:
            raise Conflict(
                f"本批次拟支持和批复的金额超出预算 {over:,.2f} 万元，不能发布。", code=codes.BUDGET_EXCEEDED
            )
    begun = actor.received_at
    text = announcement.text
    if kind == "publicity":
        assert announcement.working_days is not None
        announcement.publicity_until = publicity_end(office.calendar, begun, announcement.working_days)
        begins, ends = days_of(begun, announcement.publicity_until)
        closing = letters.kinds()[kind].closing.format(begins=begins, ends=ends, days=announcement.working_days)
        text = announcement.text = f"{text}\n{closing}"
    letter = await letters.issue_list(session, kind, title=announcement.title, text=text, table=_table(whole))
    announcement.letter_id = letter.id
    announcement.published_by, announcement.published_by_name = actor.account, actor.name
    announcement.published_at = begun
    announcement.version += 1
    for case in whole.cases:
        await _publish_one(session, office, actor, whole, case, letter)
    if kind == "publicity":
        await _tell_units(session, office, whole, letter)
    record(
        session, actor, "publish_list", announcement=str(id), kind=kind, reference=letter.reference,
        title=announcement.title, cases=len(whole.cases), amount_wan=f"{_sum(whole.cases):.2f}",
        drafted_by=announcement.drafted_by,
    )  # fmt: skip
    await session.flush()


async def _publish_one(
    session: AsyncSession, office: Office, actor: Actor, whole: Whole, case: Case, letter: Letter
) -> None:
    announcement, application = whole.announcement, case.application
    _, action = FROM[kind_of(announcement)]
    facts = replace(
        facts_of(application, whole.round, None, at=actor.received_at, actor=actor.account),
        drafted_by=announcement.drafted_by,
    )
    changes: dict[str, Any] = {}
    details: dict[str, Any] = {"announcement": str(announcement.id), "reference": letter.reference}
    if action is Action.PUBLISH:
        changes = {"publicity_from": announcement.published_at, "publicity_until": announcement.publicity_until}
        details["amount_wan"] = f"{application.approved_wan:.2f}"
    await make_move(session, application, actor, action, facts, details=details, **changes)
    assert case.entry is not None
    case.entry.amount_wan = application.approved_wan
    if action is Action.APPROVE:
        basis = f"列入《{announcement.title}》（{letter.reference}），"
        await tell_approval(session, office, application, basis=basis)


async def _tell_units(session: AsyncSession, office: Office, whole: Whole, letter: Letter) -> None:
    """Owe one event for each unit, with all its projects on the list."""
    units: dict[str, list[Application]] = {}
    for case in whole.cases:
        units.setdefault(case.application.enterprise, []).append(case.application)
    assert whole.announcement.publicity_until is not None
    for enterprise, own in units.items():
        event = PublicityAnnounced(
            **await about(session, office.codec, own[0]),
            announcement_id=whole.announcement.id,
            title=whole.announcement.title,
            reference=letter.reference,
            until=whole.announcement.publicity_until,
            projects=[
                AnnouncedProject(
                    project_name=one_line(a.project_name),
                    number=a.number or "",
                    amount_wan=f"{a.approved_wan:.2f}",
                )
                for a in own
            ],
        )
        await owe(session, event, f"{whole.announcement.id}:{enterprise}")


def _sum(cases: Sequence[Case]) -> Decimal:
    return sum((c.amount_wan or Decimal(0) for c in cases), Decimal(0))


def _table(whole: Whole) -> Table:
    """Return the list as its letter shows it, with the sum in figures and in words."""
    amount = "拟支持金额（万元）" if whole.announcement.kind == "publicity" else "支持金额（万元）"
    total = _sum(whole.cases)
    return Table(
        columns=[
            Column(label="序号", width=5),
            Column(label="申报编号", width=13),
            Column(label="项目名称", width=17),
            Column(label="申报单位", width=15),
            Column(label="专项资金名称", width=8),
            Column(label=amount, width=11, numeric=True),
        ],
        rows=[
            [
                str(n),
                c.application.number or "",
                one_line(c.application.project_name),
                c.application.enterprise_name,
                form_of(c.application).label,
                f"{c.amount_wan or 0:,.2f}",
            ]
            for n, c in enumerate(whole.cases, 1)
        ],
        totals=["", "合计", "", "", "", f"{total:,.2f}"],
        note=f"合计（大写）：{in_words(total)}",
    )

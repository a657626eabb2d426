"""Show lists as the public HTTP contract does."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.case import form_of
from services.applications.core.views import wan
from services.applications.decision import announcements, ranking
from services.applications.decision.announcements import NAMES, Case, Kind, Whole, kind_of
from services.applications.decision.views import budget_view
from services.applications.documents import queries
from services.applications.tables.applications import Application, Document, Round
from services.applications.tables.decision import Announcement, Letter, Listed
from services.applications.workflow import LABELS, State
from shared import clock
from shared.contract.announcements import (
    AnnouncementList,
    AnnouncementSummary,
    AnnouncementView,
    ListedCase,
    Published,
    PublishedCase,
    Share,
    Waiting,
)
from shared.contract.decision import PublishedInShort
from shared.errors import NotFound
from shared.identity import Actor

AT_MOST = 500


def _sum(cases: Sequence[Case]) -> Decimal:
    """Return 万元 of what still stands on a list."""
    return sum((c.amount_wan or Decimal(0) for c in cases if not _left(c)), Decimal(0))


def _left(case: Case) -> bool:
    return case.entry is not None and case.entry.taken_off_at is not None


def _case(case: Case) -> ListedCase:
    a, entry = case.application, case.entry
    return ListedCase(
        id=a.id,
        number=a.number,
        project_name=a.project_name,
        enterprise_name=a.enterprise_name,
        fund_type_label=form_of(a).label,
        district=a.district,
        state=a.state,
        state_label=LABELS[State(a.state)],
        amount_wan=wan(case.amount_wan),
        fault=case.fault,
        taken_off_at=entry.taken_off_at if entry else None,
        taken_off_by=entry.taken_off_by if entry else None,
        reason=entry.reason if entry else None,
    )


def _shares(cases: Sequence[Case], label: Callable[[Application], str]) -> list[Share]:
    """Return the parts of a list, the largest sum first."""
    parts: dict[str, list[Case]] = {}
    for case in cases:
        if not _left(case):
            parts.setdefault(label(case.application), []).append(case)
    by_sum = sorted(parts.items(), key=lambda part: (-_sum(part[1]), part[0]))
    return [Share(label=name, cases=len(own), amount_wan=f"{_sum(own):.2f}") for name, own in by_sum]


def _summary(
    announcement: Announcement, round_: Round, letter: Letter | None, cases: int, amount: Decimal
) -> AnnouncementSummary:
    return AnnouncementSummary(
        id=announcement.id,
        kind=kind_of(announcement),
        round=round_.id,
        round_title=round_.title,
        title=announcement.title,
        cases=cases,
        amount_wan=f"{amount:.2f}",
        drafted_by=announcement.drafted_by_name,
        drafted_at=announcement.drafted_at,
        reference=letter.reference if letter else None,
        published_by=announcement.published_by_name,
        published_at=announcement.published_at,
        publicity_until=announcement.publicity_until,
    )


async def view(session: AsyncSession, actor: Actor, id: UUID) -> AnnouncementView:
    """Return one list with its whole."""
    whole: Whole = await announcements.read(session, id)
    announcement, standing = whole.announcement, [c for c in whole.cases if not _left(c)]
    summary = _summary(announcement, whole.round, whole.letter, len(standing), _sum(standing))
    return AnnouncementView(
        **summary.model_dump(),
        text=announcement.text,
        working_days=announcement.working_days,
        etag=whole.etag,
        own=announcement.drafted_by == actor.account,
        budget=budget_view(await ranking.budget_of(session, whole.round)),
        by_district=_shares(standing, lambda a: a.district or "未填写所属区"),
        by_type=_shares(standing, lambda a: form_of(a).label),
        items=[_case(c) for c in whole.cases],
        others=[_case(c) for c in whole.others],
    )


_AMOUNT = func.coalesce(func.sum(func.coalesce(Listed.amount_wan, Application.approved_wan)), 0)


def _counted() -> Select[Announcement, Round, Letter | None, Any, Any]:
    """Select lists with how many cases still stand on them, and their sum."""
    standing = (
        select(Listed.announcement_id, func.count().label("n"), _AMOUNT.label("amount"))
        .join(Application, Application.id == Listed.application_id)
        .where(Listed.taken_off_at.is_(None))
        .group_by(Listed.announcement_id)
        .subquery()
    )
    return (
        select(Announcement, Round, Letter, func.coalesce(standing.c.n, 0), func.coalesce(standing.c.amount, 0))
        .join(Round, Round.id == Announcement.round_id)
        .outerjoin(Letter, Letter.id == Announcement.letter_id)
        .outerjoin(standing, standing.c.announcement_id == Announcement.id)
    )


def _in_year(year: int) -> list[ColumnElement[bool]]:
    """Return what is true of lists published in a year of Beijing's calendar."""
    begin, end = (datetime(y, 1, 1, tzinfo=clock.SHANGHAI) for y in (year, year + 1))
    return [Announcement.published_at >= begin, Announcement.published_at < end]


async def _years(session: AsyncSession, *kinds: Kind) -> list[int]:
    at = func.timezone("Asia/Shanghai", Announcement.published_at)
    found = await session.scalars(
        select(func.extract("year", at))
        .where(Announcement.kind.in_(kinds), Announcement.published_at.is_not(None))
        .distinct()
    )
    return sorted({int(year) for year in found}, reverse=True)


async def overview(session: AsyncSession, year: int | None) -> AnnouncementList:
    """Return every draft, what was published (in `year`, if it is given), and what waits for a list."""
    query = _counted().order_by(
        Announcement.published_at.desc().nulls_first(), Announcement.drafted_at.desc(), Announcement.id
    )
    years = await _years(session, *NAMES)
    if year is not None:
        query = query.where(*_in_year(year)) if year in years else query.where(false())
    rows = (await session.execute(query.limit(AT_MOST))).all()
    waiting: list[Waiting] = []
    for kind in NAMES:
        found = await announcements.gathered(session, kind)
        titles = await session.execute(select(Round.id, Round.title).where(Round.id.in_(list(found))))
        waiting += [
            Waiting(kind=kind, round=id, round_title=title, cases=found[id][0], amount_wan=f"{found[id][1]:.2f}")
            for id, title in sorted(titles, key=lambda row: row[1])
        ]
    return AnnouncementList(
        waiting=waiting,
        items=[_summary(a, r, letter, int(n), Decimal(amount)) for a, r, letter, n, amount in rows],
        years=years,
    )


async def announcement_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the published 公示 that applications stand on, by application."""
    rows = await session.execute(
        select(Listed.application_id, Listed.announcement_id)
        .join(Announcement, Announcement.id == Listed.announcement_id)
        .where(
            Listed.application_id.in_(ids),
            Listed.kind == "publicity",
            Listed.taken_off_at.is_(None),
            Announcement.published_at.is_not(None),
        )
    )
    return {row[0]: row[1] for row in rows}


async def published_in(
    session: AsyncSession, year: int | None
) -> tuple[int | None, list[int], dict[Kind, list[PublishedInShort]]]:
    """Return a year (the latest with a list, unless it is given), the years there are, and the lists of the year by kind, newest first."""
    years = await _years(session, *NAMES)
    shown = year if year is not None else next(iter(years), None)
    found: dict[Kind, list[PublishedInShort]] = {kind: [] for kind in NAMES}
    if shown is None or shown not in years:
        return shown, years, found
    query = _counted().where(*_in_year(shown))
    rows = (await session.execute(query.order_by(Announcement.published_at.desc(), Announcement.id))).all()
    for a, _, letter, n, _ in rows:
        if letter is not None and a.published_at is not None:
            found[kind_of(a)].append(
                PublishedInShort(
                    id=a.id, title=a.title, reference=letter.reference, cases=int(n),
                    published_at=a.published_at, publicity_until=a.publicity_until,
                )
            )  # fmt: skip
    return shown, years, found


async def _published(session: AsyncSession, id: UUID) -> tuple[Whole, Letter]:
    whole = await announcements.read(session, id)
    if whole.letter is None:
        raise NotFound("没有这份公示或批复。")
    return whole, whole.letter


async def published(session: AsyncSession, id: UUID) -> Published:
    """Return a published 公示 or 批复 for anybody; `NotFound` for a draft."""
    whole, letter = await _published(session, id)
    announcement = whole.announcement
    assert announcement.published_at is not None
    document = await session.get_one(Document, letter.document_id)
    return Published(
        id=announcement.id,
        kind=kind_of(announcement),
        title=announcement.title,
        reference=letter.reference,
        text=announcement.text,
        round_title=whole.round.title,
        published_at=announcement.published_at,
        publicity_until=announcement.publicity_until,
        amount_wan=f"{_sum(whole.cases):.2f}",
        pdf=document.sha256 is not None,
        items=[
            PublishedCase(
                number=c.application.number,
                project_name=c.application.project_name,
                enterprise_name=c.application.enterprise_name,
                fund_type_label=form_of(c.application).label,
                amount_wan=f"{c.amount_wan or 0:.2f}",
                taken_off_on=c.entry.taken_off_at.astimezone(clock.SHANGHAI).date()
                if c.entry and c.entry.taken_off_at
                else None,
            )
            for c in whole.cases
        ],
    )


async def published_document(session: AsyncSession, id: UUID) -> tuple[Letter, Document]:
    """Return the letter of a published list and its document."""
    _, letter = await _published(session, id)
    return letter, await queries.document(session, letter.document_id)

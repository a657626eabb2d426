"""Select the queue with its filters, and the counts beside it.

Each filter has an index in the queue's own order, and a page is read from a key, never by counting rows over: what a
page costs does not grow with the table.
"""

import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    any_,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.applications.core.cursors import cursor_of, place_of, sorted_place_of
from services.applications.core.repository import visible_to
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Batch
from services.applications.tables.desk import DeskCount, UnlockRequest
from services.applications.workflow import State
from shared.identity import Actor
from shared.text.typed_text import without_marks

# Beyond this the queue says «more than»: an exact number would cost what there is to count.
COUNT_UP_TO = 50
# A search that finds more than this is common.
RARE = 1000
# A return that nobody has looked at for so long is pointed out.
UNSEEN_AFTER = timedelta(days=3)
NOBODY = "none"
MINE = "me"


@dataclass(frozen=True)
class Sort:
    """A column that the list is sorted by: its index's expression, the kind of its values, and the value of a row."""

    column: ColumnElement[Any]
    kind: type
    of: Callable[[Application], str | Decimal]


SORTS = {
    "enterprise": Sort(Application.enterprise_name.expression, str, lambda a: a.enterprise_name),
    "fund_type": Sort(Application.fund_type.expression, str, lambda a: a.fund_type),
    "amount": Sort(
        func.coalesce(Application.applied_wan, literal_column("0")), Decimal, lambda a: a.applied_wan or Decimal(0)
    ),
    "assignee": Sort(
        func.coalesce(Application.assignee_name, literal_column("''")), str, lambda a: a.assignee_name or ""
    ),
}


@dataclass(frozen=True)
class Filter:
    """What the desk is narrowed to; everything that is set must hold. Ages are whole days since the submission."""

    states: tuple[State, ...] = ()
    text: str = ""
    fund_type: str = ""
    round: UUID | None = None
    district: str = ""
    min_wan: Decimal | None = None
    max_wan: Decimal | None = None
    min_days: int | None = None
    max_days: int | None = None
    # An account, `me`, or `none` for what nobody has.
    assignee: str = ""
    batch: UUID | None = None
    # Returned at least this long ago, and nobody has looked at it.
    unseen: bool = False
    # In 公示, whose days have passed.
    over: bool = False
    # Whose applicant has asked for a material that a return left locked, and waits for an answer.
    unlock: bool = False
    # By which column of `SORTS`, ties by 申报时间; empty: by 申报时间 alone.
    sort: str = ""
    descending: bool = False


def _plain(said: str) -> str:
    return unicodedata.normalize("NFKC", without_marks(said)).lower()


def _search(said: str, *, exactly: bool = True) -> list[ColumnElement[bool]]:
    """Return every word stands somewhere in the project's name or the enterprise's, or is the beginning of the number, or
    (four digits at least) its end. Not `exactly`: as far as an index alone can tell, some too many."""
    names = func.applications.plain(func.concat_ws("\n", Application.project_name, Application.enterprise_name))
    found: list[ColumnElement[bool]] = []
    for word in _plain(said).split():
        # Pairs that do not overlap: the planner takes them for independent, and would think too little of more.
        pairs = [word[i : i + 2] for i in range(0, len(word) - 1, 2)] or [word]
        known = Application.search.contains(pairs)
        ways = [and_(known, func.strpos(names, word) > 0) if exactly else known]
        if word.isascii() and word.isalnum():
            ways.append(Application.number.like(f"{word.upper()}%"))
        if word.isascii() and word.isdecimal() and len(word) >= 4:
            # Looked up first: how often a number ends so is nothing that the planner could know.
            ending = aliased(Application)
            ids = select(ending.id).where(
                ending.deleted_at.is_(None),
                ending.submitted_at.is_not(None),
                func.reverse(ending.number).like(f"{word[::-1]}%"),
            )
            ways.append(Application.id == any_(func.array(ids.scalar_subquery())))
        found.append(or_(*ways))
    return found


# What was common a moment ago still is; one search brings several pages and their count.
_COMMON: dict[str, float] = {}
_REMEMBERED = 600.0


def _known_to_be_common(said: str) -> bool:
    return time.monotonic() - _COMMON.get(said, -_REMEMBERED) < _REMEMBERED


async def _rare(session: AsyncSession, visible: list[ColumnElement[bool]], said: str) -> list[UUID] | None:
    """Return the few cases that a search may concern, or None when they are many.

    The planner cannot know how often two words stand together. What is rare is looked up first; what is common is
    soon met on the way through the queue.
    """
    some = select(Application.id).where(*visible, *_search(said, exactly=False)).limit(RARE + 1).subquery()
    listed = case((func.count() <= RARE, func.coalesce(func.array_agg(some.c.id), [])))
    hits: list[UUID] | None = await session.scalar(select(listed))
    if hits is None:
        if len(_COMMON) > 1000:
            _COMMON.clear()
        _COMMON[said] = time.monotonic()
    return hits


async def _conditions(session: AsyncSession, actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    found = [visible_to(actor)]
    if words := _search(wanted.text):
        hits = None if _known_to_be_common(wanted.text) else await _rare(session, found, wanted.text)
        found += words if hits is None else [Application.id.in_(hits), *words]
    if wanted.states:
        found.append(Application.state.in_(wanted.states))
    exactly = (
        (Application.fund_type, wanted.fund_type),
        (Application.round_id, wanted.round),
        (Application.batch_id, wanted.batch),
        (Application.district, wanted.district),
    )
    found += [column == value for column, value in exactly if value]
    if wanted.unseen:
        found += unseen_since(actor.received_at - UNSEEN_AFTER)
    if wanted.over:
        found += over_at(actor.received_at)
    if wanted.unlock:
        found += unlock_asked()
    if wanted.min_wan is not None:
        found.append(Application.applied_wan >= wanted.min_wan)
    if wanted.max_wan is not None:
        found.append(Application.applied_wan <= wanted.max_wan)
    if wanted.min_days is not None:
        found.append(Application.submitted_at <= actor.received_at - timedelta(days=wanted.min_days))
    if wanted.max_days is not None:
        found.append(Application.submitted_at > actor.received_at - timedelta(days=wanted.max_days + 1))
    if wanted.assignee == NOBODY:
        found.append(Application.assignee.is_(None))
    elif wanted.assignee:
        found.append(Application.assignee == (actor.account if wanted.assignee == MINE else wanted.assignee))
    return found


def unseen_since(at: datetime) -> list[ColumnElement[bool]]:
    """退回未查看: returned before an instant, and nobody of the enterprise has opened it."""
    return [
        Application.state == State.RETURNED,
        Application.return_seen_at.is_(None),
        Application.returned_at <= at,
        Application.deleted_at.is_(None),
    ]


def over_at(at: datetime) -> list[ColumnElement[bool]]:
    """公示期满: its days had passed at an instant."""
    return [Application.state == State.PUBLICITY, Application.publicity_until <= at]


def unlock_asked() -> list[ColumnElement[bool]]:
    """申请开放材料: returned, and what was asked for since has no answer yet."""
    asked = select(UnlockRequest.application_id).where(_waits_for_answer())
    return [Application.state == State.RETURNED, Application.deleted_at.is_(None), Application.id.in_(asked)]


def _waits_for_answer() -> ColumnElement[bool]:
    return and_(UnlockRequest.status == "open", UnlockRequest.round_trip == Application.round_trips)


async def unlock_requests(session: AsyncSession, cases: Sequence[Application]) -> dict[UUID, int]:
    """Return how many requests of these cases wait for an answer; nothing for those that have none."""
    ids = [case.id for case in cases if case.state == State.RETURNED]
    if not ids:
        return {}
    query = (
        select(UnlockRequest.application_id, func.count())
        .join(Application, Application.id == UnlockRequest.application_id)
        .where(UnlockRequest.application_id.in_(ids), _waits_for_answer())
        .group_by(UnlockRequest.application_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def how_many(session: AsyncSession, actor: Actor, *conditions: ColumnElement[bool]) -> int:
    """Return how many cases the actor sees under these conditions, counted no further than `COUNT_UP_TO`."""
    some = select(Application.id).where(visible_to(actor), *conditions).limit(COUNT_UP_TO).subquery()
    return int(await session.scalar(select(func.count()).select_from(some)) or 0)


async def how_many_ask(session: AsyncSession, actor: Actor) -> int:
    """申请开放材料: how many cases wait for an answer, counted no further than `COUNT_UP_TO`."""
    # From the requests, one by one: as a condition on cases, all open requests would be read before the first counts.
    some = (
        select(UnlockRequest.application_id)
        .join(Application, Application.id == UnlockRequest.application_id)
        .where(visible_to(actor), Application.state == State.RETURNED, _waits_for_answer())
        .distinct()
        .limit(COUNT_UP_TO)
        .subquery()
    )
    return int(await session.scalar(select(func.count()).select_from(some)) or 0)


async def page(
    session: AsyncSession, actor: Actor, wanted: Filter, *, cursor: str = "", limit: int = 20
) -> tuple[list[Application], str | None]:
    """Return a page of the queue, oldest submission first, and the cursor of the next."""
    sort = SORTS.get(wanted.sort)
    by: list[ColumnElement[Any]] = [Application.submitted_at.expression, Application.id.expression]
    if sort:
        by.insert(0, sort.column)
    order = [column.desc() if wanted.descending else column.asc() for column in by]
    conditions = await _conditions(session, actor, wanted)
    if cursor:
        place = sorted_place_of(cursor, sort.kind) if sort else place_of(cursor)
        position, last = tuple_(*by), tuple_(*place)
        conditions.append(position < last if wanted.descending else position > last)
    # Keys first: an index may hold all that sorting needs, and only a page's rows are read whole.
    keys = select(Application.id).where(*conditions).order_by(*order).limit(limit + 1)
    found = list(await session.scalars(select(Application).where(Application.id.in_(keys)).order_by(*order)))
    more = len(found) > limit
    shown = found[:limit]
    if not more or shown[-1].submitted_at is None:
        return shown, None
    value = sort.of(shown[-1]) if sort else None
    return shown, cursor_of(shown[-1].submitted_at, shown[-1].id, value=value)


async def next_unassigned(session: AsyncSession, actor: Actor, states: Sequence[State]) -> Application | None:
    """Return the oldest case in one of the states that nobody has and nobody is just taking; locked."""
    query = (
        select(Application)
        .where(*await _conditions(session, actor, Filter(states=tuple(states), assignee=NOBODY)))
        .order_by(Application.submitted_at, Application.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return await session.scalar(query)


async def matching(session: AsyncSession, actor: Actor, wanted: Filter) -> int:
    """Return how many cases match, counted no further than `COUNT_UP_TO` + 1."""
    some = (
        select(Application.id).where(*await _conditions(session, actor, wanted)).limit(COUNT_UP_TO + 1).subquery()
    )
    return int(await session.scalar(select(func.count()).select_from(some)) or 0)


async def counts(session: AsyncSession) -> dict[tuple[str, str], int]:
    """Return how many cases stand in each (state, assignee); the assignee is empty for nobody."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    rows = await session.execute(
        select(DeskCount.state, DeskCount.assignee, func.sum(DeskCount.n)).group_by(
            DeskCount.state, DeskCount.assignee
        )
    )
    for state, assignee, n in rows:
        if n:
            found[state, assignee] = int(n)
    return found


async def draw_counts_together(session: AsyncSession) -> None:
    """One row for each (state, assignee) instead of one for each change. Whoever reads meanwhile sees either."""
    alone = await session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('applications desk counts'))"))
    if not alone:
        return
    await session.execute(
        text(
            "WITH gone AS (DELETE FROM applications.desk_counts RETURNING state, assignee, n) "
            "INSERT INTO applications.desk_counts (state, assignee, n) "
            "SELECT state, assignee, sum(n) FROM gone GROUP BY state, assignee HAVING sum(n) <> 0"
        )
    )


async def rounds(session: AsyncSession) -> list[Round]:
    """Return every round that was ever published, the latest first."""
    return list(
        await session.scalars(
            select(Round).where(Round.published_at.is_not(None)).order_by(Round.opens_at.desc(), Round.id)
        )
    )


async def districts(session: AsyncSession) -> list[str]:
    """Return the districts that cases come from; read from one to the next along the index, however many cases there are."""
    found = await session.scalars(
        text(
            "WITH RECURSIVE known (district) AS ("
            "  SELECT min(district) FROM applications.applications"
            "  WHERE deleted_at IS NULL AND submitted_at IS NOT NULL AND district > ''"
            "  UNION ALL SELECT (SELECT min(district) FROM applications.applications"
            "    WHERE deleted_at IS NULL AND submitted_at IS NOT NULL AND district > known.district)"
            "  FROM known WHERE known.district IS NOT NULL"
            ") SELECT district FROM known WHERE district IS NOT NULL"
        )
    )
    return list(found)


async def others_of(
    session: AsyncSession, actor: Actor, enterprise: str, but: UUID
) -> list[tuple[Application, str]]:
    """Return the enterprise's other applications, newest first, at most 50, each with its round's title."""
    query = (
        select(Application, Round.title)
        .join(Round, Round.id == Application.round_id)
        .where(visible_to(actor), Application.enterprise == enterprise, Application.id != but)
    )
    rows = await session.execute(query.order_by(Application.created_at.desc(), Application.id).limit(50))
    return [(row[0], row[1]) for row in rows]


async def names(session: AsyncSession) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """Return the titles of all rounds and the names of all batches, by id."""
    rounds = (await session.execute(select(Round.id, Round.title))).all()
    batches = (await session.execute(select(Batch.id, Batch.name))).all()
    return {id: title for id, title in rounds}, {id: name for id, name in batches}  # noqa: C416  rows are no pairs to `dict`

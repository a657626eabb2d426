"""Owe what the calendar brings: deadlines that come near, returns that nobody looks at, rounds that close on drafts,
公示 that ends. Whichever relay looks first finds it in the database: what is owed is unique by kind, subject and due
time.

After an outage only what still makes sense is told: the nearest of several reminders, and none of a deadline that has passed.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    String,
    any_,
    cast,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.deadlines import accepts_until_sql
from services.applications.filling.filled_form import of_rows
from services.applications.filling.judgement import judged, lacking
from services.applications.outbox.events import about, owe
from services.applications.review.case_list import UNSEEN_AFTER
from services.applications.tables.applications import Application, ClassExtension, Extension, Owed, Round
from services.applications.workflow import State
from shared import clock
from shared.messages import CorrectionDue, OtherDraft, PublicityOver, ReturnUnseen, RoundClosing, RoundExtended

# How long before, the nearest first.
CORRECTION = (timedelta(days=1), timedelta(days=3))
CLOSING = (timedelta(hours=3), timedelta(days=1), timedelta(days=3))
AT_ONCE = 200
# From when on a reminder lists what is missing: before, most of it is simply not begun.
LIST_BEFORE = timedelta(days=1)
# The reminder that tells of all drafts of an enterprise in a round at once, and of how many at most.
TOGETHER, MOST_TOGETHER = timedelta(days=1), 50


def subject_of(id: object, at: datetime, mark: object = "") -> str:
    """Return what a reminder is about: whose, due when, which of several."""
    return f"{id}:{math.floor(at.timestamp())}:{mark}"


def _untold(kind: str, at: SQLColumnExpression[Any], mark: object = "") -> ColumnElement[bool]:
    """Nobody owes it yet: the same key as `subject_of`, made by the database."""
    seconds = cast(cast(func.floor(func.extract("epoch", at)), BigInteger), String)
    key = literal(f"{kind}:") + cast(Application.id, String) + ":" + seconds + f":{mark}"
    return ~exists().where(Owed.due_key == key)


def _untold_together(at: SQLColumnExpression[Any], hours: int) -> ColumnElement[bool]:
    """Nobody owes yet what tells an enterprise of a round: the key of `_together`."""
    seconds = cast(cast(func.floor(func.extract("epoch", at)), BigInteger), String)
    whose = cast(Application.round_id, String) + "-" + Application.enterprise
    return ~exists().where(Owed.due_key == literal("round_closing:") + whose + ":" + seconds + f":{hours}.0")


def _bands(before: Sequence[timedelta], now: datetime) -> list[tuple[timedelta, datetime, datetime]]:
    """Return each reminder with the deadlines it is for: later than those of the nearer one."""
    nearer = [timedelta(), *before]
    return [(span, now + nearer[n], now + span) for n, span in enumerate(before)]


def _some(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    # Whoever is moving it just now keeps it from being told something untrue; the next look finds it.
    return query.limit(AT_ONCE).with_for_update(of=Application, skip_locked=True, key_share=True)


async def fall_due(session: AsyncSession, codec: Codec) -> int:
    """Owe what has fallen due since the last look, at most some hundreds at once; how many events there were."""
    now = clock.now()
    return (
        await _corrections(session, codec, now)
        + await _unseen(session, codec, now)
        + await _extended(session, codec, now)
        + await _closing(session, codec, now)
        + await _publicity(session, codec, now)
    )


async def _corrections(session: AsyncSession, codec: Codec, now: datetime) -> int:
    told = 0
    for span, later_than, until in _bands(CORRECTION, now):
        query = select(Application).where(
            Application.state == State.RETURNED,
            Application.deleted_at.is_(None),
            Application.correct_by > later_than,
            Application.correct_by <= until,
            # A deadline that was set within the span was told when it was set.
            func.coalesce(Application.correct_set_at, Application.created_at) <= Application.correct_by - span,
            _untold("correction_due", Application.correct_by, span.days),
        )
        for case in list(await session.scalars(_some(query))):
            assert case.correct_by is not None
            event = CorrectionDue(**await about(session, codec, case), correct_by=case.correct_by, days=span.days)
            await owe(session, event, subject_of(case.id, case.correct_by, span.days), ahead=True)
            told += 1
    return told


async def _unseen(session: AsyncSession, codec: Codec, now: datetime) -> int:
    query = select(Application).where(
        Application.state == State.RETURNED,
        Application.deleted_at.is_(None),
        Application.return_seen_at.is_(None),
        Application.returned_at <= now - UNSEEN_AFTER,
        Application.correct_by > now,
        _untold("return_unseen", Application.returned_at),
    )
    found = list(await session.scalars(_some(query)))
    for case in found:
        assert case.returned_at is not None
        assert case.correct_by is not None
        event = ReturnUnseen(
            **await about(session, codec, case), returned_at=case.returned_at, correct_by=case.correct_by
        )
        await owe(session, event, subject_of(case.id, case.returned_at), ahead=True)
    return len(found)


def _drafts(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Ask of drafts alone, beside their round and their enterprise's late acceptance."""
    mine = (Extension.round_id == Application.round_id) & (Extension.enterprise == Application.enterprise)
    joined = query.join(Round, Round.id == Application.round_id).outerjoin(Extension, mine)
    return joined.where(Application.state == State.DRAFT, Application.deleted_at.is_(None))


async def _closing(session: AsyncSession, codec: Codec, now: datetime) -> int:
    # A late acceptance is this enterprise's close.
    close = accepts_until_sql()
    told = 0
    for span, later_than, until in _bands(CLOSING, now):
        hours = int(span.total_seconds()) // 3600
        query = _drafts(select(Application, Round.title, close)).where(
            Round.published_at.is_not(None),
            close > later_than,
            close <= until,
            Application.created_at <= close - span,
            _untold("round_closing", close, hours),
        )
        if span == TOGETHER:
            query = query.where(_untold_together(close, hours))
            found = list(await session.execute(_some(query)))
            units = {(case.round_id, case.enterprise, at): title for case, title, at in found}
            for (round_id, enterprise, at), title in units.items():
                told += await _together(session, codec, round_id, enterprise, title, at, hours)
            continue
        for case, title, closes_at in list(await session.execute(_some(query))):
            event = RoundClosing(
                **await about(session, codec, case),
                round_title=title,
                closes_at=closes_at,
                hours=hours,
                missing=await _missing(session, codec, case) if span <= LIST_BEFORE else [],
            )
            await owe(session, event, subject_of(case.id, closes_at, hours), ahead=True)
            told += 1
    return told


async def _extended(session: AsyncSession, codec: Codec, now: datetime) -> int:
    """Tell each draft of an extension's class, once."""
    told = 0
    for act in list(await session.scalars(select(ClassExtension).where(ClassExtension.told_at.is_(None)))):
        key = literal("round_extended:") + cast(Application.id, String) + f":{act.id}"
        concerned: list[ColumnElement[bool]] = [
            Application.round_id == act.round_id,
            Application.state == State.DRAFT,
            Application.deleted_at.is_(None),
            Application.created_at < (act.begun_before or act.confirmed_at),
            ~exists().where(Owed.due_key == key),
        ]
        if act.whom != "all":
            concerned.append(Application.enterprise == any_(ClassExtension.enterprises))
        query = select(Application, Round.title).join(Round, Round.id == Application.round_id)
        query = query.join(ClassExtension, ClassExtension.id == act.id).where(*concerned)
        found = list(await session.execute(_some(query))) if act.until > now else []
        for case, title in found:
            event = RoundExtended(
                **await about(session, codec, case),
                round_title=title,
                until=act.until,
                begins=act.begun_before is None,
                reason=act.reason,
            )
            await owe(session, event, f"{case.id}:{act.id}")
        # Whom somebody works on just now is told at the next look.
        if not found and (act.until <= now or not await session.scalar(select(query.exists()))):
            act.told_at = now
        told += len(found)
    return told


async def _together(
    session: AsyncSession,
    codec: Codec,
    round_id: UUID,
    enterprise: str,
    title: str,
    closes_at: datetime,
    hours: int,
) -> int:
    """Owe one reminder for each person whom an enterprise's drafts of a round name, telling of all that are theirs; how many there were."""
    query = _drafts(select(Application)).where(
        Application.round_id == round_id,
        Application.enterprise == enterprise,
        accepts_until_sql() == closes_at,
        Application.created_at <= closes_at - TOGETHER,
    )
    drafts = await session.scalars(query.order_by(Application.created_at, Application.id).limit(MOST_TOGETHER))
    events: dict[str | None, RoundClosing] = {}
    for case in drafts:
        known, missing = await about(session, codec, case), await _missing(session, codec, case)
        first = events.get(known["to"].email)
        if first is None:
            events[known["to"].email] = RoundClosing(
                **known, round_title=title, closes_at=closes_at, hours=hours, missing=missing
            )
        else:
            name = known["project_name"] or f"未命名项目（{known['fund_type_label']}）"
            other = OtherDraft(application_id=case.id, project_name=name, missing=missing)
            events[known["to"].email] = first.model_copy(update={"others": [*first.others, other]})
    for n, event in enumerate(events.values()):
        await owe(session, event, subject_of(f"{round_id}-{enterprise}", closes_at, f"{hours}.{n}"), ahead=True)
    return len(events)


async def _missing(session: AsyncSession, codec: Codec, case: Application) -> list[str]:
    form = form_of(case)
    opener, rows = codec.of(case, form), await repository.sections(session, case.id)
    return lacking(judged(await of_rows(session, case, form, opener, rows), rows, opener))


async def _publicity(session: AsyncSession, codec: Codec, now: datetime) -> int:
    query = select(Application).where(
        Application.state == State.PUBLICITY,
        Application.deleted_at.is_(None),
        Application.publicity_until <= now,
        _untold("publicity_over", Application.publicity_until),
    )
    found = list(await session.scalars(_some(query)))
    for case in found:
        assert case.publicity_until is not None
        event = PublicityOver(**await about(session, codec, case), until=case.publicity_until)
        await owe(session, event, subject_of(case.id, case.publicity_until))
    return len(found)

"""Read the counts of minutes, and whom they concern."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account, AnswerMinute, TurnedAway
from services.gateway.operator.promise import Minute
from services.gateway.web.minutes import KINDS, Cell, Kind

COUNTS = (AnswerMinute.answered, AnswerMinute.slow, AnswerMinute.turned_away, AnswerMinute.failed)
_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


@dataclass(frozen=True)
class Concerned:
    """An enterprise that was turned away or failed in some minutes: how often, when first and when last."""

    enterprise: str
    name: str
    times: int
    first: datetime
    last: datetime


async def minutes(session: AsyncSession, since: datetime, until: datetime) -> list[Minute]:
    """List the minutes of a time in which anybody asked, in their order."""
    rows = await session.execute(
        select(AnswerMinute.minute, AnswerMinute.kind, *COUNTS)
        .where(AnswerMinute.minute >= since, AnswerMinute.minute < until)
        .order_by(AnswerMinute.minute)
    )
    found: dict[datetime, Minute] = {}
    for minute, kind, *counts in rows:
        # A kind of a later release counts for nothing here.
        if kind in _KINDS:
            found.setdefault(minute, Minute(minute)).cells[_KINDS[kind]] = Cell(*counts)
    return list(found.values())


async def sums(session: AsyncSession, since: datetime) -> dict[Kind, Cell]:
    """Add up everything since an instant, by kind."""
    rows = await session.execute(
        select(AnswerMinute.kind, *(func.sum(count) for count in COUNTS))
        .where(AnswerMinute.minute >= since)
        .group_by(AnswerMinute.kind)
    )
    return {_KINDS[kind]: Cell(*map(int, counts)) for kind, *counts in rows if kind in _KINDS}


async def enterprises(session: AsyncSession, instants: Sequence[datetime]) -> list[str]:
    """List every enterprise that was turned away or failed in one of these minutes, in order."""
    if not instants:
        return []
    rows = await session.scalars(
        select(Account.enterprise)
        .join(TurnedAway, TurnedAway.account_id == Account.id)
        .where(TurnedAway.minute.in_(instants), Account.enterprise.is_not(None))
        .distinct()
        .order_by(Account.enterprise)
    )
    return [enterprise for enterprise in rows if enterprise]


async def concerned(session: AsyncSession, instants: Sequence[datetime], most: int) -> list[Concerned]:
    """List the enterprises that were turned away or failed in one of these minutes, the most often concerned first."""
    times = func.sum(TurnedAway.times)
    rows = await session.execute(
        select(
            Account.enterprise,
            func.max(Account.enterprise_name),
            times,
            func.min(TurnedAway.minute),
            func.max(TurnedAway.minute),
        )
        .join(TurnedAway, TurnedAway.account_id == Account.id)
        .where(TurnedAway.minute.in_(instants), Account.enterprise.is_not(None))
        .group_by(Account.enterprise)
        .order_by(times.desc(), Account.enterprise)
        .limit(most)
    )
    return [
        Concerned(enterprise or "", name or "", int(times), first, last)
        for enterprise, name, times, first, last in rows
    ]

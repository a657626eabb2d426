"""Count by minute how people were answered: in time, slowly, turned away, not at all. What is promised is judged by these counts.

A process counts in its memory and adds to the table every few seconds, so that all gateways together are one count. One that is
killed loses what it counted since.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts import phone_links
from services.gateway.accounts.models import AnswerMinute, TurnedAway
from services.gateway.accounts.sessions import Session
from services.gateway.web.access import SAFE, cookie_name
from services.gateway.web.arriving import PRIORITY
from services.gateway.web.context import ACCOUNT, BROWSER_SESSIONS, DATABASE, SESSION, SETTINGS
from shared import clock
from shared.identity import Role
from shared.overload.priority import Priority, priority_of
from shared.synthetic import ENTERPRISE

log = logging.getLogger(__name__)

# 提交申请; 暂存 and whatever else is written; what is looked at; documents, exports and the bureau's lists; files: as `Priority` has them.
Kind = Literal["submit", "write", "read", "later", "transfer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Beyond that an answer is slow, counted from when the request's body was there. A file takes as long as its line needs, and a
# document may be waited for.
SLOW_SECONDS: dict[Kind, float] = {"submit": 2.0, "write": 1.0, "read": 2.0}
EVERY = 5.0
KEPT = timedelta(days=100)
TIDIED_EVERY = 3600.0
# What one process keeps while the database is away: five kinds for six hours; and this many accounts.
MINUTES_KEPT, ACCOUNTS_KEPT = 5 * 360, 20_000

_READY_AT: web.RequestKey[float] = web.RequestKey("ready_at", float)


@dataclass(slots=True)
class Cell:
    """The answers of one kind in one minute."""

    answered: int = 0
    slow: int = 0
    turned_away: int = 0
    failed: int = 0


@dataclass
class Minutes:
    """What this process has counted and not yet written."""

    cells: dict[tuple[int, Kind], Cell] = field(default_factory=dict)
    accounts: Counter[tuple[int, UUID]] = field(default_factory=Counter)

    def note(self, kind: Kind, status: int, seconds: float, now: float, account: UUID | None = None) -> None:
        """Count one answer. 503 is turned away, any other of the five hundreds failed."""
        minute = int(now // 60)
        cell = self.cells.get((minute, kind))
        if cell is None:
            if len(self.cells) >= MINUTES_KEPT:
                del self.cells[next(iter(self.cells))]
            cell = self.cells[minute, kind] = Cell()
        if status < 500:
            cell.answered += 1
            cell.slow += seconds > SLOW_SECONDS.get(kind, float("inf"))
            return
        if status == 503:
            cell.turned_away += 1
        else:
            cell.failed += 1
        if account is not None and kind != "later" and len(self.accounts) < ACCOUNTS_KEPT:
            self.accounts[minute, account] += 1

    def take(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the rows to be added, and begin anew."""
        cells, accounts = self.cells, self.accounts
        self.cells, self.accounts = {}, Counter()
        rows = [
            {
                "minute": _instant(minute),
                "kind": kind,
                "answered": cell.answered,
                "slow": cell.slow,
                "turned_away": cell.turned_away,
                "failed": cell.failed,
            }
            for (minute, kind), cell in sorted(cells.items())
        ]
        # In one order, so that two gateways never wait for each other.
        people = [
            {"minute": _instant(minute), "account_id": account, "times": times}
            for (minute, account), times in sorted(accounts.items())
        ]
        return rows, people

    def give_back(self, rows: list[dict[str, Any]], people: list[dict[str, Any]]) -> None:
        """Count again what could not be written."""
        for row in rows:
            key = (int(row["minute"].timestamp() // 60), row["kind"])
            if key not in self.cells and len(self.cells) >= MINUTES_KEPT:
                continue
            cell = self.cells.setdefault(key, Cell())
            for name in Cell.__slots__:
                setattr(cell, name, getattr(cell, name) + row[name])
        for row in people:
            if len(self.accounts) < ACCOUNTS_KEPT:
                self.accounts[int(row["minute"].timestamp() // 60), row["account_id"]] += row["times"]


MINUTES = web.AppKey("minutes", Minutes)


def _instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


@web.middleware
async def ready(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note when a request was there whole: how long somebody's line takes is not ours."""
    request[_READY_AT] = time.monotonic()
    return await handler(request)


def _kind(request: web.Request) -> Kind | None:
    """The kind of a request; one that was refused before it had a rank is judged by its address alone."""
    found: Priority | None
    found = request[PRIORITY] if PRIORITY in request else priority_of(request.method, request.path)
    if found is None:
        return None
    if found is Priority.SUBMIT and request.method in SAFE:
        return "read"
    return KINDS[found]


async def count(request: web.Request, response: web.StreamResponse) -> None:
    """Count an answer that is about to be sent to a person."""
    session = _session(request)
    if (kind := _kind(request)) is None or (session is not None and session.enterprise == ENTERPRISE):
        return
    began = request.get(_READY_AT)
    seconds = 0.0 if began is None else time.monotonic() - began
    account = _account(request, session) if response.status >= 500 else None
    request.config_dict[MINUTES].note(kind, response.status, seconds, time.time(), account)


def _session(request: web.Request) -> Session | None:
    """The session that a request came in, as far as this process knows without asking anybody."""
    session = request.get(SESSION)
    if session is None and (id := request.cookies.get(cookie_name(request.config_dict[SETTINGS]))):
        session = request.config_dict[BROWSER_SESSIONS].remembered(id)
    return session


def _account(request: web.Request, session: Session | None) -> UUID | None:
    """The enterprise's account that a refusal was for."""
    if ACCOUNT in request:
        return request[ACCOUNT]
    return session.account if session is not None and Role.APPLICANT in session.roles else None


async def add(session: AsyncSession, rows: list[dict[str, Any]], people: list[dict[str, Any]]) -> None:
    """Add counts to what other gateways have written."""
    if rows:
        cells = insert(AnswerMinute).values(rows)
        sums = {name: getattr(AnswerMinute, name) + cells.excluded[name] for name in Cell.__slots__}
        await session.execute(cells.on_conflict_do_update(index_elements=["minute", "kind"], set_=sums))
    for first in range(0, len(people), 1000):
        some = insert(TurnedAway).values(people[first : first + 1000])
        times = {"times": TurnedAway.times + some.excluded.times}
        await session.execute(some.on_conflict_do_update(index_elements=["minute", "account_id"], set_=times))


async def tidy(session: AsyncSession) -> None:
    """Delete what is older than is judged."""
    before = clock.now() - KEPT
    await session.execute(delete(AnswerMinute).where(AnswerMinute.minute < before))
    await session.execute(delete(TurnedAway).where(TurnedAway.minute < before))


async def _write(minutes: Minutes, database: async_sessionmaker[AsyncSession]) -> None:
    rows, people = minutes.take()
    if not rows:
        return
    try:
        async with database.begin() as session:
            await add(session, rows, people)
    except asyncio.CancelledError:
        minutes.give_back(rows, people)
        raise
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        minutes.give_back(rows, people)
        log.warning("counts of a minute are written later", extra={"reason": repr(error)})


async def keeping(app: web.Application) -> AsyncIterator[None]:
    """Write counts as long as the gateway runs, and once more at its end."""
    minutes, database = app[MINUTES], app[DATABASE]

    async def keep() -> None:
        tidied = float("-inf")
        while True:
            await asyncio.sleep(EVERY)
            await _write(minutes, database)
            if time.monotonic() - tidied > TIDIED_EVERY:
                tidied = time.monotonic()
                with suppress(SQLAlchemyError, OSError, TimeoutError):
                    async with database.begin() as session:
                        await tidy(session)
                        await phone_links.tidy(session)

    task = asyncio.create_task(keep())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await _write(minutes, database)

"""Whose turn it is, how fast work comes out, and whether it is there when it was said to be."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from services.applications import outbox, pace
from services.applications.models import Owed
from shared import clock
from shared.messages import RENDER_DOCUMENT
from tests.integration.applications.test_outbox import Sessions, claim, owe, row, start


@pytest.fixture(autouse=True)
async def _no_history(sessions: Sessions) -> AsyncIterator[None]:
    """What other tests did is neither owed nor remembered here, and what these do not there."""

    async def forget() -> None:
        async with sessions.begin() as session:
            long_ago = clock.now() - timedelta(days=20 * 365)
            await session.execute(update(Owed).values(done_at=long_ago, started_at=None))

    await forget()
    yield
    await forget()


async def made(sessions: Sessions, *, ago: float, took: float, worker: str = "w") -> None:
    """A document that was done so many seconds ago."""
    id = await owe(sessions)
    done = clock.now() - timedelta(seconds=ago)
    values = {"started_at": done - timedelta(seconds=took), "done_at": done, "attempt_worker": worker}
    async with sessions.begin() as session:
        await session.execute(update(Owed).where(Owed.id == id).values(values))


async def measured(sessions: Sessions) -> pace.Pace | None:
    async with sessions.begin() as session:
        return await pace.measured(session, RENDER_DOCUMENT)


async def place(sessions: Sessions, id: UUID) -> pace.Place:
    async with sessions.begin() as session:
        return await pace.place(session, await session.get_one(Owed, id))


async def hurry(sessions: Sessions, id: UUID) -> None:
    async with sessions.begin() as session:
        outbox.hurry(await session.get_one(Owed, id))


# ---- whose turn it is ----------------------------------------------------------------------------------------


async def test_people_go_before_what_is_made_ahead_and_that_before_bulk_work(sessions: Sessions) -> None:
    bulk, ahead, waited = [await owe(sessions, priority=p) for p in (outbox.BULK, outbox.AHEAD, outbox.WAITED_FOR)]
    assert [(await place(sessions, id)).position for id in (waited, ahead, bulk)] == [1, 2, 3]
    assert await claim(sessions) == [waited, ahead, bulk]


async def test_who_asks_later_waits_behind_those_who_wait(sessions: Sessions) -> None:
    early, late = [await owe(sessions), await owe(sessions)]
    await hurry(sessions, late)
    await hurry(sessions, early)
    assert [(await place(sessions, id)).position for id in (late, early)] == [1, 2]
    # Asking again and again gains nothing.
    await hurry(sessions, early)
    await hurry(sessions, late)
    assert await claim(sessions) == [late, early]


async def test_many_put_back_at_once_go_behind_what_comes_after_them(sessions: Sessions) -> None:
    old = [await owe(sessions) for _ in range(3)]
    async with sessions.begin() as session:
        for id in old:
            outbox.put_back(await session.get_one(Owed, id))
    fresh = await owe(sessions)
    assert (await claim(sessions))[0] == fresh


async def test_what_is_published_already_goes_before_whoever_comes_now(sessions: Sessions) -> None:
    ahead = [await owe(sessions) for _ in range(4)]
    assert len(await claim(sessions, window=3)) == 3
    waited = await owe(sessions, priority=outbox.WAITED_FOR)
    assert await start(sessions, ahead[1])
    assert [(await place(sessions, id)).position for id in (*ahead, waited)] == [2, 1, 3, 5, 4]
    assert (await place(sessions, ahead[1])).running


# ---- how fast it comes out -----------------------------------------------------------------------------------


async def test_nothing_made_is_nothing_known(sessions: Sessions) -> None:
    assert await measured(sessions) is None
    await made(sessions, ago=3600, took=4)
    assert await measured(sessions) is None
    # For whoever waits, an old measure is better than a guess.
    assert (await place(sessions, await owe(sessions))).seconds == pytest.approx(4 + pace.PICKUP, abs=0.01)


async def test_two_that_work_side_by_side_are_twice_as_fast(sessions: Sessions) -> None:
    for n in range(20):
        await made(sessions, ago=1.0 * n, took=2.0, worker=f"w{n % 2}")
    known = await measured(sessions)
    assert known is not None
    assert (known.workers, known.slots) == (2, 2)
    assert known.seconds_each == pytest.approx(1.0, rel=0.02)


async def test_idle_stretches_say_nothing_about_speed(sessions: Sessions) -> None:
    for n in range(10):
        await made(sessions, ago=30.0 * n, took=2.0)
    known = await measured(sessions)
    assert known is not None
    assert known.seconds_each == pytest.approx(2.0, rel=0.02)


async def test_workers_that_stand_still_are_seen(sessions: Sessions) -> None:
    for n in range(10):
        await made(sessions, ago=60.0 + n, took=1.0)
    stuck = await owe(sessions)
    await claim(sessions)
    assert await start(sessions, stuck)
    async with sessions.begin() as session:
        minute = clock.now() - timedelta(seconds=60)
        await session.execute(update(Owed).where(Owed.id == stuck).values(started_at=minute))
    known = await measured(sessions)
    assert known is not None
    assert known.seconds_each > 5


async def test_more_hands_than_of_late_are_believed(sessions: Sessions) -> None:
    for n in range(10):
        await made(sessions, ago=30.0 * n, took=2.0)
    for id in [await owe(sessions) for _ in range(4)]:
        await claim(sessions)
        assert await start(sessions, id)
    known = await measured(sessions)
    assert known is not None
    assert known.slots == 4
    assert known.seconds_each == pytest.approx(0.5, rel=0.02)


# ---- whether it is there when it was said to be ----------------------------------------------------------------


class Night:
    """Two workers, a relay and people, at the real pace of a small machine, against the real database."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.chance = random.Random(7)
        self.queue: asyncio.Queue[UUID] = asyncio.Queue()
        self.told: list[tuple[UUID, float, float]] = []
        self.over = False

    async def relay(self) -> None:
        while not self.over:
            for id in await claim(self.sessions, window=6):
                self.queue.put_nowait(id)
            await asyncio.sleep(0.05)

    async def worker(self, name: str) -> None:
        while not self.over:
            try:
                id = await asyncio.wait_for(self.queue.get(), 0.1)
            except TimeoutError:
                continue
            token = await start(self.sessions, id, name)
            assert token is not None
            await asyncio.sleep(self.chance.uniform(0.15, 0.35))
            async with self.sessions.begin() as session:
                outbox.close(await session.get_one(Owed, id, with_for_update=True), token)

    async def person(self, id: UUID) -> None:
        """Asks while it waits, as the page does."""
        await hurry(self.sessions, id)
        while (await row(self.sessions, id)).done_at is None:
            self.told.append((id, time.time(), (await place(self.sessions, id)).seconds))
            await asyncio.sleep(0.5)

    async def errors(self) -> list[float]:
        async with self.sessions.begin() as session:
            found = await session.execute(
                select(Owed.id, Owed.done_at).where(Owed.id.in_([id for id, *_ in self.told]))
            )
            done = {id: at.timestamp() for id, at in found if at is not None}
        return [abs(seconds - (done[id] - at)) / (done[id] - at) for id, at, seconds in self.told]


async def test_what_was_expected_is_off_by_less_than_a_third(sessions: Sessions) -> None:
    night = Night(sessions)
    tasks = [asyncio.create_task(work) for work in (night.relay(), night.worker("w1"), night.worker("w2"))]
    people = []
    # A burst of submissions, of which most people want to see the paper, and more that come while it lasts.
    for n in range(40):
        id = await owe(sessions)
        if n % 3:
            people.append(asyncio.create_task(night.person(id)))
        if n > 25:
            await asyncio.sleep(night.chance.uniform(0, 0.2))
    await asyncio.gather(*people)
    night.over = True
    await asyncio.gather(*tasks)
    errors = await night.errors()
    assert len(errors) > 60
    assert statistics.median(errors) < 1 / 3, sorted(errors)

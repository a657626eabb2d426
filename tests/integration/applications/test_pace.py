"""Whose turn it is, how fast work comes out, and whether it is there when it was said to be."""

import random
import statistics
from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from services.applications.outbox import outbox, throughput
from services.applications.tables.applications import Owed
from shared import clock
from shared.messages import RENDER_DOCUMENT
from tests.integration.applications.test_outbox import Sessions, claim, owe, start


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


async def made(sessions: Sessions, *ago: float, took: float, workers: int = 1) -> None:
    """Documents that were done so many seconds ago, by workers in turn."""
    now = clock.now()
    for number, seconds in enumerate(ago):
        done = now - timedelta(seconds=seconds)
        values = {
            "started_at": done - timedelta(seconds=took),
            "done_at": done,
            "attempt_worker": f"w{number % workers}",
        }
        id = await owe(sessions)
        async with sessions.begin() as session:
            await session.execute(update(Owed).where(Owed.id == id).values(values))


async def measured(sessions: Sessions) -> throughput.Pace | None:
    async with sessions.begin() as session:
        return await throughput.measured(session, RENDER_DOCUMENT)


async def place(sessions: Sessions, id: UUID) -> throughput.Place:
    async with sessions.begin() as session:
        return await throughput.place(session, await session.get_one(Owed, id))


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
    await made(sessions, 3600, took=4)
    assert await measured(sessions) is None
    # For whoever waits, an old measure is better than a guess.
    assert (await place(sessions, await owe(sessions))).seconds == pytest.approx(4 + throughput.PICKUP, abs=0.01)


async def test_two_that_work_side_by_side_are_twice_as_fast(sessions: Sessions) -> None:
    await made(sessions, *range(20), took=2.0, workers=2)
    known = await measured(sessions)
    assert known is not None
    assert (known.workers, known.slots) == (2, 2)
    assert known.seconds_each == pytest.approx(1.0, rel=0.02)


async def test_idle_stretches_say_nothing_about_speed(sessions: Sessions) -> None:
    await made(sessions, *range(0, 300, 30), took=2.0)
    known = await measured(sessions)
    assert known is not None
    assert known.seconds_each == pytest.approx(2.0, rel=0.02)


async def test_workers_that_stand_still_are_seen(sessions: Sessions) -> None:
    await made(sessions, *range(60, 70), took=1.0)
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
    await made(sessions, *range(0, 300, 30), took=2.0)
    for id in [await owe(sessions) for _ in range(4)]:
        await claim(sessions)
        assert await start(sessions, id)
    known = await measured(sessions)
    assert known is not None
    assert known.slots == 4
    assert known.seconds_each == pytest.approx(0.5, rel=0.02)


# ---- whether it is there when it was said to be ----------------------------------------------------------------


# What one document takes a worker, and how often whoever waits looks: seconds.
DOCUMENT, LOOK = (6.0, 14.0), 10.0
INSTANTS = ("created_at", "in_line_since", "published_at", "started_at", "done_at")


class Night:
    """A relay, two workers and people against the real database, in a time of their own: it passes by setting every instant
    back, so that the speed of the machine does not count."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.chance = random.Random(7)
        self.time = 0.0
        self.queue: deque[UUID] = deque()
        # By worker: when it will be done, with what, and the token.
        self.busy: dict[str, tuple[float, UUID, UUID]] = {}
        self.waiting: set[UUID] = set()
        self.done: dict[UUID, float] = {}
        self.told: list[tuple[UUID, float, float]] = []

    async def until(self, time: float) -> None:
        """Let the time pass, with whatever ends in it."""
        while self.busy and (first := min(self.busy.items(), key=lambda item: item[1]))[1][0] <= time:
            name, (ends, id, token) = first
            await self._pass(ends - self.time)
            async with self.sessions.begin() as session:
                outbox.close(await session.get_one(Owed, id, with_for_update=True), token)
            del self.busy[name]
            self.waiting.discard(id)
            self.done[id] = ends
            await self.hand_out()
        await self._pass(time - self.time)

    async def _pass(self, seconds: float) -> None:
        self.time += seconds
        by = timedelta(seconds=seconds)
        async with self.sessions.begin() as session:
            await session.execute(update(Owed).values({name: getattr(Owed, name) - by for name in INSTANTS}))

    async def hand_out(self) -> None:
        """What the relay publishes, and what free workers begin."""
        self.queue += await claim(self.sessions, window=6)
        for name in {"w1", "w2"} - self.busy.keys():
            if self.queue:
                id = self.queue.popleft()
                token = await start(self.sessions, id, name)
                assert token is not None
                self.busy[name] = (self.time + self.chance.uniform(*DOCUMENT), id, token)

    async def comes(self, *, waits: bool) -> None:
        id = await owe(self.sessions)
        if waits:
            await hurry(self.sessions, id)
            self.waiting.add(id)
        await self.hand_out()

    async def look(self) -> None:
        """Everybody who waits is told when the paper will be there."""
        for id in sorted(self.waiting):
            self.told.append((id, self.time, (await place(self.sessions, id)).seconds))

    def errors(self) -> list[float]:
        return [abs(said - (self.done[id] - at)) / (self.done[id] - at) for id, at, said in self.told]


async def test_what_was_expected_is_off_by_less_than_a_third(sessions: Sessions) -> None:
    night = Night(sessions)
    # A burst of submissions, of which most people want to see the paper, and more that come while it lasts.
    for n in range(40):
        if n > 25:
            await night.until(night.time + night.chance.uniform(0, 8))
        await night.comes(waits=bool(n % 3))
    while night.waiting:
        await night.look()
        await night.until(night.time + LOOK)
    errors = night.errors()
    assert len(errors) > 60
    assert statistics.median(errors) < 1 / 3, sorted(errors)

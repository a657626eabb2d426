"""Who gets in, who waits, who is told to come again."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from shared.errors import Busy
from shared.http.app import EDGE
from shared.overload import admission, deadline
from shared.overload.admission import Door
from shared.overload.priority import Rank, rank_of


@pytest.fixture(autouse=True)
def _no_end() -> None:
    deadline.forget()


async def stay(stack: AsyncExitStack, through: Door, rank: Rank, times: int = 1) -> None:
    for _ in range(times):
        await stack.enter_async_context(through.inside(rank))


async def stand_in_line(through: Door, rank: Rank, order: list[Rank], until: asyncio.Event) -> None:
    async with through.inside(rank):
        order.append(rank)
        await until.wait()


async def test_what_matters_less_leaves_places_to_what_matters_more() -> None:
    through = Door("test", places=10, line=0, transfers=1)
    async with AsyncExitStack() as stack:
        await stay(stack, through, Rank.DOCUMENT, 4)
        with pytest.raises(Busy):
            await stay(stack, through, Rank.DOCUMENT)
        await stay(stack, through, Rank.READ, 3)
        with pytest.raises(Busy):
            await stay(stack, through, Rank.READ)
        await stay(stack, through, Rank.WRITE, 2)
        with pytest.raises(Busy):
            await stay(stack, through, Rank.WRITE)
        await stay(stack, through, Rank.SUBMIT)
        with pytest.raises(Busy):
            await stay(stack, through, Rank.SUBMIT)
    # Everybody has gone: everybody may come again.
    async with AsyncExitStack() as stack:
        await stay(stack, through, Rank.SUBMIT, 10)


async def test_line_is_worked_off_by_rank_and_makes_room_for_it() -> None:
    through = Door("test", places=1, line=2, transfers=1)
    order: list[Rank] = []
    leave = asyncio.Event()
    inside = through.inside(Rank.READ)
    await inside.__aenter__()
    waiting = {}
    for rank in (Rank.DOCUMENT, Rank.READ):
        waiting[rank] = asyncio.create_task(stand_in_line(through, rank, order, leave))
        await asyncio.sleep(0)
    with pytest.raises(Busy):
        async with through.inside(Rank.DOCUMENT):
            pass
    # The line is full; a submission takes the place in it of what matters least.
    waiting[Rank.SUBMIT] = asyncio.create_task(stand_in_line(through, Rank.SUBMIT, order, leave))
    with pytest.raises(Busy):
        await waiting[Rank.DOCUMENT]
    leave.set()
    await inside.__aexit__(None, None, None)
    await waiting[Rank.SUBMIT]
    await waiting[Rank.READ]
    assert order == [Rank.SUBMIT, Rank.READ]


async def test_patience_ends_and_the_place_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(admission.PATIENCE, Rank.READ, 0.05)
    through = Door("test", places=1, line=5, transfers=1)
    async with through.inside(Rank.READ):
        with pytest.raises(Busy) as told:
            async with through.inside(Rank.READ):
                pass
        assert admission.AGAIN[0] <= told.value.retry_after <= admission.AGAIN[1]
        left = asyncio.create_task(stand_in_line(through, Rank.SUBMIT, [], asyncio.Event()))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
    async with through.inside(Rank.READ):
        pass


async def test_everybody_who_waits_gets_in_as_places_become_free() -> None:
    through = Door("test", places=3, line=100, transfers=1)
    most = now = done = 0

    async def one(rank: Rank) -> None:
        nonlocal most, now, done
        async with through.inside(rank):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            done += 1

    await asyncio.gather(*(one(rank) for rank in [Rank.DOCUMENT, Rank.READ, Rank.WRITE, Rank.SUBMIT] * 10))
    assert (most, done) == (3, 40)


async def test_transfers_take_nobodys_place() -> None:
    through = Door("test", places=1, line=0, transfers=2)
    async with AsyncExitStack() as stack:
        await stay(stack, through, Rank.TRANSFER, 2)
        with pytest.raises(Busy):
            await stay(stack, through, Rank.TRANSFER)
        await stay(stack, through, Rank.WRITE)


async def test_files_wait_for_a_place_of_theirs_behind_nobody_else() -> None:
    through = Door("test", places=1, line=5, transfers=1)
    order: list[Rank] = []
    until, first = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as stack:
        await stay(stack, through, Rank.WRITE)
        # Somebody in line for the other places keeps no file waiting.
        reader = asyncio.create_task(stand_in_line(through, Rank.READ, order, until))
        await asyncio.sleep(0)
        holder = asyncio.create_task(stand_in_line(through, Rank.TRANSFER, order, first))
        waiter = asyncio.create_task(stand_in_line(through, Rank.TRANSFER, order, until))
        await asyncio.sleep(0.01)
        assert order == [Rank.TRANSFER]
        # Its place goes to the next file, though nobody else can be let in.
        first.set()
        await holder
        await asyncio.sleep(0.01)
        assert order == [Rank.TRANSFER, Rank.TRANSFER]
    until.set()
    await asyncio.gather(reader, waiter)
    assert order[-1] is Rank.READ


async def test_whoever_matters_more_takes_the_line_from_a_file() -> None:
    through = Door("test", places=1, line=1, transfers=1)
    until = asyncio.Event()
    order: list[Rank] = []
    async with AsyncExitStack() as stack:
        await stay(stack, through, Rank.WRITE)
        await stay(stack, through, Rank.TRANSFER)
        file = asyncio.create_task(stand_in_line(through, Rank.TRANSFER, order, until))
        await asyncio.sleep(0)
        write = asyncio.create_task(stand_in_line(through, Rank.WRITE, order, until))
        with pytest.raises(Busy) as told:
            await file
        assert admission.FILE_AGAIN[0] <= told.value.retry_after <= admission.FILE_AGAIN[1]
    until.set()
    await write
    assert order == [Rank.WRITE]


async def test_nothing_is_begun_for_somebody_who_has_gone(aiohttp_request: type) -> None:
    through = Door("test", places=1, line=0, transfers=1)

    async def never(_: web.Request) -> web.Response:
        raise AssertionError

    app = web.Application()
    app[EDGE] = False
    request = aiohttp_request("GET", "/applications", {deadline.HEADER: "20"}, app=app)
    with pytest.raises(Busy):
        await through.middleware()(request, never)
    # What anybody can reach believes no such header: a client must not make us turn it away.
    app[EDGE] = True
    reached = []

    async def here(_: web.Request) -> web.Response:
        reached.append(deadline.left(60))
        return web.Response()

    await through.middleware()(request, here)
    assert reached[0] > 1


@pytest.fixture
def aiohttp_request() -> object:
    from aiohttp.test_utils import make_mocked_request

    return make_mocked_request


@pytest.mark.parametrize(
    ("method", "path", "rank"),
    [
        ("POST", "/api/v1/applications/1/submit", Rank.SUBMIT),
        ("POST", "/applications/1/submit", Rank.SUBMIT),
        ("GET", "/applications/1/submit", Rank.READ),
        ("PUT", "/api/v1/applications/1/sections/company/draft", Rank.WRITE),
        ("POST", "/applications/1/sections/company", Rank.WRITE),
        ("GET", "/applications/1/sections/company", Rank.READ),
        ("GET", "/api/v1/applications", Rank.READ),
        ("POST", "/internal/jobs/1/finish", Rank.READ),
        ("POST", "/api/v1/applications/1/preview", Rank.DOCUMENT),
        ("GET", "/api/v1/applications/1/commitment.pdf", Rank.DOCUMENT),
        ("GET", "/applications/1/revisions/1/pdf", Rank.DOCUMENT),
        ("POST", "/api/v1/applications/1/attachments", Rank.TRANSFER),
        ("GET", "/api/v1/applications/1/attachments/2", Rank.TRANSFER),
        ("GET", "/healthz", None),
        ("GET", "/api/v1/events", None),
        ("GET", "/static/x/portal.css", None),
    ],
)
def test_rank(method: str, path: str, rank: Rank | None) -> None:
    assert rank_of(method, path) == rank


def test_large_or_endless_bodies_are_transfers_whatever_they_are_sent_to() -> None:
    assert rank_of("POST", "/applications/1/sections/company", 5_000_000) is Rank.TRANSFER
    assert rank_of("POST", "/applications/1/sections/company", None) is Rank.TRANSFER
    assert rank_of("POST", "/applications/1/submit", 5_000_000) is Rank.SUBMIT

"""Who gets in, who waits, who is told to come again."""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from typing import Any

import pytest
from aiohttp import web

from shared.errors import Overloaded
from shared.http.app import EDGE, VERIFIER
from shared.identity import Signer, Verifier, public_key
from shared.overload import admission, crowd, deadline, pressure, priority
from shared.overload.admission import AdmissionControl
from shared.overload.priority import Priority, priority_of
from tests import factories


@pytest.fixture(autouse=True)
def _no_end() -> None:
    deadline.forget()


async def stay(stack: AsyncExitStack, through: AdmissionControl, rank: Priority, times: int = 1) -> None:
    for _ in range(times):
        await stack.enter_async_context(through.inside(rank))


async def stand_in_line(
    through: AdmissionControl, rank: Priority, order: list[Priority], until: asyncio.Event
) -> None:
    async with through.inside(rank):
        order.append(rank)
        await until.wait()


async def test_what_can_wait_leaves_places_to_everything_else() -> None:
    through = AdmissionControl("test", places=10, line=0, transfers=1)
    async with AsyncExitStack() as stack:
        await stay(stack, through, Priority.LATER, 4)
        with pytest.raises(Overloaded):
            await stay(stack, through, Priority.LATER)
        await stay(stack, through, Priority.READ, 6)
        with pytest.raises(Overloaded):
            await stay(stack, through, Priority.SUBMIT)
    # Everybody has gone: everybody may come again.
    async with AsyncExitStack() as stack:
        await stay(stack, through, Priority.SUBMIT, 10)


async def test_line_is_worked_off_by_rank_and_makes_room_for_it() -> None:
    through = AdmissionControl("test", places=1, line=2, transfers=1)
    order: list[Priority] = []
    leave = asyncio.Event()
    inside = through.inside(Priority.READ)
    await inside.__aenter__()
    waiting = {}
    for rank in (Priority.LATER, Priority.READ):
        waiting[rank] = asyncio.create_task(stand_in_line(through, rank, order, leave))
        await asyncio.sleep(0)
    # The line is full; a submission takes the place in it of what matters least.
    waiting[Priority.SUBMIT] = asyncio.create_task(stand_in_line(through, Priority.SUBMIT, order, leave))
    with pytest.raises(Overloaded):
        await waiting[Priority.LATER]
    # Nobody there matters less than this one.
    with pytest.raises(Overloaded):
        async with through.inside(Priority.LATER):
            pass
    leave.set()
    await inside.__aexit__(None, None, None)
    await waiting[Priority.SUBMIT]
    await waiting[Priority.READ]
    assert order == [Priority.SUBMIT, Priority.READ]


async def test_patience_ends_and_the_place_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(admission.PATIENCE, Priority.READ, 0.05)
    through = AdmissionControl("test", places=1, line=5, transfers=1)
    async with through.inside(Priority.READ):
        with pytest.raises(Overloaded) as told:
            async with through.inside(Priority.READ):
                pass
        assert crowd.SOONEST <= told.value.retry_after <= crowd.SOONEST * (1 + crowd.SPREAD)
        left = asyncio.create_task(stand_in_line(through, Priority.SUBMIT, [], asyncio.Event()))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
    async with through.inside(Priority.READ):
        pass


async def test_everybody_who_waits_gets_in_as_places_become_free() -> None:
    through = AdmissionControl("test", places=3, line=100, transfers=1)
    most = now = done = 0

    async def one(rank: Priority) -> None:
        nonlocal most, now, done
        async with through.inside(rank):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            done += 1

    await asyncio.gather(
        *(one(rank) for rank in [Priority.LATER, Priority.READ, Priority.WRITE, Priority.SUBMIT] * 10)
    )
    assert (most, done) == (3, 40)


async def test_transfers_take_nobodys_place() -> None:
    through = AdmissionControl("test", places=1, line=0, transfers=2)
    async with AsyncExitStack() as stack:
        await stay(stack, through, Priority.TRANSFER, 2)
        with pytest.raises(Overloaded):
            await stay(stack, through, Priority.TRANSFER)
        await stay(stack, through, Priority.WRITE)


async def test_files_wait_for_a_place_of_theirs_behind_nobody_else() -> None:
    through = AdmissionControl("test", places=1, line=5, transfers=1)
    order: list[Priority] = []
    until, first = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as stack:
        await stay(stack, through, Priority.WRITE)
        # Somebody in line for the other places keeps no file waiting.
        reader = asyncio.create_task(stand_in_line(through, Priority.READ, order, until))
        await asyncio.sleep(0)
        holder = asyncio.create_task(stand_in_line(through, Priority.TRANSFER, order, first))
        waiter = asyncio.create_task(stand_in_line(through, Priority.TRANSFER, order, until))
        await asyncio.sleep(0.01)
        assert order == [Priority.TRANSFER]
        # Its place goes to the next file, though nobody else can be let in.
        first.set()
        await holder
        await asyncio.sleep(0.01)
        assert order == [Priority.TRANSFER, Priority.TRANSFER]
    until.set()
    await asyncio.gather(reader, waiter)
    assert order[-1] is Priority.READ


async def test_whoever_matters_more_takes_the_line_from_a_file() -> None:
    through = AdmissionControl("test", places=1, line=1, transfers=1)
    until = asyncio.Event()
    order: list[Priority] = []
    async with AsyncExitStack() as stack:
        await stay(stack, through, Priority.WRITE)
        await stay(stack, through, Priority.TRANSFER)
        file = asyncio.create_task(stand_in_line(through, Priority.TRANSFER, order, until))
        await asyncio.sleep(0)
        write = asyncio.create_task(stand_in_line(through, Priority.WRITE, order, until))
        with pytest.raises(Overloaded) as told:
            await file
        assert admission.FILE_AGAIN[0] <= told.value.retry_after <= admission.FILE_AGAIN[1]
    until.set()
    await write
    assert order == [Priority.WRITE]


async def test_nothing_is_begun_for_somebody_who_has_gone(aiohttp_request: type) -> None:
    through = AdmissionControl("test", places=1, line=0, transfers=1)

    async def never(_: web.Request) -> web.Response:
        raise AssertionError

    app = web.Application()
    app[EDGE] = False
    request = aiohttp_request("GET", "/applications", {deadline.HEADER: "20"}, app=app)
    with pytest.raises(Overloaded):
        await through.middleware()(request, never)
    # What anybody can reach believes no such header: a client must not make us turn it away.
    app[EDGE] = True
    reached = []

    async def here(_: web.Request) -> web.Response:
        reached.append(deadline.left(60))
        return web.Response()

    await through.middleware()(request, here)
    assert reached[0] > 1


def gone_through(service: str) -> dict[str, int]:
    """How many requests of each rank have gone through a door."""
    return {
        sample.labels["rank"]: int(sample.value)
        for metric in admission.WAITED.collect()
        for sample in metric.samples
        if sample.name.endswith("_count") and sample.labels["service"] == service and sample.value
    }


PAGE = "/api/v1/applications/7/submission/page"


def call(aiohttp_request: Any, edge: bool, token: str | None) -> web.Request:
    """A call for the page 提交申请, which by its path is a read."""
    app = web.Application()
    app[EDGE] = edge
    trusted = {"gateway": [public_key(factories.private_key("gateway"))]}
    app[VERIFIER] = Verifier("applications", trusted)
    request: web.Request = aiohttp_request("GET", PAGE, {"Authorization": token} if token else {}, app=app)
    return request


def signed() -> str:
    """The token of a call that the gateway makes while it answers 提交申请."""
    priority.carry(Priority.SUBMIT)
    signer = Signer("gateway", factories.private_key("gateway"))
    return signer.headers("applications", "GET", PAGE)["Authorization"]


async def answered(_: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    ("case", "counted"),
    [("signed", "SUBMIT"), ("forged", "READ"), ("none", "READ"), ("from outside", "READ")],
)
async def test_first_doors_word_counts_where_it_is_signed_and_nowhere_else(
    aiohttp_request: Any, case: str, counted: str
) -> None:
    token: str | None = signed()
    if case == "forged":
        header, claims, _ = str(token).split(".")
        token = f"{header}.{claims}.{'A' * 86}"
    elif case == "none":
        token = None
    through = AdmissionControl(case, places=1, line=0, transfers=1)
    await through.middleware()(call(aiohttp_request, case == "from outside", token), answered)
    assert gone_through(case) == {counted: 1}


async def test_what_the_first_door_let_in_waits_however_long_the_line_is_and_says_how_long(
    aiohttp_request: Any,
) -> None:
    through = AdmissionControl("inner", places=1, line=0, transfers=1)
    await through.enter(Priority.READ)
    with pytest.raises(Overloaded):
        await through.middleware()(call(aiohttp_request, False, None), answered)
    waiting = asyncio.create_task(through.middleware()(call(aiohttp_request, False, signed()), answered))
    # In line, once its token has been verified.
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    through.leave(Priority.READ)
    # Milliseconds, for the level of the door that asked.
    assert int((await waiting).headers[admission.LINE]) >= 40


async def test_what_usually_takes_longer_than_there_is_left_is_not_begun(
    aiohttp_request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = AdmissionControl("usual", places=1, line=0, transfers=1)
    monkeypatch.setitem(through._usual, Priority.READ, 3.0)
    begun = []

    async def work(_: web.Request) -> web.Response:
        begun.append(True)
        return web.Response()

    def asked(milliseconds: int) -> web.Request:
        app = web.Application()
        app[EDGE] = False
        request: web.Request = aiohttp_request("GET", "/x", {deadline.HEADER: str(milliseconds)}, app=app)
        return request

    with pytest.raises(Overloaded):
        await through.middleware()(asked(2000), work)
    assert not begun
    await through.middleware()(asked(5000), work)
    assert begun


@pytest.mark.parametrize(("edge", "let_in"), [(False, 1), (True, 3)])
async def test_workers_rest_at_once_while_people_wait_and_nobody_outside_can_say_so(
    aiohttp_request: Any, edge: bool, let_in: int
) -> None:
    through = AdmissionControl("pressed", places=5, line=5, transfers=1)
    app = web.Application()
    app[EDGE] = edge
    begun: list[str] = []

    async def work(request: web.Request) -> web.Response:
        begun.append(request.path)
        return web.Response()

    def said(method: str, path: str) -> web.Request:
        request: web.Request = aiohttp_request(method, path, pressure.headers(True), app=app)
        return request

    assert pressure.headers(False) == {}
    await through.middleware()(said("GET", "/applications"), work)
    for nth in range(3):
        with nullcontext() if nth < let_in else pytest.raises(Overloaded) as refused:
            await asyncio.wait_for(through.middleware()(said("POST", "/internal/jobs/1/start"), work), 0.1)
        if refused is not None:
            assert refused.value.retry_after >= crowd.SOONEST
    # One goes all the same. What has been begun ends, and people's own requests go on.
    assert begun.count("/internal/jobs/1/start") == let_in
    for method, path in (
        ("POST", "/internal/jobs/1/finish"),
        ("GET", "/internal/documents/1/model"),
        ("PUT", "/x"),
    ):
        await through.middleware()(said(method, path), work)
    assert len(begun) == 4 + let_in


async def test_a_files_transaction_takes_a_place_among_requests_after_what_matters_more(
    aiohttp_request: Any,
) -> None:
    through = AdmissionControl("files", places=1, line=5, transfers=2)
    order: list[str] = []
    app = web.Application()
    app[EDGE] = False

    async def upload(request: web.Request) -> web.Response:
        order.append("its bytes come")
        async with admission.turn(request):
            order.append("it is written down")
            with pytest.raises(Overloaded):
                # The place is taken meanwhile: nobody else finds fewer connections than places.
                await asyncio.wait_for(through.enter(Priority.LATER), 2)
        return web.Response()

    async def submit() -> None:
        async with through.inside(Priority.SUBMIT):
            order.append("提交申请")

    await through.enter(Priority.WRITE)
    file = asyncio.create_task(
        through.middleware()(aiohttp_request("POST", "/applications/1/attachments", app=app), upload)
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    pressed = asyncio.create_task(submit())
    await asyncio.sleep(0)
    assert order == ["its bytes come"]
    through.leave(Priority.WRITE)
    answer = await file
    await pressed
    assert order == ["its bytes come", "提交申请", "it is written down"]
    # What it waited counts for the level of the door that asked.
    assert int(answer.headers[admission.LINE]) >= 40
    # Everything was given back; and who has a place for the whole request waits for no other.
    await through.middleware()(aiohttp_request("GET", "/applications", app=app), nothing_to_wait_for)
    await asyncio.wait_for(through.enter(Priority.LATER), 1)


async def nothing_to_wait_for(request: web.Request) -> web.Response:
    async with admission.turn(request):
        return web.Response()


@pytest.fixture
def aiohttp_request() -> object:
    from aiohttp.test_utils import make_mocked_request

    return make_mocked_request


@pytest.mark.parametrize(
    ("method", "path", "rank"),
    [
        ("POST", "/api/v1/applications/1/submit", Priority.SUBMIT),
        ("POST", "/applications/1/submit", Priority.SUBMIT),
        ("GET", "/applications/1/submit", Priority.SUBMIT),
        ("PUT", "/api/v1/applications/1/sections/company/draft", Priority.WRITE),
        ("POST", "/applications/1/sections/company", Priority.WRITE),
        ("GET", "/applications/1/sections/company", Priority.READ),
        ("GET", "/api/v1/applications", Priority.READ),
        ("POST", "/internal/jobs/1/finish", Priority.READ),
        ("POST", "/internal/jobs/1/start", Priority.LATER),
        ("GET", "/review", Priority.LATER),
        ("GET", "/api/v1/review/applications", Priority.LATER),
        ("POST", "/api/v1/review/applications/1/lease", Priority.WRITE),
        ("POST", "/api/v1/applications/1/preview", Priority.LATER),
        ("GET", "/api/v1/applications/1/commitment.pdf", Priority.LATER),
        ("GET", "/applications/1/revisions/1/pdf", Priority.LATER),
        ("POST", "/api/v1/applications/1/attachments", Priority.TRANSFER),
        ("GET", "/api/v1/applications/1/attachments/2", Priority.TRANSFER),
        ("GET", "/api/v1/review/dossiers/1/file", Priority.TRANSFER),
        ("GET", "/healthz", None),
        ("GET", "/api/v1/events", None),
        ("GET", "/static/x/portal.css", None),
    ],
)
def test_rank(method: str, path: str, rank: Priority | None) -> None:
    assert priority_of(method, path) == rank


def test_large_or_endless_bodies_are_transfers_whatever_they_are_sent_to() -> None:
    assert priority_of("POST", "/applications/1/sections/company", 5_000_000) is Priority.TRANSFER
    assert priority_of("POST", "/applications/1/sections/company", None) is Priority.TRANSFER
    assert priority_of("POST", "/applications/1/submit", 5_000_000) is Priority.SUBMIT

"""A walk of the synthetic applicant says where the system failed it, and tells a crowd from a fault."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from services.gateway.synthetic import walk
from services.gateway.synthetic.walk import STEPS, Run, SignedOut, Walk

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
SENT = {"notifications": [{"channel": "email", "state": "sent", "error": None}]}


def _json(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.json_response(body, status=status, headers=headers)

    return answer


def _bytes(content: bytes, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content, status=status)

    return answer


USUAL: dict[tuple[str, str], Answer] = {
    ("GET", "/api/v1/me"): _json({"csrf_token": "token"}),
    ("GET", "/projects"): _bytes(b"<html></html>"),
    ("POST", "/api/v1/applications"): _json({"id": "7"}, 201),
    ("GET", "/applications/7/sections/contact"): _bytes(b"<html></html>"),
    ("GET", "/api/v1/applications/7/sections/contact"): _json({"etag": "1"}),
    ("PUT", "/api/v1/applications/7/sections/contact/draft"): _json({}),
    ("PUT", "/api/v1/applications/7/sections/contact"): _json({}),
    ("POST", "/api/v1/applications/7/attachments"): _json({"id": "f"}, 201),
    ("GET", "/api/v1/applications/7/sections/plan"): _json({"etag": "1"}),
    ("PUT", "/api/v1/applications/7/sections/plan"): _json({}),
    ("GET", "/api/v1/applications/7"): _json({"version": 3}),
    ("POST", "/api/v1/applications/7/submit"): _json({}),
    ("GET", "/api/v1/applications/7/revisions/1/pdf"): _bytes(b"%PDF-1.7"),
    ("GET", "/api/v1/applications/7/timeline"): _json(SENT),
}


async def walked(changes: dict[tuple[str, str], Answer]) -> Run:
    """One walk through a gateway that answers as usual but for `changes`."""
    app = web.Application()
    for (method, path), answer in {**USUAL, **changes}.items():
        app.router.add_route(method, path, answer)
    async with TestServer(app) as server, ClientSession() as http:
        url = str(server.make_url("/"))
        return await Walk(http, url, {"session": "s"}, "portal.example", "nobody@example.com").run()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PDF_SECONDS", "MAIL_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(walk, name, 0.2)
    monkeypatch.setattr(walk, "LOOK_AGAIN_SECONDS", 0.01)


async def test_a_whole_way_goes_well() -> None:
    run = await walked({})
    assert (run.outcome, run.step, run.reason) == ("well", "", "")
    assert tuple(run.seconds) == STEPS


@pytest.mark.parametrize(
    ("step", "place", "answer", "said"),
    [
        ("projects", ("GET", "/projects"), _bytes(b"<html>"), "no whole page"),
        ("start", ("POST", "/api/v1/applications"), _json({"code": "unexpected"}, 500), "500"),
        ("autosave", ("PUT", "/api/v1/applications/7/sections/contact/draft"), _json({}, 412), "412"),
        ("start", ("POST", "/api/v1/applications"), _json({"another": "shape"}, 201), "KeyError: 'id'"),
        ("attachment", ("POST", "/api/v1/applications/7/attachments"), _json({}, 413), "413"),
        ("submit", ("POST", "/api/v1/applications/7/submit"), _bytes(b"no JSON"), "no JSON"),
        ("pdf", ("GET", "/api/v1/applications/7/revisions/1/pdf"), _json({}, 202), "no PDF after"),
        ("pdf", ("GET", "/api/v1/applications/7/revisions/1/pdf"), _bytes(b"<html>"), "no PDF"),
        ("mail", ("GET", "/api/v1/applications/7/timeline"), _json({"notifications": None}), "no mail after"),
        (
            "mail",
            ("GET", "/api/v1/applications/7/timeline"),
            _json({"notifications": [{"channel": "email", "state": "undeliverable", "error": "550 unknown"}]}),
            "550 unknown",
        ),
    ],
)
async def test_a_walk_ends_at_the_step_that_fails(
    step: str, place: tuple[str, str], answer: Answer, said: str
) -> None:
    run = await walked({place: answer})
    assert (run.outcome, run.step) == ("failed", step)
    assert said in run.reason
    assert list(run.seconds)[-1] == step


async def test_a_gateway_that_breaks_off_is_a_failure() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    run = await walked({("GET", "/api/v1/me"): broken})
    assert (run.outcome, run.step) == ("failed", "signed_in")


async def test_a_crowd_is_waited_for_and_is_no_failure() -> None:
    busy = _json({"code": "busy"}, 503, **{"Retry-After": "1"})
    run = await walked({("POST", "/api/v1/applications/7/submit"): busy})
    assert (run.outcome, run.step) == ("turned_away", "submit")
    times = 0

    async def soon(request: web.Request) -> web.StreamResponse:
        nonlocal times
        times += 1
        answer = _json({}, 503, **{"Retry-After": "0"}) if times < 3 else _json({})
        return await answer(request)

    run = await walked({("POST", "/api/v1/applications/7/submit"): soon})
    assert (run.outcome, times) == ("well", 3)


async def test_a_session_that_ended_is_said_so() -> None:
    with pytest.raises(SignedOut):
        await walked({("GET", "/api/v1/me"): _json({}, 401)})

"""An answer is read into the contract's model, whatever release of the service gave it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from services.gateway.web.backend import Services
from services.gateway.web.outgoing import Outgoing
from shared.contract.decision import MySheet
from shared.contract.notify import Inbox
from shared.contract.rounds import FormSummary
from shared.errors import InternalError, NotFound
from shared.identity import Signer
from tests import factories

FORM = {"fund_type": "reward", "version": 1, "label": "奖励类", "title": "工美资金（奖励）"}
NEWER: dict[str, Any] = {
    "/api/v1/forms": [{**FORM, "what only a newer release says": 1}],
    # `SheetValues` is taken in as well, where it refuses what it does not know.
    "/api/v1/expert/sheet": {
        "sheet": {
            "key": "standard",
            "version": 1,
            "title": "评审表",
            "min_experts": 2,
            "wide": 20,
            "criteria": [],
        },
        "values": {"opinion": "同意", "newer": [1]},
        "saved_at": "2026-11-29T08:00:00Z",
        "submitted_at": None,
        "total": None,
    },
    "/api/v1/notifications": {"items": [{}], "next_cursor": None, "unread": 0},
}


async def _answer(request: web.Request) -> web.Response:
    headers = {"ETag": '"3"', "X-Request-Id": request.headers["X-Request-Id"]}
    if request.path not in NEWER:
        return web.json_response({"type": "not_found", "detail": "没有找到。"}, status=404, headers=headers)
    return web.json_response(NEWER[request.path], headers=headers)


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    app = web.Application()
    app.router.add_get("/{path:.*}", _answer)
    async with TestServer(app) as server, ClientSession(auto_decompress=False) as http:
        url = str(server.make_url("")).rstrip("/")
        signer = Signer("gateway", factories.private_key("gateway"))
        yield Services(Outgoing(http), signer, {"applications": url, "notify": url})


async def test_what_a_newer_release_says_besides_is_ignored(services: Services) -> None:
    listed = await services.ask(None, "GET", "/forms", list[FormSummary])
    assert listed.body == [FormSummary(**FORM)]
    assert listed.etag == "3"
    sheet = await services.ask(None, "GET", "/expert/sheet", MySheet)
    assert sheet.body.values.opinion == "同意"
    assert sheet.body.saved_at is not None
    assert sheet.body.saved_at.tzinfo is not None


async def test_an_answer_that_breaks_the_contract_is_our_mistake(services: Services) -> None:
    with pytest.raises(InternalError):
        await services.ask(None, "GET", "/notifications", Inbox)


async def test_a_problem_is_raised_whatever_model_was_expected(services: Services) -> None:
    with pytest.raises(NotFound):
        await services.ask(None, "GET", "/rounds", list[FormSummary])

"""The inbox over HTTP: mine only, newest first, read once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.app import create_app
from services.notify.settings import NotifySettings
from shared import clock
from shared.identity import Signer
from tests import factories


@pytest.fixture
async def client(settings: NotifySettings) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(create_app(settings))) as made:
        yield made


def _signed(service: str = "gateway", *, enterprise: tuple[str, str] = factories.ENTERPRISE_1) -> dict[str, str]:
    signer = Signer(service, factories.private_key(service))
    return signer.headers("notify", factories.applicant(enterprise) if service == "gateway" else None)


async def test_inbox_is_the_enterprises_own(client: TestClient, sessions: sessionmaker[Session]) -> None:
    events = [
        factories.returned_event(occurred_at=clock.now() - timedelta(minutes=minute)) for minute in range(25)
    ]
    with sessions.begin() as session:
        for event in events:
            ledger.accept(session, event, "noreply@gm.example.cn")
    page = await (await client.get("/api/v1/notifications", headers=_signed())).json()
    assert page["unread"] == 25
    assert page["items"][0]["title"].startswith("【工美资金】“景泰蓝国礼”已退回补正")
    rest = await client.get(f"/api/v1/notifications?cursor={page['next_cursor']}", headers=_signed())
    seen = [n["id"] for n in page["items"]] + [n["id"] for n in (await rest.json())["items"]]
    assert seen == [str(e.event_id) for e in events]

    path = f"/api/v1/notifications/{seen[0]}/read"
    theirs = _signed(enterprise=factories.ENTERPRISE_2)
    assert (await client.post(path, headers=theirs)).status == 404
    assert (await (await client.get("/api/v1/notifications", headers=theirs)).json())["items"] == []
    assert (await client.post(path, headers=_signed())).status == 204
    assert (await client.post(path, headers=_signed())).status == 204
    assert (await (await client.get("/api/v1/notifications", headers=_signed())).json())["unread"] == 24


async def test_ledger_opens_to_applications_only(client: TestClient, sessions: sessionmaker[Session]) -> None:
    event = factories.received_event()
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn")
    refused = await client.get("/internal/deliveries", headers=_signed())
    assert (refused.status, (await refused.json())["type"]) == (403, "caller_not_trusted")
    path = f"/internal/deliveries?application_id={event.application_id}"
    [item] = (await (await client.get(path, headers=_signed("applications"))).json())["items"]
    assert (item["state"], item["message_id"]) == ("pending", f"<{event.event_id}@gm.example.cn>")
    after = await client.get(f"/internal/deliveries?after={uuid4()}x", headers=_signed("applications"))
    assert after.status == 400


async def test_a_mail_is_shown_before_anything_happens(
    client: TestClient, sessions: sessionmaker[Session]
) -> None:
    event = factories.returned_event()
    body = {"data": event.model_dump_json(), "headers": {"Content-Type": "application/json"}}
    signed = body["headers"] | _signed("applications")
    shown = await (await client.post("/internal/preview", data=body["data"], headers=signed)).json()
    assert shown["subject"].startswith("【工美资金】“景泰蓝国礼”已退回补正")
    assert "请填写开户行全称" in shown["text"]
    # Nothing is in anybody's inbox, and nobody else may ask.
    assert (await (await client.get("/api/v1/notifications", headers=_signed())).json())["unread"] == 0
    foreign = body["headers"] | _signed("gateway")
    assert (await client.post("/internal/preview", data=body["data"], headers=foreign)).status == 403

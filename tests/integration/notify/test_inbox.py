"""The inbox over HTTP: mine only, newest first, read once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger, unsubscribing
from services.notify.app import create_app
from services.notify.models import Notification
from services.notify.settings import NotifySettings
from shared import clock
from shared.identity import Actor, Signer
from shared.messages import CorrectionDue
from tests import factories


@pytest.fixture
async def client(settings: NotifySettings) -> AsyncIterator[TestClient]:
    async with SigningClient(TestServer(create_app(settings))) as made:
        yield made


class SigningClient(TestClient[web.Request, web.Application]):
    """Each request's token is made for that request."""

    async def _request(self, method: str, path: Any, **options: Any) -> ClientResponse:
        headers = dict(options.pop("headers", {}))
        if sign := headers.pop("Authorization", None):
            headers |= sign(method, self.make_url(path).raw_path_qs)
        return await super()._request(method, path, headers=headers, **options)


def _by(service: str, who: Actor | None) -> dict[str, Any]:
    signer = Signer(service, factories.private_key(service))
    return {"Authorization": lambda method, target: signer.headers("notify", method, target, who)}


def _signed(service: str = "gateway", *, enterprise: tuple[str, str] = factories.ENTERPRISE_1) -> dict[str, Any]:
    return _by(service, factories.applicant(enterprise) if service == "gateway" else None)


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
    mail, notice = (await (await client.get(path, headers=_signed("applications"))).json())["items"]
    assert (mail["state"], mail["message_id"]) == ("pending", f"<{event.event_id}@gm.example.cn>")
    assert (mail["channel"], mail["address"]) == ("email", "lixiang@example.com")
    assert (notice["channel"], notice["state"], notice["read_at"]) == ("inbox", "sent", None)
    read = await client.post(f"/api/v1/notifications/{event.event_id}/read", headers=_signed())
    assert read.status == 204
    _, notice = (await (await client.get(path, headers=_signed("applications"))).json())["items"]
    assert notice["read_at"] is not None
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


async def test_who_wants_no_reminders_gets_none_by_mail(
    client: TestClient, sessions: sessionmaker[Session], settings: NotifySettings
) -> None:
    token = unsubscribing.link(
        unsubscribing.key_of(settings.signing_key), "LiXiang@Example.com", "http://gm"
    ).rpartition("/")[2]
    service = _by("gateway", None)
    said = await client.post("/internal/unsubscribe", headers=service, json={"token": token})
    assert await said.json() == {"address": "lixiang@example.com", "unsubscribed": True}
    for forged in (token[:-2] + "AA", "", "***", token[:10]):
        answer = await client.post("/internal/unsubscribe", headers=service, json={"token": forged})
        assert answer.status == 404, forged
    base = factories.returned_event().model_dump(exclude={"kind", "opinions"})
    reminder = CorrectionDue(**{**base, "days": 1})
    decided = factories.returned_event()
    with sessions.begin() as session:
        for event in (reminder, decided):
            ledger.accept(session, event, "noreply@gm.example.cn")
    with sessions() as session:
        mail = session.get_one(Notification, (reminder.event_id, "email"))
        assert (mail.state, mail.last_error) == ("superseded", "收件人已退订提醒")
        # It stands in the inbox all the same, and what was decided is told by mail as ever.
        assert session.get_one(Notification, (reminder.event_id, "inbox")).state == "sent"
        assert session.get_one(Notification, (decided.event_id, "email")).state == "pending"
    back = await client.post("/internal/unsubscribe", headers=service, json={"token": token, "again": True})
    assert (await back.json())["unsubscribed"] is False

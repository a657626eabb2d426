"""Short messages reach a provider over HTTP, each at most once, whatever it answers on the way."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.channels import SMS, Text
from services.notify.delivery import Delivery
from services.notify.inbox import delivery_of
from services.notify.models import Notification
from services.notify.settings import NotifySettings
from services.notify.short_messages import HttpTextSender
from shared import clock
from shared.messages import ApplicationReturned, forgotten_event
from tests import factories

Sessions = sessionmaker[Session]
MOBILE = "13812345678"
TAKEN = (200, {"accepted": True, "id": "7"})


class Provider(ThreadingHTTPServer):
    """Answers as it is told, one answer a message, and then takes what comes; None breaks the connection off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, Any] | None] = []
        self.came: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sms"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.came.append(
            {**body, "key": self.headers["Authorization"], "once": self.headers["Idempotency-Key"]}
        )
        answer = self.server.answers.pop(0) if self.server.answers else TAKEN
        if answer is None:
            self.connection.close()
            return
        said = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def delivery(provider: Provider, sessions: Sessions, settings: NotifySettings) -> Iterator[Delivery]:
    sender = HttpTextSender(provider.url, "secret", 5)
    yield Delivery(sessions, [Text(sender)], settings)
    sender.close()


def accept(sessions: Sessions, *, mobile: str | None = MOBILE, texts: bool = True) -> ApplicationReturned:
    # The last day, on which the night does not matter.
    event = factories.returned_event(correct_by=(clock.now() + timedelta(hours=20)).isoformat())
    event = event.model_copy(update={"to": event.to.model_copy(update={"mobile": mobile})})
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn", texts=texts)
    return event


def row(sessions: Sessions, id: UUID) -> Notification | None:
    with sessions.begin() as session:
        return session.get(Notification, (id, SMS))


def due(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(update(Notification).values(next_at=clock.now() - timedelta(seconds=1)))


def state(sessions: Sessions, id: UUID) -> tuple[str, int]:
    found = row(sessions, id)
    assert found is not None
    return found.state, found.attempts


def test_one_goes_to_whom_the_enterprise_agreed(
    sessions: Sessions, delivery: Delivery, provider: Provider
) -> None:
    event = accept(sessions)
    assert delivery.deliver() == 1
    [came] = provider.came
    assert (came["to"], came["key"], came["id"]) == (MOBILE, "Bearer secret", came["once"])
    assert came["text"].startswith("【工美资金】您申报的项目")
    found = row(sessions, event.event_id)
    assert found is not None
    assert (found.state, found.answer) == ("sent", "200 7")
    # Whoever looks at the ledger reads part of the number; who is forgotten is told of nowhere.
    assert delivery_of(found).address == "138****5678"
    assert MOBILE not in json.dumps(found.tried)
    assert MOBILE not in json.dumps(forgotten_event(found.payload))
    for silent in (accept(sessions, mobile=None), accept(sessions, texts=False)):
        assert row(sessions, silent.event_id) is None
    with sessions.begin() as session:
        channels = select(Notification.channel).where(Notification.event_id == event.event_id)
        assert set(session.scalars(channels)) == {"email", "inbox", SMS}


def test_what_was_not_taken_is_tried_again(sessions: Sessions, delivery: Delivery, provider: Provider) -> None:
    provider.answers = [
        (429, {}),
        (503, {}),
        (200, {"accepted": False, "reason": "busy", "retry": True}),
        (401, {}),
    ]
    event = accept(sessions)
    for attempt in (1, 2, 3):
        assert delivery.deliver() == 1
        assert state(sessions, event.event_id) == ("pending", attempt)
        due(sessions)
    # Our own key is wrong: no fault of the message.
    delivery.deliver()
    assert state(sessions, event.event_id) == ("pending", 3)
    due(sessions)
    delivery.deliver()
    assert state(sessions, event.event_id) == ("sent", 4)
    assert {came["id"] for came in provider.came} == {f"<{event.event_id}@gm.example.cn>"}


@pytest.mark.parametrize(
    "answer",
    [None, (500, {}), (200, {"something": "else"}), (200, {"accepted": False, "reason": "空号"}), (400, {"accepted": True})],
)  # fmt: skip
def test_what_may_have_gone_is_not_sent_again(
    sessions: Sessions, delivery: Delivery, provider: Provider, answer: tuple[int, Any] | None
) -> None:
    provider.answers = [answer]
    event = accept(sessions)
    delivery.deliver()
    assert state(sessions, event.event_id) == ("undeliverable", 1)
    due(sessions)
    assert delivery.deliver() == 0
    assert len(provider.came) == 1


def test_a_worker_that_died_over_it_does_not_send_it_twice(
    sessions: Sessions, delivery: Delivery, provider: Provider
) -> None:
    provider.answers = [(429, {})]
    event = accept(sessions)
    delivery.deliver()
    due(sessions)
    with sessions.begin() as session:
        # Claimed, and nothing was written down after that.
        assert ledger.claim(session, timedelta(seconds=-1), event.event_id, channels=[SMS])
    delivery.deliver()
    found = row(sessions, event.event_id)
    assert found is not None
    assert found.state == "undeliverable"
    assert "结果不明" in (found.last_error or "")
    assert len(provider.came) == 1


def test_a_provider_that_is_away_is_left_alone(
    sessions: Sessions, provider: Provider, settings: NotifySettings
) -> None:
    sender = HttpTextSender("http://127.0.0.1:9/sms", "secret", 1)
    delivery = Delivery(sessions, [Text(sender)], settings)
    event = accept(sessions)
    for _ in range(4):
        due(sessions)
        delivery.deliver()
    sender.close()
    assert state(sessions, event.event_id) == ("pending", 0)
    found = row(sessions, event.event_id)
    assert found is not None
    assert "没有应答" in (found.last_error or "")

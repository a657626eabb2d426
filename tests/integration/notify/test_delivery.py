"""What the ledger owes reaches the mail server, whatever that answers on the way."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.delivery import Delivery
from services.notify.models import Notification
from shared import clock
from shared.messages import AnyEvent
from tests import factories
from tests.system.mail_server import MailServer

Sessions = sessionmaker[Session]


def _accept(sessions: Sessions, event: AnyEvent) -> UUID:
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn")
    return event.event_id


def _row(sessions: Sessions, id: UUID) -> Notification:
    with sessions.begin() as session:
        return session.get_one(Notification, (id, "email"))


def _drain(delivery: Delivery, sessions: Sessions, id: UUID) -> None:
    until = time.monotonic() + 10
    while _row(sessions, id).state == "pending" and time.monotonic() < until:
        if not delivery.deliver():
            time.sleep(0.02)


def test_server_that_says_451_twice_gets_the_mail_once(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.refusals = ["451 4.3.0 try again later", "451 4.3.0 try again later"]
    id = _accept(sessions, factories.returned_event())
    _drain(delivery, sessions, id)
    row = _row(sessions, id)
    assert (row.state, row.attempts, row.last_error) == ("sent", 3, None)
    [message] = mail_server.messages
    assert message["Message-ID"] == f"<{id}@gm.example.cn>"
    assert message["To"] == "李响 <lixiang@example.com>"
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "请填写开户行全称" in text.get_content()
    assert "请填写开户行全称" in html.get_content()


def test_refusal_for_good_is_not_tried_again(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.refusals = ["550 5.1.1 no such user"]
    id = _accept(sessions, factories.returned_event())
    assert delivery.deliver()
    row = _row(sessions, id)
    assert (row.state, row.last_error) == ("undeliverable", "550 5.1.1 no such user")
    assert not delivery.deliver()


def test_server_that_is_down_loses_nothing(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.stop()
    id = _accept(sessions, factories.returned_event())
    assert delivery.deliver()
    assert _row(sessions, id).state == "pending"
    mail_server.start()
    _drain(delivery, sessions, id)
    assert _row(sessions, id).state == "sent"


def test_mail_is_given_up_after_its_time(sessions: Sessions, delivery: Delivery, mail_server: MailServer) -> None:
    mail_server.refusals = ["451 later"]
    id = _accept(sessions, factories.returned_event())
    with sessions.begin() as session:
        session.execute(update(Notification).values(give_up_at=clock.now() - timedelta(seconds=1)))
    delivery.deliver()
    assert _row(sessions, id).state == "undeliverable"


def test_event_told_twice_is_one_mail(sessions: Sessions, delivery: Delivery, mail_server: MailServer) -> None:
    event = factories.returned_event()
    _accept(sessions, event)
    _accept(sessions, event)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: delivery.deliver(event.event_id), range(8)))
    assert len(mail_server.messages) == 1


def test_return_is_not_announced_after_the_correction_came(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    returned = factories.returned_event()
    _accept(sessions, returned)
    received = factories.received_event(
        application_id=returned.application_id, occurred_at=returned.occurred_at + timedelta(seconds=1)
    )
    _accept(sessions, received)
    while delivery.deliver():
        pass
    assert _row(sessions, returned.event_id).state == "superseded"
    assert [m["Message-ID"] for m in mail_server.messages] == [f"<{received.event_id}@gm.example.cn>"]


def test_sender_that_died_is_replaced_when_its_lease_ends(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    id = _accept(sessions, factories.returned_event())
    with sessions.begin() as session:
        [dead] = ledger.claim(session, timedelta(seconds=60), id)
    assert not delivery.deliver()
    with sessions.begin() as session:
        session.execute(
            update(Notification)
            .where(Notification.lease.is_not(None))
            .values(lease_until=clock.now() - timedelta(seconds=1))
        )
    assert delivery.deliver()
    # The one that was believed dead comes back too late to say anything.
    with sessions.begin() as session:
        assert not ledger.refused(session, dead, "late", timedelta(hours=1))
    assert _row(sessions, id).state == "sent"
    assert len(mail_server.messages) == 1

"""Mails that an applicant brings about go a few an hour, to one address and for one enterprise; what the bureau decides at once."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.ledger import USUAL
from services.notify.models import Notification
from shared import clock
from shared.messages import Person, SubmissionReceived
from shared.synthetic import ENTERPRISE, KEPT
from tests import factories

Sessions = sessionmaker[Session]


def received(
    application: UUID, revision: int, email: str = "third@example.com", enterprise: str = factories.ENTERPRISE_1[0]
) -> SubmissionReceived:
    return SubmissionReceived(
        event_id=uuid4(),
        occurred_at=clock.now(),
        to=Person(name="第三人", email=email, enterprise=enterprise),
        application_id=application,
        project_name="景泰蓝国礼",
        fund_type_label="奖励类",
        number="GM2026-000001",
        revision=revision,
        received_at=clock.now(),
        sha256="0" * 64,
    )


def accept(sessions: Sessions, event: SubmissionReceived) -> None:
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn")


def deliver(sessions: Sessions) -> int:
    """Everything that is due now; how many mails."""
    with sessions.begin() as session:
        claims = ledger.claim(session, timedelta(seconds=60), limit=1000)
        ledger.sent(session, [(claim, "250 ok") for claim in claims])
    return len(claims)


def an_hour_later(sessions: Sessions) -> None:
    back = timedelta(hours=1, seconds=1)
    with sessions.begin() as session:
        session.execute(
            update(Notification).values(
                sent_at=Notification.sent_at - back,
                next_at=Notification.next_at - back,
                give_up_at=Notification.give_up_at - back,
            )
        )


def pending(sessions: Sessions) -> list[int]:
    with sessions.begin() as session:
        rows = session.scalars(select(Notification).where(Notification.state == "pending"))
        return [row.payload["revision"] for row in rows]


def test_123_submissions_send_a_few_mails_and_in_the_end_the_last(sessions: Sessions) -> None:
    application, sent = uuid4(), 0
    for revision in range(1, 124):
        accept(sessions, received(application, revision))
        sent += deliver(sessions)
    assert sent == USUAL.address
    # What waits is the news of today, once.
    assert pending(sessions) == [123]
    with sessions.begin() as session:
        # The portal told of each.
        inbox = session.scalars(select(Notification).where(Notification.channel == "inbox")).all()
        assert len(inbox) == 123
    an_hour_later(sessions)
    assert deliver(sessions) == 1
    assert pending(sessions) == []


def test_another_address_and_another_enterprise_wait_for_nobody(sessions: Sessions) -> None:
    for revision in range(1, USUAL.address + 5):
        accept(sessions, received(uuid4(), revision))
        deliver(sessions)
    accept(sessions, received(uuid4(), 1, "Third@Example.com"))
    # Nobody's capitals make another address.
    assert deliver(sessions) == 0
    accept(sessions, received(uuid4(), 1, "honest@example.cn", factories.ENTERPRISE_2[0]))
    assert deliver(sessions) == 1


def test_one_enterprise_writes_to_so_many_people_an_hour(sessions: Sessions) -> None:
    sent = 0
    for n in range(USUAL.enterprise + 10):
        accept(sessions, received(uuid4(), 1, f"somebody{n}@example.com"))
        sent += deliver(sessions)
    assert sent == USUAL.enterprise
    # They were different applications': none takes another's place, and all go in the end.
    an_hour_later(sessions)
    assert deliver(sessions) == 10


def test_what_the_bureau_decides_goes_at_once(sessions: Sessions) -> None:
    for revision in range(1, USUAL.address + 5):
        accept(sessions, received(uuid4(), revision))
        deliver(sessions)
    to = Person(name="第三人", email="third@example.com", enterprise=factories.ENTERPRISE_1[0])
    with sessions.begin() as session:
        ledger.accept(session, factories.returned_event(to=to), "noreply@gm.example.cn")
    assert deliver(sessions) == 1


def test_the_synthetic_applicant_is_told_every_minute_and_forgotten_after_an_hour(sessions: Sessions) -> None:
    first = uuid4()
    accept(sessions, received(first, 1, "synthetic@example.com", ENTERPRISE))
    for _ in range(USUAL.enterprise + 5):
        accept(sessions, received(uuid4(), 1, "synthetic@example.com", ENTERPRISE))
    assert deliver(sessions) == USUAL.enterprise + 6
    with sessions.begin() as session:
        mine = Notification.enterprise == ENTERPRISE
        back = Notification.accepted_at - KEPT - timedelta(seconds=1)
        session.execute(update(Notification).where(mine).values(accepted_at=back))
    accept(sessions, received(uuid4(), 1, "synthetic@example.com", ENTERPRISE))
    with sessions.begin() as session:
        left = session.scalars(select(Notification).where(Notification.enterprise == ENTERPRISE)).all()
        assert {row.channel for row in left} == {"email", "inbox"}
        assert len(left) == 2

"""A mail server that fails in every way a mail server does: what is visible, who is told instead, who need not wait."""

import datetime
import ipaddress
import ssl
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.delivery import Delivery
from services.notify.models import Domain, Notification
from shared.messages import Person
from tests import factories
from tests.integration.notify.conftest import Another
from tests.system.mail_server import CUT, SILENT, MailServer

Sessions = sessionmaker[Session]
ENTERPRISE = factories.ENTERPRISE_1[0]


def person(address: str | None, name: str = "李响") -> Person:
    return Person(name=name, email=address, enterprise=ENTERPRISE)


def accept(sessions: Sessions, **changes: object) -> ledger.AnyEvent:
    event = factories.returned_event(**changes)
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn")
    return event


def row(sessions: Sessions, event: ledger.AnyEvent) -> Notification:
    with sessions() as session:
        return session.get_one(Notification, (event.event_id, "email"))


def drain(delivery: Delivery, sessions: Sessions, event: ledger.AnyEvent, seconds: float = 10) -> Notification:
    until = time.monotonic() + seconds
    while (found := row(sessions, event)).state == "pending" and time.monotonic() < until:
        if not delivery.deliver(limit=10):
            time.sleep(0.02)
    return found


def due_now(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(update(Notification).values(next_at=datetime.datetime.now(datetime.UTC)))


def test_the_servers_own_words_are_kept(sessions: Sessions, delivery: Delivery, mail_server: MailServer) -> None:
    mail_server.refusals = ["451 4.3.0 busy"]
    found = drain(delivery, sessions, accept(sessions))
    assert (found.state, found.answer) == ("sent", "250 kept")
    assert [(t["outcome"], t["answer"], t["address"]) for t in found.tried] == [
        ("deferred", "451 4.3.0 busy", "lixiang@example.com"),
        ("accepted", "250 kept", "lixiang@example.com"),
    ]


def test_an_address_that_does_not_exist_hands_over_to_the_next(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.domains["gone.example"] = "550 5.1.1 no such user"
    event = accept(sessions, to=person("a@gone.example"), fallback=person("handler@example.com", "经办人"))
    found = drain(delivery, sessions, event)
    assert found.state == "sent"
    assert [(t["address"], t["outcome"]) for t in found.tried] == [
        ("a@gone.example", "refused"), ("handler@example.com", "accepted"),
    ]  # fmt: skip
    assert [m["To"] for m in mail_server.messages] == ["经办人 <handler@example.com>"]
    alone = drain(delivery, sessions, accept(sessions, to=person("b@gone.example")))
    assert (alone.state, alone.last_error) == ("undeliverable", "550 5.1.1 no such user")


def test_who_has_no_address_is_reached_by_the_other(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    found = drain(delivery, sessions, accept(sessions, to=person(None), fallback=person("h@example.com")))
    assert (found.state, len(mail_server.messages)) == ("sent", 1)


INJECTED = "\r\nBcc: thief@example.com\r\n\r\n<b>x</b>\r\n.\r\nMAIL FROM:<y@example.com>\r\n"


def test_nothing_that_somebody_typed_becomes_a_header_or_a_command(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    event = accept(sessions, to=person("lixiang@example.com", f"李响{INJECTED}"), project_name=f"景泰蓝{INJECTED}")
    assert drain(delivery, sessions, event).state == "sent"
    [message] = mail_server.messages
    assert mail_server.recipients == [["lixiang@example.com"]]
    assert message["Bcc"] is None
    assert [a.addr_spec for a in message["To"].addresses] == ["lixiang@example.com"]
    # Told as text, on one line, where it belongs.
    assert "景泰蓝 Bcc: thief@example.com <b>x</b> . MAIL FROM:<y@example.com>" in message["Subject"]
    html = message.get_body(("html",))
    assert html is not None
    assert "<b>x</b>" not in html.get_content()
    # And an address that is more than one is none.
    bad = accept(sessions, to=person("a@example.com>\r\nRCPT TO:<thief@example.com"))
    found = drain(delivery, sessions, bad)
    assert (found.state, len(mail_server.messages)) == ("undeliverable", 1)
    assert "不是邮箱地址" in (found.last_error or "")


def test_a_failing_domain_holds_up_nobody_else(
    sessions: Sessions, another: Another, mail_server: MailServer
) -> None:
    # Long enough that no slow machine comes to the second look.
    delivery = another(mail_server.url, notify_retry_seconds=600)
    mail_server.domains["full.example"] = "452 4.2.2 mailbox full"
    failing = [accept(sessions, to=person(f"{n}@full.example")) for n in range(30)]
    others = [accept(sessions, to=person(f"{n}@example.com")) for n in range(5)]
    rounds = 0
    while any(row(sessions, e).state == "pending" for e in others) and rounds < 10:
        delivery.deliver(limit=10)
        rounds += 1
    assert len(mail_server.messages) == 5
    # One look at the domain for all of its mails, not one each.
    with sessions() as session:
        assert session.get_one(Domain, "full.example").last_error == "452 4.2.2 mailbox full"
    assert sum(len(row(sessions, e).tried) for e in failing) < 30
    mail_server.domains.clear()
    with sessions.begin() as session:
        session.execute(update(Domain).values(retry_at=datetime.datetime.now(datetime.UTC)))
    due_now(sessions)
    for event in failing:
        assert drain(delivery, sessions, event).state == "sent"
    with sessions() as session:
        assert session.get(Domain, "full.example") is None


def test_one_domain_never_keeps_every_sender_busy(sessions: Sessions) -> None:
    for n in range(5):
        accept(sessions, to=person(f"{n}@slow.example"))
    quick = accept(sessions)
    with sessions.begin() as session:
        first = ledger.claim(session, timedelta(seconds=60), limit=2, per_domain=2)
    with sessions.begin() as session:
        second = ledger.claim(session, timedelta(seconds=60), limit=10, per_domain=2)
    assert {c.domain for c in first} == {"slow.example"}
    assert [c.event.event_id for c in second] == [quick.event_id]


def test_a_server_that_is_away_counts_as_nobodys_failure(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.stop()
    events = [accept(sessions, to=person(f"{n}@example.com")) for n in range(5)]
    for _ in range(4):
        due_now(sessions)
        delivery.deliver(limit=10)
    for event in events:
        found = row(sessions, event)
        assert (found.state, found.attempts, found.tried) == ("pending", 0, [])
        assert "ConnectionRefused" in (found.last_error or "")
    with sessions() as session:
        assert session.get(Domain, "example.com") is None
    mail_server.start()
    due_now(sessions)
    for event in events:
        assert drain(delivery, sessions, event).state == "sent"
    assert len(mail_server.messages) == 5


def test_a_server_that_falls_silent_is_waited_for_no_longer_than_said(
    sessions: Sessions, another: Another, mail_server: MailServer
) -> None:
    mail_server.refusals = [SILENT]
    delivery = another(mail_server.url, timeout=2)
    event = accept(sessions)
    began = time.monotonic()
    delivery.deliver()
    assert time.monotonic() - began < 5.5
    found = row(sessions, event)
    assert (found.state, found.tried[-1]["outcome"]) == ("pending", "deferred")
    assert drain(delivery, sessions, event).state == "sent"
    assert len(mail_server.messages) == 1


def test_a_mail_whose_answer_was_lost_may_come_twice_and_says_so(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    mail_server.refusals = [CUT]
    event = accept(sessions)
    assert drain(delivery, sessions, event).state == "sent"
    # SMTP cannot tell; whoever reads it can, by the same Message-ID.
    assert [m["Message-ID"] for m in mail_server.messages] == [f"<{event.event_id}@gm.example.cn>"] * 2


def test_a_connection_that_was_closed_meanwhile_costs_nothing(
    sessions: Sessions, delivery: Delivery, mail_server: MailServer
) -> None:
    assert drain(delivery, sessions, accept(sessions)).state == "sent"
    mail_server.stop()
    mail_server.start()
    event = accept(sessions)
    delivery.deliver()
    assert (row(sessions, event).state, row(sessions, event).attempts) == ("sent", 1)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "smtp.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


def test_no_mail_goes_in_the_clear_where_tls_is_required(
    sessions: Sessions,
    another: Another,
    mail_server: MailServer,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encrypted = mail_server.url.replace("smtp://", "smtp+starttls://")
    event = accept(sessions)
    # The server offers no encryption: we send nothing.
    another(encrypted).deliver()
    assert "加密" in (row(sessions, event).last_error or "")
    mail_server.stop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    mail_server.start(tls_context=context, require_starttls=True)
    # It requires encryption, and we were not told to.
    due_now(sessions)
    another(mail_server.url).deliver()
    assert "530" in (row(sessions, event).last_error or "")
    # Its certificate is nobody's that we know.
    due_now(sessions)
    another(encrypted).deliver()
    assert "CERTIFICATE_VERIFY_FAILED" in (row(sessions, event).last_error or "")
    assert (row(sessions, event).state, row(sessions, event).attempts) == ("pending", 0)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    due_now(sessions)
    assert drain(another(encrypted), sessions, event).state == "sent"
    assert len(mail_server.messages) == 1


def test_what_failed_together_does_not_come_again_together() -> None:
    pauses = {ledger.pause_of(timedelta(seconds=10), 3).total_seconds() for _ in range(50)}
    assert len(pauses) > 40
    assert min(pauses) >= 30
    assert max(pauses) <= 50
    assert ledger.pause_of(timedelta(seconds=10), 60) <= ledger.LONGEST_PAUSE * 1.25

"""notify on a real database and a mail server that refuses when told to."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from services.notify.channels import Email
from services.notify.delivery import Delivery
from services.notify.models import Domain, Notification, Unsubscribed
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from shared.database import engine
from tests import factories
from tests.system.mail_server import MailServer

Another = Callable[..., Delivery]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


def make_settings(database_url: str, smtp_url: str, **changes: Any) -> NotifySettings:
    values = {
        "database_url": database_url,
        "broker_url": "redis://127.0.0.1:1/0",
        "applications_url": "http://127.0.0.1:9",
        "public_url": "http://127.0.0.1:8080",
        "smtp_url": smtp_url,
        "mail_from": "工美资金管理系统 <noreply@gm.example.cn>",
        "signing_key": factories.private_key("notify"),
        "trusted_keys": factories.trusted_keys(),
        "notify_retry_seconds": 0.05,
        **changes,
    }
    return NotifySettings(**values)


@pytest.fixture
def settings(database_url: str, mail_server: MailServer) -> NotifySettings:
    return make_settings(database_url, mail_server.url)


@pytest.fixture
def sessions(settings: NotifySettings) -> Iterator[sessionmaker[Session]]:
    database = engine(settings)
    made = sessionmaker(database, expire_on_commit=False)
    with made.begin() as session:
        for table in (Notification, Domain, Unsubscribed):
            session.execute(delete(table))
    yield made
    database.dispose()


@pytest.fixture
def another(sessions: sessionmaker[Session], settings: NotifySettings) -> Iterator[Another]:
    """Makes deliveries that hand over to a server of this URL."""
    made: list[SmtpSender] = []

    def make(url: str, timeout: float = 5, **changes: float) -> Delivery:
        made.append(SmtpSender(url, timeout))
        changed = settings.model_copy(update=changes)
        return Delivery(sessions, [Email(made[-1], changed)], changed)

    yield make
    for sender in made:
        sender.close_all()


@pytest.fixture
def delivery(another: Another, settings: NotifySettings) -> Delivery:
    return another(settings.smtp_url.get_secret_value())

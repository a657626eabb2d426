"""notify on a real database and a mail server that refuses when told to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from services.notify import __main__ as commands
from services.notify.delivery import Delivery
from services.notify.models import Notification
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from shared.database import engine, migrate
from tests import factories
from tests.system.mail_server import MailServer


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


@pytest.fixture(scope="module")
def migrated_url(database_url: str) -> str:
    migrate(
        make_settings(database_url, "smtp://127.0.0.1:9"), Path(commands.__file__).parent / "migrations", "notify"
    )
    return database_url


@pytest.fixture
def settings(migrated_url: str, mail_server: MailServer) -> NotifySettings:
    return make_settings(migrated_url, mail_server.url)


@pytest.fixture
def sessions(settings: NotifySettings) -> Iterator[sessionmaker[Session]]:
    database = engine(settings)
    made = sessionmaker(database, expire_on_commit=False)
    with made.begin() as session:
        session.execute(delete(Notification))
    yield made
    database.dispose()


@pytest.fixture
def delivery(sessions: sessionmaker[Session], settings: NotifySettings) -> Delivery:
    return Delivery(sessions, SmtpSender(settings.smtp_url.get_secret_value(), 5), settings)

"""notify on a real database, with a mail server whose answers a test writes down beforehand."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from deploy.embedded.ports import free_port
from services.notify import __main__ as commands
from services.notify.delivery import Delivery
from services.notify.models import Notification
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from shared.database import engine, migrate
from tests import factories


class MailServer:
    """Takes mails, after answering with `refusals` first, one a mail."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refusals: list[str] = []
        self._port = free_port()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 kept"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None


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

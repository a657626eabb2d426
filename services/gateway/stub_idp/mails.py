"""Send the platform's mails: stored in the transaction that they tell of (an outbox), sent by a sweep, retried until sent."""

import asyncio
import logging
import smtplib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.models import StubMail
from shared import clock

log = logging.getLogger(__name__)

SENDER = "yztyunwei@bjca.org.cn"
SIGNATURE = "\n\n统一身份认证平台（演示）\n登录注册问题咨询热线：010-58511090　邮箱：yztyunwei@bjca.org.cn\n"
SWEEP_SECONDS = 1.0
GIVE_UP = 20


def owe(session: AsyncSession, recipient: str, subject: str, text: str) -> None:
    """A mail to send once this transaction is committed."""
    session.add(StubMail(id=uuid4(), recipient=recipient, subject=subject, text=text + SIGNATURE))


async def sweeping(app: web.Application) -> AsyncIterator[None]:
    """Send what is owed as long as the application runs."""
    task = asyncio.create_task(_sweep(app))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _sweep(app: web.Application) -> None:
    url = app[SETTINGS].stub_smtp_url
    while True:
        try:
            while url and await _send_one(app, url.get_secret_value()):
                pass
        except SQLAlchemyError:
            log.warning("the platform's mails wait for the database", exc_info=True)
        await asyncio.sleep(SWEEP_SECONDS)


async def _send_one(app: web.Application, url: str) -> bool:
    async with app[DATABASE].begin() as session:
        mail = await session.scalar(
            select(StubMail)
            .where(StubMail.sent_at.is_(None), StubMail.next_at <= clock.now(), StubMail.attempts < GIVE_UP)
            .order_by(StubMail.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if mail is None:
            return False
        mail.attempts += 1
        try:
            await asyncio.to_thread(_send, url, mail.recipient, mail.subject, mail.text, f"<{mail.id}@stub-idp>")
        except (smtplib.SMTPException, OSError) as error:
            log.warning("a mail of the platform did not go", extra={"reason": repr(error)})
            mail.next_at = clock.now() + timedelta(seconds=min(600, 5 * 2**mail.attempts))
        else:
            mail.sent_at = clock.now()
            # What it said is for its reader.
            mail.text = ""
    return True


def _send(url: str, recipient: str, subject: str, text: str, message_id: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, recipient, subject
    message["Message-ID"], message["Auto-Submitted"] = message_id, "auto-generated"
    message.set_content(text)
    parts = urlsplit(url)
    with smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=10) as smtp:
        smtp.send_message(message)

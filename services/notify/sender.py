"""Handing a mail to an SMTP server, and a sender that remembers instead.

SMTP cannot promise exactly once: a server may have taken a mail whose confirmation never reached us. Every
attempt therefore carries the same Message-ID.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit


class NotNow(Exception):
    """The server does not take it at this moment (4xx, no connection, a time-out): try again."""


class Never(Exception):
    """The server will not take it (5xx): trying again changes nothing."""


class Sender(Protocol):
    """Sends one message, or raises `NotNow` or `Never`."""

    def send(self, message: EmailMessage) -> None: ...


def compose(
    *, sender: str, name: str, address: str, subject: str, text: str, html: str, message_id: str
) -> EmailMessage:
    """A message of text and HTML; `Never` for an address no mail can go to."""
    message = EmailMessage()
    try:
        shown, own = parseaddr(sender)
        message["From"] = Address(shown, addr_spec=own)
        message["To"] = Address(" ".join(name.split()), addr_spec=address)
    except (ValueError, IndexError) as error:
        raise Never(f"不是邮箱地址：{address}") from error
    message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = message_id
    # No holiday replies and no loops.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


class SmtpSender:
    """One connection a mail: few mails, and nothing to keep alive between them."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._timeout = timeout

    def greet(self) -> str:
        """As far as one can go without a mail: connect, encrypt, sign in. What the server says of itself."""
        with self._connection() as smtp:
            self._enter(smtp)
            _, said = smtp.ehlo()
            return said.decode(errors="replace").splitlines()[0]

    def _enter(self, smtp: smtplib.SMTP) -> None:
        if self._scheme == "smtp+starttls":
            smtp.starttls(context=ssl.create_default_context())
        if self._user is not None:
            smtp.login(self._user, self._password)

    def send(self, message: EmailMessage) -> None:
        try:
            with self._connection() as smtp:
                self._enter(smtp)
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise _verdict(code, reason) from error
        except smtplib.SMTPAuthenticationError as error:
            # Our own password, not this mail's fault: an operator mends it and nothing is lost.
            raise NotNow(f"登录邮件服务器失败：{error.smtp_code}") from error
        except smtplib.SMTPResponseException as error:
            raise _verdict(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as error:
            raise Never(f"邮件服务器不支持该地址：{error}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error

    def _connection(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)


def _verdict(code: int, reason: bytes | str) -> NotNow | Never:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return (Never if 500 <= code < 600 else NotNow)(f"{code} {text}"[:500])


@dataclass
class MemorySender:
    """Keeps what it is given. `refusals` are raised first, one a mail."""

    messages: list[EmailMessage]
    refusals: list[NotNow | Never]

    def send(self, message: EmailMessage) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.messages.append(message)

"""Send mails to an SMTP server, or keep them in memory (tests).

SMTP cannot promise exactly once: a server may have taken a mail whose confirmation never reached us. Every
attempt therefore carries the same Message-ID.
"""

import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit

from services.notify.composing import Envelope


class NotNow(Exception):
    """This mail is not taken at this moment (4xx, a time-out while it was handed over): try again."""


class Away(NotNow):
    """The server does not answer, or does not let us in: no mail's fault, and no mail goes now."""


class Never(Exception):
    """This mail will not be taken for this address (5xx): trying again changes nothing."""


class Sender(Protocol):
    """Sends one mail and gives the server's answer; raises `Away`, `NotNow` or `Never`."""

    def send(self, mail: Envelope) -> str: ...


@dataclass(eq=False)
class _Connection:
    """An open connection: when it was used last, and for how many mails."""

    smtp: smtplib.SMTP
    used_at: float = 0.0
    mails: int = 0


class SmtpSender:
    """Sends over SMTP. Threads may share one. Connections are kept while mails follow one another: most of a mail's cost is
    coming and going."""

    # Servers close what idles, and some limit the mails of a connection.
    IDLE_SECONDS = 5.0
    MAILS = 100

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._timeout = timeout
        self._idle: list[_Connection] = []

    def greet(self) -> str:
        """Connect, encrypt and sign in. What the server says of itself."""
        with self._open() as smtp:
            _, said = smtp.ehlo()
            return said.decode(errors="replace").splitlines()[0]

    def send(self, mail: Envelope) -> str:
        try:
            if kept := self._kept():
                # It may have been closed at the other end; then the mail had not begun to go.
                with suppress(_Lost):
                    return self._hand_over(kept, mail)
            return self._hand_over(_Connection(self._open()), mail)
        except _Lost as lost:
            raise Away(str(lost)) from lost
        except smtplib.SMTPAuthenticationError as error:
            # Our own password, not this mail's fault: an operator mends it and nothing is lost.
            raise Away(f"登录邮件服务器失败：{error.smtp_code}") from error
        except smtplib.SMTPResponseException as error:
            raise Away(_said(error.smtp_code, error.smtp_error)) from error
        except OSError as error:
            raise Away(f"{type(error).__name__}: {error}") from error

    def _kept(self) -> _Connection | None:
        """Take a kept connection that is neither idle for too long nor used too often; None when there is none."""
        with suppress(IndexError):
            while kept := self._idle.pop():
                if time.monotonic() - kept.used_at <= self.IDLE_SECONDS and kept.mails < self.MAILS:
                    return kept
                kept.smtp.close()
        return None

    def _hand_over(self, connection: _Connection, mail: Envelope) -> str:
        """Send one mail and give the server's answer. `sendmail` of smtplib keeps it to itself, and does not say whether the mail was on its way when the
        connection broke."""
        smtp, on_its_way = connection.smtp, False
        try:
            code, said = smtp.docmd("MAIL", f"FROM:<{mail.sender}>")
            if code != 250:
                # It speaks, and does not let us in: who we are, or how busy it is.
                smtp.close()
                raise Away(_said(code, said))
            code, said = smtp.docmd("RCPT", f"TO:<{mail.to}>")
            if code in (250, 251):
                on_its_way = True
                try:
                    code, said = smtp.data(mail.content)
                except smtplib.SMTPDataError as error:
                    code, said = error.smtp_code, error.smtp_error  # type: ignore[assignment]  # bytes, says smtplib
            if code != 250:
                with suppress(OSError):
                    smtp.rset()
        except OSError as error:
            smtp.close()
            raise (NotNow if on_its_way else _Lost)(f"{type(error).__name__}: {error}") from error
        connection.used_at, connection.mails = time.monotonic(), connection.mails + 1
        self._idle.append(connection)
        if code != 250:
            raise _verdict(code, said)
        return _said(code, said)

    def _open(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            opened = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._scheme == "smtp+starttls":
                opened.starttls(context=ssl.create_default_context())
            opened.ehlo_or_helo_if_needed()
            if self._user is not None:
                opened.login(self._user, self._password)
        except smtplib.SMTPNotSupportedError as error:
            # It would have to go in the clear: an operator's business, no mail's.
            opened.close()
            raise Away(f"邮件服务器不提供所要求的加密或登录方式：{error}") from error
        except BaseException:
            opened.close()
            raise
        return opened

    def close_all(self) -> None:
        """End every connection, once nobody sends any more."""
        while self._idle:
            self._idle.pop().smtp.close()


class _Lost(Exception):
    """The connection broke before the mail was on its way: it can be sent again without being sent twice."""


def _said(code: int, reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return f"{code} {text}"[:500]


def _verdict(code: int, reason: bytes | str) -> NotNow | Never:
    return (Never if 500 <= code < 600 else NotNow)(_said(code, reason))


@dataclass
class MemorySender:
    """Keeps the mails it is given. `refusals` are raised first, one a mail."""

    mails: list[Envelope]
    refusals: list[NotNow | Never] = field(default_factory=list)

    def send(self, mail: Envelope) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.mails.append(mail)
        return "250 kept"

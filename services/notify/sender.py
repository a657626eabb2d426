"""Handing mails to an SMTP server, and a sender that remembers instead.

SMTP cannot promise exactly once: a server may have taken a mail whose confirmation never reached us. Every
attempt therefore carries the same Message-ID.
"""

import smtplib
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from services.notify.composing import Envelope


class NotNow(Exception):
    """This mail is not taken at this moment (4xx, a time-out while it was handed over): try again."""


class Away(NotNow):
    """The server does not answer, or does not let us in: no mail's fault, and no mail goes now."""


class Never(Exception):
    """This mail will not be taken for this address (5xx): trying again changes nothing."""


class Sender(Protocol):
    """Sends one mail and gives the server's answer, or raises `Away`, `NotNow` or `Never`."""

    def send(self, mail: Envelope) -> str: ...


class _Remembering:
    """What an SMTP connection leaves unsaid: the answer to the mail, and whether the mail itself was on its way."""

    answer = ""
    handing_over = False

    # smtplib parses both addresses again, which takes longer than talking; ours were parsed when the mail was composed.
    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        return self._ask("mail", " ".join([f"FROM:<{sender}>", *options]))

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        return self._ask("rcpt", " ".join([f"TO:<{recip}>", *options]))

    def _ask(self, command: str, argument: str) -> tuple[int, bytes]:
        self.putcmd(command, argument)  # type: ignore[attr-defined]
        answer: tuple[int, bytes] = self.getreply()  # type: ignore[attr-defined]
        return answer

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.handing_over = True
        code, said = super().data(msg)  # type: ignore[misc]
        self.handing_over = False
        self.answer = f"{code} {said.decode(errors='replace')}"[:500]
        return code, said


class _Smtp(_Remembering, smtplib.SMTP):
    pass


class _SmtpSsl(_Remembering, smtplib.SMTP_SSL):
    pass


Connection = _Smtp | _SmtpSsl


@dataclass(eq=False)
class _Kept:
    """A thread's connection: when it was used last, and how often."""

    smtp: Connection | None = None
    used_at: float = 0.0
    mails: int = 0


class SmtpSender:
    """A connection for each thread, kept while mails follow one another: most of a mail's cost is coming and going."""

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
        self._local = threading.local()
        self._every: set[_Kept] = set()

    def greet(self) -> str:
        """As far as one can go without a mail: connect, encrypt, sign in. What the server says of itself."""
        with self._open() as smtp:
            _, said = smtp.ehlo()
            return said.decode(errors="replace").splitlines()[0]

    def send(self, mail: Envelope) -> str:
        kept = self._kept()
        if kept.smtp is not None and (
            time.monotonic() - kept.used_at > self.IDLE_SECONDS or kept.mails >= self.MAILS
        ):
            self.close()
        # A kept connection may have been closed at the other end; then the mail had not begun to go.
        why = ""
        for _ in range(1 if kept.smtp is None else 2):
            try:
                return self._hand_over(mail)
            except _Lost as lost:
                why = str(lost)
        raise Away(why)

    def _hand_over(self, mail: Envelope) -> str:
        kept = self._kept()
        smtp = kept.smtp
        try:
            if smtp is None:
                smtp = kept.smtp = self._open()
                kept.mails = 0
            smtp.sendmail(mail.sender, [mail.to], mail.content)
        except smtplib.SMTPRecipientsRefused as error:
            self._settle(smtp)
            code, reason = next(iter(error.recipients.values()))
            raise _verdict(code, reason) from error
        except smtplib.SMTPDataError as error:
            self._settle(smtp)
            raise _verdict(error.smtp_code, error.smtp_error) from error
        except Away:
            raise
        except smtplib.SMTPAuthenticationError as error:
            # Our own password, not this mail's fault: an operator mends it and nothing is lost.
            self.close()
            raise Away(f"登录邮件服务器失败：{error.smtp_code}") from error
        except smtplib.SMTPResponseException as error:
            # It speaks, and does not let us in: who we are, or how busy it is.
            self.close()
            raise Away(_said(error.smtp_code, error.smtp_error)) from error
        except (smtplib.SMTPException, OSError) as error:
            why, cut = f"{type(error).__name__}: {error}", smtp is not None and smtp.handing_over
            self.close()
            if cut:
                raise NotNow(why) from error
            raise _Lost(why) from error
        kept.used_at, kept.mails = time.monotonic(), kept.mails + 1
        return smtp.answer

    def _settle(self, smtp: Connection | None) -> None:
        """After a refusal the connection is good for the next mail, if the server thinks so."""
        kept = self._kept()
        kept.used_at, kept.mails = time.monotonic(), kept.mails + 1
        if smtp is not None:
            smtp.handing_over = False
            if smtp.sock is None:
                kept.smtp = None

    def _kept(self) -> _Kept:
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._local.kept = _Kept()
            self._every.add(kept)
        return kept

    def _open(self) -> Connection:
        if self._scheme == "smtps":
            opened: Connection = _SmtpSsl(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            opened = _Smtp(self._host, self._port, timeout=self._timeout)
        try:
            if self._scheme == "smtp+starttls":
                opened.starttls(context=ssl.create_default_context())
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

    def close(self) -> None:
        """End this thread's connection; the next mail opens another."""
        _end(self._kept())

    def close_all(self) -> None:
        """End every thread's connection, once nobody sends any more."""
        for kept in list(self._every):
            _end(kept)


def _end(kept: _Kept) -> None:
    smtp, kept.smtp, kept.mails = kept.smtp, None, 0
    if smtp is not None:
        smtp.close()


class _Lost(Exception):
    """The connection is gone before the mail was on its way."""


def _said(code: int, reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return f"{code} {text}"[:500]


def _verdict(code: int, reason: bytes | str) -> NotNow | Never:
    return (Never if 500 <= code < 600 else NotNow)(_said(code, reason))


@dataclass
class MemorySender:
    """Keeps what it is given. `refusals` are raised first, one a mail."""

    mails: list[Envelope]
    refusals: list[NotNow | Never] = field(default_factory=list)

    def send(self, mail: Envelope) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.mails.append(mail)
        return "250 kept"

"""Compose a mail as the bytes that go to the server (RFC 5322, 2045 to 2047).

All our mails have one shape: the same headers, a text, and the same as HTML. The standard library's generators are made for any
shape and take nine to thirty-five times as long (docs/decisions/0128).
"""

import base64
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import formatdate, parseaddr
from functools import lru_cache

from shared.text.identifiers import mail_address

# No line of base64 begins like this one.
_BOUNDARY = "=_gongmei"
# Characters in one encoded word: 9 are at most 36 bytes, and with a header's name the line stays within 76.
_WORD = 9


class NoAddress(Exception):
    """No mail can go there."""


@dataclass(frozen=True)
class Envelope:
    """A finished mail, and between whom it goes."""

    sender: str
    to: str
    content: bytes


def compose(
    *,
    sender: str,
    name: str,
    address: str,
    subject: str,
    text: str,
    html: str,
    message_id: str,
    unsubscribe: str | None = None,
) -> Envelope:
    """Compose a mail of text and HTML; `NoAddress` for an address no mail can go to. `unsubscribe` is where a reminder's reader
    wants no more of them (RFC 8058: one click)."""
    shown, own = _parsed(sender)
    try:
        to = Address(addr_spec=mail_address(address)).addr_spec
    except (ValueError, IndexError) as error:
        raise NoAddress(address) from error
    lines = [
        f"From: {_mailbox(shown, own)}",
        f"To: {_mailbox(_words(name), to)}",
        f"Subject: {_words(subject)}",
        f"Date: {formatdate(usegmt=True)}",
        f"Message-ID: {message_id}",
        # No holiday replies and no loops.
        "Auto-Submitted: auto-generated",
    ]
    if unsubscribe is not None:
        lines += [f"List-Unsubscribe: <{unsubscribe}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    lines += [
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"',
        "",
        *_part("plain", text),
        *_part("html", html),
        f"--{_BOUNDARY}--",
        "",
    ]
    return Envelope(own, to, "\r\n".join(lines).encode("ascii"))


@lru_cache
def _parsed(sender: str) -> tuple[str, str]:
    shown, own = parseaddr(sender)
    return _words(shown), own


def _words(text: str) -> str:
    """Write a text as encoded words, always: nothing that somebody typed stands in a header as it is."""
    line = " ".join(text.split())
    words = (line[n : n + _WORD].encode() for n in range(0, len(line), _WORD))
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def _mailbox(words: str, address: str) -> str:
    # An address may be long, and a line should not.
    return f"{words}\r\n <{address}>" if words else address


def _part(kind: str, text: str) -> list[str]:
    lines = "\r\n".join(text.replace("\r\n", "\n").split("\n"))
    return [
        f"--{_BOUNDARY}",
        f"Content-Type: text/{kind}; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(lines.encode()).decode().replace("\n", "\r\n"),
    ]

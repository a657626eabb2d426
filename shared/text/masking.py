"""Mask a number: of ID numbers and mobiles 3+4 digits are shown, of accounts and everything else the last 4."""

import re

from shared.text.identifiers import plain

_ID = re.compile(r"\d{17}[\dX]", re.I)
_MOBILE = re.compile(r"1[3-9]\d{9}")
# In running text: never a part of a longer word, so that ids of our own are left alone.
_IN_TEXT = re.compile(r"(?<![0-9A-Za-z_-])(?:\d{17}[\dXx]|1[3-9]\d{9}|\d{12,32})(?![0-9A-Za-z_-])")


def mask(text: str) -> str:
    """Return a sensitive value as it may be shown: `110***********1237`, `138****8000`, `****0001`."""
    value = plain(text)
    if _ID.fullmatch(value) or _MOBILE.fullmatch(value):
        return f"{value[:3]}{'*' * (len(value) - 7)}{value[-4:]}"
    return f"****{value[-4:]}" if len(value) > 4 else "****"


def scrub(text: str) -> str:
    """Running text (a line of a log) with every such number masked."""
    return _IN_TEXT.sub(lambda found: mask(found[0]), text)

"""Say which characters a document can show: those that one of its fonts has a glyph for.

`printable.txt` lists them in ranges; `python -m services.documents.coverage` writes it from the installed fonts, and a
test holds it to them. 保存表单 refuses what is not listed, with its place; the documents worker sets a visible code in
the place of what was saved before.
"""

import re
from bisect import bisect_right
from functools import cache
from pathlib import Path

from shared.text.typed_text import without_marks

TABLE = Path(__file__).with_name("printable.txt")
# What a text is laid out with.
_LAYOUT = "\n\t"
# Line breaks of other systems in what was saved before they were understood.
_BLANK = dict.fromkeys("\v\f\r\x85\u2028\u2029", " ")
# Direction marks of the same time: they turn all that follows in the paragraph.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@cache
def _ranges() -> tuple[list[int], list[int]]:
    lines = [line.split("-") for line in TABLE.read_text(encoding="ascii").split()]
    return [int(first, 16) for first, _ in lines], [int(last, 16) for _, last in lines]


def _shown(character: str) -> bool:
    if character in _LAYOUT or not without_marks(character):
        return True
    firsts, lasts = _ranges()
    at = bisect_right(firsts, ord(character)) - 1
    return at >= 0 and ord(character) <= lasts[at]


def unprintable(text: str) -> tuple[int, str] | None:
    """Return the place, counted from 1, and the first character that no font draws; None when all can be shown."""
    if text.isascii() and text.isprintable():
        return None
    bad = {character for character in set(text) if not _shown(character)}
    return next(((n, c) for n, c in enumerate(text, 1) if c in bad), None) if bad else None


def complaint(text: str) -> str | None:
    """Return in Chinese which character cannot be printed and where it stands, or None."""
    found = unprintable(text)
    if found is None:
        return None
    place, character = found
    return f"第 {place} 个字符“{character}”（U+{ord(character):04X}）无法打印，请删除或改用其他写法"


def marked(text: str) -> str:
    """Return the text with `〔U+1F600〕` in the place of what cannot be shown, so that nothing is missing unseen, and
    without direction marks."""
    text = text if text.isascii() else _TURNING.sub("", text)
    bad = {character for character in set(text) if not _shown(character)}
    return text.translate({ord(c): _BLANK.get(c, f"〔U+{ord(c):04X}〕") for c in bad}) if bad else text

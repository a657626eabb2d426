"""Read amounts and other numbers as people write them, and write them alike on every page, mail and paper.

A thousands mark counts only where thousands stand: `1,234.50` is a number, `12,5` has two readings and is refused with
both. Nothing is ever guessed, because a wrong guess multiplies an amount by ten or by a thousand.
"""

import re
import unicodedata
from decimal import Decimal

from shared.text.typed_text import with_hyphens, without_marks

_MARKS = "[, ]"
_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(\.[0-9]{0,30})?")
_MARKED = re.compile(rf"[+-]?[0-9]+(?:{_MARKS}+[0-9]*)+(\.[0-9]*)?")
_SHOWN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
# What is longer is no number that anybody typed.
LONGEST = 60


class NotANumber(ValueError):
    """The text is no number at all."""


class TwoReadings(NotANumber):
    """A mark stands where no thousands stand; the message gives both readings in Chinese."""


def read(text: str, *, unit: str | None = None) -> Decimal:
    """Return the number that a text says: full-width digits, invisible marks around it and U+2212 as minus are understood,
    and the `unit` may stand behind it. `TwoReadings` or `NotANumber`, each with a Chinese message."""
    if len(text) > LONGEST:
        raise NotANumber("应为数值，如 22.00")
    plain = with_hyphens(without_marks(unicodedata.normalize("NFKC", without_marks(text)))).strip()
    if unit:
        plain = plain.removesuffix(unicodedata.normalize("NFKC", unit)).rstrip()
    plain = re.sub(r"\s", " ", re.sub(r"^([+-])\s+", r"\1", plain))
    if _PLAIN.fullmatch(plain):
        return Decimal(plain.rstrip("."))
    if _THOUSANDS.fullmatch(plain):
        return Decimal(re.sub(_MARKS, "", plain).rstrip("."))
    if _MARKED.fullmatch(plain):
        raise TwoReadings(_two_readings(plain))
    raise NotANumber("应为数值，如 22.00")


def _two_readings(plain: str) -> str:
    without = re.sub(_MARKS, "", plain)
    whole, *rest = re.split(f"{_MARKS}+", plain)
    point = f"{whole}.{''.join(rest).replace('.', '')}".rstrip(".")
    other = f"或 {point}" if point != without else "或少写了数字"
    return f"“{plain}”中的分隔号不在千位上，可读作 {without} {other}；请去掉分隔号，小数点写作“.”"


def show(value: object) -> str:
    """Write a number with its thousands marked and the decimals that it has: `1234.50` as `1,234.50`. What is no plain number,
    such as a masked value, stands as it is."""
    text = str(value)
    return f"{Decimal(text):,}" if _SHOWN.fullmatch(text) else text


def given(value: object) -> object:
    """Read a text that came over the wire as an amount, for pydantic; numbers pass as they are."""
    return read(value) if isinstance(value, str) else value

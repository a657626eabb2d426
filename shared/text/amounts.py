"""Read amounts and other numbers as people write them, and write them alike on every page, mail and paper.

A thousands mark counts only where thousands stand: `1,234.50` is a number, `12,5` has two readings and is refused with
both. Nothing is ever guessed, because a wrong guess multiplies an amount by ten or by a thousand.
"""

import re
import unicodedata
from decimal import Decimal, localcontext

from shared import codes
from shared.text.typed_text import with_hyphens, without_marks

_MARKS = "[, ]"
_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(\.[0-9]{0,30})?")
_MARKED = re.compile(rf"[+-]?[0-9]+(?:{_MARKS}+[0-9]*)+(\.[0-9]*)?")
_SHOWN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
# A number, and behind it what may be a unit.
_WITH_UNIT = re.compile(r"(?P<number>[+-]?[0-9][0-9, ]*(?:\.[0-9]*)?) ?(?P<unit>[^\W\d_][^\d.,]{0,7}|[%‰°])")
# Other ways to write a unit, in NFKC.
_SAME = {"平方米": ("m2", "平米", "平方")}
# Units of money, in yuan.
_YUAN = {
    "元": 1, "块": 1, "圆": 1, "千元": 10**3, "万": 10**4, "万元": 10**4, "百万": 10**6, "百万元": 10**6,
    "千万": 10**7, "千万元": 10**7, "亿": 10**8, "亿元": 10**8,
}  # fmt: skip
# What is longer is no number that anybody typed.
LONGEST = 60


class NotANumber(ValueError):
    """The text is no number at all."""


class Unclear(NotANumber):
    """The text is nearly a number; the message says in Chinese what to write. `code`: the stable error code."""

    code: str


class TwoReadings(Unclear):
    """A mark stands where no thousands stand; the message gives both readings."""

    code = codes.TWO_READINGS


class OtherUnit(Unclear):
    """A unit stands behind the number that is not the field's; the message gives the number in the field's unit, where it follows."""

    code = codes.OTHER_UNIT


def read(text: str, *, unit: str | None = None) -> Decimal:
    """Return the number that a text says: full-width digits, invisible marks around it and U+2212 as minus are understood,
    and the `unit` may stand behind it (of `件/套` either). `Unclear` or `NotANumber`, each with a Chinese message; another unit is
    never converted."""
    if len(text) > LONGEST:
        raise NotANumber("应为数值，如 22.00")
    plain = with_hyphens(without_marks(unicodedata.normalize("NFKC", without_marks(text)))).strip()
    for own in _ways_to_write(unit) if unit else ():
        if plain.endswith(own):
            plain = plain.removesuffix(own).rstrip()
            break
    plain = re.sub(r"\s", " ", re.sub(r"^([+-])\s+", r"\1", plain))
    if _PLAIN.fullmatch(plain):
        return Decimal(plain.rstrip("."))
    if _THOUSANDS.fullmatch(plain):
        return Decimal(re.sub(_MARKS, "", plain).rstrip("."))
    if _MARKED.fullmatch(plain):
        raise TwoReadings(_two_readings(plain))
    if found := _WITH_UNIT.fullmatch(plain):
        raise OtherUnit(_in_own_unit(read(found["number"]), found["unit"].rstrip(), unit))
    raise NotANumber("应为数值，如 22.00")


def _ways_to_write(unit: str) -> list[str]:
    """Return the unit, its parts (`件/套`), and what else is written for it; longer ones first."""
    own = unicodedata.normalize("NFKC", unit)
    return sorted({own, *filter(None, own.split("/")), *_SAME.get(own, ())}, key=len, reverse=True)


def _in_own_unit(number: Decimal, other: str, unit: str | None) -> str:
    """Say what to write: the number in the field's unit where both are money, else the number alone."""
    if unit is None:
        return f"本栏只填数字，不写“{other}”：{number}"
    if other in _YUAN and unit in _YUAN:
        with localcontext(prec=2 * LONGEST):
            meant = f"{number * _YUAN[other] / _YUAN[unit]:f}"
        return f"本栏以{unit}为单位：{meant.rstrip('0').rstrip('.') if '.' in meant else meant}"
    return f"本栏以{unit}为单位，不能填“{other}”，请换算后只填数字"


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

"""Define fields for performance targets (绩效目标) as offices write them: ≥20, ≤5%, 100%, 填补空白."""

import re
import unicodedata
from typing import Literal

from pydantic import Field

from services.applications.forms.kinds.base import Choices, Kind, Wrong, text_of
from shared import codes
from shared.text import amounts, printable

# What is written for a sign, longer ones first; in NFKC, which makes `＞=` one and takes `≥` as it is.
_SIGNS = {
    "不少于": "≥", "不低于": "≥", "不小于": "≥", "大于等于": "≥", "至少": "≥", ">=": "≥", "=>": "≥", "≥": "≥", "≧": "≥",
    "不超过": "≤", "不高于": "≤", "不大于": "≤", "不多于": "≤", "小于等于": "≤", "至多": "≤", "<=": "≤", "=<": "≤", "≤": "≤", "≦": "≤",
    "大于": ">", "超过": ">", "高于": ">", ">": ">", "小于": "<", "少于": "<", "低于": "<", "<": "<", "等于": "=", "=": "=",
}  # fmt: skip
_UNIT = r"(?P<unit>[^\d\s,.+\-~～至][^\d,]{0,9})?"
_TARGET = re.compile(
    rf"(?P<sign>{'|'.join(map(re.escape, sorted(_SIGNS, key=len, reverse=True)))})?\s*"
    rf"(?P<number>-?[0-9][0-9, ]*(?:\.[0-9]+)?)\s*{_UNIT}"
)
_KEPT = re.compile(r"(?P<sign>[≥≤><=]?)(?P<number>-?[0-9]+(?:\.[0-9]+)?)(?P<unit>.*)")
# Stands at its number without a gap.
_CLOSE = ("%", "‰", "°")


class TargetField(Kind):
    """A sign, a number and a unit (`≥1200件`), or words; kept in one spelling. Words are what begins with no number, a range
    (`5-10人`) or a day."""

    kind: Literal["target"]
    max: int = Field(default=50, ge=1, le=500)

    def parse(self, raw: object, choices: Choices) -> str:
        text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else text_of(raw)
        if "\n" in text:
            raise Wrong(codes.LINE_BREAK, "不能换行")
        if said := printable.complaint(text):
            raise Wrong(codes.UNPRINTABLE, said)
        if len(text) > self.max:
            raise Wrong(codes.TOO_LONG, f"最多 {self.max} 字，现为 {len(text)} 字")
        found = _TARGET.fullmatch(unicodedata.normalize("NFKC", text).strip())
        if not found or (found["unit"] or "").startswith(("年", "月", "日", "/", ":")):
            return text
        try:
            number = amounts.read(found["number"])
        except amounts.Unclear as error:
            raise Wrong(error.code, str(error)) from error
        except amounts.NotANumber:
            return text
        return f"{_SIGNS.get(found['sign'] or '', '')}{number:f}{(found['unit'] or '').strip()}"

    def show(self, value: object, choices: Choices) -> str:
        found = _KEPT.fullmatch(str(value))
        if not found or not _TARGET.fullmatch(str(value)):
            return str(value)
        unit = found["unit"]
        if unit.startswith(("年", "月", "日", "/", ":")):
            return str(value)
        gap = "" if not unit or unit.startswith(_CLOSE) else " "
        return f"{found['sign']}{amounts.show(found['number'])}{gap}{unit}"

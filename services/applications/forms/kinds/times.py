"""Define fields for days and years."""

import re
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from services.applications.forms.kinds.base import Choices, Kind, Wrong, text_of
from shared import clock, codes
from shared.text import identifiers


class DateField(Kind):
    """A day, kept as `YYYY-MM-DD`."""

    kind: Literal["date"]

    def parse(self, raw: object, choices: Choices) -> str:
        text = re.sub("[/.年月]", "-", identifiers.plain(text_of(raw)[:60])).removesuffix("日")
        if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", text):
            raise Wrong(codes.NOT_DATE, "应为日期，如 2026-05-31")
        try:
            day = date(*(int(part) for part in text.split("-")))
        except ValueError as error:
            raise Wrong(codes.NO_SUCH_DATE, "没有这一天，请核对") from error
        if day.year < 1900:
            raise Wrong(codes.TOO_EARLY, "年份过早，请核对")
        return day.isoformat()

    def show(self, value: Any, choices: Choices) -> str:
        return clock.show_long_date(date.fromisoformat(value))

    @property
    def type(self) -> str:
        return "date"


class MonthField(Kind):
    """A month of a year, kept as `YYYY-MM`. Formulas see its first day."""

    kind: Literal["month"]

    def parse(self, raw: object, choices: Choices) -> str:
        text = re.sub("[/.年]", "-", identifiers.plain(text_of(raw)[:60])).removesuffix("月")
        # A default such as `today` is a day.
        found = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})(?:-[0-9]{2})?", text)
        if not found or not 1 <= int(found[2]) <= 12:
            raise Wrong(codes.NOT_MONTH, "应为年月，如 2026-05")
        if int(found[1]) < 1900:
            raise Wrong(codes.TOO_EARLY, "年份过早，请核对")
        return f"{found[1]}-{int(found[2]):02d}"

    def show(self, value: Any, choices: Choices) -> str:
        year, _, month = value.partition("-")
        return f"{year}年{int(month)}月"

    def typed(self, value: Any) -> str:
        return f"{value}-01"

    @property
    def type(self) -> str:
        return "date"


class YearField(Kind):
    """A year between `min` and `max`."""

    kind: Literal["year"]
    min: int = 1900
    max: int = 2099

    def parse(self, raw: object, choices: Choices) -> int:
        ok = isinstance(raw, int | str) and not isinstance(raw, bool)
        text = identifiers.plain(str(raw)[:60]).removesuffix("年") if ok else ""
        if not re.fullmatch(r"[0-9]{4}", text):
            raise Wrong(codes.NOT_YEAR, "应为年份，如 2025")
        if not self.min <= int(text) <= self.max:
            raise Wrong(codes.NOT_YEAR, f"应为 {self.min} 至 {self.max} 之间的年份")
        return int(text)

    def typed(self, value: Any) -> Decimal:
        return Decimal(value)

    @property
    def type(self) -> str:
        return "number"

"""Count working days: as the State Council published them, else as an operator's file says, else Monday to Friday.

chinesecalendar knows the years that have been published. The file fills in later ones before the library does (and
goes before it): `{2027: {rest: [2027-01-01, …], work: [2027-02-06, …]}}`.
"""

import logging
from datetime import date, datetime, time, timedelta
from pathlib import Path

import chinese_calendar
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared import clock

log = logging.getLogger(__name__)

# When an office day ends: deadlines counted in working days fall on it.
CLOSING = time(18)


class Year(BaseModel):
    """Days of a year that are not what their weekday says."""

    model_config = ConfigDict(extra="forbid")

    rest: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()


_FILE = TypeAdapter(dict[int, Year])


class WorkingDays:
    """An office calendar. `ValueError` when the operator's file cannot be read."""

    def __init__(self, file: str = "") -> None:
        self._years: dict[int, Year] = {}
        if file:
            said = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
            self._years = _FILE.validate_python(said)
        self._warned: set[int] = set()

    def known(self, year: int) -> bool:
        """Tell whether the holidays of a year are known, and not only its weekends."""
        if year in self._years:
            return True
        try:
            chinese_calendar.is_workday(date(year, 1, 1))
        except NotImplementedError:
            return False
        return True

    def is_working(self, day: date) -> bool:
        if year := self._years.get(day.year):
            return day in year.work or (day.weekday() < 5 and day not in year.rest)
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            if day.year not in self._warned:
                self._warned.add(day.year)
                log.warning(
                    "holidays unknown: Monday to Friday are taken for working days", extra={"year": day.year}
                )
            return day.weekday() < 5

    def after(self, start: datetime, days: int) -> datetime:
        """Return the same time of day, so many working days later, on Beijing's calendar."""
        at = start.astimezone(clock.SHANGHAI)
        while days > 0:
            at += timedelta(days=1)
            days -= self.is_working(at.date())
        return at.astimezone(start.tzinfo)

    def closing(self, start: datetime, days: int) -> datetime:
        """Return the end of the office day that is so many working days later."""
        day = self.after(start, days)
        return datetime.combine(day.astimezone(clock.SHANGHAI).date(), CLOSING, clock.SHANGHAI)

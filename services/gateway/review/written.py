"""Read a return as somebody writes it, on its own page or beside the case: opinions, deadline, materials to be opened."""

from dataclasses import dataclass, field
from datetime import datetime, time

from services.gateway.web.form_data import Values, one
from shared import clock, codes
from shared.contract.review import ReturnPreview
from shared.errors import DomainError, Invalid, Malformed

ROWS = 1
MAX_ROWS = 100
WORKING_DAYS = (5, 10, 15, 20, 30)


@dataclass(frozen=True)
class Row:
    """One opinion as it was written: its place by its short name, a phrase, and words beside it."""

    place: str = ""
    phrase: str = ""
    text: str = ""

    @property
    def words(self) -> str:
        """The phrase and what was written beside it, in that order."""
        return "\n".join(part for part in (self.phrase.strip(), self.text.strip()) if part)


@dataclass(frozen=True)
class Until:
    """A deadline as it was typed, a day or a number of working days, and why."""

    day: str = ""
    working_days: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Written:
    """A return as it was written."""

    rows: list[Row]
    until: Until = field(default_factory=Until)
    unlock: list[str] = field(default_factory=list)
    # What noted opinions say now, by their ids.
    noted: dict[str, str] = field(default_factory=dict)
    # Whether it is written beside the case, and answered there.
    beside: bool = False


@dataclass(frozen=True)
class Draft:
    """A return as it stands beside its case, with what it would do and whether changes of noted opinions were just kept."""

    typed: Written
    preview: ReturnPreview | None = None
    kept: bool = False


def choices_of_days(proposed: int | None) -> list[int]:
    """Return the numbers of working days that a deadline is chosen from."""
    return sorted({*WORKING_DAYS, *filter(None, [proposed])})


def faults_of(error: DomainError | None) -> dict[int, list[str]]:
    """Mistakes by the row of the form they stand in; those of no row come under -1."""
    found: dict[int, list[str]] = {}
    for fault in error.errors if isinstance(error, Invalid) else []:
        parts = (fault.field or "").split(".")
        row = int(parts[1]) if parts[0] == "opinions" and len(parts) > 1 and parts[1].isdecimal() else -1
        found.setdefault(row, []).append(fault.message)
    return found


def read_written(form: Values) -> Written:
    columns = [form.get(name, []) for name in ("place", "phrase", "text")]
    length = min(max(map(len, columns), default=0), MAX_ROWS)
    padded = [[*column, *[""] * (length - len(column))][:length] for column in columns]
    rows = [Row(*row) for row in zip(*padded, strict=True)]
    noted = {name.removeprefix("noted."): one(form, name) for name in form if name.startswith("noted.")}
    return Written(rows, until(form), form.get("unlock", []), noted, one(form, "panel") == "1")


def until(form: Values) -> Until:
    return Until(one(form, "correct_by"), one(form, "working_days"), one(form, "reason"))


def deadline(typed: Until) -> dict[str, str | int]:
    """The end of the chosen office day in Beijing, or without one a number of working days; `Malformed` without either."""
    working_days = typed.working_days
    if working_days.strip() and not typed.day.strip():
        if not working_days.isascii() or not working_days.isdecimal() or not 1 <= int(working_days[:4]) <= 120:
            raise Malformed("工作日数应为 1 至 120。", code=codes.DEADLINE_REQUIRED)
        return {"working_days": int(working_days)}
    try:
        until = datetime.combine(datetime.fromisoformat(typed.day).date(), time(18), clock.SHANGHAI)
    except ValueError:
        raise Malformed("请选择补正期限。", code=codes.DEADLINE_REQUIRED) from None
    return {"correct_by": until.isoformat()}

"""Define the view models of a form page: controls, rows, tables, slots, each with its mistakes and notes."""

from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from shared.contract.checks import Obstacle
from shared.contract.forms import OptionDefinition
from shared.contract.returns import OpinionView
from shared.contract.sections import AttachmentView, EarlierFiles

# A section's values by key, as they were typed: texts, lists of texts, rows of them.
Typed = dict[str, Any]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Input:
    """One control with its label, value and what is said beside it."""

    name: str
    id: str
    label: str
    kind: str
    value: Any
    required: bool
    readonly: bool
    help: str | None
    unit: str | None
    options: list[OptionDefinition]
    error: str | None
    opinions: list[str]
    source: str | None = None
    hint: str | None = None
    max: int | None = None
    group: str | None = None
    text: str | None = None
    formatted: bool = False
    # The key of the choice beside it whose options it follows, and what those offer, as JSON.
    follows: str | None = None
    options_for: str = ""
    hidden: bool = False
    # Where its help stands; a cell's stands at the head of its column.
    help_at: str | None = None
    # For what earlier applications were often returned here.
    common: list[str] = field(default_factory=list)

    @property
    def calendar(self) -> bool:
        """Whether a calendar can show the value: what is no day yet is shown as it was typed, never as nothing."""
        return self.kind == "date" and (self.value == "" or _is_day(str(self.value)))

    @property
    def help_id(self) -> str:
        return self.help_at or f"{self.id}-help"

    @property
    def described(self) -> str:
        """The ids of what a screen reader says with the control."""
        ids = [self.help_id] if self.help or self.help_at else []
        ids += [f"{self.id}-error"] if self.error else []
        ids += [f"{self.id}-said-{n}" for n in range(1, len(self.opinions) + 1)]
        return " ".join(ids)


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    key_name: str
    key: str
    label: str | None
    cells: list[Input]
    error: str | None
    opinions: list[str]
    subtotal: bool = False
    # The heading that a free row stands below: the name of its input, and its key.
    level_name: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows below one heading; a table without headings is one group without a key."""

    key: str
    above: str
    name: str
    rows: list[Row]

    @property
    def label(self) -> str:
        return f"{self.above} · {self.name}"


@dataclass(frozen=True, slots=True)
class ColumnView:
    """The head of a column; `under` is the heading that it shares with its neighbours."""

    key: str
    label: str
    required: bool
    unit: str | None
    help: str | None
    help_id: str
    under: str | None = None
    places: int = 0


@dataclass(frozen=True, slots=True)
class TableView:
    key: str
    label: str
    help: str | None
    group: str | None
    row_label: str
    fixed: bool
    required: bool
    max_rows: int
    columns: list[ColumnView]
    # More columns than fit side by side: it has a place of its own to scroll in.
    wide: bool
    rows: list[Row]
    totals: list[str | None]
    total_label: str
    error: str | None
    opinions: list[str]
    source: str | None = None
    # Where its rows are those of another table, `section.table` of that: none is added or removed here; and what it is called.
    follows: str = ""
    followed: str = ""
    # Headings above free rows by key: of the first and of the second level.
    levels: dict[str, tuple[str, str]] = field(default_factory=dict)
    # What a script needs to work out computed cells and subtotals while one types, as JSON.
    figures: str = ""
    common: list[str] = field(default_factory=list)

    @property
    def free(self) -> bool:
        """Whether rows are added and removed here."""
        return not self.fixed and not self.follows

    @property
    def groups(self) -> list[RowGroup]:
        """The rows below their headings."""
        if not self.levels:
            return [RowGroup("", "", "", self.rows)]
        return [
            RowGroup(key, above, name, [row for row in self.rows if row.level == key])
            for key, (above, name) in self.levels.items()
        ]

    @property
    def over(self) -> list[tuple[str, list[ColumnView]]]:
        """The headings over the columns with those that they stand over; empty where no column has one."""
        if not any(column.under for column in self.columns):
            return []
        return [(under or "", list(columns)) for under, columns in groupby(self.columns, lambda c: c.under)]


@dataclass(frozen=True, slots=True)
class SlotView:
    key: str
    label: str
    required: bool
    help: str | None
    accept: list[str]
    max_mb: int
    max_files: int
    files: list[AttachmentView]
    error: str | None
    opinions: list[str]
    group: str | None
    # Where each row of a table has a file of its own: a place for each.
    rows: "list[SlotView] | None" = None
    of_table: str = ""
    followed: str = ""
    common: list[str] = field(default_factory=list)
    # What came by a telephone link and stands in no value yet.
    by_phone: list[AttachmentView] = field(default_factory=list)
    # What may be taken over from an earlier application.
    earlier: EarlierFiles | None = None

    @property
    def takes(self) -> list[str]:
        """What may be chosen: beside what is kept, pictures that are converted on the way (photographs to JPG, pictures to PDF)."""
        more = ["jpg", "jpeg", "png"] if "pdf" in self.accept else []
        photographs = ["heic", "heif"] if {"pdf", "jpg", "jpeg"} & set(self.accept) else []
        return list(dict.fromkeys([*self.accept, *more, *photographs]))

    @property
    def joins(self) -> bool:
        """Whether its files may be made one PDF."""
        return "pdf" in self.accept and self.max_files > 1


@dataclass(frozen=True, slots=True)
class SectionForm:
    inputs: list[Input]
    tables: list[TableView]
    slots: list[SlotView]
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Beside:
    """What is said at places of a section: mistakes and opinions, by (field, row, column)."""

    errors: dict[tuple[str | None, str | None, str | None], str] = field(default_factory=dict)
    opinions: dict[tuple[str | None, str | None], list[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    # For what earlier applications were often returned, by field.
    common: dict[str, list[str]] = field(default_factory=dict)
    # What may be taken over into slots that hold nothing, by slot.
    earlier: dict[str, EarlierFiles] = field(default_factory=dict)

    @classmethod
    def of(
        cls, errors: list[Obstacle], opinions: list[OpinionView], sources: dict[str, str], hints: dict[str, str]
    ) -> "Beside":
        said: dict[tuple[str | None, str | None], list[str]] = {}
        for opinion in opinions:
            said.setdefault((opinion.field, opinion.row), []).append(opinion.text)
        # The first of several mistakes at one place is the one to mend first.
        wrong = {(e.field, e.row, e.column): e.message for e in reversed(errors)}
        return cls(wrong, said, sources, hints)

    def error(self, field: str, row: str | None = None, column: str | None = None) -> str | None:
        return self.errors.get((field, row, column))

    def said(self, field: str, row: str | None = None) -> list[str]:
        return self.opinions.get((field, row), [])

"""A form's definition as pages read it: of `GET /forms/{fund_type}/{version}` the parts that people see. Conditions, formulas and checks
are the service's own matter."""

from functools import cached_property
from itertools import chain
from typing import Any, Self

from pydantic import BaseModel, model_validator


class OptionDefinition(BaseModel):
    """What is kept and what people read; a plain text is both."""

    value: str
    label: str

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return {"value": given, "label": given} if isinstance(given, str) else given


class FieldDefinition(BaseModel):
    """A field, or a column of a table. `options_from` names a list of the round's parameters, or the column
    whose cells are the options (`section.table.column`, listed in `SectionNow.options`); the form's own lists stand in `options`. `gives` is the type of a computed field."""

    key: str
    label: str
    kind: str
    required: bool
    help: str | None = None
    example: str | None = None
    group: str | None = None
    unit: str | None = None
    readonly: bool = False
    prefill: str | None = None
    options: list[OptionDefinition] | None = None
    options_from: str | None = None
    # Where the options are those of what is chosen in another field or column beside it: which one, and by its options those here.
    follows: str | None = None
    options_for: dict[str, list[OptionDefinition]] = {}
    # Of a text the most characters; of numbers a number in any form.
    max: Any = None
    text: str | None = None
    # Whether headings, lists and links of its text are set (`shared.text.formatted`).
    formatted: bool = False
    gives: str | None = None
    # Of a computed field the formula; of numbers the decimals.
    value: str | None = None
    places: int | None = None
    # Of a column: the heading that it shares with its neighbours.
    under: str | None = None

    @property
    def full_label(self) -> str:
        return f"{self.under} · {self.label}" if self.under else self.label

    def label_of(self, value: Any) -> Any:
        """Return the label of a choice; any other value as it is."""
        options = [*(self.options or ()), *chain.from_iterable(self.options_for.values())]
        return next((o.label for o in options if o.value == value), value)


class FixedRowDefinition(BaseModel):
    """A row that is always there; one that is `subtotal_of` others is not filled in."""

    key: str
    label: str
    subtotal_of: list[str] = []


class LevelDefinition(BaseModel):
    """A second-level heading; the free rows below it name its key as their `row`."""

    key: str
    label: str
    min_rows: int


class BranchDefinition(BaseModel):
    """A first-level heading with those below it."""

    label: str
    within: list[LevelDefinition]


class TableDefinition(BaseModel):
    key: str
    label: str
    required: bool
    help: str | None
    group: str | None
    columns: list[FieldDefinition]
    fixed_rows: list[FixedRowDefinition]
    row_label: str
    # `section.table` of the table whose rows these follow: the rows are those of `SectionNow.tables`, by the same ids.
    rows_from: str | None = None
    levels: list[BranchDefinition] = []
    level_labels: list[str] = []
    min_rows: int
    max_rows: int
    totals: list[str]
    total_label: str

    @property
    def level_names(self) -> dict[str, str]:
        """The headings above free rows, both in one, by the keys that the rows name."""
        return {level.key: f"{branch.label} · {level.label}" for branch in self.levels for level in branch.within}


class SlotDefinition(BaseModel):
    key: str
    label: str
    required: bool
    group: str | None
    accept: list[str]
    max_mb: int
    max_files: int
    # The table of the section for each of whose rows it asks one file (`SectionNow.file_rows`); its value is then the row's id by the file's.
    each_row: str | None = None
    help: str | None


class GroupDefinition(BaseModel):
    label: str
    help: str | None


class SectionDefinition(BaseModel):
    """One material."""

    key: str
    label: str
    title: str
    required: bool
    help: str | None
    text: str | None
    groups: list[GroupDefinition]
    fields: list[FieldDefinition]
    tables: list[TableDefinition]
    slots: list[SlotDefinition]


class FormDefinition(BaseModel):
    """One version of one fund type's form."""

    fund_type: str
    version: int
    label: str
    title: str
    lists: dict[str, list[OptionDefinition]]
    sections: list[SectionDefinition]

    @cached_property
    def by_key(self) -> dict[str, SectionDefinition]:
        return {section.key: section for section in self.sections}

    @model_validator(mode="after")
    def _with_own_lists(self) -> Self:
        """Let the options that several fields share stand in each of them; those of the round stay with the round."""
        for section in self.sections:
            for field in [*section.fields, *(c for t in section.tables for c in t.columns)]:
                if field.options_from in self.lists:
                    field.options, field.options_from = self.lists[field.options_from], None
        return self

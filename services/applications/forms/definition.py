"""What a form is: sections of fields, tables and attachment slots, and the checks across them."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.applications.forms.fields import FieldDefinition

Key = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FixedRow(Part):
    """A row that is always there; its `key` is what values and checks call it."""

    key: Key
    label: str


class Table(Part):
    """Rows of columns: free rows between `min_rows` and `max_rows`, or exactly the `fixed_rows`."""

    key: Key
    label: str
    group: str | None = None
    columns: tuple[FieldDefinition, ...]
    fixed_rows: tuple[FixedRow, ...] = ()
    row_label: str = "项目"
    min_rows: int = 1
    max_rows: int = 50
    # Columns whose sum stands under the table.
    totals: tuple[Key, ...] = ()
    total_label: str = "合计"


class Slot(Part):
    """A place for attachments."""

    key: Key
    label: str
    required: bool = True
    accept: tuple[Literal["pdf", "jpg", "jpeg", "png"], ...] = ("pdf", "jpg", "jpeg", "png")
    max_mb: int = 20
    max_files: int = 5
    help: str | None = None


class Section(Part):
    """One material of the list 项目申报材料."""

    key: Key
    label: str
    title: str
    required: bool = True
    text: str | None = None
    fields: tuple[FieldDefinition, ...] = ()
    tables: tuple[Table, ...] = ()
    slots: tuple[Slot, ...] = ()

    def table(self, key: str) -> Table | None:
        return next((t for t in self.tables if t.key == key), None)

    def slot(self, key: str) -> Slot | None:
        return next((s for s in self.slots if s.key == key), None)

    def field(self, key: str) -> FieldDefinition | None:
        return next((f for f in self.fields if f.key == key), None)


class Operand(Part):
    """One side of a check: a constant, a field's value, the sum or the distinct count of a column, a parameter
    of the round; `times` multiplies by a parameter of the round."""

    constant: Decimal | None = None
    value: str | None = None
    sum: str | None = None
    count_distinct: str | None = None
    round: str | None = None
    times: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        sources = [self.constant, self.value, self.sum, self.count_distinct, self.round]
        if sum(source is not None for source in sources) != 1:
            raise ValueError("an operand has exactly one of constant, value, sum, count_distinct, round")
        return self

    @property
    def path(self) -> str | None:
        return self.value or self.sum or self.count_distinct

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for name in (self.round, self.times) if name)


class Check(Part):
    """A rule between sections. `section` is where a person goes to mend it."""

    id: Key
    op: Literal["==", "<=", ">=", ">"]
    left: Operand
    right: Operand
    message: str
    severity: Literal["error", "warning"] = "error"
    section: Key


class Form(Part):
    """One version of one fund type's form. Published files never change."""

    fund_type: Key
    version: int = Field(gt=0)
    label: str
    title: str
    document_title: str
    # Where the project's name, the contact and the applied amount stand: `section.field`.
    project_name: str
    contact_name: str
    contact_email: str
    applied_amount: str
    sections: tuple[Section, ...]
    checks: tuple[Check, ...]

    def section(self, key: str) -> Section | None:
        return next((s for s in self.sections if s.key == key), None)

    @model_validator(mode="after")
    def _paths_lead_somewhere(self) -> Self:
        keys = [s.key for s in self.sections]
        if len(set(keys)) != len(keys):
            raise ValueError("section keys must be unique")
        for section in self.sections:
            inner = (
                [f.key for f in section.fields] + [t.key for t in section.tables] + [s.key for s in section.slots]
            )
            if len(set(inner)) != len(inner):
                raise ValueError(f"keys within {section.key} must be unique")
        for name in ("project_name", "contact_name", "contact_email", "applied_amount"):
            self._must_exist(getattr(self, name))
        for check in self.checks:
            for operand in (check.left, check.right):
                if operand.path:
                    self._must_exist(operand.path)
            if check.section not in keys:
                raise ValueError(f"check {check.id}: no section {check.section}")
        return self

    def _must_exist(self, path: str) -> None:
        match path.split("."):
            case [section, field]:
                found = (s := self.section(section)) is not None and s.field(field) is not None
            case [section, table, column]:
                t = s.table(table) if (s := self.section(section)) else None
                found = t is not None and any(c.key == column for c in t.columns)
            case [section, table, row, column]:
                t = s.table(table) if (s := self.section(section)) else None
                found = (
                    t is not None
                    and any(r.key == row for r in t.fixed_rows)
                    and any(c.key == column for c in t.columns)
                )
            case _:
                found = False
        if not found:
            raise ValueError(f"{path} leads nowhere")


class RoundFacts(Part):
    """What a form may ask of its round: parameters (numbers as strings, lists of options) and the close."""

    parameters: dict[str, str | int | list[str]] = {}
    closes_on: str | None = None

    @property
    def options(self) -> dict[str, list[str]]:
        return {name: value for name, value in self.parameters.items() if isinstance(value, list)}

    def number(self, name: str) -> Decimal | None:
        value = self.parameters.get(name)
        return Decimal(str(value)) if isinstance(value, str | int) else None

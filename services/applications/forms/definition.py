"""Define the shape of a form: sections of fields, tables and attachment slots, and the checks across them.

Only shapes are validated here. `formulas/rules.py` compiles the formulas, `authoring/lint.py` finds every other fault.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.applications.forms.kinds import CheckboxField, FieldDefinition, RadioField, SelectField
from services.applications.forms.kinds.base import Audience, Expression, FormerKey, Key, Label, Part
from services.applications.forms.kinds.choices import AnyOption, labels
from shared.contract.rounds import NO_LIMIT

MAX_SECTIONS = 100
MAX_PARTS = 400
MAX_TABLE_ROWS = 1000


class FixedRow(Part):
    """A row that is always there; its `key` is what values and formulas call it. `defaults` are formulas by column, for this row
    before those of the columns. A row that is `subtotal_of` others is not filled in: under each column of the table's totals it
    has the sum of theirs, and does not count in sums itself."""

    key: Key
    was: FormerKey | None = None
    label: Label
    visible_if: Expression | None = None
    defaults: dict[Key, Expression] = Field(default_factory=dict)
    subtotal_of: tuple[Key, ...] = ()


class Level(Part):
    """A second-level heading, below which stand free rows, `min_rows` at least; the rows name its `key` as their `row`."""

    key: Key
    was: FormerKey | None = None
    label: Label
    min_rows: int = Field(default=1, ge=0, le=MAX_TABLE_ROWS)


class Branch(Part):
    """A first-level heading with those below it."""

    label: Label
    within: tuple[Level, ...] = Field(min_length=1, max_length=50)


class Table(Part):
    """Rows of columns: free rows between `min_rows` and `max_rows`, or exactly the `fixed_rows`, or free rows below the second-level
    headings of `levels`, `max_rows` in all, or exactly one row for each of the table `rows_from`, by its id: such a row comes and goes
    with the other, whose cells its formulas call `source.column`.

    A table that is not required may stay empty; once something stands in it, it is judged like any other. Formulas of
    columns are evaluated row by row and call the row's own columns by their keys.
    """

    key: Key
    was: FormerKey | None = None
    label: Label
    required: bool = True
    required_if: Expression | None = None
    visible_if: Expression | None = None
    help: str | None = None
    group: str | None = None
    audience: Audience = "experts"
    columns: tuple[FieldDefinition, ...] = Field(min_length=1, max_length=60)
    fixed_rows: tuple[FixedRow, ...] = Field(default=(), max_length=200)
    row_label: str = "项目"
    # The table whose rows these follow: `section.table`.
    rows_from: str | None = None
    levels: tuple[Branch, ...] = Field(default=(), max_length=50)
    # What the two columns of headings are called.
    level_labels: tuple[Label, Label] = ("一级指标", "二级指标")
    min_rows: int = Field(default=1, ge=0)
    max_rows: int = Field(default=50, ge=1, le=MAX_TABLE_ROWS)
    # Columns whose sum stands under the table.
    totals: tuple[Key, ...] = ()
    total_label: str = "合计"
    # Whether it is printed on pages laid across where it is wider than an upright one.
    landscape: bool = False

    @cached_property
    def source(self) -> tuple[str, str] | None:
        """The section and the table whose rows these follow."""
        section, _, table = (self.rows_from or "").partition(".")
        return (section, table) if table else None

    @cached_property
    def by_column(self) -> Mapping[str, FieldDefinition]:
        return {column.key: column for column in self.columns}

    @cached_property
    def by_asked(self) -> tuple[str, ...]:
        """The keys of the columns that people fill in."""
        return tuple(column.key for column in self.columns if column.asked)

    @cached_property
    def always_required(self) -> tuple[str, ...]:
        """The columns that must be filled in, whatever stands elsewhere."""
        return tuple(
            c.key for c in self.columns if c.asked and c.required and not c.required_if and not c.visible_if
        )

    @cached_property
    def summed(self) -> tuple[FieldDefinition, ...]:
        """The columns whose sums stand under the table."""
        return tuple(self.by_column[key] for key in self.totals)

    @cached_property
    def by_row(self) -> Mapping[str, FixedRow]:
        return {row.key: row for row in self.fixed_rows}

    @cached_property
    def by_level(self) -> Mapping[str, tuple[Branch, Level]]:
        """By the keys of second-level headings these, with those above."""
        return {level.key: (branch, level) for branch in self.levels for level in branch.within}

    @property
    def lead(self) -> str | None:
        """What the first column of the table is called where its rows have names; None where they are numbered."""
        if self.levels:
            return " · ".join(self.level_labels)
        return self.row_label if self.fixed_rows else None

    @cached_property
    def row_names(self) -> Mapping[str, str]:
        """What rows are called by the keys that they name: fixed ones, or the two headings above them."""
        named = {row.key: row.label for row in self.fixed_rows}
        return named | {key: f"{branch.label} · {level.label}" for key, (branch, level) in self.by_level.items()}

    @cached_property
    def subtotals(self) -> Mapping[str, tuple[str, ...]]:
        """By the keys of subtotal rows the rows whose sums they are."""
        return {row.key: row.subtotal_of for row in self.fixed_rows if row.subtotal_of}

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The keys of the columns that are kept sealed."""
        return frozenset(column.key for column in self.columns if column.sensitive)


class Slot(Part):
    """A place for attachments. With `each_row`, a table of its section, it asks one file for each row that counts there; its value is then
    the id of the row by that of the file."""

    key: Key
    was: FormerKey | None = None
    label: Label
    required: bool = True
    required_if: Expression | None = None
    visible_if: Expression | None = None
    group: str | None = None
    accept: tuple[Literal["pdf", "jpg", "jpeg", "png", "docx", "xlsx"], ...] = ("pdf", "jpg", "jpeg", "png")
    max_mb: int = Field(default=20, ge=1, le=100)
    max_files: int = Field(default=5, ge=1, le=200)
    each_row: Key | None = None
    # Whether its files may tell of persons or accounts: experts and auditors are then not shown them.
    personal: bool = True
    audience: Audience = "experts"
    help: str | None = None


class Group(Part):
    """A heading within a section, by its label; what carries it as `group` stands below it and follows its
    condition. A group without help or condition need not be declared."""

    label: Label
    help: str | None = None
    visible_if: Expression | None = None


class Section(Part):
    """One material of the list 项目申报材料. A section that is not required may stay unsaved."""

    key: Key
    was: FormerKey | None = None
    label: Label
    title: Label
    required: bool = True
    required_if: Expression | None = None
    visible_if: Expression | None = None
    help: str | None = None
    text: str | None = Field(default=None, max_length=20_000)
    audience: Audience = "experts"
    groups: tuple[Group, ...] = ()
    fields: tuple[FieldDefinition, ...] = Field(default=(), max_length=MAX_PARTS)
    tables: tuple[Table, ...] = Field(default=(), max_length=MAX_PARTS)
    slots: tuple[Slot, ...] = Field(default=(), max_length=MAX_PARTS)

    @cached_property
    def by_key(self) -> Mapping[str, FieldDefinition | Table | Slot]:
        """Everything that values name."""
        return {part.key: part for part in (*self.slots, *self.tables, *self.fields)}

    @cached_property
    def not_asked(self) -> frozenset[str]:
        """The keys of fields that nobody fills in."""
        return frozenset(field.key for field in self.fields if not field.asked)

    @cached_property
    def required_unless_told(self) -> tuple[str, ...]:
        """The keys of what must be filled in as long as no condition says otherwise."""
        return tuple(key for key, part in self.by_key.items() if part.required and key not in self.not_asked)

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The keys of fields that are kept sealed."""
        return frozenset(field.key for field in self.fields if field.sensitive)

    @cached_property
    def options_in_rows(self) -> Mapping[str, tuple[str, str, str]]:
        """The columns of tables whose cells are options here, by the name that fields give them."""
        fields = (*self.fields, *(column for table in self.tables for column in table.columns))
        choices = [field for field in fields if isinstance(field, SelectField | RadioField)]
        return {str(c.options_from): c.options_in_rows for c in choices if c.options_in_rows}

    @property
    def declares(self) -> bool:
        """Whether it is a declaration: a text, and below it a tick that has to be set. One is made anew for every
        application."""
        return bool(self.text) and any(isinstance(f, CheckboxField) and f.must_be for f in self.fields)

    @cached_property
    def by_group(self) -> Mapping[str, Group]:
        return {group.label: group for group in self.groups}

    def table(self, key: str) -> Table | None:
        found = self.by_key.get(key)
        return found if isinstance(found, Table) else None

    def slot(self, key: str) -> Slot | None:
        found = self.by_key.get(key)
        return found if isinstance(found, Slot) else None

    def field(self, key: str) -> FieldDefinition | None:
        found = self.by_key.get(key)
        return None if found is None or isinstance(found, Table | Slot) else found


class Check(Part):
    """A rule between sections, or across: two sides and how they compare, or a condition that `holds`.

    Where `when` does not hold the check is left out, and so it is in a round that lacks one of its parameters.
    `rule` says what must be so, as its title; `message` what is wrong where it is not.
    `section` and `field` are where a person goes to mend it. A warning with `confirm` is submitted only with the
    applicant's reason why it is so; the reason is part of the revision.
    """

    id: Key
    op: Literal["==", "<=", ">=", ">", "<", "!="] | None = None
    left: Expression | None = None
    right: Expression | None = None
    holds: Expression | None = None
    when: Expression | None = None
    rule: Label | None = None
    message: Label
    severity: Literal["error", "warning"] = "error"
    confirm: bool = False
    section: Key
    field: Key | None = None

    @model_validator(mode="after")
    def _confirmed_warning(self) -> Self:
        if self.confirm and self.severity == "error":
            raise ValueError("confirm 只用于 severity: warning 的核对：不满足就不能提交的，没有什么可以说明")
        return self

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        sides = (self.op, self.left, self.right)
        if (self.holds is None) == (None in sides) or (self.holds and any(sides)):
            raise ValueError("核对应写 op、left、right 三项，或只写 holds")
        return self


class NamedCondition(Part):
    """A condition that several places name: `condition.key` in their formulas. Its own names are those of the whole form: `section.field`."""

    label: Label
    holds: Expression


class RoundParameter(Part):
    """What an office calls a parameter of its rounds, and what an applicant reads of it: `card` is a phrase in which `{}` stands for
    the value with its unit. A `share` is a part of one, shown as a percentage."""

    label: Label
    unit: Annotated[str, Field(max_length=10)] | None = None
    help: str | None = None
    share: bool = False
    card: Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$")] | None = None


class Form(Part):
    """One version of one fund type's form. Published files never change."""

    fund_type: Annotated[Key, Field(max_length=40)]
    version: int = Field(gt=0, lt=1_000_000)
    label: Label
    title: Label
    document_title: Label
    # Where the project's name, the contact and the applied amount stand: `section.field`. Without a place for a name an application goes by
    # the form's label.
    project_name: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    applied_amount: str | None = None
    # Where 所属区 stands, by which the bureau's lists are filtered; a form that does not ask for it has none.
    district: str = "company.district"
    # Options that several fields take by name.
    lists: dict[Key, tuple[AnyOption, ...]] = Field(default_factory=dict)
    # What the parameters are called that formulas and options ask the round for.
    parameters: dict[Key, RoundParameter] = Field(default_factory=dict)
    # Conditions that formulas name as `condition.key`, one made of others too.
    conditions: dict[Key, NamedCondition] = Field(default_factory=dict, max_length=100)
    sections: tuple[Section, ...] = Field(min_length=1, max_length=MAX_SECTIONS)
    checks: tuple[Check, ...] = Field(default=(), max_length=500)

    @cached_property
    def by_key(self) -> Mapping[str, Section]:
        return {section.key: section for section in self.sections}

    @cached_property
    def contact_mobile(self) -> str | None:
        """Where the contact's mobile telephone stands, `section.field`: the first of the section that names the contact's address."""
        section = self.by_key.get((self.contact_email or "").partition(".")[0])
        found = next((field.key for field in section.fields if field.kind == "mobile"), None) if section else None
        return f"{section.key}.{found}" if section and found else None

    @cached_property
    def choices_of_its_own(self) -> Mapping[str, Mapping[str, str]]:
        return {name: labels(options) for name, options in self.lists.items()}

    def section(self, key: str) -> Section | None:
        return self.by_key.get(key)

    def parameter_label(self, name: str) -> str:
        """Return what a parameter of the round is called; its name where the form does not say."""
        found = self.parameters.get(name)
        return found.label if found else name

    def choices(self, round_facts: "RoundFacts") -> Mapping[str, Any]:
        """Return the lists that fields take options from: the round's, and the form's own before them."""
        return {**round_facts.options, **self.choices_of_its_own}


class RoundFacts(Part):
    """What a form may ask of its round: parameters (numbers and dates as strings, lists of options) and the close."""

    parameters: dict[str, str | int | list[str]] = Field(default_factory=dict)
    closes_on: str | None = None

    @property
    def options(self) -> dict[str, list[str]]:
        return {name: value for name, value in self.parameters.items() if isinstance(value, list)}

    def value(self, name: str) -> Any:
        """Return a parameter as formulas see it, or None when the round has none of this name or sets no limit by it."""
        if name == "closes_on":
            return self.closes_on
        value = self.parameters.get(name)
        if value == NO_LIMIT:
            return None
        if value is None or isinstance(value, list):
            return None if value is None else tuple(value)
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return value
        return number if number.is_finite() else None


class OtherApplications(Part):
    """What the enterprise's other applications of the year come to: those handed in and neither refused nor lapsed,
    of rounds that close in the same calendar year in Beijing. `same_type_*` are of this fund type, `same_name_count`
    are other applications under the same project name, whatever their type."""

    count: int = 0
    applied_wan: Decimal = Decimal(0)
    same_type_count: int = 0
    same_type_applied_wan: Decimal = Decimal(0)
    same_name_count: int = 0

    def value(self, name: str) -> Decimal:
        return Decimal(getattr(self, name))

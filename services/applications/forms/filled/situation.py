"""Evaluate a form with values: what is shown, what must be filled in, what follows from what. One evaluation for the
pages, for 保存表单, for the checks, for submission and for the PDF."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Form, OtherApplications, RoundFacts, Section, Slot, Table
from services.applications.forms.formulas.evaluator import Evaluator
from services.applications.forms.formulas.names import Target
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import ComputedField, FieldDefinition, blank
from shared import clock

Values = Mapping[str, Any]
Saved = Mapping[str, Values | None]


@dataclass(frozen=True)
class Facts:
    """What a form is judged against besides its values."""

    round: RoundFacts
    others: OtherApplications = field(default_factory=OtherApplications)
    today: date = field(default_factory=clock.today)
    # The day in Beijing on which the application was begun; None where there is none yet, as in a preview.
    started_on: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """One row of a table: its position among the kept ones, what is kept in it, and the table's definition. A situation
    has each row once, so that it can be known by being itself."""

    section: str
    table: str
    index: int
    kept: Values
    definition: Table
    # The row that it follows, in a table with `rows_from`.
    source: "Row | None" = None


class Situation:
    """Values of a form, kept ones (as `reading` keeps them), by section; a section without is not filled in.

    Hidden values count as not filled in, whatever stands there. Each answer is worked out once.
    """

    def __init__(self, form: Form, sections: Saved, facts: Facts) -> None:
        self.form = form
        self.facts = facts
        self._rules = rules_of(form)
        self._sections = sections
        self._known: dict[tuple[Any, ...], Any] = {}
        self._evaluator = Evaluator()
        for section, part, column in self._rules.deep_order:
            # In order: worked out on demand, a chain of hundreds would be as deep a recursion.
            if column:
                for row in self.rows(section, part):
                    self._typed_cell(row, column)
            elif part and self._section(section).table(part) is None:
                self.kept(section, part)
            else:
                self.visible(section, part)

    def renew(self) -> None:
        """Give what is asked from now on a budget of steps of its own; what was worked out before stays."""
        self._evaluator.renew()

    # ---- shown and required ------------------------------------------------------------------------------------

    def holds(self, rule: Rule | None, row: Row | None = None) -> bool:
        """Tell whether a condition holds; none always does, an unknown one does not."""
        return rule is None or self._evaluator.value(rule.formula, self._look_up, row) is True

    def visible(self, section: str, part: str = "") -> bool:
        """Tell whether a section, or a field, table or slot of it, is shown."""
        key = ("visible", section, part)
        if key not in self._known:
            shown = self.holds(self._rules.of.get(((section, part, ""), "visible_if")))
            if shown and part:
                shown = self.visible(section) and self._group_visible(section, part)
            self._known[key] = shown
        return bool(self._known[key])

    def _group_visible(self, section: str, part: str) -> bool:
        group = self._section(section).by_key[part].group
        return group is None or self.holds(self._rules.groups.get((section, group)))

    def required(self, section: str, part: str = "") -> bool:
        """Tell whether it must be filled in; what is hidden never."""
        definition = self._section(section).by_key[part] if part else self._section(section)
        rule = self._rules.of.get(((section, part, ""), "required_if"))
        return (self.holds(rule) if rule else definition.required) and self.visible(section, part)

    def row_visible(self, row: Row) -> bool:
        """Tell whether a fixed row is shown; free rows always are."""
        if not self._rules.rows:
            return True
        return self.holds(self._rules.rows.get((row.section, row.table, row.kept.get("row", ""))))

    def cell_visible(self, row: Row, column: str) -> bool:
        if self.subtotal_of(row) and column not in row.definition.totals:
            return False
        rule = self._rules.of.get(((row.section, row.table, column), "visible_if"))
        return rule is None or self.holds(rule, row)

    def cell_required(self, row: Row, column: str) -> bool:
        rule = self._rules.of.get(((row.section, row.table, column), "required_if"))
        wanted = self.holds(rule, row) if rule else row.definition.by_column[column].required
        return wanted and self.cell_visible(row, column)

    # ---- values ------------------------------------------------------------------------------------------------

    def rows(self, section: str, table: str) -> tuple[Row, ...]:
        """Return the rows of a table that count: subtotals stand beside them."""
        subtotals = self._table(section, table).subtotals
        if not subtotals:
            return self.lines(section, table)
        return tuple(row for row in self.lines(section, table) if row.kept.get("row") not in subtotals)

    def lines(self, section: str, table: str) -> tuple[Row, ...]:
        """Return the rows of a table that are shown, its subtotals among them."""
        key = ("rows", section, table)
        if key not in self._known:
            kept = self._values(section).get(table) if self.visible(section, table) else None
            definition = self._table(section, table)
            if definition.source and self.visible(section, table):
                self._known[key] = tuple(self._following(section, table, definition, kept or ()))
            else:
                found = (Row(section, table, i, row, definition) for i, row in enumerate(kept or ()))
                self._known[key] = tuple(row for row in found if self.row_visible(row))
        found_rows: tuple[Row, ...] = self._known[key]
        return found_rows

    def _following(self, section: str, table: str, definition: Table, kept: Iterable[Values]) -> Iterator[Row]:
        """Yield a row for each that is followed, with what is kept of it."""
        by_id = {row["id"]: row for row in kept}
        for i, source in enumerate(self.rows(*definition.source) if definition.source else ()):
            id = self.row_id(source)
            yield Row(section, table, i, by_id.get(id, {"id": id}), definition, source)

    def filed(self, section: str, slot: str) -> dict[str, str]:
        """Return the files of a slot that asks one for each row, by row, in the order of the rows that count."""
        found = self._section(section).slot(slot)
        given = self._values(section).get(slot) if self.visible(section, slot) else None
        by_row = {row: file for file, row in given.items()} if isinstance(given, dict) else {}
        rows = self.rows(section, found.each_row) if found and found.each_row else ()
        return {id: by_row[id] for row in rows if (id := self.row_id(row)) in by_row}

    def kept(self, section: str, part: str) -> Any:
        """Return a field's value as it is kept, computed ones included; None while it is hidden or not filled in."""
        if not self.visible(section, part):
            return None
        definition = self._section(section).by_key[part]
        if isinstance(definition, ComputedField):
            return self._computed(definition, (section, part, ""), None)
        if isinstance(definition, Slot) and definition.each_row:
            return {file: row for row, file in self.filed(section, part).items()} or None
        value = self._values(section).get(part)
        return None if blank(value) else value

    def cell(self, row: Row, column: str) -> Any:
        """Return a cell's value as it is kept."""
        if not self.cell_visible(row, column):
            return None
        definition = row.definition.by_column[column]
        if summed := self.subtotal_of(row):
            return self._subtotal(row, definition, summed)
        if isinstance(definition, ComputedField):
            return self._computed(definition, (row.section, row.table, column), row)
        value = row.kept.get(column)
        return None if blank(value) else value

    def _subtotal(self, row: Row, definition: FieldDefinition, summed: tuple[str, ...]) -> Any:
        """Return the sum of a column over some rows; rows without a value add nothing."""
        rows = (r for r in self.rows(row.section, row.table) if r.kept.get("row") in summed)
        values = (self._typed_cell(r, definition.key) for r in rows)
        return definition.of_sum(sum((v for v in values if isinstance(v, Decimal)), start=Decimal(0)))

    def _computed(self, definition: ComputedField, node: tuple[str, str, str], row: Row | None) -> Any:
        key = ("computed", node, row)
        if key not in self._known:
            rule = self._rules.of[node, "value"]
            self._known[key] = definition.kept(self.evaluate(rule, row))
        return self._known[key]

    def options(self, place: tuple[str, str, str]) -> list[str]:
        """Return the texts that stand in a column of a table, each once: the options of fields that choose among its rows."""
        section, table, column = place
        cells = (self.cell(row, column) for row in self.rows(section, table))
        return list(dict.fromkeys(str(cell) for cell in cells if not blank(cell)))

    def evaluate(self, rule: Rule, row: Row | None = None) -> Any:
        """Return what a formula gives: `Decimal`, text, `bool`, a tuple, or None while it is unknown."""
        return self._evaluator.value(rule.formula, self._look_up, row)

    def missing(self, rule: Rule) -> bool:
        """Tell whether a formula looks at a section that must be saved and is not."""
        named = {target.section for target in rule.targets if target.section}
        return any(not self.filled_in(key) and self.required(key) for key in named)

    def filled_in(self, section: str) -> bool:
        """Tell whether there are values of a section."""
        return self._sections.get(section) is not None

    def _look_up(  # noqa: PLR0911 (one case a kind of place)
        self, target: Target, variables: Mapping[str, Row], row: Row | None
    ) -> Any:
        match target.of:
            case "field":
                return self._typed(self._section(target.section).by_key[target.part], self.kept(target.section, target.part))  # fmt: skip
            case "slot":
                return tuple(self.kept(target.section, target.part) or ())
            case "table":
                return self.rows(target.section, target.part)
            case "column":
                return tuple(self._typed_cell(r, target.column) for r in self.rows(target.section, target.part))
            case "cell":
                rows = self.lines(target.section, target.part)
                return next((self._typed_cell(r, target.column) for r in rows if r.kept.get("row") == target.row), None)  # fmt: skip
            case "source":
                return self._typed_cell(row.source, target.column) if row and row.source else None
            case "own":
                return self._typed_cell(row, target.column) if row else None
            case "each":
                return self._typed_cell(variables[target.variable], target.column)
            case "round":
                return self.facts.round.value(target.part)
            case "others":
                return self.facts.others.value(target.part)
            case "application":
                return self.facts.started_on.isoformat() if self.facts.started_on else None
        return self.facts.today.isoformat()

    def _typed_cell(self, row: Row, column: str) -> Any:
        key = ("cell", row, column)
        if key not in self._known:
            self._evaluator.steps -= 1
            self._known[key] = self._typed(row.definition.by_column[column], self.cell(row, column))
        return self._known[key]

    @staticmethod
    def _typed(definition: FieldDefinition | Table | Slot, value: Any) -> Any:
        if value is None or isinstance(definition, Table | Slot):
            return value
        return definition.typed(value)

    # ---- definitions and raw values ------------------------------------------------------------------------------

    def _section(self, key: str) -> Section:
        return self.form.by_key[key]

    def _table(self, section: str, table: str) -> Table:
        found = self._section(section).by_key[table]
        assert isinstance(found, Table)
        return found

    @staticmethod
    def subtotal_of(row: Row) -> tuple[str, ...]:
        """Return the rows whose sum a row is; none for one that is filled in."""
        return row.definition.subtotals.get(row.kept.get("row", ""), ())

    def row_id(self, row: Row) -> str:
        return str(row.kept["id"])

    def fixed_key(self, row: Row) -> str | None:
        """Return the key of a fixed row; None for a free one."""
        return row.kept.get("row")

    def _values(self, section: str) -> Values:
        return self._sections.get(section) or {}

"""Validate a section with the whole form in view: required values, bounds, unique columns, rows and files."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Section, Slot, Table
from services.applications.forms.filled.labels import row_words
from services.applications.forms.filled.reading import Context, Reading, Values, read, with_rows_there
from services.applications.forms.filled.section_state import file_rows_now
from services.applications.forms.filled.situation import Row, Situation
from services.applications.forms.formulas.evaluator import TooMuchWork
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import Bound, CheckboxField, FieldDefinition, RadioField, SelectField, blank
from shared import codes
from shared.errors import FieldError, Invalid
from shared.text.typed_text import folded

# Mistakes in one answer, at most.
MAX_ERRORS = 500
_COMPARE: dict[str, Callable[[Any, Any], bool | None]] = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def compare(op: str, left: Any, right: Any) -> bool | None:
    """Return how two values compare; None where one is unknown or they are of different types."""
    if type(left) is not type(right) or left is None or isinstance(left, bool | tuple):
        return None
    return _COMPARE[op](left, right)


def validate(section: Section, values: Values, context: Context) -> Values:
    """Return what 保存表单 keeps. `Invalid` with every mistake at its place, `MAX_ERRORS` at most.

    Hidden values are neither required nor validated, and do not count for submission (`section_state.effective`).
    """
    kept, errors = judged(section, values, context)
    if errors:
        raise Invalid(errors[:MAX_ERRORS])
    return kept


def judged(section: Section, values: Values, context: Context) -> tuple[Values, list[FieldError]]:
    """Return the values that could be kept, and every mistake at its place, in the order of the form. Hidden values are kept as
    they are but say nothing wrong."""
    reading = read(section, values, context)
    reading.kept = with_rows_there(section, reading.kept, context.saved)
    situation = context.situation(section, reading.kept)
    try:
        found = _Judge(section, reading, situation).all()
    except TooMuchWork:
        message = "本表单的计算量超出限制，请减少行数；如仍出现，请联系技术支持"
        return reading.kept, [FieldError(section=section.key, code=codes.TOO_MUCH_WORK, message=message)]
    return reading.kept, _placed(section, values, reading.kept, context, situation, found)


def _placed(
    section: Section,
    values: Values,
    kept: Values,
    context: Context,
    situation: Situation,
    errors: list[FieldError],
) -> list[FieldError]:
    """Return the mistakes with the words for the rows they stand in, counted as they were typed."""
    words: dict[tuple[str, str], str] = {}
    for key in {error.field for error in errors if error.row}:
        table = section.table(key or "")
        if table is None or not isinstance(rows := kept.get(table.key), list):
            continue
        if table.source:
            # What such a row is called is computed from the one that it follows.
            rows = [
                {"id": row.kept["id"], **{c.key: situation.cell(row, c.key) for c in table.columns}}
                for row in situation.rows(section.key, table.key)
            ]
        raw = values.get(table.key)
        ids = [row.get("id") for row in raw if isinstance(row, dict)] if isinstance(raw, list) else []
        typed = {id: n for n, id in enumerate(ids, 1) if isinstance(id, str)}
        for number, row in enumerate(rows, 1):
            words[table.key, row["id"]] = row_words(table, row, typed.get(row["id"], number), context.choices)
    return [
        error.model_copy(update={"place": place})
        if (place := words.get((error.field or "", error.row or "")))
        else error
        for error in errors
    ]


class _Judge:
    def __init__(self, section: Section, reading: Reading, situation: Situation) -> None:
        self._section = section
        self._kept = reading.kept
        self._situation = situation
        self._rules = rules_of(situation.form)
        self._wrong: dict[tuple[str | None, str | None, str | None], list[FieldError]] = {}
        # The columns with a mistake by row: thousands of mistakes in hundreds of rows are looked up, not searched.
        self._wrong_in: dict[tuple[str | None, str | None], list[str | None]] = {}
        for error in reading.errors:
            self._wrong.setdefault((error.field, error.row, error.column), []).append(error)
            if error.row is not None:
                self._wrong_in.setdefault((error.field, error.row), []).append(error.column)
        self._found: list[FieldError] = []

    def all(self) -> list[FieldError]:
        if not self._situation.visible(self._section.key):
            return []
        for key in [place[0] for place in self._wrong if place[0] not in self._section.by_key]:
            self._found += self._wrong.pop((key, None, None), [])
        for definition in self._section.fields:
            if self._situation.visible(self._section.key, definition.key):
                self._field(definition)
        for table in self._section.tables:
            if self._situation.visible(self._section.key, table.key):
                self._table(table)
        for slot in self._section.slots:
            if self._situation.visible(self._section.key, slot.key):
                self._slot(slot)
        return self._found

    def _say(self, field: str, code: str, message: str, row: str | None = None, column: str | None = None) -> None:
        self._found.append(
            FieldError(section=self._section.key, field=field, row=row, column=column, code=code, message=message)
        )

    def _field(self, definition: FieldDefinition) -> None:
        key = definition.key
        if wrong := self._wrong.get((key, None, None)):
            self._found += wrong
            return
        value = self._situation.kept(self._section.key, key)
        if _missing(definition, value):
            if definition.asked and self._situation.required(self._section.key, key):
                self._say(key, "required", _ask(definition))
            return
        if said := self._not_in_rows(definition, value) or self._not_offered(definition, value, None):
            self._say(key, codes.NOT_AN_OPTION, said)
        for bound, rule in self._bounds((self._section.key, key, ""), definition):
            if self._breaks(bound, rule, definition, value, None):
                self._say(key, "out_of_bounds", bound.message)

    def _not_in_rows(self, definition: FieldDefinition, value: Any) -> str | None:
        """Say that a choice among the rows of a table is none of them, or no more."""
        if not isinstance(definition, SelectField | RadioField) or not (place := definition.options_in_rows):
            return None
        if value in self._situation.options(place):
            return None
        table = self._situation.form.by_key[place[0]].table(place[1])
        return f"“{value}”不在“{table.label if table else place[1]}”中，请重新选择"

    def _not_offered(self, definition: FieldDefinition, value: Any, row: Row | None) -> str | None:
        """Say that a choice does not belong to what is chosen beside it."""
        if not isinstance(definition, SelectField) or not (followed := definition.follows):
            return None
        chosen = self._situation.cell(row, followed) if row else self._situation.kept(self._section.key, followed)
        if value in definition.offered(chosen):
            return None
        beside: Any = row.definition.by_column[followed] if row else self._section.by_key[followed]
        if chosen is None:
            return f"请先选择“{beside.label}”"
        return f"“{definition.show(value, {})}”不属于所选的“{beside.label}”，请重新选择"

    def _bounds(self, node: tuple[str, str, str], definition: FieldDefinition) -> list[tuple[Bound, Rule]]:
        return list(zip(definition.bounds, self._rules.bounds.get(node, ()), strict=True))

    def _breaks(self, bound: Bound, rule: Rule, definition: FieldDefinition, value: Any, row: Row | None) -> bool:
        limit = self._situation.evaluate(rule, row)
        return compare(bound.op, definition.typed(value), limit) is False

    def _table(self, table: Table) -> None:
        whole = self._wrong.get((table.key, None, None))
        self._found += whole or []
        for (field, row_id), columns in self._wrong_in.items():
            if field == table.key and None in columns:
                self._found += self._wrong[field, row_id, None]
        rows = self._situation.rows(self._section.key, table.key)
        required = self._situation.required(self._section.key, table.key)
        if table.levels and not whole and (rows or required):
            self._levels(table, rows)
        elif not whole and table.lead is None and not table.source:
            least = max(table.min_rows, 1) if required else table.min_rows
            if len(rows) < table.min_rows and (rows or required):
                self._say(table.key, "too_few_rows", f"“{table.label}”至少填写 {least} 行")
        for row in rows:
            self._row(table, row, required)
        for column in table.columns:
            if column.unique:
                self._unique(table, column, rows)

    def _levels(self, table: Table, rows: tuple[Row, ...]) -> None:
        counted = Counter(row.kept["row"] for row in rows)
        for key, (_, level) in table.by_level.items():
            if counted[key] < level.min_rows:
                self._say(table.key, "too_few_rows", f"“{table.row_names[key]}”至少填写 {level.min_rows} 行")

    def _row(self, table: Table, row: Row, required: bool) -> None:
        kept = row.kept
        id = kept["id"]
        wrong_here = self._wrong_in.get((table.key, id), ())
        # A fixed row of a table that may stay empty is only judged once something stands in it.
        idle = (
            bool(table.fixed_rows)
            and not required
            and not wrong_here
            and all(blank(kept.get(k)) for k in table.by_asked)
        )
        for column in table.columns:
            if not self._situation.cell_visible(row, column.key):
                continue
            if wrong := self._wrong.get((table.key, id, column.key)):
                self._found += wrong
                continue
            value = self._situation.cell(row, column.key)
            if _missing(column, value):
                if column.asked and not idle and self._situation.cell_required(row, column.key):
                    self._say(table.key, "required", _ask(column), id, column.key)
                continue
            if said := self._not_in_rows(column, value) or self._not_offered(column, value, row):
                self._say(table.key, codes.NOT_AN_OPTION, said, id, column.key)
            for bound, rule in self._bounds((self._section.key, table.key, column.key), column):
                if self._breaks(bound, rule, column, value, row):
                    self._say(table.key, "out_of_bounds", bound.message, id, column.key)
        for name in dict.fromkeys(wrong_here):
            if name is not None and name not in table.by_column:
                self._found += self._wrong[table.key, id, name]

    def _unique(self, table: Table, column: FieldDefinition, rows: tuple[Row, ...]) -> None:
        seen: dict[str, int] = {}
        for number, row in enumerate(rows, 1):
            value = self._situation.cell(row, column.key)
            if blank(value):
                continue
            text = folded(str(value))
            if text in seen:
                id = row.kept["id"]
                self._say(table.key, "not_unique", f"“{column.label}”与第 {seen[text]} 行重复", id, column.key)
            else:
                seen[text] = number

    def _slot(self, slot: Slot) -> None:
        wrong = self._wrong.get((slot.key, None, None))
        self._found += wrong or []
        if slot.each_row:
            self._files_of_rows(slot)
            return
        ids = self._kept.get(slot.key) or []
        if not ids and not wrong and self._situation.required(self._section.key, slot.key):
            self._say(slot.key, "required", f"请上传“{slot.label}”")
        if len(ids) > slot.max_files:
            self._say(slot.key, "too_many_files", f"最多上传 {slot.max_files} 个文件")

    def _files_of_rows(self, slot: Slot) -> None:
        """Each row that counts has its file."""
        filed = self._situation.filed(self._section.key, slot.key)
        required = self._situation.required(self._section.key, slot.key)
        for id, title in file_rows_now(self._section, slot, self._situation).items():
            if wrong := self._wrong.get((slot.key, id, None)):
                self._found += [e.model_copy(update={"message": f"{title}：{e.message}"}) for e in wrong]
            elif required and id not in filed:
                self._say(slot.key, "required", f"请上传“{slot.label}（{title}）”", id)


def _missing(definition: FieldDefinition, value: Any) -> bool:
    return blank(value) or (isinstance(definition, CheckboxField) and value is False and definition.required)


def _ask(definition: FieldDefinition) -> str:
    verb = "勾选" if isinstance(definition, CheckboxField) else "填写"
    return f"请{verb}“{definition.label}”"


def money(value: Decimal) -> str:
    """Return a number as checks show it: two decimals, more only where there are more."""
    shown = f"{value:.2f}"
    return shown if Decimal(shown) == value else f"{value.quantize(Decimal('0.000001')).normalize():f}"

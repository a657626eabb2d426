"""Read the values of a section by its definition: the values as they will be kept, and every mistake at its place."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.filled.situation import Facts, Saved, Situation
from services.applications.forms.kinds import CheckboxField, Choices, FieldDefinition, Wrong, blank
from shared.errors import FieldError, Invalid

Values = dict[str, Any]
ROW_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Rows of one table, and unknown keys, that one request may bring; more is refused unread.
MAX_ROWS = 2000
# What 暂存 takes in one value: twice the longest text that a form may ask for. More was never typed.
MAX_TYPED = 40_000


@dataclass(frozen=True)
class Context:
    """What a section's values are validated against besides their definition.

    `prefill` are the registry's values; `files` the attachments that exist, by slot; `saved` the saved values of the
    other sections, for conditions that look at them; `as_saved` gives the situation of what is saved, where others look at it too.
    """

    form: Form
    facts: Facts
    prefill: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, frozenset[str]] = field(default_factory=dict)
    saved: Saved = field(default_factory=dict)
    as_saved: Callable[[], Situation] | None = None

    @property
    def choices(self) -> Choices:
        return self.form.choices(self.facts.round)

    def situation(self, section: Section, kept: Values) -> Situation:
        """Return the form with these values in this section."""
        if self.as_saved is not None and kept == self.saved.get(section.key):
            return self.as_saved()
        return Situation(self.form, {**self.saved, section.key: kept}, self.facts)


def draft(section: Section, values: Values) -> Values:
    """Return what 暂存 keeps: whatever was typed under the section's own keys. `Invalid` for keys it does not have and for
    tables beyond any measure.

    Rows get an id when they have none, so that two copies of a table can be told apart row by row.
    """
    errors = _unknown(section, values)
    for table in section.tables:
        rows = values.get(table.key)
        if isinstance(rows, list) and len(rows) > MAX_ROWS:
            errors.append(_error(section, table.key, "too_many_rows", f"“{table.label}”最多 {table.max_rows} 行"))
    errors += [
        _error(section, key, "too_long", f"内容过长，最多 {MAX_TYPED} 字")
        for key in section.by_key
        if _longest(values.get(key)) > MAX_TYPED
    ]
    if errors:
        raise Invalid(errors)
    kept = {key: value for key, value in values.items() if key not in section.not_asked}
    for table in section.tables:
        rows = kept.get(table.key)
        if isinstance(rows, list):
            kept[table.key] = [with_id(row, table) if isinstance(row, dict) else row for row in rows]
    return kept


def _longest(value: object) -> int:
    """Return the length of the longest text in a value, whatever its shape."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return max(_longest_of(value), _longest_of(value.values()))
    return _longest_of(value) if isinstance(value, list) else 0


def _longest_of(values: Iterable[object]) -> int:
    # What comes over the wire is nested by a handful of levels at most (`shared.text.json_text`).
    return max(map(_longest, values), default=0)


@dataclass
class Reading:
    """Values read by their kinds: what could be kept, and what is wrong with the rest, each at its place."""

    kept: Values = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)


def read(section: Section, values: Values, context: Context, only: Container[str] | None = None) -> Reading:
    """Return every value by its kind, without a look at conditions; what is wrong is left out of `kept`. `only`: of the fields just these."""
    found = Reading(errors=_unknown(section, values))
    choices = context.choices
    for definition in section.fields:
        if not definition.asked or (only is not None and definition.key not in only):
            continue
        raw = values.get(definition.key)
        if definition.readonly and not blank(context.prefill.get(definition.key)):
            official = context.prefill[definition.key]
            if blank(raw):
                raw = official
            elif _differs(definition, raw, official, choices):
                found.errors.append(_error(section, definition.key, "readonly", "此项由法人库带出，不能修改"))
                continue
        _take(
            definition, raw, choices, found.kept, found.errors, {"section": section.key, "field": definition.key}
        )
    for table in section.tables:
        found.kept[table.key] = _rows(section, table, values.get(table.key), choices, found.errors, table.columns)
    for slot in section.slots:
        found.kept[slot.key] = _files(section, slot, values.get(slot.key), context, found.errors)
    return found


def rows_summed(section: Section, values: Values, choices: Choices) -> dict[str, list[Values]]:
    """Return the rows of every table that `read` would keep, with no more in them than their sums are made of."""
    return {
        table.key: _rows(section, table, values.get(table.key), choices, [], table.summed)
        for table in section.tables
    }


def _error(
    section: Section, at: str, code: str, message: str, *, row: str | None = None, column: str | None = None
) -> FieldError:
    return FieldError(section=section.key, field=at, row=row, column=column, code=code, message=message)


def _unknown(section: Section, values: Values) -> list[FieldError]:
    return [
        _error(section, key[:100], "unknown_field", "本表单没有此项")
        for key in list(values)[:MAX_ROWS]
        if key not in section.by_key
    ]


def _differs(definition: FieldDefinition, raw: object, official: object, choices: Choices) -> bool:
    try:
        return bool(definition.parse(raw, choices) != definition.parse(official, choices))
    except Wrong:
        return True


def _take(
    definition: FieldDefinition,
    raw: object,
    choices: Choices,
    kept: Values,
    errors: list[FieldError],
    place: Mapping[str, str],
) -> None:
    """Parse one value into `kept`, or say at its place why not."""
    # A required tick that is not set is missing, not wrong.
    if blank(raw) or (raw is False and isinstance(definition, CheckboxField) and definition.required):
        return
    try:
        kept[definition.key] = definition.parse(raw, choices)
    except Wrong as wrong:
        errors.append(FieldError(**place, code=wrong.code, message=wrong.message))


def with_id(row: Mapping[str, Any], table: Table) -> Values:
    """Return the row with an id: its own if it can be one, its key in a table of fixed rows, else a new one."""
    own = row.get("id")
    if isinstance(own, str) and ROW_ID.fullmatch(own):
        return dict(row)
    key = row.get("row")
    return {**row, "id": key if table.fixed_rows and isinstance(key, str) else uuid4().hex[:12]}


def _rows(
    section: Section,
    table: Table,
    raw: object,
    choices: Choices,
    errors: list[FieldError],
    columns: Sequence[FieldDefinition],
) -> list[Values]:
    if raw is None:
        raw = []
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        errors.append(_error(section, table.key, "type", f"“{table.label}”应为若干行"))
        return []
    if len(raw) > MAX_ROWS:
        errors.append(_error(section, table.key, "too_many_rows", f"“{table.label}”最多 {table.max_rows} 行"))
        return []
    rows = [with_id(row, table) for row in raw]
    if table.fixed_rows:
        rows = _in_fixed_order(section, table, rows, errors)
    else:
        # A line nobody wrote in is no row; people add one too many.
        if table.levels:
            rows = _by_level(section, table, rows, errors)
        known = {*table.by_column, "id", "row"}
        rows = [
            row for row in rows if row.keys() - known or any(not blank(row.get(key)) for key in table.by_asked)
        ]
        # Rows that follow others are as many as those.
        if len(rows) > table.max_rows and not table.source:
            errors.append(_error(section, table.key, "too_many_rows", f"“{table.label}”最多 {table.max_rows} 行"))
            return []
    ids = [row["id"] for row in rows]
    if len(set(ids)) != len(ids):
        errors.append(_error(section, table.key, "duplicate_row", "行标识重复，请刷新页面后重试"))
        return []
    return [_row(section, table, row, choices, errors, columns) for row in rows]


def _in_fixed_order(section: Section, table: Table, rows: list[Values], errors: list[FieldError]) -> list[Values]:
    by_key: dict[str, Values] = {}
    for row in rows:
        key = row.get("row")
        if not isinstance(key, str) or key not in table.by_row:
            errors.append(_error(section, table.key, "unknown_row", "本表没有此行", row=str(key)[:64]))
        else:
            by_key[key] = row
    return [{**by_key.get(f.key, {}), "id": f.key, "row": f.key} for f in table.fixed_rows]


def _by_level(section: Section, table: Table, rows: list[Values], errors: list[FieldError]) -> list[Values]:
    """Return the rows in the order of the headings that they stand below; say which name none."""
    order = {key: n for n, key in enumerate(table.by_level)}
    found = []
    for row in rows:
        key = row.get("row")
        if isinstance(key, str) and key in order:
            found.append(row)
        elif any(not blank(row.get(column)) for column in table.by_asked):
            errors.append(_error(section, table.key, "unknown_row", "本表没有此类", row=row["id"]))
    return sorted(found, key=lambda row: order[row["row"]])


def _row(
    section: Section,
    table: Table,
    row: Values,
    choices: Choices,
    errors: list[FieldError],
    columns: Sequence[FieldDefinition],
) -> Values:
    kept: Values = {"id": row["id"]}
    if table.fixed_rows or table.levels:
        kept["row"] = row["row"]
    for key in row.keys() - table.by_column.keys() - {"id", "row"}:
        errors.append(_error(section, table.key, "unknown_field", "本表没有此列", row=row["id"], column=key[:100]))
    for column in () if kept.get("row") in table.subtotals else columns:
        if column.asked:
            place = {"section": section.key, "field": table.key, "row": row["id"], "column": column.key}
            _take(column, row.get(column.key), choices, kept, errors, place)
    return kept


def _files(
    section: Section, slot: Slot, raw: object, context: Context, errors: list[FieldError]
) -> list[str] | dict[str, str]:
    key, there = slot.key, context.files.get(slot.key, frozenset())
    if slot.each_row:
        return _file_of_each_row(section, slot, {} if raw is None else raw, there, errors)
    ids = [] if raw is None else raw
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        errors.append(_error(section, key, "type", f"“{slot.label}”应为附件编号的列表"))
        return []
    if len(set(ids)) != len(ids):
        errors.append(_error(section, key, "duplicate_file", "同一附件重复"))
    if set(ids) - there:
        errors.append(_error(section, key, "unknown_file", "附件不存在或已删除，请重新上传"))
    return ids


def _file_of_each_row(
    section: Section, slot: Slot, raw: object, there: frozenset[str], errors: list[FieldError]
) -> dict[str, str]:
    """Return the row of each file. Whether there is such a row is known once the tables are read (`with_rows_there`)."""
    if not isinstance(raw, dict) or len(raw) > MAX_ROWS or not all(isinstance(row, str) for row in raw.values()):
        errors.append(_error(section, slot.key, "type", f"“{slot.label}”应为附件编号和行标识的对照"))
        return {}
    rows = list(raw.values())
    for row in dict.fromkeys(row for row in rows if rows.count(row) > 1) if len(set(rows)) != len(rows) else ():
        errors.append(
            _error(section, slot.key, "too_many_files", "每行只能上传一个文件，请移除多余的", row=row[:64])
        )
    for file, row in raw.items():
        if file not in there:
            said = "附件不存在或已删除，请重新上传"
            errors.append(_error(section, slot.key, "unknown_file", said, row=row[:64]))
    return dict(raw)


def with_rows_there(section: Section, kept: Values, saved: Saved) -> Values:
    """Return values without rows that follow a row which is gone, and without the files of rows that are gone: a row takes with it
    what follows it. Rows that are only hidden are there."""
    sections = {**saved, section.key: kept}

    def ids(table: Table) -> set[str]:
        of, key = table.source or (section.key, table.key)
        return {row["id"] for row in (sections.get(of) or {}).get(key) or ()}

    found = dict(kept)
    for table in section.tables:
        if table.source:
            there = ids(table)
            found[table.key] = [row for row in kept.get(table.key) or () if row["id"] in there]
    for slot in section.slots:
        if slot.each_row and isinstance(found.get(slot.key), dict) and (table_of := section.table(slot.each_row)):
            there = ids(table_of)
            found[slot.key] = {file: row for file, row in found[slot.key].items() if row in there}
    return found


def named_files(section: Section, values: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the attachments that a section's values name."""
    found: set[str] = set()
    for slot in section.slots:
        ids = (values or {}).get(slot.key)
        if isinstance(ids, list | dict):
            found |= {item for item in ids if isinstance(item, str)}
    return frozenset(found)

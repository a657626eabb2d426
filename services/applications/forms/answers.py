"""Values against a section's definition: every mistake at once, and the values as they will be kept."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from services.applications.forms.definition import RoundFacts, Section, Slot, Table
from services.applications.forms.fields import Bound, CheckboxField, FieldDefinition, Wrong, blank
from shared import clock
from shared.errors import FieldError, Invalid

Values = dict[str, Any]
ROW_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Context:
    """What a section's values are judged against besides their definition.

    `prefill` are the registry's values; `files` the attachments that exist, by slot.
    """

    round: RoundFacts
    prefill: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, frozenset[str]] = field(default_factory=dict)
    today: date = field(default_factory=clock.today)


def draft(section: Section, values: Values) -> Values:
    """What 暂存 keeps: whatever was typed under the section's own keys. `Invalid` for keys it does not have.

    Rows get an id when they have none, so that two copies of a table can be told apart row by row.
    """
    errors = _unknown(section, values)
    if errors:
        raise Invalid(errors)
    kept = dict(values)
    for table in section.tables:
        rows = kept.get(table.key)
        if isinstance(rows, list):
            kept[table.key] = [_with_id(row, table) if isinstance(row, dict) else row for row in rows]
    return kept


def validate(section: Section, values: Values, context: Context) -> Values:
    """What 保存表单 keeps. `Invalid` with every mistake at its place."""
    errors = _unknown(section, values)
    kept: Values = {}
    for definition in section.fields:
        raw = values.get(definition.key)
        if definition.readonly and not blank(context.prefill.get(definition.key)):
            official = context.prefill[definition.key]
            if blank(raw):
                raw = official
            elif _differs(definition, raw, official, context):
                errors.append(_error(section, definition.key, "readonly", "此项由法人库带出，不能修改"))
                continue
        _take(definition, raw, context, kept, errors, {"section": section.key, "field": definition.key})
    for definition in section.fields:
        _bounds(definition, kept, context, errors, {"section": section.key, "field": definition.key})
    for table in section.tables:
        kept[table.key] = _rows(section, table, values.get(table.key), context, errors)
    for slot in section.slots:
        kept[slot.key] = _files(section, slot, values.get(slot.key), context, errors)
    if errors:
        raise Invalid(errors)
    return kept


def _error(
    section: Section, at: str, code: str, message: str, *, row: str | None = None, column: str | None = None
) -> FieldError:
    return FieldError(section=section.key, field=at, row=row, column=column, code=code, message=message)


def _unknown(section: Section, values: Values) -> list[FieldError]:
    known = {f.key for f in section.fields} | {t.key for t in section.tables} | {s.key for s in section.slots}
    return [_error(section, key[:100], "unknown_field", "本表单没有此项") for key in values if key not in known]


def _differs(definition: FieldDefinition, raw: object, official: object, context: Context) -> bool:
    try:
        options = context.round.options
        return bool(definition.parse(raw, options) != definition.parse(official, options))
    except Wrong:
        return True


def _take(
    definition: FieldDefinition,
    raw: object,
    context: Context,
    kept: Values,
    errors: list[FieldError],
    place: dict[str, str],
) -> None:
    """Parse one value into `kept`, or say at its place why not."""
    unticked = isinstance(definition, CheckboxField) and definition.required and not raw
    if blank(raw) or (unticked and isinstance(raw, bool)):
        if definition.required:
            verb = "勾选" if isinstance(definition, CheckboxField) else "填写"
            errors.append(FieldError(**place, code="required", message=f"请{verb}“{definition.label}”"))
        return
    try:
        kept[definition.key] = definition.parse(raw, context.round.options)
    except Wrong as wrong:
        errors.append(FieldError(**place, code=wrong.code, message=wrong.message))


def _limit(bound: Bound, kept: Values, context: Context) -> Any:
    """What a bound compares with, or None when that is not known (yet)."""
    if bound.than == "today":
        return context.today.isoformat()
    if found := re.fullmatch(r"round\.closes_at(?:-(\d+)y)?", bound.than):
        if context.round.closes_on is None:
            return None
        close = date.fromisoformat(context.round.closes_on)
        year = close.year - int(found[1] or 0)
        try:
            return close.replace(year=year).isoformat()
        except ValueError:  # 29 February
            return close.replace(year=year, day=28).isoformat()
    return kept.get(bound.than)


def _bounds(
    definition: FieldDefinition,
    kept: Values,
    context: Context,
    errors: list[FieldError],
    place: dict[str, str],
) -> None:
    value = kept.get(definition.key)
    if value is None:
        return
    for bound in definition.bounds:
        limit = _limit(bound, kept, context)
        if limit is None:
            continue
        if definition.numeric:
            value, limit = Decimal(str(value)), Decimal(str(limit))
        if (bound.op == "<=" and value > limit) or (bound.op == ">=" and value < limit):
            errors.append(FieldError(**place, code="out_of_bounds", message=bound.message))


def _with_id(row: Mapping[str, Any], table: Table) -> Values:
    own = row.get("id")
    if isinstance(own, str) and ROW_ID.fullmatch(own):
        return dict(row)
    key = row.get("row")
    return {**row, "id": key if table.fixed_rows and isinstance(key, str) else uuid4().hex[:12]}


def _rows(section: Section, table: Table, raw: object, context: Context, errors: list[FieldError]) -> list[Values]:
    if raw is None:
        raw = []
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        errors.append(_error(section, table.key, "type", f"“{table.label}”应为若干行"))
        return []
    rows = [_with_id(row, table) for row in raw]
    if table.fixed_rows:
        rows = _in_fixed_order(section, table, rows, errors)
    else:
        # A line nobody wrote in is no row; people add one too many.
        rows = [row for row in rows if any(not blank(row.get(c.key)) for c in table.columns)]
        if len(rows) < table.min_rows:
            errors.append(
                _error(section, table.key, "too_few_rows", f"“{table.label}”至少填写 {table.min_rows} 行")
            )
        if len(rows) > table.max_rows:
            errors.append(_error(section, table.key, "too_many_rows", f"“{table.label}”最多 {table.max_rows} 行"))
            return []
    ids = [row["id"] for row in rows]
    if len(set(ids)) != len(ids):
        errors.append(_error(section, table.key, "duplicate_row", "行标识重复，请刷新页面后重试"))
    return [_row(section, table, row, context, errors) for row in rows]


def _in_fixed_order(section: Section, table: Table, rows: list[Values], errors: list[FieldError]) -> list[Values]:
    by_key = {row.get("row"): row for row in rows}
    for key in by_key.keys() - {fixed.key for fixed in table.fixed_rows}:
        errors.append(_error(section, table.key, "unknown_row", "本表没有此行", row=str(key)[:64]))
    return [{**by_key.get(f.key, {"id": f.key}), "row": f.key} for f in table.fixed_rows]


def _row(section: Section, table: Table, row: Values, context: Context, errors: list[FieldError]) -> Values:
    columns = {c.key for c in table.columns}
    kept: Values = {"id": row["id"]}
    if table.fixed_rows:
        kept["row"] = row["row"]
    for key in row.keys() - columns - {"id", "row"}:
        errors.append(_error(section, table.key, "unknown_field", "本表没有此列", row=row["id"], column=key[:100]))
    for column in table.columns:
        place = {"section": section.key, "field": table.key, "row": row["id"], "column": column.key}
        _take(column, row.get(column.key), context, kept, errors, place)
        _bounds(column, kept, context, errors, place)
    return kept


def _files(section: Section, slot: Slot, raw: object, context: Context, errors: list[FieldError]) -> list[str]:
    ids = [] if raw is None else raw
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        errors.append(_error(section, slot.key, "type", f"“{slot.label}”应为附件编号的列表"))
        return []
    if len(set(ids)) != len(ids):
        errors.append(_error(section, slot.key, "duplicate_file", "同一附件重复"))
    if set(ids) - context.files.get(slot.key, frozenset()):
        errors.append(_error(section, slot.key, "unknown_file", "附件不存在或已删除，请重新上传"))
    if slot.required and not ids:
        errors.append(_error(section, slot.key, "required", f"请上传“{slot.label}”"))
    if len(ids) > slot.max_files:
        errors.append(_error(section, slot.key, "too_many_files", f"最多上传 {slot.max_files} 个文件"))
    return ids


def named_files(section: Section, values: Values | None) -> frozenset[str]:
    """The attachments that a section's values name."""
    found: set[str] = set()
    for slot in section.slots:
        ids = (values or {}).get(slot.key)
        if isinstance(ids, list):
            found |= {item for item in ids if isinstance(item, str)}
    return frozenset(found)


def total(table: Table, column: str, rows: Iterable[Mapping[str, Any]]) -> Decimal:
    """The sum of a column; rows without a value add nothing."""
    return sum((Decimal(str(row[column])) for row in rows if not blank(row.get(column))), Decimal(0))

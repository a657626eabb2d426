"""Apply a section's current state to what a page shows: what the applications service says is hidden, required and computed.
Nothing is evaluated here."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, TypeVar

from services.gateway.form.form_parts import Typed
from services.gateway.form.form_view import shown
from shared.contract.forms import FieldDefinition, SectionDefinition, SlotDefinition, TableDefinition
from shared.contract.sections import SectionNow, TableNow

Part = TypeVar("Part", FieldDefinition, SlotDefinition, TableDefinition)
_ALL_SHOWN = TableNow()


def as_shown(section: SectionDefinition, now: SectionNow) -> SectionDefinition:
    """The definition without what is hidden, with `required` as it is now."""
    hidden, required = set(now.hidden), set(now.required)
    tables = _asked([t for t in section.tables if t.key not in hidden], required)
    return section.model_copy(
        update={
            "fields": _asked([f for f in section.fields if f.key not in hidden], required),
            "slots": _asked([s for s in section.slots if s.key not in hidden], required),
            "tables": [_table(table, now.tables.get(table.key, _ALL_SHOWN)) for table in tables],
        }
    )


def _asked(parts: list[Part], required: set[str]) -> list[Part]:
    """Parts that say `required` as it is now. Most are as their definition says, and are not copied."""
    return [
        part
        if part.required == (part.key in required)
        else part.model_copy(update={"required": not part.required})
        for part in parts
    ]


def _table(table: TableDefinition, now: TableNow) -> TableDefinition:
    columns = [c for c in table.columns if c.key not in now.hidden_columns]
    rows = [r for r in table.fixed_rows if r.key not in now.hidden_rows]
    return table.model_copy(update={"columns": _asked(columns, set(now.required)), "fixed_rows": rows})


def with_computed(section: SectionDefinition, values: Typed, now: SectionNow) -> Typed:
    """The values with what is computed from them; null where that is not known yet. Rows that follow others are those that the service
    names, with what was typed in them."""
    found = {**values, **now.computed}
    for table in section.tables:
        if table.rows_from and (state := now.tables.get(table.key)):
            typed = {row.get("id"): row for row in values.get(table.key) or () if isinstance(row, dict)}
            found[table.key] = [{**typed.get(id, {}), "id": id} for id in state.rows]
    for key, is_now in now.tables.items():
        rows = found.get(key)
        if isinstance(rows, list):
            found[key] = [_with_cells(row, is_now) if isinstance(row, dict) else row for row in rows]
    return found


def _with_cells(row: Typed, table: TableNow) -> Typed:
    state = table.rows.get(str(row.get("id")))
    return {**row, **state.computed} if state else row


def computed(section: SectionDefinition, now: SectionNow) -> dict[str, str]:
    """What is computed, as the page shows it, by the id of its place there, for a script to put it in; totals by `table/column`."""
    fields = {field.key: field for field in section.fields}
    found = {f"f-{key}": shown(fields[key], value, unit=False) for key, value in now.computed.items()}
    for table in section.tables:
        columns = {column.key: column for column in table.columns}
        state = now.tables.get(table.key, _ALL_SHOWN)
        for id, row in state.rows.items():
            for key, value in row.computed.items():
                found[f"t-{table.key}-{id}-{key}"] = shown(columns[key], value, unit=False)
        found |= {f"{table.key}/{key}": text for key, text in state.sums.items()}
    return found


def shape(section: SectionDefinition, now: SectionNow) -> str:
    """Make a fingerprint of what is shown and required: a page with another fingerprint has to be rendered again."""
    parts: list[Any] = [now.hidden, sorted(now.required), *(rows for rows in (now.options, now.file_rows) if rows)]
    following = {table.key for table in section.tables if table.rows_from}
    for key, table in sorted(now.tables.items()):
        # A row like any other changes nothing, so that adding one is no reason to make the page again.
        odd = {
            row: [state.hidden, state.required]
            for row, state in sorted(table.rows.items())
            if state.hidden or sorted(state.required) != sorted(table.required)
        }
        parts.append([key, table.hidden_rows, odd, *([list(table.rows)] if key in following else [])])
    raw = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2s(raw.encode(), digest_size=8).hexdigest()


def carried(section: SectionDefinition, now: SectionNow, values: Typed) -> list[tuple[str, str]]:
    """Names and values of hidden inputs for what is not shown but was typed, so that writing a section loses nothing."""
    hidden = set(now.hidden)
    names: list[tuple[str, str]] = []
    for field in section.fields:
        if field.key in hidden:
            names += _inputs(f"f.{field.key}", values.get(field.key))
    for slot in section.slots:
        if slot.key in hidden:
            kept = values.get(slot.key)
            if isinstance(kept, dict):
                names += [(f"s.{slot.key}.{row}", file) for file, row in kept.items()]
            else:
                names += _inputs(f"s.{slot.key}", kept)
    for table in section.tables:
        rows = values.get(table.key)
        kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        names += _rows(table, kept, table.key in hidden, now.tables.get(table.key, _ALL_SHOWN))
    return names


def _rows(table: TableDefinition, rows: list[Typed], whole: bool, now: TableNow) -> Iterator[tuple[str, str]]:
    rows_away = set(now.hidden_rows)
    shown = [r.key for r in table.fixed_rows if r.key not in rows_away]
    for n, row in enumerate(rows):
        state = now.rows.get(str(row.get("id")))
        away = {*now.hidden_columns, *(state.hidden if state else ())}
        row_hidden = whole or row.get("row") in rows_away
        # Shown fixed rows are numbered by their place among the shown; what is carried beside them follows that.
        fixed = bool(table.fixed_rows)
        number = shown.index(row["row"]) if fixed and not row_hidden and row.get("row") in shown else n
        base = f"t.{table.key}.{number + (1000 if fixed and row_hidden else 0)}"
        if row_hidden:
            yield from _inputs(f"{base}.{'row' if fixed else 'id'}", row.get("row" if fixed else "id"))
            if table.levels:
                yield from _inputs(f"{base}.row", row.get("row"))
        for column in table.columns:
            if row_hidden or column.key in away:
                yield from _inputs(f"{base}.{column.key}", row.get(column.key))


def _inputs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None or value is False or value == "":
        return []
    if isinstance(value, list):
        return [(name, str(item)) for item in value]
    return [(name, "1" if value is True else str(value))]

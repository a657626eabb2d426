"""Apply a section's current state to what a page shows: what the applications service says is hidden, required and computed.
Nothing is evaluated here."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def as_shown(section: Json, now: Json) -> Json:
    """The definition without what is hidden, with `required` as it is now."""
    hidden, required = set(now["hidden"]), set(now["required"])

    def shown(parts: list[Json]) -> list[Json]:
        return [{**part, "required": part["key"] in required} for part in parts if part["key"] not in hidden]

    return {
        **section,
        "fields": shown(section["fields"]),
        "slots": shown(section["slots"]),
        "tables": [_table(table, now["tables"].get(table["key"], {})) for table in shown(section["tables"])],
    }


def _table(table: Json, now: Json) -> Json:
    hidden = set(now.get("hidden_columns", ()))
    rows = set(now.get("hidden_rows", ()))
    required = set(now.get("required", ()))
    return {
        **table,
        "columns": [{**c, "required": c["key"] in required} for c in table["columns"] if c["key"] not in hidden],
        "fixed_rows": [r for r in table["fixed_rows"] if r["key"] not in rows],
    }


def with_computed(values: Json, now: Json) -> Json:
    """The values with what is computed from them; null where that is not known yet."""
    found = {**values, **now["computed"]}
    for key, table in now["tables"].items():
        rows = values.get(key)
        if isinstance(rows, list):
            found[key] = [_with_cells(row, table) if isinstance(row, dict) else row for row in rows]
    return found


def _with_cells(row: Json, table: Json) -> Json:
    return {**row, **table["rows"].get(str(row.get("id")), {}).get("computed", {})}


def computed(now: Json) -> dict[str, str]:
    """What is computed, by the id of its place on the page, for a script to put there; totals by `table/column`."""
    found = {f"f-{key}": value for key, value in now["computed"].items()}
    for key, table in now["tables"].items():
        for row, state in table["rows"].items():
            found |= {f"t-{key}-{row}-{column}": value for column, value in state["computed"].items()}
        found |= {f"{key}/{column}": value for column, value in table["totals"].items()}
    return {id: "—" if value is None else str(value) for id, value in found.items()}


def shape(now: Json) -> str:
    """Make a fingerprint of what is shown and required: a page with another fingerprint has to be rendered again."""
    parts: list[Any] = [now["hidden"], sorted(now["required"])]
    for key, table in sorted(now["tables"].items()):
        # A row like any other changes nothing, so that adding one is no reason to make the page again.
        odd = {
            row: [state["hidden"], state["required"]]
            for row, state in sorted(table["rows"].items())
            if state["hidden"] or sorted(state["required"]) != sorted(table["required"])
        }
        parts.append([key, table["hidden_rows"], odd])
    raw = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2s(raw.encode(), digest_size=8).hexdigest()


def carried(section: Json, now: Json, values: Json) -> list[tuple[str, str]]:
    """Names and values of hidden inputs for what is not shown but was typed, so that writing a section loses nothing."""
    hidden = set(now["hidden"])
    names: list[tuple[str, str]] = []
    for field in section["fields"]:
        if field["key"] in hidden:
            names += _inputs(f"f.{field['key']}", values.get(field["key"]))
    for slot in section["slots"]:
        if slot["key"] in hidden:
            names += _inputs(f"s.{slot['key']}", values.get(slot["key"]))
    for table in section["tables"]:
        rows = values.get(table["key"])
        kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        names += _rows(table, kept, table["key"] in hidden, now["tables"].get(table["key"], {}))
    return names


def _rows(table: Json, rows: list[Json], whole: bool, now: Json) -> Iterator[tuple[str, str]]:
    rows_away = set(now.get("hidden_rows", ()))
    shown = [r["key"] for r in table["fixed_rows"] if r["key"] not in rows_away]
    for n, row in enumerate(rows):
        away = {*now.get("hidden_columns", ()), *now.get("rows", {}).get(str(row.get("id")), {}).get("hidden", ())}
        row_hidden = whole or row.get("row") in rows_away
        # Shown fixed rows are numbered by their place among the shown; what is carried beside them follows that.
        fixed = bool(table["fixed_rows"])
        number = shown.index(row["row"]) if fixed and not row_hidden and row.get("row") in shown else n
        base = f"t.{table['key']}.{number + (1000 if fixed and row_hidden else 0)}"
        if row_hidden:
            yield from _inputs(f"{base}.{'row' if fixed else 'id'}", row.get("row" if fixed else "id"))
        for column in table["columns"]:
            if row_hidden or column["key"] in away:
                yield from _inputs(f"{base}.{column['key']}", row.get(column["key"]))


def _inputs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None or value is False or value == "":
        return []
    if isinstance(value, list):
        return [(name, str(item)) for item in value]
    return [(name, "1" if value is True else str(value))]

"""Between a section's values and an HTML form, both ways. What a field means is the form definition's; here it
only gets a name and a place.

Input names: `f.<field>`, `t.<table>.<n>.<column>` beside `t.<table>.<n>.id` or `.row`, `s.<slot>` for the
attachments a slot holds, `file.<slot>` for a new one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from services.gateway.forms import Values

Json = dict[str, Any]
MAX_ROWS = 1000


@dataclass(frozen=True)
class Input:
    """One control with its label, value and what is wrong with it."""

    name: str
    label: str
    kind: str
    value: Any
    required: bool
    readonly: bool
    help: str | None
    unit: str | None
    options: list[Json]
    error: str | None
    group: str | None = None
    text: str | None = None
    hidden: bool = False

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")


@dataclass(frozen=True)
class Row:
    number: int
    key_name: str
    key: str
    label: str | None
    cells: list[Input]
    error: str | None


@dataclass(frozen=True)
class TableView:
    key: str
    label: str
    group: str | None
    row_label: str
    fixed: bool
    columns: list[Json]
    rows: list[Row]
    totals: list[str | None]
    total_label: str
    error: str | None


@dataclass(frozen=True)
class SlotView:
    key: str
    label: str
    required: bool
    help: str | None
    accept: list[str]
    max_mb: int
    files: list[Json]
    error: str | None


@dataclass(frozen=True)
class SectionForm:
    inputs: list[Input]
    tables: list[TableView]
    slots: list[SlotView]
    groups: list[str] = field(default_factory=list)


class Errors:
    """The errors of a 422 by their place."""

    def __init__(self, listed: list[Json]) -> None:
        self.listed = listed
        self._by_place = {(e["field"], e["row"], e["column"]): e["message"] for e in reversed(listed)}

    def at(self, field: str, row: str | None = None, column: str | None = None) -> str | None:
        return self._by_place.get((field, row, column))


def build(
    section: Json, values: Json, parameters: Json, attachments: list[Json], errors: Errors, now: Json
) -> SectionForm:
    """A section as controls. Its definition says what is shown, `now` which cells of a row are not."""
    parameters = {**parameters, **section.get("lists", {})}
    return SectionForm(
        inputs=[
            _input(f, f"f.{f['key']}", values.get(f["key"]), parameters, errors.at(f["key"]))
            for f in section["fields"]
        ],
        tables=[
            _table(t, values.get(t["key"]), parameters, errors, now["tables"].get(t["key"], {}).get("rows", {}))
            for t in section["tables"]
        ],
        slots=[_slot(s, values.get(s["key"]), attachments, errors) for s in section["slots"]],
        groups=list(
            dict.fromkeys(part["group"] for part in [*section["tables"], *section["fields"]] if part["group"])
        ),
    )


def _options(definition: Json, parameters: Json) -> list[Json]:
    """Value and label of each; a plain text is both."""
    found = definition.get("options") or []
    if definition.get("options_from"):
        found = parameters.get(definition["options_from"], [])
    options = found if isinstance(found, list) else []
    return [o if isinstance(o, dict) else {"value": str(o), "label": str(o)} for o in options]


def _input(definition: Json, name: str, value: Any, parameters: Json, error: str | None) -> Input:
    return Input(
        name=name,
        label=definition["label"],
        kind=definition["kind"],
        value="" if value is None else value,
        required=definition["required"],
        # Only what was brought along is fixed; an empty one has to be typed.
        readonly=bool(definition.get("readonly") and value),
        help=definition.get("help"),
        unit=definition.get("unit"),
        options=_options(definition, parameters),
        error=error,
        group=definition.get("group"),
        text=definition.get("text"),
    )


def _table(table: Json, kept: Any, parameters: Json, errors: Errors, now: Json) -> TableView:
    rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
    fixed = bool(table["fixed_rows"])
    if fixed:
        by_key = {row.get("row"): row for row in rows}
        rows = [{**by_key.get(r["key"], {}), "row": r["key"], "label": r["label"]} for r in table["fixed_rows"]]
    elif not rows:
        rows = [{}] * max(1, min(table["min_rows"], 3))
    views = []
    for n, row in enumerate(rows):
        key = str(row.get("row") if fixed else row.get("id") or "")
        base = f"t.{table['key']}.{n}"
        cells = [
            _input(c, f"{base}.{c['key']}", row.get(c["key"]), parameters, errors.at(table["key"], key, c["key"]))
            for c in table["columns"]
        ]
        state = now.get(key)
        if state:
            cells = [
                replace(c, hidden=k in state["hidden"], required=k in state["required"])
                for k, c in _keyed(table, cells)
            ]
        views.append(
            Row(
                number=n,
                key_name=f"{base}.{'row' if fixed else 'id'}",
                key=key,
                label=row.get("label"),
                cells=cells,
                error=errors.at(table["key"], key),
            )
        )
    return TableView(
        key=table["key"],
        label=table["label"],
        group=table["group"],
        row_label=table["row_label"],
        fixed=fixed,
        columns=table["columns"],
        rows=views,
        totals=totals(table, rows),
        total_label=table["total_label"],
        error=errors.at(table["key"]),
    )


def _keyed(table: Json, cells: list[Input]) -> Iterator[tuple[str, Input]]:
    return zip((c["key"] for c in table["columns"]), cells, strict=True)


def totals(table: Json, rows: list[Json]) -> list[str | None]:
    """Per column the sum of what are numbers, or None; empty when the table has none."""
    if not table["totals"]:
        return []
    return [
        str(sum((_number(row.get(c["key"])) for row in rows), Decimal(0))) if c["key"] in table["totals"] else None
        for c in table["columns"]
    ]


def _number(value: Any) -> Decimal:
    try:
        found = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)


def _slot(slot: Json, kept: Any, attachments: list[Json], errors: Errors) -> SlotView:
    ids = kept if isinstance(kept, list) else []
    known = {a["id"]: a for a in attachments}
    return SlotView(
        key=slot["key"],
        label=slot["label"],
        required=slot["required"],
        help=slot["help"],
        accept=slot["accept"],
        max_mb=slot["max_mb"],
        files=[known[id] for id in ids if id in known],
        error=errors.at(slot["key"]),
    )


def read(section: Json, form: Values) -> Json:
    """What was typed, as the contract's values."""
    values: Json = {}
    for definition in section["fields"]:
        value = _typed(definition, form, f"f.{definition['key']}")
        if value is not None:
            values[definition["key"]] = value
    for table in section["tables"]:
        values[table["key"]] = _rows(table, form)
    for slot in section["slots"]:
        values[slot["key"]] = [id for id in form.get(f"s.{slot['key']}", []) if id]
    return values


def _typed(definition: Json, form: Values, name: str) -> Any:
    if definition["kind"] in ("computed", "fixed_text"):
        return None
    if definition["kind"] == "checkbox":
        return name in form
    if definition["kind"] == "multiselect":
        return [value for value in form.get(name, []) if value]
    found = form.get(name)
    return found[0] if found else None


def _rows(table: Json, form: Values) -> list[Json]:
    prefix = f"t.{table['key']}."
    numbers = {
        int(n)
        for name in form
        if name.startswith(prefix)
        for n in [name.removeprefix(prefix).partition(".")[0]]
        if n.isascii() and n.isdecimal() and len(n) <= 4
    }
    key = "row" if table["fixed_rows"] else "id"
    rows = []
    for n in sorted(numbers)[:MAX_ROWS]:
        base = f"{prefix}{n}"
        row = {c["key"]: _typed(c, form, f"{base}.{c['key']}") for c in table["columns"]}
        row = {name: value for name, value in row.items() if value is not None}
        if given := form.get(f"{base}.{key}", [""])[0]:
            row[key] = given
        elif key == "id":
            # Named before it is sent, so that what is wrong with it can be said beside it.
            row[key] = uuid4().hex[:12]
        rows.append(row)
    return rows


def shown(definition: Json, value: Any, lists: Json | None = None) -> str:
    """A kept value as a read-only page shows it; a choice by its label."""
    known = {o["value"]: o["label"] for o in _options(definition, lists or {})}
    if isinstance(value, str | list) and known:
        value = [known.get(v, v) for v in value] if isinstance(value, list) else known.get(value, value)
    if value is None or value in ("", []):
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(item) for item in value)
    unit = definition.get("unit")
    return f"{value} {unit}" if unit else str(value)

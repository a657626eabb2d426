"""Lay out a section's values as an HTML form: each field gets a name, a place, and its mistakes, opinions and source. What a
field means stands in the form's definition.

Input names: `f.<field>`, `t.<table>.<n>.<column>` beside `t.<table>.<n>.id` or `.row`, `s.<slot>` for the
attachments a slot holds, `file.<slot>` for a new one. `form_values` reads them back. Ids name rows by their own id,
so that a link from another page finds its place (`anchor`).
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from services.gateway.form.form_parts import Beside, Input, Json, Row, SectionForm, SlotView, TableView
from shared.text import amounts

# Columns that fit side by side on a usual screen.
FIT = 6


def anchor(section: Json, place: Json) -> str:
    """The id, on the section's page, of a place that an error or a change names."""
    key, row, column = place.get("field"), place.get("row"), place.get("column")
    if not key:
        return "form"
    if any(s["key"] == key for s in section["slots"]):
        return f"file-{key}"
    if any(t["key"] == key for t in section["tables"]):
        return "-".join(["t", key, row, *([column] if column else [])]) if row else key
    return f"f-{key}"


def place_label(section: Json, place: Json) -> str:
    """The office's words for a place: the field's label, or the table's and the column's."""
    key, column = place.get("field"), place.get("column")
    for part in [*section["fields"], *section["slots"]]:
        if part["key"] == key:
            return str(part["label"])
    for table in section["tables"]:
        if table["key"] == key:
            inner = next((c["label"] for c in table["columns"] if c["key"] == column), None)
            return f"{table['label']} · {inner}" if inner else str(table["label"])
    return ""


def summary(section: Json, errors: list[Json]) -> list[Json]:
    """Errors as lines that lead to their places."""
    return [
        {
            "anchor": anchor(section, e),
            "text": f"{label}：{e['message']}"
            if (label := place_label(section, e)) and label not in e["message"]
            else e["message"],
        }
        for e in errors
    ]


def build(
    section: Json, values: Json, parameters: Json, attachments: list[Json], beside: Beside, now: Json
) -> SectionForm:
    """A section as controls. Its definition says what is shown, `now` which cells of a row are not."""
    return SectionForm(
        inputs=[
            _input(
                f,
                f"f.{f['key']}",
                f"f-{f['key']}",
                values.get(f["key"]),
                parameters,
                beside.error(f["key"]),
                beside.said(f["key"]),
                beside.sources.get(f["key"]),
            )
            for f in section["fields"]
        ],
        tables=[
            _table(t, values.get(t["key"]), parameters, beside, now["tables"].get(t["key"], {}))
            for t in section["tables"]
        ],
        slots=[_slot(s, values.get(s["key"]), attachments, beside) for s in section["slots"]],
        groups=list(
            dict.fromkeys(
                part["group"]
                for part in [*section["tables"], *section["fields"], *section["slots"]]
                if part["group"]
            )
        ),
    )


def _options(definition: Json, parameters: Json) -> list[Json]:
    """Value and label of each; a plain text is both."""
    found = definition.get("options") or []
    if definition.get("options_from"):
        found = parameters.get(definition["options_from"], [])
    options = found if isinstance(found, list) else []
    return [o if isinstance(o, dict) else {"value": str(o), "label": str(o)} for o in options]


def _input(
    definition: Json,
    name: str,
    id: str,
    value: Any,
    parameters: Json,
    error: str | None,
    opinions: list[str],
    source: str | None = None,
) -> Input:
    return Input(
        name=name,
        id=id,
        label=definition["label"],
        kind=definition["kind"],
        value="" if value is None else value,
        required=definition["required"],
        # Only what was brought along is fixed; what somebody had to type can be corrected.
        readonly=bool(definition.get("readonly") and source),
        help=_help(definition),
        unit=definition.get("unit"),
        options=_options(definition, parameters),
        error=error,
        opinions=opinions,
        source=source,
        max=definition.get("max") if definition["kind"] == "textarea" else None,
        group=definition.get("group"),
        text=definition.get("text"),
    )


def _help(definition: Json) -> str | None:
    example = definition.get("example")
    said = [definition.get("help"), f"示例：{example}" if example else None]
    return "　".join(text for text in said if text) or None


def new_row_id() -> str:
    """Rows are named before they are sent, so that what is wrong with one can be said beside it."""
    return uuid4().hex[:12]


def _table(table: Json, kept: Any, parameters: Json, beside: Beside, now: Json) -> TableView:
    rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
    fixed = bool(table["fixed_rows"])
    if fixed:
        by_key = {row.get("row"): row for row in rows}
        rows = [{**by_key.get(r["key"], {}), "row": r["key"], "label": r["label"]} for r in table["fixed_rows"]]
    elif not rows:
        rows = [{} for _ in range(max(1, min(table["min_rows"], 3)))]
    columns = [{**c, "help": _help(c), "help_id": f"{table['key']}-{c['key']}-help"} for c in table["columns"]]
    views = []
    for n, row in enumerate(rows):
        key = str(row["row"] if fixed else row.get("id") or new_row_id())
        base = f"t.{table['key']}.{n}"
        cells = [
            replace(
                _input(
                    c,
                    f"{base}.{c['key']}",
                    f"t-{table['key']}-{key}-{c['key']}",
                    row.get(c["key"]),
                    parameters,
                    beside.error(table["key"], key, c["key"]),
                    [],
                ),
                help=None,
                help_at=c["help_id"] if c["help"] else None,
            )
            for c in columns
        ]
        state = now.get("rows", {}).get(key)
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
                error=beside.error(table["key"], key),
                opinions=beside.said(table["key"], key),
            )
        )
    return TableView(
        key=table["key"],
        label=table["label"],
        help=table["help"],
        group=table["group"],
        row_label=table["row_label"],
        fixed=fixed,
        required=table["required"],
        max_rows=table["max_rows"],
        columns=columns,
        wide=len(columns) > FIT,
        rows=views,
        # What is hidden does not count: the sums are those of the service, until there is one.
        totals=totals(table, [now["totals"]] if now.get("totals") else rows),
        total_label=table["total_label"],
        error=beside.error(table["key"]),
        opinions=beside.said(table["key"]),
    )


def _keyed(table: Json, cells: list[Input]) -> Iterator[tuple[str, Input]]:
    return zip((c["key"] for c in table["columns"]), cells, strict=True)


def totals(table: Json, rows: list[Json]) -> list[str | None]:
    """Per column the sum of what are numbers, or None; empty when the table has none."""
    if not table["totals"]:
        return []
    return [
        amounts.show(sum((_number(row.get(c["key"]), c.get("unit")) for row in rows), Decimal(0)))
        if c["key"] in table["totals"]
        else None
        for c in table["columns"]
    ]


def _number(value: Any, unit: str | None) -> Decimal:
    try:
        return amounts.read(str(value), unit=unit)
    except amounts.NotANumber:
        return Decimal(0)


def _slot(slot: Json, kept: Any, attachments: list[Json], beside: Beside) -> SlotView:
    ids = kept if isinstance(kept, list) else []
    known = {a["id"]: a for a in attachments}
    return SlotView(
        key=slot["key"],
        label=slot["label"],
        required=slot["required"],
        help=slot["help"],
        accept=slot["accept"],
        max_mb=slot["max_mb"],
        max_files=slot["max_files"],
        files=[known[id] for id in ids if id in known],
        error=beside.error(slot["key"]),
        opinions=beside.said(slot["key"]),
        group=slot["group"],
    )


def shown(definition: Json, value: Any) -> str:
    """A kept value as a read-only page shows it; a choice by its label."""
    known = {o["value"]: o["label"] for o in _options(definition, {})}
    if isinstance(value, str | list) and known:
        value = [known.get(v, v) for v in value] if isinstance(value, list) else known.get(value, value)
    if value is None or value in ("", []):
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(item) for item in value)
    text = amounts.show(value) if _is_number(definition) else str(value)
    unit = definition.get("unit")
    return f"{text} {unit}" if unit else text


def _is_number(definition: Json) -> bool:
    """Whether a kind writes its values as amounts, as `kinds` do: a whole number such as a head count stands as it is."""
    computed = definition["kind"] == "computed" and definition.get("gives") not in ("text", "date", "bool")
    return computed or definition["kind"] in ("decimal", "money", "percent")

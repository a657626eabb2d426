"""Bring values into the shapes that pages show. 暂存 keeps whatever a client sent, and a page must open whatever was kept."""

from typing import Any

from services.gateway.form.form_parts import Typed
from shared.contract.forms import FieldDefinition, SectionDefinition, TableDefinition


def fitted(section: SectionDefinition, values: Typed) -> Typed:
    """The section's values: texts and numbers in fields, lists of texts where several are chosen, rows of such, ids of
    files. What is none of that is left out."""
    found: Typed = {}
    for field in section.fields:
        if (value := _value(field, values.get(field.key))) is not None:
            found[field.key] = value
    for table in section.tables:
        rows = values.get(table.key)
        if isinstance(rows, list):
            found[table.key] = [_row(table, row) for row in rows if isinstance(row, dict)]
    for slot in section.slots:
        ids = values.get(slot.key)
        if slot.each_row and isinstance(ids, dict):
            found[slot.key] = {file: row for file, row in ids.items() if isinstance(row, str)}
        elif isinstance(ids, list) and not slot.each_row:
            found[slot.key] = [id for id in ids if isinstance(id, str)]
    return found


def _row(table: TableDefinition, row: Typed) -> Typed:
    names = {name: row[name] for name in ("id", "row") if isinstance(row.get(name), str)}
    cells = {c.key: _value(c, row.get(c.key)) for c in table.columns}
    return {**names, **{key: value for key, value in cells.items() if value is not None}}


def _value(definition: FieldDefinition, value: Any) -> Any:
    if definition.kind == "multiselect":
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None
    return value if isinstance(value, str | int | float | bool) else None

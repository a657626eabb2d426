"""Read a submitted form of a section into the contract's values: the inverse of `form_view`."""

from typing import Any

from services.gateway.form.form_parts import Typed
from services.gateway.form.form_view import new_row_id
from services.gateway.web.form_data import Values
from shared.contract.forms import FieldDefinition, SectionDefinition, SlotDefinition, TableDefinition

MAX_ROWS = 1000


def read(section: SectionDefinition, form: Values) -> Typed:
    """The values under the names that `form_view` gave."""
    values: Typed = {}
    for definition in section.fields:
        value = _typed(definition, form, f"f.{definition.key}")
        if value is not None:
            values[definition.key] = value
    for table in section.tables:
        values[table.key] = _rows(table, form)
    for slot in section.slots:
        values[slot.key] = (
            _filed(slot, form) if slot.each_row else [id for id in form.get(f"s.{slot.key}", []) if id]
        )
    return values


def _filed(slot: SlotDefinition, form: Values) -> dict[str, str]:
    """The rows of files, by file."""
    prefix = f"s.{slot.key}."
    named = ((name.removeprefix(prefix), ids) for name, ids in form.items() if name.startswith(prefix))
    return {id: row for row, ids in named for id in ids if id}


def _typed(definition: FieldDefinition, form: Values, name: str) -> Any:
    if definition.kind in ("computed", "fixed_text"):
        return None
    if definition.kind == "checkbox":
        return name in form
    if definition.kind == "multiselect":
        return [value for value in form.get(name, []) if value]
    found = form.get(name)
    return found[0] if found else None


def _rows(table: TableDefinition, form: Values) -> list[Typed]:
    prefix = f"t.{table.key}."
    numbers = {
        int(n)
        for name in form
        if name.startswith(prefix)
        for n in [name.removeprefix(prefix).partition(".")[0]]
        if n.isascii() and n.isdecimal() and len(n) <= 4
    }
    key = "row" if table.fixed_rows else "id"
    rows = []
    for n in sorted(numbers)[:MAX_ROWS]:
        base = f"{prefix}{n}"
        row = {c.key: _typed(c, form, f"{base}.{c.key}") for c in table.columns}
        row = {name: value for name, value in row.items() if value is not None}
        if given := form.get(f"{base}.{key}", [""])[0]:
            row[key] = given
        elif key == "id":
            row[key] = new_row_id()
        if table.levels and (level := form.get(f"{base}.row", [""])[0]):
            row["row"] = level
        rows.append(row)
    return rows

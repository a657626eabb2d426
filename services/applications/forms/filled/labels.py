"""Name the places of a form in words."""

from collections.abc import Mapping
from typing import Any

from services.applications.forms.definition import Form, Table
from services.applications.forms.kinds import Choices, blank

_FIRST_CELL = 12


def field_label(form: Form, section: str | None, field: str | None) -> str | None:
    """Return the Chinese name of a field, table, table column (`table.column`) or attachment slot."""
    found = form.section(section) if section else None
    if found is None or not field:
        return None
    inner, _, column = field.partition(".")
    if table := found.table(inner):
        labels = [c.full_label for c in table.columns if c.key == column]
        return f"{table.label}·{labels[0]}" if labels else (table.label if not column else None)
    part = found.field(field) or found.slot(field)
    return part.label if part else None


def row_name(table: Table, row: Mapping[str, Any], number: int) -> str:
    """Return a row's label if it is fixed, its number otherwise: what may stand on papers that outlast the values."""
    fixed = table.by_row.get(row.get("row", ""))
    return fixed.label if fixed else f"第 {number} 行"


def row_words(table: Table, row: Mapping[str, Any], number: int, choices: Choices) -> str:
    """Return what a row is called: a fixed row by its label, another by its number and the beginning of its first cell, which is
    never a sensitive one."""
    if table.fixed_rows:
        return row_name(table, row, number)
    first = next((c for c in table.columns if not c.sensitive and not blank(row.get(c.key))), None)
    said = f"（{first.show(row[first.key], choices)[:_FIRST_CELL]}）" if first else ""
    return f"{row_name(table, row, number)}{said}"

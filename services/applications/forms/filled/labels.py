"""Name the places of a form in words."""

from collections.abc import Mapping
from typing import Any

from services.applications.forms.definition import Form, Section, Slot, Table
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


def row_title(table: Table, row: Mapping[str, Any], number: int, choices: Choices) -> str:
    """Return what a file of a row is named by: the label of a fixed row, else the row's first text, never a sensitive one."""
    if table.fixed_rows:
        return row_name(table, row, number)
    texts = (c for c in table.columns if c.type == "text" and not c.sensitive and not blank(row.get(c.key)))
    first = next(texts, None)
    return first.show(row[first.key], choices) if first else row_name(table, row, number)


def file_rows(section: Section, values: Mapping[str, Any], choices: Choices) -> dict[str, str]:
    """Return by file what its row is called, of the slots that ask a file for each row; the values are those that count."""
    found: dict[str, str] = {}
    for slot in section.slots:
        given = values.get(slot.key) or ()
        if slot.each_row and isinstance(given, Mapping) and (table := section.table(slot.each_row)):
            titles = {
                row["id"]: row_title(table, row, n, choices)
                for n, row in enumerate(values.get(table.key) or (), 1)
            }
            found |= {file: titles[row] for file, row in given.items() if row in titles}
    return found


def files_in_order(section: Section, slot: Slot, values: Mapping[str, Any]) -> list[str]:
    """Return the files of a slot in the order they are read in: that of the rows where each row has one."""
    given = values.get(slot.key) or []
    if not slot.each_row or not isinstance(given, Mapping):
        return list(given)
    order = {row["id"]: n for n, row in enumerate(values.get(slot.each_row) or ())}
    return sorted(given, key=lambda file: order.get(given[file], len(order)))

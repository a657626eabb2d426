"""Carry out the buttons beside rows and files on what was typed."""

from urllib.parse import quote

from services.gateway.form.form_parts import Typed
from services.gateway.form.form_view import new_row_id
from shared.contract.forms import FormDefinition, SectionDefinition


def followed(form: FormDefinition, section: SectionDefinition, table: str) -> bool:
    """Tell whether rows of other tables, or files, follow the rows of a table."""
    tables = (t for s in form.sections for t in s.tables)
    return any(s.each_row == table for s in section.slots) or any(
        t.rows_from == f"{section.key}.{table}" for t in tables
    )


def change(section: SectionDefinition, action: str, rest: str, values: Typed) -> str:
    """Add or remove a row, put a file that came by telephone into its slot, or take one out. Returns the anchor to come back to."""
    key, _, which = rest.partition(":")
    table = next((t for t in section.tables if t.key == key), None)
    if action == "add" and table is not None and len(values[key]) < table.max_rows:
        row = {"id": new_row_id(), **({"row": which} if which in table.level_names else {})}
        values[key].append(row)
        # The first cell of the new row: whoever works by keyboard goes on writing there.
        return f"#t-{key}-{row['id']}-{table.columns[0].key}"
    if action == "remove" and table is not None:
        values[key] = [row for row in values[key] if row.get("id") != which]
        for slot in section.slots:
            if slot.each_row == key:
                values[slot.key] = {file: row for file, row in values[slot.key].items() if row != which}
    elif action == "include" and isinstance(values.get(key), list):
        values[key] = [*(id for id in values[key] if id != which), which]
    elif action == "unlink":
        key = key.partition(".")[0]
        there = values.get(key)
        if isinstance(there, dict):
            there.pop(which, None)
        elif isinstance(there, list):
            values[key] = [id for id in there if id != which]
    return f"#{quote(key)}" if key else ""

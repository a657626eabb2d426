"""Carry out the buttons beside rows and files on what was typed."""

from urllib.parse import quote

from services.gateway.form.form_parts import Typed
from services.gateway.form.form_view import new_row_id
from shared.contract.forms import SectionDefinition


def change(section: SectionDefinition, action: str, rest: str, values: Typed) -> str:
    """Add or remove a row, or take a file out of its slot. Returns the anchor to come back to."""
    key, _, which = rest.partition(":")
    table = next((t for t in section.tables if t.key == key), None)
    if action == "add" and table is not None and len(values[key]) < table.max_rows:
        row = {"id": new_row_id(), **({"row": which} if which in table.level_names else {})}
        values[key].append(row)
        # The first cell of the new row: whoever works by keyboard goes on writing there.
        return f"#t-{key}-{row['id']}-{table.columns[0].key}"
    if action == "remove" and table is not None:
        values[key] = [row for row in values[key] if row.get("id") != which]
    elif action == "unlink" and key in values:
        values[key] = [id for id in values[key] if id != which]
    return f"#{quote(key)}" if key else ""

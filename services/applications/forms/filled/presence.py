"""Say what exists in a revision: what a condition hid has no place in its values, what was left empty has. One rule for the
applicant's, the bureau's and the expert's pages, for the PDF and for the places of opinions."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.kinds import FieldDefinition

Values = Mapping[str, Any]
Contents = Mapping[str, Values | None]


def sections(form: Form, contents: Contents) -> list[tuple[Section, Values]]:
    """Return the sections that exist, with their values, in the form's order."""
    return [(s, values) for s in form.sections if (values := contents.get(s.key)) is not None]


def fields(section: Section, values: Values) -> list[FieldDefinition]:
    """Return the fields that exist."""
    return [field for field in section.fields if field.key in values]


def tables(section: Section, values: Values) -> list[Table]:
    """Return the tables that exist."""
    return [table for table in section.tables if table.key in values]


def slots(section: Section, values: Values) -> list[Slot]:
    """Return the places for attachments that exist."""
    return [slot for slot in section.slots if slot.key in values]


def columns(table: Table, rows: Sequence[Values]) -> list[FieldDefinition]:
    """Return the columns that exist in at least one row; all of them while there is no row."""
    return [c for c in table.columns if not rows or any(c.key in row for row in rows)]


def exists(form: Form, contents: Contents, section: str, field: str = "", row: str = "") -> bool:
    """Tell whether a place exists: a section, a field, table, column (`table.column`) or slot of it, a row of a table."""
    definition, values = form.section(section), contents.get(section)
    if definition is None or values is None:
        return False
    part, _, column = field.partition(".")
    if not part:
        return not row
    table = definition.table(part)
    if part not in values or (table is None and (column or row)):
        return False
    rows = values[part] or [] if table else []
    if table and column and column not in {c.key for c in columns(table, rows)}:
        return False
    return not row or any(found.get("id") == row for found in rows)

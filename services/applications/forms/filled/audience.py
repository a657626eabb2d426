"""Tell which parts of a form are for the experts: what they judge by, without whom to call and where to pay."""

from collections.abc import Mapping
from typing import Any

from services.applications.forms.definition import Form, Section, Table

Values = Mapping[str, Any]


def for_experts(form: Form, section: str, part: str = "") -> bool:
    """Tell whether experts are shown a section, or a field, table or slot of it. What the form does not have they are not."""
    found = form.section(section)
    if found is None or found.audience != "experts":
        return False
    return not part or (part in found.by_key and found.by_key[part].audience == "experts")


def sections_for_experts(form: Form, sections: Mapping[str, Values]) -> dict[str, Any]:
    """Return the values of the sections without what is not for experts."""
    return {
        section.key: _values(section, values)
        for section in form.sections
        if (values := sections.get(section.key)) is not None and section.audience == "experts"
    }


def _values(section: Section, values: Values) -> dict[str, Any]:
    shown = {}
    for key, part in section.by_key.items():
        if key in values and part.audience == "experts":
            shown[key] = _rows(part, values[key]) if isinstance(part, Table) else values[key]
    return shown


def _rows(table: Table, rows: Any) -> Any:
    closed = {column.key for column in table.columns if column.audience != "experts"}
    return [{k: v for k, v in row.items() if k not in closed} for row in rows or ()] if closed else rows

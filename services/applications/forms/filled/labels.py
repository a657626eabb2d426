"""Name the places of a form in words."""

from services.applications.forms.definition import Form


def field_label(form: Form, section: str | None, field: str | None) -> str | None:
    """Return the Chinese name of a field, table, table column (`table.column`) or attachment slot."""
    found = form.section(section) if section else None
    if found is None or not field:
        return None
    inner, _, column = field.partition(".")
    if table := found.table(inner):
        labels = [c.label for c in table.columns if c.key == column]
        return f"{table.label}·{labels[0]}" if labels else (table.label if not column else None)
    part = found.field(field) or found.slot(field)
    return part.label if part else None

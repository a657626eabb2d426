"""Lay out what was typed in one section to be read: labelled values, tables and files, in the shape of what was submitted."""

from services.gateway.form import form_view
from services.gateway.form.form_parts import Typed
from shared.contract.forms import SectionDefinition, TableDefinition
from shared.contract.pages import ReadFile, ReadMaterial, ReadSlot, ReadTable, ReadValue
from shared.contract.sections import AttachmentView, SectionNow


def material(
    section: SectionDefinition, values: Typed, attachments: list[AttachmentView], now: SectionNow | None = None
) -> ReadMaterial:
    """One section to be read. What has no place in the values was hidden by a condition, or is not filled in. The sums are those of
    the service (`now`); without them there are none."""
    files = {str(a.id): ReadFile(id=a.id, name=a.name, size=a.size) for a in attachments}
    for slot in section.slots:
        filed, titles = values.get(slot.key), now.file_rows.get(slot.key, {}) if now else {}
        for id, row in filed.items() if isinstance(filed, dict) else ():
            if id in files and row in titles:
                files[id] = files[id].model_copy(update={"name": f"{titles[row]}：{files[id].name}"})
    tables = now.tables if now else {}
    return ReadMaterial(
        number=1,
        key=section.key,
        label=section.label,
        values=[
            ReadValue(label=f.label, text=form_view.shown(f, values[f.key]))
            for f in section.fields
            if f.key in values
        ],
        tables=[
            _table(t, values[t.key] or [], tables[t.key].sums if t.key in tables else {})
            for t in section.tables
            if t.key in values
        ],
        slots=[
            ReadSlot(label=s.label, files=[files[id] for id in values[s.key] or [] if id in files])
            for s in section.slots
            if s.key in values
        ],
    )


def _table(table: TableDefinition, rows: list[Typed], sums: dict[str, str]) -> ReadTable:
    fixed = {row.key: row.label for row in table.fixed_rows} | table.level_names
    lead = ([" · ".join(table.level_labels)] if table.levels else [table.row_label]) if fixed else []
    under = [sums.get(c.key, "") for c in table.columns]
    return ReadTable(
        label=table.label,
        head=lead + [f"{c.full_label}（{c.unit}）" if c.unit else c.full_label for c in table.columns],
        dates=[n for n, c in enumerate(table.columns, len(lead)) if c.kind == "date"],
        rows=[
            ([fixed.get(row.get("row", ""), "")] if fixed else [])
            + [form_view.shown(c, row.get(c.key), unit=False) for c in table.columns]
            for row in rows
        ],
        totals=[table.total_label, *(under if fixed else under[1:])] if sums else [],
    )

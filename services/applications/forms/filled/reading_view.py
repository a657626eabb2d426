"""Show a filled section as people read it: labelled texts, tables with their sums, files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.applications.forms.definition import Form, Section, Table
from services.applications.forms.filled import presence
from services.applications.forms.filled.labels import file_rows, files_in_order
from services.applications.forms.filled.section_state import sums, totals
from services.applications.forms.kinds import Choices, FieldDefinition, blank
from shared.contract.pages import ChangeLine, ReadFile, ReadMaterial, ReadSlot, ReadTable, ReadValue
from shared.contract.submission import Change

Values = Mapping[str, Any]
NOTHING = "—"


def text(field: FieldDefinition, value: Any, choices: Choices) -> str:
    """Return a kept value as people read it; a dash where nothing was filled in."""
    return NOTHING if blank(value) else field.show(value, choices)


def specified(fields: Iterable[FieldDefinition]) -> frozenset[str]:
    """Return the keys of the texts that are read with the option they say more of."""
    return frozenset(key for field in fields for key in getattr(field, "specify", {}).values())


def in_full(field: FieldDefinition, values: Values, choices: Choices) -> str:
    """Return the value of a field of these values as people read it, an option with what says which: 其他（漆画）."""
    value, which = values.get(field.key), getattr(field, "specify", {})
    if blank(value) or not which:
        return text(field, value, choices)

    def one(option: str) -> str:
        more = values.get(which.get(option, ""))
        label = field.show([option] if isinstance(value, list) else option, choices)
        return label if blank(more) else f"{label}（{more}）"

    return "、".join(map(one, value)) if isinstance(value, list) else one(str(value))


def with_unit(field: FieldDefinition, value: Any, choices: Choices) -> str:
    """Return the same with its unit behind it."""
    shown = text(field, value, choices)
    return f"{shown} {field.unit}" if field.unit and shown != NOTHING else shown


def materials(
    form: Form, contents: presence.Contents, files: Mapping[str, ReadFile], choices: Choices
) -> list[ReadMaterial]:
    """Return every section that has contents, numbered."""
    return [
        material(section, values, files, choices, number)
        for number, (section, values) in enumerate(presence.sections(form, contents), 1)
    ]


def material(
    section: Section, values: Values, files: Mapping[str, ReadFile], choices: Choices, number: int = 1
) -> ReadMaterial:
    """Return one section, as far as it exists."""
    rows = file_rows(section, values, choices)
    return ReadMaterial(
        number=number,
        key=section.key,
        label=section.label,
        values=[
            ReadValue(
                label=f.label,
                text=in_full(f, values, choices) if specified([f]) else with_unit(f, values[f.key], choices),
            )
            for f in presence.fields(section, values)
            if f.key not in specified(section.fields)
        ],
        tables=[_table(t, values[t.key] or [], choices) for t in presence.tables(section, values)],
        slots=[
            ReadSlot(
                label=s.label,
                files=[_of_row(files[id], rows) for id in files_in_order(section, s, values) if id in files],
            )
            for s in presence.slots(section, values)
        ],
    )


def _of_row(file: ReadFile, rows: Mapping[str, str]) -> ReadFile:
    """Return a file led by the row that it was asked for, if it was for one."""
    row = rows.get(str(file.id))
    return file.model_copy(update={"name": f"{row}：{file.name}"}) if row else file


def head(columns: Sequence[FieldDefinition]) -> list[str]:
    """Return the labels of columns, with the units that their cells leave out."""
    return [f"{c.full_label}（{c.unit}）" if c.unit else c.full_label for c in columns]


def total_line(table: Table, rows: Sequence[Values], columns: Sequence[FieldDefinition]) -> list[str]:
    """Return the line of sums under these columns of a table, its words first; empty where there are none."""
    if not (shown := sums(table, totals(table, rows))):
        return []
    under = [shown.get(column.key, "") for column in columns]
    # Where no column names the rows, the first makes room for the words.
    return [table.total_label, *(under if table.lead else under[1:])]


def _table(table: Table, rows: list[Values], choices: Choices) -> ReadTable:
    columns = presence.columns(table, rows)
    lead = [table.lead] if table.lead else []
    return ReadTable(
        label=table.label,
        head=lead + head(columns),
        dates=[n for n, c in enumerate(columns, len(lead)) if c.kind == "date"],
        rows=[
            ([row_label(table, row)] if lead else []) + [text(c, row.get(c.key), choices) for c in columns]
            for row in rows
        ],
        totals=total_line(table, rows, columns),
    )


def row_label(table: Table, row: Values) -> str:
    """Return what the first column says of a row, where the rows have names."""
    return table.row_names.get(row.get("row", ""), "")


def change_line(form: Form, change: Change, choices: Choices) -> ChangeLine:
    """Return a change with its place in words and both values as texts."""
    section = form.by_key[change.section]
    table = section.table(change.field)
    part: FieldDefinition | None
    if table is not None:
        part = table.by_column.get(change.column or "")
        place = f"{table.label} · {part.full_label}" if part else table.label
    else:
        part = section.field(change.field)
        place = section.by_key[change.field].label

    def said(value: Any) -> str:
        if part is None:
            return f"{len(value)} 个文件" if isinstance(value, list | dict) else NOTHING
        return with_unit(part, value, choices)

    return ChangeLine(
        section=section.key,
        section_label=section.label,
        field=change.field,
        row=change.row,
        column=change.column,
        place=place,
        before=said(change.before),
        after=said(change.after),
        asked=change.asked,
    )

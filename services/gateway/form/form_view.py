"""Lay out a section's values as an HTML form: each field gets a name, a place, and its mistakes, opinions and source. What a
field means stands in the form's definition.

Input names: `f.<field>`, `t.<table>.<n>.<column>` beside `t.<table>.<n>.id` or `.row`, `s.<slot>` for the
attachments a slot holds, `file.<slot>` for a new one; a slot that asks a file for each row has `<slot>.<row>` for `<slot>`. `form_values` reads them back. Ids name rows by their own id,
so that a link from another page finds its place (`anchor`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from services.gateway.form.form_parts import (
    Beside,
    ColumnView,
    Input,
    Row,
    SectionForm,
    SlotView,
    TableView,
    Typed,
)
from shared.contract.checks import Obstacle
from shared.contract.forms import (
    FieldDefinition,
    OptionDefinition,
    SectionDefinition,
    SlotDefinition,
    TableDefinition,
)
from shared.contract.sections import AttachmentView, SectionNow, TableNow
from shared.text import amounts

# Columns that fit side by side on a usual screen.
FIT = 6
_AS_DEFINED = TableNow()


def anchor(
    section: SectionDefinition, field: str | None, row: str | None = None, column: str | None = None
) -> str:
    """The id, on the section's page, of a place that an error or a change names."""
    if not field:
        return "form"
    if any(s.key == field for s in section.slots):
        return f"file-{field}.{row}" if row else f"file-{field}"
    if any(t.key == field for t in section.tables):
        return "-".join(["t", field, row, *([column] if column else [])]) if row else field
    return f"f-{field}"


def place_label(section: SectionDefinition, field: str | None, column: str | None) -> str:
    """The office's words for a place: the field's label, or the table's and the column's."""
    parts: list[FieldDefinition | SlotDefinition] = [*section.fields, *section.slots]
    for part in parts:
        if part.key == field:
            return part.label
    for table in section.tables:
        if table.key == field:
            inner = next((c.full_label for c in table.columns if c.key == column), None)
            return f"{table.label} · {inner}" if inner else table.label
    return ""


@dataclass(frozen=True)
class Line:
    """An error in words, and the id of its place."""

    anchor: str
    text: str


def summary(section: SectionDefinition, errors: list[Obstacle]) -> list[Line]:
    """Errors as lines that lead to their places."""
    return [Line(anchor(section, e.field, e.row, e.column), in_words(section, e)) for e in errors]


def in_words(section: SectionDefinition, error: Obstacle) -> str:
    """An error's message, led by its place unless the message names it. A row is always named: the same may be wrong in others."""
    if error.place and (table := place_label(section, error.field, None)):
        column = place_label(section, error.field, error.column).removeprefix(f"{table} · ")
        names = [table, error.place, *([column] if column != table and column not in error.message else [])]
        return f"{' · '.join(names)}：{error.message}"
    label = place_label(section, error.field, error.column)
    return f"{label}：{error.message}" if label and label not in error.message else error.message


def build(
    section: SectionDefinition,
    values: Typed,
    parameters: Mapping[str, Any],
    attachments: list[AttachmentView],
    beside: Beside,
    now: SectionNow,
) -> SectionForm:
    """A section as controls. Its definition says what is shown, `now` which cells of a row are not."""
    parameters = {**parameters, **now.options}
    groups = [part.group for part in section.tables] + [part.group for part in section.fields]
    groups += [part.group for part in section.slots]
    return SectionForm(
        inputs=[
            _input(
                f,
                f"f.{f.key}",
                f"f-{f.key}",
                values.get(f.key),
                parameters,
                beside.error(f.key),
                beside.said(f.key),
                beside.sources.get(f.key),
                beside.hints.get(f.key),
                chosen=values.get(f.follows or ""),
                common=beside.common.get(f.key),
            )
            for f in section.fields
        ],
        tables=[
            _table(t, values.get(t.key), parameters, beside, now.tables.get(t.key, _AS_DEFINED))
            for t in section.tables
        ],
        slots=[_slot(section, s, values.get(s.key), attachments, beside, now) for s in section.slots],
        groups=[group for group in dict.fromkeys(groups) if group],
    )


def _options(definition: FieldDefinition, parameters: Mapping[str, Any], chosen: Any) -> list[OptionDefinition]:
    """Value and label of each; a plain text is both. `chosen`: what stands in the choice that it follows."""
    if definition.follows:
        return definition.options_for.get(str(chosen), [])
    if not definition.options_from:
        return definition.options or []
    found = parameters.get(definition.options_from)
    listed = found if isinstance(found, list) else []
    return [OptionDefinition.model_construct(value=str(o), label=str(o)) for o in listed]


def _in_json(options_for: Mapping[str, list[OptionDefinition]]) -> str:
    """What a script needs to offer the options of what is chosen."""
    pairs = {chosen: [[o.value, o.label] for o in options] for chosen, options in options_for.items()}
    return json.dumps(pairs, ensure_ascii=False)


def _input(
    definition: FieldDefinition,
    name: str,
    id: str,
    value: Any,
    parameters: Mapping[str, Any],
    error: str | None,
    opinions: list[str],
    source: str | None = None,
    hint: str | None = None,
    chosen: Any = None,
    common: list[str] | None = None,
) -> Input:
    return Input(
        name=name,
        id=id,
        label=definition.label,
        kind=definition.kind,
        # Nobody types into what is computed: it stands there as it is read.
        value=shown(definition, value, unit=False)
        if definition.kind == "computed"
        else ""
        if value is None
        else value,
        required=definition.required,
        # Only what was brought along is fixed; what somebody had to type can be corrected.
        readonly=bool(definition.readonly and source),
        help=_help(definition),
        unit=definition.unit,
        options=_options(definition, parameters, chosen),
        follows=definition.follows,
        options_for=_in_json(definition.options_for) if definition.follows else "",
        error=error,
        opinions=opinions,
        source=source,
        hint=hint,
        common=common or [],
        max=definition.max if definition.kind == "textarea" else None,
        group=definition.group,
        text=definition.text,
        formatted=definition.formatted,
    )


def _help(definition: FieldDefinition) -> str | None:
    said = [definition.help, f"示例：{definition.example}" if definition.example else None]
    return "　".join(text for text in said if text) or None


def new_row_id() -> str:
    """Rows are named before they are sent, so that what is wrong with one can be said beside it."""
    return uuid4().hex[:12]


def _table(
    table: TableDefinition, kept: Any, parameters: Mapping[str, Any], beside: Beside, now: TableNow
) -> TableView:
    rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
    fixed = {row.key: row.label for row in table.fixed_rows}
    if fixed:
        by_key = {row.get("row"): row for row in rows}
        rows = [{**by_key.get(key, {}), "row": key} for key in fixed]
    elif table.levels:
        # Below each heading there is a row to write in; rows that name none stand below the first.
        names = table.level_names
        rows = [row if row.get("row") in names else {**row, "row": next(iter(names))} for row in rows]
        rows = [
            row
            for key in names
            for row in [r for r in rows if r["row"] == key] or [{"id": new_row_id(), "row": key}]
        ]
    elif not rows and not table.rows_from:
        rows = [{} for _ in range(max(1, min(table.min_rows, 3)))]
    columns = [
        ColumnView(c.key, c.label, c.required, c.unit, _help(c), f"{table.key}-{c.key}-help", c.under, _places(c))
        for c in table.columns
    ]
    return TableView(
        key=table.key,
        label=table.label,
        help=table.help,
        group=table.group,
        row_label=table.row_label,
        fixed=bool(fixed),
        follows=table.rows_from or "",
        followed=now.rows_from,
        required=table.required,
        max_rows=table.max_rows,
        columns=columns,
        wide=len(columns) > FIT,
        rows=[_row(table, columns, n, row, fixed, parameters, beside, now) for n, row in enumerate(rows)],
        # What is hidden does not count: the sums are those of the service.
        totals=[now.sums.get(c.key, "") if c.key in table.totals else None for c in columns]
        if table.totals
        else [],
        total_label=table.total_label,
        error=beside.error(table.key),
        opinions=beside.said(table.key),
        source=beside.sources.get(table.key),
        levels={level.key: (branch.label, level.label) for branch in table.levels for level in branch.within},
        figures=_figures(table),
        common=beside.common.get(table.key, []),
    )


def _figures(table: TableDefinition) -> str:
    """The units and decimals of columns of numbers, the formulas of computed ones, and the rows that subtotals are of. Empty where
    nothing is worked out."""
    numbers = [c for c in table.columns if _is_number(c) or c.kind == "integer"]
    formulas = {c.key: [c.value, _places(c)] for c in numbers if c.kind == "computed" and c.value}
    subtotals = {row.key: row.subtotal_of for row in table.fixed_rows if row.subtotal_of}
    if not formulas and not subtotals:
        return ""
    columns = {c.key: [c.unit or "", _places(c)] for c in numbers}
    return json.dumps({"columns": columns, "formulas": formulas, "subtotals": subtotals}, ensure_ascii=False)


def _places(column: FieldDefinition) -> int:
    """The decimals of a column of numbers."""
    whole = column.kind == "integer" or column.gives == "integer"
    return 0 if whole or column.places is None else column.places


def _row(
    table: TableDefinition,
    columns: list[ColumnView],
    n: int,
    row: Typed,
    fixed: Mapping[str, str],
    parameters: Mapping[str, Any],
    beside: Beside,
    now: TableNow,
) -> Row:
    key = str(row["row"] if fixed else row.get("id") or new_row_id())
    base = f"t.{table.key}.{n}"
    state = now.rows.get(key)
    subtotal = key in {row.key for row in table.fixed_rows if row.subtotal_of}
    cells = []
    for column, head in zip(table.columns, columns, strict=True):
        cell = _input(
            column,
            f"{base}.{column.key}",
            f"t-{table.key}-{key}-{column.key}",
            row.get(column.key),
            parameters,
            beside.error(table.key, key, column.key),
            [],
            chosen=row.get(column.follows or ""),
        )
        cells.append(
            replace(
                cell,
                label=column.full_label,
                kind="computed" if subtotal else cell.kind,
                value=shown(column, row.get(column.key), unit=False) if subtotal else cell.value,
                help=None,
                help_at=head.help_id if head.help else None,
                hidden=state is not None and column.key in state.hidden,
                required=not subtotal and (column.required if state is None else column.key in state.required),
            )
        )
    return Row(
        number=n,
        key_name=f"{base}.{'row' if fixed else 'id'}",
        key=key,
        label=fixed.get(key),
        cells=cells,
        error=beside.error(table.key, key),
        opinions=beside.said(table.key, key),
        subtotal=subtotal,
        level_name=f"{base}.row" if table.levels else "",
        level=str(row["row"]) if table.levels else "",
    )


def _slot(
    section: SectionDefinition,
    slot: SlotDefinition,
    kept: Any,
    attachments: list[AttachmentView],
    beside: Beside,
    now: SectionNow,
) -> SlotView:
    common = beside.common.get(slot.key, [])
    if not slot.each_row:
        only = _place(slot, slot.key, slot.label, kept, attachments, beside.error(slot.key), beside.said(slot.key))
        came = [a for a in attachments if a.slot == slot.key and a.phone_link and not a.infected]
        unused = [a for a in came if a not in only.files]
        offered = None if only.files else beside.earlier.get(slot.key)
        return replace(only, common=common, by_phone=unused, earlier=offered)
    filed = kept if isinstance(kept, dict) else {}
    rows = [
        replace(
            _place(
                slot,
                f"{slot.key}.{row}",
                title,
                [file for file, of in filed.items() if of == row],
                attachments,
                beside.error(slot.key, row),
                [],
            ),
            of_table=slot.each_row,
        )
        for row, title in now.file_rows.get(slot.key, {}).items()
    ]
    whole = _place(slot, slot.key, slot.label, [], [], beside.error(slot.key), beside.said(slot.key))
    followed = next((table.label for table in section.tables if table.key == slot.each_row), "")
    return replace(whole, rows=rows, followed=followed, common=common)


def _place(
    slot: SlotDefinition,
    key: str,
    label: str,
    kept: Any,
    attachments: list[AttachmentView],
    error: str | None,
    opinions: list[str],
) -> SlotView:
    ids = kept if isinstance(kept, list) else []
    known = {str(a.id): a for a in attachments}
    return SlotView(
        key=key,
        label=label,
        required=slot.required,
        help=slot.help,
        accept=slot.accept,
        max_mb=slot.max_mb,
        max_files=1 if slot.each_row else slot.max_files,
        files=[known[id] for id in ids if id in known],
        error=error,
        opinions=opinions,
        group=slot.group,
    )


def shown(definition: FieldDefinition, value: Any, *, unit: bool = True) -> str:
    """A value as it was typed, as a read-only page shows it; a choice by its label."""
    if (definition.options or definition.options_for) and isinstance(value, str | list):
        value = [definition.label_of(v) for v in value] if isinstance(value, list) else definition.label_of(value)
    if value is None or value in ("", []):
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(item) for item in value)
    text = amounts.show(value) if _is_number(definition) else str(value)
    return f"{text} {definition.unit}" if unit and definition.unit else text


def _is_number(definition: FieldDefinition) -> bool:
    """Whether a kind writes its values as amounts, as `kinds` do: a whole number such as a head count stands as it is."""
    computed = definition.kind == "computed" and definition.gives not in ("text", "date", "bool")
    return computed or definition.kind in ("decimal", "money", "percent")

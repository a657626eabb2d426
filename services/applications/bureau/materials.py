"""Lay out a case's materials with everything that concerns each place: what changed, who asked for it, opinions, where a value
came from. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.filled import presence
from services.applications.forms.filled.labels import file_rows, files_in_order
from services.applications.forms.filled.reading_view import head, row_label, text, total_line, with_unit
from services.applications.forms.kinds import Choices, FieldDefinition
from shared.contract.bureau import (
    CaseCell,
    CaseField,
    CaseFile,
    CaseMaterial,
    CaseRow,
    CaseSlot,
    CaseTable,
    ChangedHere,
)
from shared.contract.returns import OpinionView
from shared.contract.sections import Origin
from shared.contract.submission import Change

Json = Mapping[str, Any]
Rows = Sequence[Json]
Columns = Sequence[FieldDefinition]
T = TypeVar("T")


@dataclass(frozen=True)
class Beside:
    """What concerns one material, by the field, table or slot it concerns."""

    changes: Mapping[str, Sequence[Change]]
    opinions: Mapping[str, Sequence[OpinionView]]
    origins: Mapping[str, Origin]
    files: Mapping[str, Json]
    choices: Choices


def materials(
    form: Form,
    content: Json,
    choices: Choices,
    *,
    earlier: Json | None = None,
    changes: Sequence[Change] = (),
    opinions: Sequence[OpinionView] = (),
    origins: Sequence[Origin] = (),
) -> list[CaseMaterial]:
    """Return the materials in the form's order, as far as they exist; what does not any more stands where something was changed or
    said of it, as gone. `content` and `earlier` are revisions' contents, as they may be shown."""
    files = {**((earlier or {}).get("attachments") or {}), **content["attachments"]}
    found = []
    for section in form.sections:
        values = content["sections"].get(section.key)
        mine = [change for change in changes if change.section == section.key]
        said = [opinion for opinion in opinions if opinion.section == section.key]
        if values is None and not mine and not said:
            continue
        beside = Beside(
            changes=_by_part(mine, lambda change: change.field),
            opinions=_by_part(said, lambda opinion: (opinion.field or "").partition(".")[0]),
            origins={origin.field: origin for origin in origins if origin.section == section.key},
            files=files,
            choices=choices,
        )
        found.append(_material(section, values, beside, mine))
    return found


def _by_part(found: Sequence[T], part: Callable[[T], str]) -> dict[str, list[T]]:
    by: dict[str, list[T]] = {}
    for one in found:
        by.setdefault(part(one), []).append(one)
    return by


def _material(section: Section, values: Json | None, beside: Beside, changes: Sequence[Change]) -> CaseMaterial:
    there = values or {}

    def shown(part: str) -> bool:
        return part in there or bool(beside.changes.get(part) or beside.opinions.get(part))

    return CaseMaterial(
        key=section.key,
        label=section.label,
        gone=values is None,
        opinions=list(beside.opinions.get("", ())),
        fields=[_field(field, there, beside) for field in section.fields if shown(field.key)],
        tables=[_table(table, there, beside) for table in section.tables if shown(table.key)],
        slots=[_slot(section, slot, there, beside) for slot in section.slots if shown(slot.key)],
        changed=len({(change.field, change.row) for change in changes}),
        unasked=sum(not change.asked for change in changes),
    )


def _field(field: FieldDefinition, values: Json, beside: Beside) -> CaseField:
    change = next((c for c in beside.changes.get(field.key, ()) if c.row is None), None)
    before = (
        ChangedHere(before=with_unit(field, change.before, beside.choices), asked=change.asked) if change else None
    )
    return CaseField(
        key=field.key,
        label=field.label,
        value=with_unit(field, values.get(field.key), beside.choices),
        gone=field.key not in values,
        change=before,
        origin=beside.origins.get(field.key),
        opinions=list(beside.opinions.get(field.key, ())),
    )


def _table(table: Table, values: Json, beside: Beside) -> CaseTable:
    rows: Rows = values.get(table.key) or []
    mine, said = beside.changes.get(table.key, ()), beside.opinions.get(table.key, ())
    here = {row["id"] for row in rows}
    there = {column.key for column in presence.columns(table, rows)} | {change.column for change in mine}
    columns = [column for column in table.columns if column.key in there]
    by_row = _by_part(mine, lambda change: change.row or "")
    lines = [
        _row(table, columns, row, by_row.get(row["id"], ()), [o for o in said if o.row == row["id"]], beside)
        for row in rows
    ]
    lines += [_removed(columns, id, gone, beside) for id, gone in by_row.items() if id not in here]
    return CaseTable(
        key=table.key,
        label=table.label,
        row_label=table.lead,
        gone=table.key not in values,
        head=head(columns),
        dates=[n for n, column in enumerate(columns) if column.kind == "date"],
        rows=lines,
        totals=total_line(table, rows, columns),
        # An opinion on a row that is gone is not lost with it.
        opinions=[o for o in said if not o.row or o.row not in here],
    )


def _removed(columns: Columns, id: str, gone: Sequence[Change], beside: Beside) -> CaseRow:
    was = {change.column: change.before for change in gone}
    cells = [CaseCell(value=text(column, was.get(column.key), beside.choices), before=None) for column in columns]
    asked = all(change.asked for change in gone)
    return CaseRow(id=id, label="", cells=cells, mark="removed", asked=asked, opinions=[])


def _row(
    table: Table,
    columns: Columns,
    row: Json,
    changes: Sequence[Change],
    opinions: list[OpinionView],
    beside: Beside,
) -> CaseRow:
    by_column = {change.column: change for change in changes}
    new = (
        bool(changes)
        and all(change.before is None for change in changes)
        and all(row.get(c.key) in (None, "", []) or c.key in by_column for c in table.columns)
    )

    def before(column: FieldDefinition) -> str | None:
        change = None if new else by_column.get(column.key)
        return text(column, change.before, beside.choices) if change else None

    return CaseRow(
        id=row["id"],
        label=row_label(table, row),
        cells=[CaseCell(value=text(c, row.get(c.key), beside.choices), before=before(c)) for c in columns],
        mark="new" if new else "changed" if changes else "",
        asked=all(change.asked for change in changes),
        opinions=opinions,
    )


def _slot(section: Section, slot: Slot, values: Json, beside: Beside) -> CaseSlot:
    ids = files_in_order(section, slot, values)
    of_row = file_rows(section, values, beside.choices)
    change = next(iter(beside.changes.get(slot.key, ())), None)
    before = (change.before or []) if change else []
    return CaseSlot(
        key=slot.key,
        label=slot.label,
        gone=slot.key not in values,
        files=[
            _file(id, beside.files[id], of_row.get(id), new=bool(change) and id not in before)
            for id in ids
            if id in beside.files
        ],
        removed=[beside.files[id]["name"] for id in before if id not in ids and id in beside.files],
        asked=change.asked if change else None,
        opinions=list(beside.opinions.get(slot.key, ())),
    )


def _file(id: str, file: Json, row: str | None, *, new: bool) -> CaseFile:
    name = f"{row}：{file['name']}" if row else file["name"]
    return CaseFile(id=id, name=name, size=file["size"], new=new, withheld=bool(file.get("withheld")))

"""Tell the state of a section: what is visible, required and computed, so that pages evaluate nothing, and which values count
for submission."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.filled.labels import row_title
from services.applications.forms.filled.situation import Facts, Row, Saved, Situation
from services.applications.forms.kinds import ComputedField, blank
from shared.contract.sections import RowNow, SectionNow, TableNow

Values = dict[str, Any]


def now(section: Section, situation: Situation) -> SectionNow:
    """Return a section as it stands in a situation."""
    key = section.key
    shown = [k for k in section.by_key if situation.visible(key, k)]
    asked = section.by_key.keys() - section.not_asked
    labels = dict.fromkeys(p.group for p in (*section.fields, *section.tables, *section.slots) if p.group)
    return SectionNow(
        visible=situation.visible(key),
        section_required=situation.required(key),
        hidden=[k for k in section.by_key if k not in shown],
        hidden_groups=[
            label
            for label in labels
            if not any(section.by_key[k].group == label for k in shown)
        ],
        required=[k for k in shown if k in asked and situation.required(key, k)],
        computed={f.key: situation.kept(key, f.key) for f in section.fields if isinstance(f, ComputedField) and f.key in shown},
        tables={t.key: _table(key, t, situation) for t in section.tables if t.key in shown},
        options={name: situation.options(place) for name, place in section.options_in_rows.items()},
        file_rows={s.key: file_rows_now(section, s, situation) for s in section.slots if s.each_row and s.key in shown},
    )  # fmt: skip


def file_rows_now(section: Section, slot: Slot, situation: Situation) -> dict[str, str]:
    """Return the rows that a slot asks a file for, by id, and what they are called."""
    table = section.table(slot.each_row or "")
    rows = situation.rows(section.key, table.key) if table else ()
    choices = situation.form.choices(situation.facts.round)
    return {
        situation.row_id(row): row_title(row.definition, _cells(row.definition, row, situation), n, choices)
        for n, row in enumerate(rows, 1)
    }


def unconditional(section: Section, kept: Mapping[str, list[Values]]) -> SectionNow:
    """Return the same for a section of `rules.unconditional`, which stands as it always does but for its tables' rows (`kept`):
    most of the sections that are typed in, and what 暂存 answers many times before anything is saved."""
    return SectionNow(
        visible=True,
        section_required=section.required,
        required=list(section.required_unless_told),
        tables={t.key: _all_shown(t, kept[t.key]) for t in section.tables},
    )


def sums(table: Table, kept: Mapping[str, Any]) -> dict[str, str]:
    """Return the sums under a table as people read them, by column."""
    return {c.key: c.show(kept[c.key], {}) for c in table.summed if c.key in kept}


def _all_shown(table: Table, rows: list[Values]) -> TableNow:
    under = totals(table, rows)
    every = RowNow(required=list(table.always_required))
    fixed = {row.get("row") for row in rows}
    return TableNow(
        hidden_rows=[r.key for r in table.fixed_rows if r.key not in fixed],
        required=every.required,
        rows={str(row["id"]): every for row in rows},
        totals=under,
        sums=sums(table, under),
    )


def _table(section: str, table: Table, situation: Situation) -> TableNow:
    rows, lines = situation.rows(section, table.key), situation.lines(section, table.key)
    views = {situation.row_id(row): _row(table, row, situation) for row in lines}
    hidden = [c.key for c in table.columns if rows and all(not situation.cell_visible(row, c.key) for row in rows)]
    fixed = {situation.fixed_key(row) for row in lines}
    under = totals(table, [{c: situation.cell(row, c) for c in table.totals} for row in rows])
    return TableNow(
        hidden_rows=[r.key for r in table.fixed_rows if r.key not in fixed],
        hidden_columns=hidden,
        rows_from=_followed(table, situation),
        required=list(table.always_required),
        rows=views,
        totals=under,
        sums=sums(table, under),
    )


def _followed(table: Table, situation: Situation) -> str:
    if not table.source:
        return ""
    section, key = table.source
    return situation.form.by_key[section].by_key[key].label


def totals(table: Table, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums under a table, exact, as their columns keep such values; rows without a value add nothing."""
    listed = list(rows)
    found: dict[str, Any] = {}
    for key in table.totals:
        column = table.by_column[key]
        counted = (row for row in listed if row.get("row") not in table.subtotals)
        values = (column.typed(row[key]) for row in counted if not blank(row.get(key)))
        found[key] = column.of_sum(sum((v for v in values if isinstance(v, Decimal)), start=Decimal(0)))
    return found


def _row(table: Table, row: Row, situation: Situation) -> RowNow:
    hidden = [c.key for c in table.columns if not situation.cell_visible(row, c.key)]
    return RowNow(
        hidden=hidden,
        required=[
            c.key
            for c in table.columns
            if c.asked and not situation.subtotal_of(row) and situation.cell_required(row, c.key)
        ],
        computed={
            c.key: situation.cell(row, c.key)
            for c in table.columns
            if (isinstance(c, ComputedField) or situation.subtotal_of(row)) and c.key not in hidden
        },
    )


def effective(form: Form, saved: Saved, facts: Facts) -> dict[str, Values]:
    """Return the values that count, section by section: nothing hidden, computed values included.

    A key is there exactly when its field, table, slot or cell is shown; without a value it is null. This is what is
    submitted, printed and reviewed.
    """
    return effective_in(Situation(form, saved, facts))


def effective_in(situation: Situation) -> dict[str, Values]:
    """Return the same of a situation."""
    return {
        section.key: _effective(section, situation)
        for section in situation.form.sections
        if situation.filled_in(section.key) and situation.visible(section.key)
    }


def _effective(section: Section, situation: Situation) -> Values:
    key = section.key
    found: Values = {}
    for field in section.fields:
        if field.kind != "fixed_text" and situation.visible(key, field.key):
            found[field.key] = situation.kept(key, field.key)
    for table in section.tables:
        if situation.visible(key, table.key):
            found[table.key] = [_cells(table, row, situation) for row in situation.lines(key, table.key)]
    for slot in section.slots:
        if situation.visible(key, slot.key):
            kept = situation.kept(key, slot.key)
            found[slot.key] = dict(kept or {}) if slot.each_row else list(kept or ())
    return found


def _cells(table: Table, row: Row, situation: Situation) -> Values:
    cells: Values = {"id": situation.row_id(row)}
    if fixed := situation.fixed_key(row):
        cells["row"] = fixed
    for column in table.columns:
        if situation.cell_visible(row, column.key):
            cells[column.key] = situation.cell(row, column.key)
    return cells


def visible_sections(form: Form, saved: Saved, facts: Facts) -> Mapping[str, tuple[bool, bool]]:
    """Per section whether it is shown and whether it must be saved, with these values saved."""
    situation = Situation(form, saved, facts)
    return {s.key: (situation.visible(s.key), situation.required(s.key)) for s in form.sections}

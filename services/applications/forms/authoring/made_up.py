"""Make up an application for a form: what is asked for is filled in, nothing else. Whoever publishes a round sees by it what the
round asks of somebody and which checks it makes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.filled.defaults import defaults
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.kinds import (
    Choices,
    FieldDefinition,
    MultiSelectField,
    RadioField,
    SelectField,
    Wrong,
)

Values = dict[str, Any]
# Every amount of money that is made up, in 万元.
AMOUNT = "100"
# Every text.
TEXT = "示例"
SAMPLES: Mapping[str, str] = {
    "money": AMOUNT,
    "integer": "30",
    "decimal": "10",
    "percent": "50",
    "phone": "010-65432100",
    "mobile": "13800000000",
    "email": "shili@example.com",
    "postcode": "100000",
    "telephone": "+81312345678",
    "web_address": "https://www.example.com",
    "uscc": "91110105MA00TE5T2T",
    "id_card": "11010519491231002X",
    "passport": "E12345678",
    "bank_account": "0200001009000000000",
}
# What is filled in may ask for more, and that for more again.
_PASSES = 4


def made_up(form: Form, facts: Facts, chosen: str | None = None) -> dict[str, Values]:
    """Return values by section in which every choice among the round's own options is `chosen` where that is an option, any other
    the first one. What no sample fits is left empty."""
    choices = form.choices(facts.round)
    filled: dict[str, Values] = {section.key: {} for section in form.sections}
    for _ in range(_PASSES):
        situation = Situation(form, filled, facts)
        more = [_fill(section, situation, filled[section.key], choices, chosen) for section in form.sections]
        if not any(more):
            break
    return filled


def _fill(section: Section, situation: Situation, values: Values, choices: Choices, chosen: str | None) -> bool:
    """Fill in what is shown, asked for and still empty; whether anything was."""
    known = {key: found.value for key, found in defaults(section, situation, choices).items()}
    before = len(values)
    for key, part in section.by_key.items():
        if key in values or not situation.required(section.key, key):
            continue
        if isinstance(part, Slot):
            if files := _files(section, part, situation):
                values[key] = files
        elif isinstance(part, Table) and part.source and not situation.rows(section.key, key):
            continue
        elif isinstance(part, Table):
            values[key] = _rows(section, part, known.get(key) or [], situation, choices, chosen)
        elif isinstance(part, SelectField) and part.follows:
            if offered := part.offered(values.get(part.follows)):
                values[key] = next(iter(offered))
        elif part.asked and (value := known.get(key, _sample(part, situation, choices, chosen))) is not None:
            values[key] = value
    return len(values) > before


def _files(section: Section, slot: Slot, situation: Situation) -> list[str] | dict[str, str]:
    if not slot.each_row:
        return [str(UUID(int=0))]
    rows = situation.rows(section.key, slot.each_row)
    return {str(UUID(int=n)): situation.row_id(row) for n, row in enumerate(rows)}


def _rows(
    section: Section, table: Table, known: list[Values], situation: Situation, choices: Choices, chosen: str | None
) -> list[Values]:
    by_row = {row.get("row"): row for row in known}
    keys = [row.key for row in table.fixed_rows] or list(table.by_level)
    followed = [situation.row_id(row) for row in situation.rows(section.key, table.key)] if table.source else []
    names = keys or followed or [f"r{n}" for n in range(max(table.min_rows, 1))]
    found = []
    for name in names:
        sample = ((c.key, _sample(c, situation, choices, chosen)) for c in table.columns if c.asked)
        cells = {key: value for key, value in sample if value is not None}
        for column in table.columns:
            if isinstance(column, SelectField) and column.follows:
                cells[column.key] = next(iter(column.offered(cells.get(column.follows))), None)
        found.append({"id": name, **({"row": name} if keys else {}), **cells, **by_row.get(name, {})})
    return found


def _sample(field: FieldDefinition, situation: Situation, choices: Choices, chosen: str | None) -> Any:
    """Return a value that the field takes; None where none of ours does."""
    if isinstance(field, SelectField | RadioField) and field.options_in_rows:
        return TEXT
    if isinstance(field, SelectField | RadioField | MultiSelectField):
        known = field.labels(choices)
        picked = chosen if chosen in known and field.options_from else next(iter(known), None)
        if isinstance(field, MultiSelectField):
            return list(known)[: max(field.min_items, 1)] or None
        return getattr(field, "must_be", None) or picked
    if field.kind == "checkbox":
        return True
    today = situation.facts.today
    raws = {"date": today.isoformat(), "month": today.isoformat()[:7], "year": str(today.year - 1), **SAMPLES}
    for raw in (
        raws.get(field.kind, TEXT),
        str(getattr(field, "min", "")),
        "1",
        TEXT * max(getattr(field, "min", 0) or 0, 1),
    ):
        try:
            return field.parse(raw, choices)
        except Wrong:
            continue
    return None

"""Work out what stands in a section before anybody has typed in it: the defaults of its fields and of its fixed rows' cells."""

from collections.abc import Iterator
from typing import Any

from services.applications.forms.definition import Section, Table
from services.applications.forms.filled.situation import Situation
from services.applications.forms.formulas.in_words import in_words
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import Choices, FieldDefinition, Wrong, blank
from shared.contract.sections import Default


def defaults(section: Section, situation: Situation, choices: Choices) -> dict[str, Default]:
    """Return by field and by table what is filled in for the person, and in words what it follows from.

    A table's value are its rows with the cells that have a default. What a formula does not know yet, and what its
    field would refuse, is left out.
    """
    found = {}
    for field in section.fields:
        rule = rules_of(situation.form).defaults.get((section.key, field.key, "", ""))
        if rule and not blank(value := _value(field, rule, situation, choices)):
            found[field.key] = Default(value=value, words=in_words(situation.form, rule))
    for table in section.tables:
        if default := _table(section, table, situation, choices):
            found[table.key] = default
    return found


def _table(section: Section, table: Table, situation: Situation, choices: Choices) -> Default | None:
    rows, words = [], dict[str, None]()
    for row in table.fixed_rows:
        cells = dict[str, Any]()
        for column, rule, said in _cells(section, table, row.key, row.label, situation):
            if not blank(value := _value(column, rule, situation, choices)):
                cells[column.key] = value
                words[said] = None
        if cells:
            rows.append({"row": row.key, **cells})
    return Default(value=rows, words="、".join(words)) if rows else None


def _cells(
    section: Section, table: Table, row: str, label: str, situation: Situation
) -> Iterator[tuple[FieldDefinition, Rule, str]]:
    """Yield the row's columns that have a default, the row's own before the column's, with the words for it."""
    rules = rules_of(situation.form).defaults
    for column in table.columns:
        if own := rules.get((section.key, table.key, column.key, row)):
            yield column, own, f"{label}的{column.label}（{in_words(situation.form, own)}）"
        elif of_column := rules.get((section.key, table.key, column.key, "")):
            yield column, of_column, f"{column.label}（{in_words(situation.form, of_column)}）"


def _value(field: FieldDefinition, rule: Rule, situation: Situation, choices: Choices) -> Any:
    found = situation.evaluate(rule)
    if found is None:
        return None
    if isinstance(found, tuple):
        found = list(found)
    try:
        return field.parse(found if isinstance(found, bool | list) else str(found), choices)
    except Wrong:
        return None

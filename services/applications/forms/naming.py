"""Faults of names: keys that stand twice, and paths that lead nowhere."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from services.applications.forms.definition import Form, Section, Table
from services.applications.forms.kinds import ComputedField, FieldDefinition, FixedTextField
from services.applications.forms.kinds.choices import MultiSelectField, RadioField, SelectField
from services.applications.forms.rules import Location, Problem
from services.applications.forms.scope import PARAMETER, RESERVED

CHOICES = (SelectField, RadioField, MultiSelectField)
# What rows carry besides their columns.
ROW_KEYS = frozenset({"id", "row"})


def problems(form: Form) -> list[Problem]:
    """Every fault of the form's names."""
    return list(_problems(form))


def _problems(form: Form) -> Iterator[Problem]:
    for name in ("project_name", "contact_name", "contact_email", "applied_amount", "district"):
        path = getattr(form, name)
        # What the form leaves to the language may be absent.
        if path is not None and name in form.model_fields_set:
            yield from _field_path(form, path, (name,), name)
    yield from _twice(((("sections", i), s.key) for i, s in enumerate(form.sections)), "section")
    yield from _twice(((("checks", i), c.id) for i, c in enumerate(form.checks)), "check")
    for i, section in enumerate(form.sections):
        yield from _section(form, ("sections", i), section)
    for i, check in enumerate(form.checks):
        found = form.section(check.section)
        if found is None:
            yield Problem(("checks", i, "section"), f"there is no section “{check.section}”")
        elif check.field and check.field not in found.by_key:
            yield Problem(("checks", i, "field"), f"“{check.section}” has no “{check.field}”")


def _field_path(form: Form, path: str, at: Location, name: str) -> Iterator[Problem]:
    section, _, field = path.partition(".")
    found = form.section(section)
    definition = found.field(field) if found else None
    if definition is None:
        yield Problem(at, f"“{path}” leads nowhere; a field is written section.field")
    elif name == "applied_amount" and definition.type != "number":
        yield Problem(at, f"“{path}” is {definition.type}, not a number")
    elif name != "applied_amount" and definition.type != "text":
        yield Problem(at, f"“{path}” is {definition.type}, not a text")


def _twice(keyed: Iterable[tuple[Location, str]], what: str) -> Iterator[Problem]:
    listed = list(keyed)
    counts = Counter(key for _, key in listed)
    seen: set[str] = set()
    for at, key in listed:
        if counts[key] > 1 and key in seen:
            yield Problem(at, f"{what} “{key}” stands twice")
        seen.add(key)


def _section(form: Form, at: Location, section: Section) -> Iterator[Problem]:
    if section.key in RESERVED:
        yield Problem(
            (*at, "key"), f"“{section.key}” is a word of formulas; call the section otherwise", "warning"
        )
    parts = [
        ((*at, kind, i), p) for kind in ("fields", "tables", "slots") for i, p in enumerate(getattr(section, kind))
    ]
    yield from _twice(((place, part.key) for place, part in parts), "key")
    yield from _twice((((*at, "groups", i), g.label) for i, g in enumerate(section.groups)), "group")
    named = {part.group for _, part in parts}
    for i, group in enumerate(section.groups):
        if group.label not in named:
            yield Problem((*at, "groups", i), f"nothing stands in the group “{group.label}”", "warning")
    for i, field in enumerate(section.fields):
        yield from _field(form, (*at, "fields", i), field)
    for i, table in enumerate(section.tables):
        yield from _table(form, (*at, "tables", i), table)


def _field(form: Form, at: Location, field: FieldDefinition) -> Iterator[Problem]:
    if isinstance(field, CHOICES) and field.options_from and field.options_from not in form.lists:
        if not PARAMETER.fullmatch(field.options_from):
            said = f"“{field.options_from}” leads nowhere: no list of the form, and no name of a round's parameter"
            yield Problem((*at, "options_from"), said)
    elif isinstance(field, CHOICES) and field.options_from:
        known = field.labels(form.choices_of_its_own)
        must = getattr(field, "must_be", None)
        if must is not None and must not in known:
            yield Problem((*at, "must_be"), f"“{must}” is not one of the options")
    if field.required_if and "required" in field.model_fields_set:
        yield Problem((*at, "required_if"), "stands beside “required”, which it replaces", "warning")
    if isinstance(field, ComputedField | FixedTextField) and (
        field.prefill or field.required_if or field.readonly
    ):
        yield Problem(at, f"nobody fills in “{field.key}”: prefill, required_if and readonly mean nothing here")


def _table(form: Form, at: Location, table: Table) -> Iterator[Problem]:
    yield from _twice((((*at, "columns", i), c.key) for i, c in enumerate(table.columns)), "column")
    yield from _twice((((*at, "fixed_rows", i), r.key) for i, r in enumerate(table.fixed_rows)), "row")
    for i, column in enumerate(table.columns):
        place = (*at, "columns", i)
        if column.key in ROW_KEYS:
            yield Problem((*place, "key"), f"a column cannot be called “{column.key}”: rows carry that themselves")
        if isinstance(column, FixedTextField):
            yield Problem(place, "a fixed text is no column")
        if any((column.prefill, column.readonly, column.group)):
            yield Problem(place, "prefill, readonly and group are for fields, not for columns")
        yield from _field(form, place, column)
    for i, total in enumerate(table.totals):
        found: Any = table.by_column.get(total)
        if found is None or found.type != "number" or found.kind == "year":
            yield Problem((*at, "totals", i), f"“{total}” is not a column of numbers")
    if not table.fixed_rows and table.min_rows > table.max_rows:
        yield Problem((*at, "min_rows"), "min_rows is greater than max_rows")
    if not table.by_asked:
        yield Problem((*at, "columns"), "no column can be filled in")

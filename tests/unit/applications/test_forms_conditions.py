"""Every condition of the notices has its place, and docs/conditions.md tells the right one."""

import re
from pathlib import Path

from services.applications.forms.catalogue import forms, newest
from services.applications.forms.definition import Form, Table
from services.applications.forms.formulas.rules import rules_of

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "conditions.md").read_text("utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "`" in line]
FORMS = [newest(fund) for fund in sorted({fund for fund, _ in forms()})]


def part_of(form: Form, path: str) -> bool:
    section, _, rest = path.partition(".")
    part, _, column = rest.partition(".")
    found = form.section(section)
    if found is None or part not in found.by_key:
        return False
    inner = found.by_key[part]
    return not column or (isinstance(inner, Table) and column in inner.by_column)


def bounded(form: Form, path: str) -> bool:
    section, part, column = (*path.split("."), "")[:3]
    found = form.section(section)
    table = found.table(part) if found else None
    unique = bool(table and column in table.by_column and table.by_column[column].unique)
    return unique or (section, part, column) in rules_of(form).bounds


def test_every_name_of_the_table_is_in_a_form() -> None:
    checks = {check.id for form in FORMS for check in form.checks}
    assert len(ROWS) > 20
    for row in ROWS:
        assert set(re.findall(r"check `(\w+)`", row)) <= checks, row
        for path in re.findall(r"bound `([\w.]+)`", row):
            assert any(bounded(form, path) for form in FORMS), path
        for path in re.findall(r"`(\w+\.[\w.]+)`", row):
            assert any(part_of(form, path) for form in FORMS), path


def test_every_check_with_a_figure_of_the_round_is_a_condition_of_the_table() -> None:
    """So is every bound: what a round limits is a condition of its notice."""
    for form in FORMS:
        for (check, _), rule in rules_of(form).checks.items():
            if rule.parameters - {"closes_on"}:
                assert f"`{check}`" in TEXT, check
        for place, bounds in rules_of(form).bounds.items():
            if any(rule.parameters for rule in bounds):
                assert f"`{'.'.join(filter(None, place))}`" in TEXT, place

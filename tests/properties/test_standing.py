"""The short way to how a section stands is the long way, whatever was typed."""

import operator
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.forms.catalogue import sound
from services.applications.forms.definition import Form, RoundFacts, Section, Table
from services.applications.forms.filled.reading import Context, read, rows_summed, with_id
from services.applications.forms.filled.section_state import now, unconditional
from services.applications.forms.filled.situation import Facts
from services.applications.forms.formulas.rules import rules_of

FORMS = sound()
PLAIN = [(form, form.by_key[key]) for form in FORMS for key in sorted(rules_of(form).unconditional)]
FACTS = Facts(RoundFacts(parameters={}, closes_on="2026-12-01"), today=date(2026, 11, 27))

TYPED = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(["12.50", "1,000", "3", "2026-05-01"]),
)


def rows(table: Table) -> st.SearchStrategy[Any]:
    """Rows as people type them, and what is none at all."""
    names = [*table.by_column, "id", "row", "unknown"]
    known = [row.key for row in table.fixed_rows]
    cells = st.dictionaries(st.sampled_from(names), st.one_of(TYPED, st.sampled_from(known)) if known else TYPED)
    # 暂存 has given every row an id by then.
    return st.one_of(st.lists(cells.map(lambda row: with_id(row, table)), max_size=6), TYPED)


@cache
def filled(form: str, section: str) -> st.SearchStrategy[dict[str, Any]]:
    """A section as people type it: any of its fields, every table."""
    made = next(found for of, found in PLAIN if (of.fund_type, found.key) == (form, section))
    fields = st.dictionaries(st.sampled_from(list(made.by_key)), TYPED)
    tables = st.fixed_dictionaries({table.key: rows(table) for table in made.tables})
    return st.builds(operator.or_, fields, tables)


@pytest.mark.parametrize(("form", "section"), PLAIN, ids=lambda x: x.fund_type if isinstance(x, Form) else x.key)
@given(data=st.data())
def test_what_hangs_on_nothing_stands_as_if_it_were_worked_out(
    form: Form, section: Section, data: st.DataObject
) -> None:
    values = data.draw(filled(form.fund_type, section.key))
    context = Context(form=form, facts=FACTS)
    long = now(section, context.situation(section, read(section, values, context).kept))
    assert unconditional(section, rows_summed(section, values, context.choices)) == long


def test_a_condition_anywhere_in_a_section_takes_the_long_way() -> None:
    subsidy = next(form for form in FORMS if form.fund_type == "subsidy")
    assert "project_content" not in rules_of(subsidy).unconditional
    assert "contact" in rules_of(subsidy).unconditional

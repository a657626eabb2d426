"""What was found to be right is not judged again by the same, and is judged anew by anything else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.applications.filling.filled_form import Filled
from services.applications.filling.judgement import judge
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form, OtherApplications, RoundFacts
from services.applications.forms.filled.reading import read
from services.applications.forms.filled.section_state import now
from services.applications.forms.filled.situation import Facts
from shared import clock
from tests import factories
from tests.unit.applications.golden import ROUND

CLOSES = (clock.today() + timedelta(days=30)).isoformat()


def fresh(form: Form) -> Form:
    """The same form, of which nothing is known yet."""
    copy = form.model_copy()
    vars(copy).pop("faultless", None)
    return copy


def complete(fund_type: str) -> Filled:
    """A form that is filled in and right."""
    form = fresh(catalogue_form(fund_type, 1))
    values = factories.values_of(fund_type, {slot: [f"{slot}-1"] for slot in factories.SLOTS[fund_type]})
    files = {
        s.key: {slot.key: frozenset(values[s.key].get(slot.key) or ()) for slot in s.slots} for s in form.sections
    }
    facts = Facts(RoundFacts(parameters=ROUND, closes_on=CLOSES), started_on=clock.today())
    filled = Filled(form, facts, {}, files, {}, {})
    # Read once alone, and once beside one another.
    filled = filled.with_saved(judge(filled, values)[0])
    kept, errors = judge(filled, filled.saved)
    assert errors == []
    return filled.with_saved(kept)


def changed(filled: Filled) -> Iterator[Filled]:
    """The same with one thing changed at a time."""
    facts, saved = filled.facts, filled.saved
    yield replace(filled, files={})
    yield replace(
        filled,
        prefill={s.key: {f.key: "别的" for f in s.fields if f.readonly} for s in filled.form.sections},
    )
    yield replace(filled, facts=replace(facts, today=date(2035, 1, 1), started_on=date(2035, 1, 1)))
    yield replace(filled, facts=replace(facts, others=OtherApplications(count=9, applied_wan="9999")))
    for name in ROUND:
        less = {**ROUND, name: [] if isinstance(ROUND[name], list) else "1"}
        yield replace(filled, facts=replace(facts, round=RoundFacts(parameters=less, closes_on=CLOSES)))
    for key, values in saved.items():
        yield filled.with_saved({k: v for k, v in saved.items() if k != key})
        for name in values:
            yield filled.with_saved({**saved, key: {**values, name: None}})


@pytest.mark.parametrize("fund_type", factories.SLOTS)
def test_whatever_changes_is_judged_as_if_nothing_were_known(fund_type: str) -> None:
    filled = complete(fund_type)
    found = 0
    for other in changed(filled):
        known = judge(other, other.saved)
        assert known == judge(replace(other, form=fresh(filled.form)), other.saved)
        found += bool(known[1])
    assert found > len(filled.form.sections)


def test_what_is_known_to_be_right_is_taken_as_it_is() -> None:
    filled = complete("reward")
    wrong = {**filled.saved["contact"], "email": "a@b"}
    typed = {**filled.saved, "contact": wrong}
    assert [e.field for e in judge(filled, typed)[1]] == ["email"]
    vars(filled.form)["faultless"][filled.digest("contact", wrong)] = None
    assert judge(filled, typed) == (typed, [])


@pytest.mark.parametrize("fund_type", factories.SLOTS)
def test_how_a_section_stands_follows_from_the_fields_that_formulas_look_at(fund_type: str) -> None:
    filled = complete(fund_type)
    for section in filled.form.sections:
        context, saved = filled.context(section.key), filled.saved[section.key]
        for typed in ({}, saved, *({**saved, name: None} for name in saved)):
            whole = read(section, typed, context).kept
            assert filled.now(section, typed) == now(section, context.situation(section, whole))

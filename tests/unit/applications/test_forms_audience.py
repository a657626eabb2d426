"""What is not for experts is in nothing that they are given."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring.source import read_form
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.catalogue import forms, newest
from services.applications.forms.filled.audience import for_experts, sections_for_experts
from tests import factories, generated

# What the four forms keep from experts: whom to call, where to pay, who signed.
CLOSED = {
    ("contact", "contact_name"),
    ("contact", "contact_phone"),
    ("contact", "mobile"),
    ("contact", "email"),
    ("fund_plan", "bank_name"),
    ("fund_plan", "bank_account"),
    ("commitment", "signer_name"),
    ("commitment", "commitment_scan"),
}


@pytest.mark.parametrize("fund_type", sorted({fund for fund, _ in forms()}))
def test_of_the_four_forms_experts_see_neither_contact_nor_account_nor_signer(fund_type: str) -> None:
    form = newest(fund_type)
    closed = {(s.key, key) for s in form.sections for key in s.by_key if not for_experts(form, s.key, key)}
    assert closed == CLOSED
    values = factories.values_of(fund_type, {slot: [slot] for slot in factories.SLOTS[fund_type]})
    shown = sections_for_experts(form, values)
    assert {(s, key) for s in values for key in values[s].keys() - shown[s].keys()} == CLOSED
    assert not for_experts(form, "gone")
    assert not for_experts(form, "contact", "gone")


def test_a_form_without_audiences_shows_what_it_always_did() -> None:
    form = catalogue_form("reward", 1)
    values = factories.values_of("reward", {slot: [slot] for slot in factories.SLOTS["reward"]})
    assert sections_for_experts(form, values) == values


def test_a_new_version_says_who_sees_less() -> None:
    said = {str(change) for change in changes(catalogue_form("reward", 1), newest("reward"))}
    assert "保护发展资金使用规划 · 账号：不再给评审专家看" in said


@given(seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=30)
def test_of_any_form_nothing_closed_is_shown_and_everything_else_is(seed: int, data: st.DataObject) -> None:
    definition = generated.form(seed, sections=3, fields=20, conditions=0, tables=3)
    parts = [part for s in definition["sections"] for kind in ("tables", "slots") for part in s[kind]]
    columns = [c for s in definition["sections"] for t in s["tables"] for c in t["columns"]]
    for part in data.draw(st.lists(st.sampled_from([*definition["sections"], *parts, *columns]), max_size=6)):
        part["audience"] = "bureau"
    form, _, _ = read_form(yaml.safe_dump(definition, allow_unicode=True))
    assert form is not None
    secret, plain = [], []
    values: dict[str, dict[str, Any]] = {}

    def mark(*parts: Any) -> str:
        word = f"word{len(secret) + len(plain)}x"
        (secret if any(p.audience == "bureau" for p in parts) else plain).append(word)
        return word

    for section in form.sections:
        values[section.key] = {f.key: mark(section, f) for f in section.fields}
        values[section.key] |= {s.key: [mark(section, s)] for s in section.slots}
        for table in section.tables:
            row = {"id": "1", **{c.key: mark(section, table, c) for c in table.columns}}
            values[section.key][table.key] = [row]
    told = json.dumps(sections_for_experts(form, values))
    assert [word for word in secret if f'"{word}"' in told] == []
    assert [word for word in plain if f'"{word}"' not in told] == []

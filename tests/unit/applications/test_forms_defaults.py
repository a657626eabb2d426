"""What a form fills in before anybody types: a value, a computed one, one that stands elsewhere."""

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.source import read_form
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.defaults import defaults
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.formulas.rules import rules_of
from tests import generated

FORM = """
fund_type: known
version: 1
label: 先填好
title: 先填好
document_title: 先填好
project_name: a.name
district: a.name
sections:
  - key: a
    label: 甲
    title: 甲
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: wan, kind: money, label: 金额}
  - key: b
    label: 乙
    title: 乙
    fields:
      - {key: wan, kind: money, label: 申请金额, default: a.wan}
      - {key: half, kind: money, label: 一半, default: "a.wan / 3"}
      - {key: day, kind: date, label: 日期, default: today}
      - {key: until, kind: date, label: 截止, default: "add_days(round.closes_on, 1)"}
      - {key: kind, kind: select, label: 种类, options: [甲, 乙], default: '"乙"'}
      - {key: cap, kind: integer, label: 上限, default: round.cap}
    tables:
      - key: years
        label: 各年
        fixed_rows:
          - {key: last, label: 上年, defaults: {year: year(round.closes_on) - 1, wan: a.wan}}
          - {key: before, label: 前年, defaults: {year: year(round.closes_on) - 2}}
          - {key: rest, label: 更早}
        columns:
          - {key: year, kind: year, label: 年度}
          - {key: wan, kind: money, label: 收入, allow_zero: true, default: "0"}
"""
DAY = date(2026, 3, 31)


def form_of(text: str = FORM) -> Form:
    form, faults, _ = read_form(text)
    assert form is not None, faults
    assert not faults, faults
    return form


def filled_in(form: Form, saved: dict[str, Any], **parameters: Any) -> dict[str, tuple[Any, str]]:
    facts = Facts(RoundFacts(parameters=parameters, closes_on="2026-12-31"), today=DAY)
    found = defaults(form.by_key["b"], Situation(form, saved, facts), form.choices(facts.round))
    return {key: (default.value, default.words) for key, default in found.items()}


def test_what_is_known_is_filled_in_and_said_where_it_comes_from() -> None:
    found = filled_in(form_of(), {"a": {"name": "某", "wan": "30.00"}}, cap="7")
    assert found == {
        "wan": ("30.00", "“甲·金额”"),
        "half": ("10.00", "“甲·金额”÷3"),
        "day": ("2026-03-31", "当天"),
        "until": ("2027-01-01", "批次的截止日期后1天"),
        "kind": ("乙", "“乙”"),
        "cap": (7, "批次参数“cap”"),
        "years": (
            [
                {"row": "last", "year": 2025, "wan": "30.00"},
                {"row": "before", "year": 2024, "wan": "0.00"},
                {"row": "rest", "wan": "0.00"},
            ],
            "上年的年度（批次的截止日期的年份－1）、上年的收入（“甲·金额”）、前年的年度（批次的截止日期的年份－2）、收入（0）",
        ),
    }


def test_what_is_not_known_or_would_be_refused_is_left_out() -> None:
    # Nothing stands elsewhere; a third of it is no amount; the round says nothing, or what is no whole number.
    assert filled_in(form_of(), {}).keys() == {"day", "until", "kind", "years"}
    assert "half" not in filled_in(form_of(), {"a": {"wan": "10.00"}})
    assert "cap" not in filled_in(form_of(), {}, cap="7.5")


def test_a_section_with_defaults_from_elsewhere_is_still_kept_alone() -> None:
    rules = rules_of(form_of())
    assert rules.alone == {"a", "b"}
    assert "cap" in rules.parameters


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("default: a.wan}", "default: a.nothing}", "找不到“a.nothing”"),
        ("default: a.wan}", "default: today}", "默认值得出的是日期，这里要数"),
        ("{key: day, kind: date, label: 日期,", '{key: day, kind: computed, gives: date, value: today, label: 日期,', "不能写 prefill"),
        ("{year: year(round.closes_on) - 2}", "{nothing: \"1\"}", "“nothing”不是本表要填写的列"),
        ("        fixed_rows:\n          - {key: last, label: 上年, defaults: {year: year(round.closes_on) - 1, wan: a.wan}}\n          - {key: before, label: 前年, defaults: {year: year(round.closes_on) - 2}}\n          - {key: rest, label: 更早}\n", "", "列里不能写 default"),
    ],
)  # fmt: skip
def test_lint_finds_a_wrong_default(before: str, after: str, said: str) -> None:
    assert FORM.count(before) == 1
    found = [fault for fault in lint_text(FORM.replace(before, after)) if fault.severity == "error"]
    assert any(said in fault.message for fault in found), found


def test_a_new_version_says_what_it_fills_in_otherwise() -> None:
    newer = FORM.replace("version: 1", "version: 2").replace("default: today", "default: round.closes_on")
    newer = newer.replace('default: "0"', "required: true")
    said = [str(change) for change in changes(form_of(), form_of(newer))]
    assert said == ["乙 · 日期：先填好的值改为：批次的截止日期", "乙 · 各年 · 收入：先填好的值改为：“甲·金额”"]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_of_any_form_what_is_filled_in_is_what_its_field_keeps(seed: int) -> None:
    text = yaml.safe_dump(generated.form(seed, sections=3, fields=30, conditions=4), allow_unicode=True)
    form, _, _ = read_form(text)
    assert form is not None
    facts = Facts(RoundFacts(parameters=generated.ROUND, closes_on="2026-12-31"), today=DAY)
    choices = form.choices(facts.round)
    for section in form.sections:
        wanted = [field for field in section.fields if field.default]
        found = defaults(section, Situation(form, {}, facts), choices)
        # A whole number of 12.5 is none.
        assert found.keys() == {field.key for field in wanted if field.kind != "integer"}
        for field in wanted:
            if field.key in found:
                assert field.parse(found[field.key].value, choices) == found[field.key].value

"""A formula is tried with values that somebody gives: what it asks for is named, what is wrong is said, what comes of it stands in words."""

import pytest

from services.applications.forms.authoring.source import read_form
from services.applications.forms.authoring.try_out import try_out
from services.applications.forms.definition import RoundFacts

TEXT = """\
fund_type: fair
version: 1
label: 展会
title: 展会
document_title: 申报书
project_name: a.name
district: a.name
sections:
  - key: a
    label: 展会情况
    title: 展会
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: kind, kind: select, label: 类型, options: [境内, 境外]}
      - {key: shared, kind: checkbox, label: 有合作单位}
      - {key: wan, kind: money, label: 申请金额}
      - {key: day, kind: date, label: 开幕}
      - {key: crafts, kind: multiselect, label: 门类, options: [玉雕, 京绣]}
      - {key: half, kind: computed, label: 一半, value: wan / 2}
    tables:
      - key: costs
        label: 费用
        columns:
          - {key: item, kind: text, label: 名目}
          - {key: paid, kind: money, label: 金额}
      - key: parts
        label: 分摊
        rows_from: a.costs
        columns:
          - {key: item, kind: computed, label: 名目, gives: text, value: source.item}
          - {key: part, kind: percent, label: 占比}
      - key: years
        label: 分年
        fixed_rows: [{key: one, label: 第一年}]
        columns: [{key: wan, kind: money, label: 金额}]
    slots:
      - {key: deed, label: 合同}
"""
FORM = read_form(TEXT)[0]
FACTS = RoundFacts(parameters={"cap_wan": "100", "crafts": ["甲", "乙"]}, closes_on="2026-12-31")


@pytest.mark.parametrize(
    ("formula", "values", "result"),
    [
        ('kind == "境外"', {"a.kind": "境外"}, "成立"),
        ('kind == "境外"', {"a.kind": "境内"}, "不成立"),
        ("wan > 10", {}, "不知道"),
        ("wan > 10", {"a.wan": "12,500"}, "成立"),
        ("shared", {"a.shared": "否"}, "不成立"),
        ("half + 1", {"a.half": "2"}, "3"),
        ("wan <= round.cap_wan", {"a.wan": "100"}, "成立"),
        ("wan <= round.cap_wan", {"a.wan": "100", "round.cap_wan": "99"}, "不成立"),
        ("others.count", {}, "0"),
        ("sum(costs.paid)", {"a.costs.paid": "1\n2.5\n\n3"}, "6.5"),
        ("count(costs)", {"a.costs": "4"}, "4"),
        ("any(r.paid > 10 for r in costs)", {"a.costs.paid": "1\n20"}, "成立"),
        ('sum(r.paid for r in costs if r.item != "其他")', {"a.costs.paid": "1\n2", "a.costs.item": "其他\n展位"}, "2"),
        ("count(deed) >= 2", {"a.deed": "2"}, "成立"),
        ('"玉雕" in crafts', {"a.crafts": "玉雕\n京绣"}, "成立"),
        ("days(day, round.closes_on)", {"a.day": "2026年12月30日"}, "1"),
        ("years.one.wan * 2", {"a.years.one.wan": "1.5"}, "3"),
        ("length(name)", {"a.name": "展会"}, "2"),
        ("day", {"a.day": "2026-5-1"}, "2026-05-01"),
    ],
)  # fmt: skip
def test_what_comes_of_it(formula: str, values: dict[str, str], result: str) -> None:
    assert FORM is not None
    found = try_out(FORM, formula, "a", "", values, FACTS)
    assert found.fault is None, found.fault
    assert found.result is not None
    assert found.result.startswith(result), found.result
    assert set(values) <= {a.name for a in found.asked}
    assert found.words


def test_columns_ask_for_their_row_and_the_one_they_follow() -> None:
    assert FORM is not None
    found = try_out(
        FORM, "source.paid > 5 and part > 0", "a", "parts", {"source.paid": "6", "own.part": "30"}, FACTS
    )
    assert found.holds is True
    assert [(a.name, a.label) for a in found.asked] == [
        ("source.paid", "展会情况 · 费用 · 金额（所随的行）"),
        ("own.part", "展会情况 · 分摊 · 占比（本行）"),
    ]


@pytest.mark.parametrize(
    ("formula", "values", "said"),
    [
        ("wan > 10", {"a.wan": "很多"}, "金额"),
        ("half > 1", {"a.half": "x"}, "应为数"),
        ("shared", {"a.shared": "也许"}, "应为是或否"),
        ("count(costs)", {"a.costs": "-1"}, "应为个数"),
        ("day == today", {"today": "昨天"}, "应为日期"),
        ("sum(costs.paid)", {"a.costs.paid": "1\n二"}, ""),
    ],
)
def test_what_is_wrong_is_said_at_its_value(formula: str, values: dict[str, str], said: str) -> None:
    assert FORM is not None
    found = try_out(FORM, formula, "a", "", values, FACTS)
    wrong = [a for a in found.asked if a.wrong]
    assert [a.name for a in wrong] == list(values)
    assert said in str(wrong[0].wrong)
    assert wrong[0].given == next(iter(values.values()))
    assert found.result is None


@pytest.mark.parametrize(
    "formula", ["nothing > 1", "wan >", 'wan > "x"', "__import__('os')", "(" * 200, "wan " * 300]
)
def test_what_is_no_formula_says_why(formula: str) -> None:
    assert FORM is not None
    found = try_out(FORM, formula, "a", "", {}, FACTS)
    assert found.fault
    assert found.result is None


def test_too_much_work_is_said() -> None:
    assert FORM is not None
    rows = {"a.costs.paid": "1\n" * 200}
    heavy = "sum(sum(sum(c.paid for c in costs) for b in costs) for a in costs)"
    found = try_out(FORM, heavy.replace("for a", "for x"), "a", "", rows, FACTS)
    assert "计算量太大" in str(found.fault)

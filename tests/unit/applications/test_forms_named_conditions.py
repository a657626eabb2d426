"""A condition that several places name says the same in each as if it were written there."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring.lint import lint_text, linted
from services.applications.forms.authoring.try_out import try_out
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.situation import Facts, Situation

TEXT = """\
fund_type: fair
version: 1
label: 展会
title: 展会
document_title: 申报书
project_name: a.name
district: a.name
conditions:
  abroad: {{label: 境外, holds: {abroad}}}
  large: {{label: 境外大展, holds: {large}}}
sections:
  - key: a
    label: 展会情况
    title: 展会
    fields:
      - {{key: name, kind: text, label: 名称}}
      - {{key: kind, kind: select, label: 类型, options: [境内, 境外]}}
      - {{key: wan, kind: money, label: 金额, allow_zero: true}}
      - {{key: visa, kind: text, label: 签证, visible_if: {visa}}}
  - key: b
    label: 费用
    title: 费用
    fields:
      # A field of the same name as one that the condition looks at, elsewhere.
      - {{key: wan, kind: money, label: 另一金额, required: false}}
      - {{key: why, kind: text, label: 原因, required_if: {why}}}
    tables:
      - key: costs
        label: 明细
        columns:
          - {{key: wan, kind: money, label: 金额}}
          - {{key: note, kind: text, label: 说明, visible_if: {note}}}
checks:
  - {{id: one, holds: {check}, message: 不符, rule: 规则, section: a}}
"""
ABROAD, LARGE = 'a.kind == "境外"', "condition.abroad and a.wan > 10"
NAMED = {
    "abroad": ABROAD, "large": LARGE, "visa": "condition.abroad", "why": "condition.large", "note": "condition.large and wan > 5",
    "check": "not condition.large or a.wan < 100",
}  # fmt: skip
WHOLE = f"({ABROAD}) and a.wan > 10"
WRITTEN = NAMED | {
    "visa": ABROAD,
    "why": WHOLE,
    "note": f"{WHOLE} and wan > 5",
    "check": f"not ({WHOLE}) or a.wan < 100",
}


def form(**changed: str) -> tuple[Form, list[Any]]:
    made, faults, _ = linted(TEXT.format(**{n: quoted(v) for n, v in (NAMED | changed).items()}))
    assert made is not None
    return made, faults


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


BY_NAME, BY_HAND = form()[0], form(**WRITTEN)[0]


def test_a_form_with_conditions_has_no_faults() -> None:
    assert form()[1] == []
    # Written by hand, nobody names the second one.
    assert [f.severity for f in form(**WRITTEN)[1]] == ["warning"]


@given(
    kind=st.sampled_from([None, "境内", "境外"]),
    wan=st.sampled_from([None, "0.00", "10.00", "10.01", "99.00", "100.00"]),
    other=st.sampled_from([None, "1.00", "50.00"]),
    cell=st.sampled_from([None, "5.00", "6.00"]),
)
@settings(max_examples=60, deadline=None)
def test_a_name_is_what_it_stands_for(kind: Any, wan: Any, other: Any, cell: Any) -> None:
    values = {"a": {"kind": kind, "wan": wan}, "b": {"wan": other, "costs": [{"id": "1", "wan": cell}]}}
    found = []
    for each in (BY_NAME, BY_HAND):
        situation = Situation(each, values, Facts(RoundFacts()))
        row = situation.rows("b", "costs")[0]
        found.append(
            (situation.visible("a", "visa"), situation.required("b", "why"), situation.cell_visible(row, "note"))
        )
    assert found[0] == found[1]


def test_what_a_condition_changes_is_told_where_it_is_named() -> None:
    after = form(abroad='a.kind != "境内"')[0].model_copy(update={"version": 2})
    told = [f"{c.where}：{c.text}" for c in changes(BY_NAME, after)]
    assert any("签证" in line for line in told), told
    assert any("原因" in line for line in told), told
    assert any("核对改变" in line for line in told), told


def test_it_is_tried_like_any_other() -> None:
    found = try_out(BY_NAME, "condition.large", "b", "costs", {"a.kind": "境外", "a.wan": "11"}, RoundFacts())
    assert (found.holds, [a.name for a in found.asked]) == (True, ["a.kind", "a.wan"])
    assert "“展会情况·类型”等于“境外”" in found.words


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"abroad": "condition.large", "large": "condition.abroad"}, "绕成了一圈"),
        ({"abroad": "condition.abroad"}, "绕成了一圈"),
        ({"visa": "condition.nothing"}, "conditions 中没有“nothing”"),
        ({"abroad": "a.wan + 1"}, "条件"),
        ({"abroad": "kind == '境外'"}, "找不到“kind”"),
        ({"abroad": "a.visa == '有'"}, "绕成了一圈"),
    ],
)
def test_bad_conditions_are_told_with_their_line(changed: dict[str, str], said: str) -> None:
    faults = [f for f in form(**changed)[1] if f.severity == "error"]
    assert any(said in f.message for f in faults), faults
    assert all(f.line > 1 for f in faults)


def test_no_part_hides_behind_conditions() -> None:
    text = TEXT.format(**{n: quoted(v) for n, v in NAMED.items()}).replace("key: costs", "key: condition")
    assert any("不能作材料和表格的 key" in f.message for f in lint_text(text))
    without = "\n".join(
        line for line in text.splitlines() if not line.startswith(("conditions", "  abroad", "  large"))
    )
    assert not any("不能作材料" in f.message for f in lint_text(without))


def test_many_that_name_many_end_at_once() -> None:
    many = "\n".join(
        f"  c{n}: {{label: 条件, holds: '{' or '.join([f'condition.c{n - 1}'] * 8) if n else 'filled(a.name)'}'}}"
        for n in range(90)
    )
    text = TEXT.format(**{n: quoted(v) for n, v in NAMED.items()}).replace(
        "conditions:\n", f"conditions:\n{many}\n"
    )
    assert any("太长或嵌套太深" in f.message for f in lint_text(text))

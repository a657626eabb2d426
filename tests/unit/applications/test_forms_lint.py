"""`forms lint`: every fault at once, at its line; what is sound is left alone; nothing that comes in brings it down."""

import random
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring.lint import lint_file, lint_text
from services.applications.forms.authoring.samples import spread
from services.applications.forms.authoring.source import read_form
from services.applications.forms.catalogue import FOLDER, forms
from services.applications.forms.definition import RoundFacts
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.formulas.rules import rules_of

HEAD = """fund_type: example
version: 1
label: 例
title: 例
document_title: 例
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲
    fields:
      - {key: name, kind: text, label: 名称}
"""
NUMBERS = """      - {key: n, kind: integer, label: 个数}
      - {key: m, kind: money, label: 金额, min: 10}
      - {key: s, kind: select, label: 选择, options: [甲, 乙]}
      - {key: many, kind: multiselect, label: 多选, options: [甲, 乙, 丙]}
      - {key: on, kind: date, label: 日期}
"""


def in_chinese(message: str) -> bool:
    """Whether people of the office can read it: Chinese, with words of the file in “ ”, and no English sentence."""
    said = message
    while (outside := re.sub("“[^“”]*”|^条件“.*”|^公式“.*?”：", "", said, flags=re.DOTALL)) != said:
        said = outside
    return bool(re.search("[一-鿿]", said)) and not re.search("[A-Za-z]+( [A-Za-z]+){2}", said)


def said(text: str) -> list[tuple[int, str, str]]:
    found = [(fault.line, fault.severity, fault.message) for fault in lint_text(text)]
    assert [message for _, _, message in found if not in_chinese(message)] == []
    return found


def of_field(rest: str) -> list[tuple[int, str, str]]:
    """What lint says of one more field; it stands on line 18."""
    found = said(f"{HEAD}{NUMBERS}      - {{key: more, kind: text, label: 更多, {rest}}}\n")
    assert all(line == 18 for line, _, _ in found), found
    return found


def test_a_sound_form_has_no_fault() -> None:
    assert said(HEAD + NUMBERS) == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*/*.yaml")), ids=lambda f: f.parent.name)
def test_the_catalogue_has_only_notes(file: Any) -> None:
    assert {fault.severity for fault in lint_file(file)} <= {"note"}


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("n > 5 and n < 3", "永远不会显示"),
        ("n > 5 and n < 6", "永远不会显示"),  # whole numbers
        ("s == '甲' and s == '乙'", "永远不会显示"),
        ("s == '甲' and not filled(s)", "永远不会显示"),
        ("m < 10", "永远不会显示"),  # its own min
        ("m < n and n < m", "永远不会显示"),
        ("'甲' in many and '甲' not in many", "永远不会显示"),
        ("on < '2026-01-02' and on > '2026-01-01'", "永远不会显示"),
        ("round.cap == 5 and round.cap == 6", "永远不会显示"),
        ("false", "永远不会显示"),
    ],
)
def test_a_condition_that_contradicts_itself(condition: str, why: str) -> None:
    [(_, severity, message)] = of_field(f'visible_if: "{condition}"')
    assert severity == "error"
    assert "永远不成立" in message
    assert why in message


@pytest.mark.parametrize(
    "condition",
    [
        "n > 5 and n < 7",
        "m > 10 and m < 10.02",
        "m < n",
        "'甲' in many and '乙' in many and '丙' not in many",
        "on >= '2026-01-01' and on <= '2026-01-01'",
        "on == today",  # not to be judged: another day comes
        "today > '2090-01-01'",
        "name > 'a' and name < 'b'",
        "starts_with(name, 'x')",
        "round.cap > 5 and m > round.cap",
        "count(many) > 7",
        "n * 2 == 3",  # computed: left alone
        "'戊' in round.directions",
    ],
)
def test_a_condition_that_can_hold_or_cannot_be_judged(condition: str) -> None:
    assert of_field(f'visible_if: "{condition}"') == []


def test_a_condition_under_a_condition_that_contradicts_it() -> None:
    text = HEAD + NUMBERS + (
        "      - {key: b, kind: text, label: 乙, visible_if: n > 5}\n"
        "      - {key: c, kind: text, label: 丙, visible_if: n < 3 and filled(b)}\n"
        "      - {key: d, kind: text, label: 丁, visible_if: n > 5, required_if: n == 2}\n"
        "      - {key: e, kind: text, label: 戊, visible_if: n > 5, required_if: n > 5}\n"
    )  # fmt: skip
    assert [(line, severity) for line, severity, _ in said(text)] == [(19, "error"), (20, "error")]
    assert "显示时永远不会必填" in said(text)[1][2]


def test_a_condition_that_always_holds_can_go() -> None:
    [(_, severity, message)] = of_field("visible_if: n > 5 or n <= 5 or not filled(n)")
    assert (severity, "总是成立" in message) == ("warning", True)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("visible_if: nowhere > 3", "找不到“nowhere”"),
        ("visible_if: b.name == 'x'", "找不到“b.name”"),
        ("visible_if: n", "这里要的是条件，得出的却是数"),
        ("visible_if: n > '3'", "数与文字不是一类"),
        ("visible_if: s == '丙'", "“丙”不是“s”的选项"),
        ("visible_if: '\"丁\" in many'", "“丁”不是“many”的选项"),
        ("visible_if: open('x')", "没有函数“open”；有 abs、"),
        ("visible_if: 'n.__class__ == 3'", "找不到“n.__class__”"),
        ("visible_if: 'n > 3 +'", "没有写完"),
        ("visible_if: n > round.Cap", "批次参数不能叫“Cap”"),
        ("labell: x", "“labell”在这里没有用处"),
        ("required_if: n > 3, required: true", "“required”不起作用"),
        ("prefill: ORG_NAME", "“prefill”应写成“registry.…”"),
        ("min: 5, max: 3", "min（5）大于 max（3）"),
        ("pattern: '('", "pattern 不是正确的正则表达式"),
        ("label: 又", "“label”在这里写了两次"),
    ],
)
def test_a_fault_has_its_line(rest: str, message: str) -> None:
    assert any(message in found for _, _, found in of_field(rest)), of_field(rest)


def test_where_the_district_stands_is_the_forms_own_to_say() -> None:
    """A form without 所属区 is sound; one that names a place for it has to have that place."""
    assert said(HEAD) == []
    place = "project_name: a.name\n"
    assert said(HEAD.replace(place, place + "district: a.name\n")) == []
    assert [what for _, _, what in said(HEAD.replace(place, place + "district: a.area\n"))] == [
        "找不到“a.area”；应写成“材料.字段”，如 a.name"
    ]


def test_everything_at_once() -> None:
    """Faults of the file's shape do not hide those of its names and formulas."""
    text = HEAD.replace("project_name: a.name", "project_name: a.title") + (
        "      - {key: n, kind: integer}\n"
        "      - {key: name, kind: money, label: 名称}\n"
        "      - {key: c, kind: computed, label: 丙, value: d + 1}\n"
        "      - {key: d, kind: computed, label: 丁, value: c + 1}\n"
        "      - {key: s, kind: select, label: 选择, options: [甲, 乙], visible_if: nowhere > 3}\n"
        "      - {key: t, kind: picture, label: 图}\n"
        "      - {key: u, kind: text, label: 用, visible_if: s == '丙', group: ' '}\n"
        "      - {key: v, kind: text, label: ' '}\n"
        "    tables:\n"
        "      - {key: tab, label: 表, columns: []}\n"
        "      - {key: more, label: 表, columns: [{key: q, kind: integer, label: 数, required_if: zz == 1}], totals: [w]}\n"
        "lists: {unused: [甲]}\n"
        "checks:\n"
        "  - {id: one, op: '==', left: '1', message: x, section: a}\n"
        "  - {id: two, op: '==', left: '1', right: a.nnn, message: x, section: b}\n"
    )  # fmt: skip
    wanted = [
        (6, "找不到“a.title”"),
        (13, "缺少“label”"),
        (14, "本材料中的“name”重复出现"),
        (15, "绕成了一圈：a.c → a.d → a.c"),
        (17, "找不到“nowhere”"),
        (18, "没有“picture”这种字段"),
        (19, "“丙”不是“s”的选项"),
        (20, "“v”没有名称"),
        (22, "“columns”不能为空"),
        (23, "“w”不是填数的列"),
        (23, "找不到“zz”"),
        (24, "没有字段用到选项“unused”"),
        (26, "核对应写 op、left、right 三项，或只写 holds"),
        (27, "找不到“a.nnn”"),
        (27, "没有“b”这项材料"),
    ]
    found = said(text)
    for line, message in wanted:
        assert any(line == at and message in what for at, _, what in found), (line, message, found)
    assert len(found) <= len(wanted) + 4, found


def test_groups_and_sections_that_hold_nothing() -> None:
    text = HEAD + "    groups: [{label: 空的}]\n  - {key: b, label: 乙, title: 乙}\n"
    assert [(line, severity) for line, severity, _ in said(text)] == [(13, "warning"), (14, "warning")]


def test_a_check_says_its_rule_and_what_is_wrong() -> None:
    check = "checks: [{id: cap, op: '<=', left: a.m, right: '5', message: 超过五, section: a%s}]\n"
    [(line, severity, message)] = said(HEAD + NUMBERS + check % "")
    assert (line, severity) == (18, "warning")
    assert "rule 写规则" in message
    assert said(HEAD + NUMBERS + check % ", rule: 不超过五") == []


def test_a_check_that_a_round_leaves_out() -> None:
    text = (
        HEAD
        + NUMBERS
        + "checks: [{id: cap, op: '<=', left: a.m, right: round.cap, rule: 不超过上限, message: 超过上限, section: a}]\n"
    )
    assert said(text) == [(18, "note", "批次没有参数 cap 时，不做核对“cap”")]
    assert lint_text(text, RoundFacts(parameters={"cap": "5"})) == []
    [fault] = lint_text(text, RoundFacts(parameters={"other": "5"}))
    assert (fault.severity, fault.message) == ("warning", "本批次没有参数 cap，不做核对“cap”")


@pytest.mark.parametrize(
    "text", ["", "[", "- a", "3", "a: &x [*x]", "a: !!python/object:os.system x", "\x00", "a: 'b\n", "? [1]\n: 2"]
)
def test_what_is_no_form(text: str) -> None:
    assert [severity for _, severity, _ in said(text)][:1] == ["error"]


@settings(max_examples=40)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_a_form_with_anything_anywhere(seed: int) -> None:
    """Lint ends with faults, whatever stands where."""
    chance = random.Random(seed)
    data = yaml.safe_load((FOLDER / "subsidy" / "1.yaml").read_text("utf-8"))
    junk: list[Any] = [
        None,
        3,
        -1,
        "x",
        "",
        [],
        {},
        [{}],
        {"key": "x"},
        True,
        "a.b",
        "x" * 600,
        [1, "a"],
        2**70,
        "sections",
    ]
    for _ in range(chance.randint(1, 4)):
        place: Any = data
        while True:
            key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
            deeper = place[key]
            if not isinstance(deeper, dict | list) or not deeper or chance.random() < 0.2:
                match chance.randrange(3):
                    case 0:
                        place[key] = chance.choice(junk)
                    case 1:
                        del place[key]
                    case _ if isinstance(place, dict):
                        place[chance.choice(["key", "label", "columns", "value", "than", "kind"])] = chance.choice(
                            junk
                        )
                break
            place = deeper
        if not data:
            break
    for fault in lint_text(yaml.safe_dump(data, allow_unicode=True)):
        assert fault.line >= 1
        assert in_chinese(fault.message)


PIECES = st.recursive(
    st.sampled_from(
        ["n > 5", "n <= 5", "n == 7", "n != 6", "m < 10.5", "m >= 11", "m < n", "n > m", "s == '甲'", "s in ('乙',)",
         "s != '甲'", "'甲' in many", "'乙' not in many", "filled(n)", "blank(s)", "on > '2026-03-01'", "on <= '2026-03-02'",
         "on == '2026-03-02'", "round.cap > 3", "round.cap == 4.5", "n > round.cap"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) and ({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) or ({p[1]})"),
        inner.map(lambda p: f"not ({p})"),
    ),
    max_leaves=6,
)  # fmt: skip
FILLED = st.fixed_dictionaries(
    {
        "n": st.one_of(st.none(), st.integers(-1, 13)),
        "m": st.one_of(st.none(), st.integers(1000, 1300).map(lambda c: f"{Decimal(c) / 100:.2f}")),
        "s": st.sampled_from([None, "甲", "乙"]),
        "many": st.lists(st.sampled_from(["甲", "乙", "丙"]), unique=True),
        "on": st.one_of(st.none(), st.dates(date(2026, 2, 27), date(2026, 3, 4)).map(date.isoformat)),
    }
)
CAPS = st.one_of(st.none(), st.integers(4, 16).map(lambda n: f"{Decimal(n) / 2}"))


@settings(max_examples=120)
@given(condition=PIECES, tries=st.lists(st.tuples(FILLED, CAPS), min_size=15, max_size=15))
def test_what_can_never_hold_never_holds(condition: str, tries: list[tuple[dict[str, Any], str | None]]) -> None:
    """Whatever values come: what lint claims about a condition is so."""
    text = f'{HEAD}{NUMBERS}      - {{key: more, kind: text, label: 更多, visible_if: "{condition}"}}\n'
    claims = [message for _, _, message in said(text) if "永远不成立" in message or "总是成立" in message]
    form, _, _ = read_form(text)
    assert form
    for values, cap in tries:
        facts = Facts(RoundFacts(parameters={"cap": cap} if cap else {}))
        shown = Situation(form, {"a": values}, facts).visible("a", "more")
        assert not any(("永远" in claim) == shown for claim in claims), (condition, values, cap)


def test_every_gap_has_a_value() -> None:
    found = spread([Decimal(1), Decimal("1.05"), Decimal(3)], Decimal("0.01"), 2)
    for low, high in [("1", "1.05"), ("1.05", "3")]:
        assert sum(Decimal(low) < n < Decimal(high) for n in found) >= 2
    assert min(found) < 1
    assert max(found) > 3
    assert spread([Decimal(1), Decimal(2)], Decimal(1), 3) == [Decimal(n) for n in range(-2, 6)]


def test_all_forms_load_from_the_same_reading() -> None:
    assert all(rules_of(form).problems == [] for form in forms().values())

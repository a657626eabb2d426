"""Questions of eligibility: read with their faults at their lines, judged, and never stricter once applications are taken."""

from datetime import date
from typing import Any

import pytest

from services.applications.forms.authoring import eligibility
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.situation import Facts
from services.gateway.rounds.notice import EXAMPLE

TEXT = """\
fields:
  - {key: here, kind: radio, label: 是否在本市登记, options: [是, 否]}
  - {key: founded, kind: date, label: 成立日期, visible_if: here == "是"}
  - {key: wan, kind: money, label: 上年营业收入, allow_zero: true, required: false}
checks:
  - {holds: here == "是", message: 只受理在本市登记的单位}
  - {left: founded, op: "<=", right: "add_years(today, -1)", message: 成立须满一年}
  - {left: wan, op: ">=", right: round.least_wan, message: 上年营业收入不足}
"""
FACTS = Facts(RoundFacts(parameters={"least_wan": "10"}), today=date(2026, 5, 1))


def sound(text: str) -> Form:
    form, faults = eligibility.read(text)
    assert form is not None, faults
    return form


@pytest.mark.parametrize(
    ("values", "wrong", "unmet"),
    [
        ({"here": "是", "founded": "2020-01-01", "wan": "20"}, [], []),
        ({"here": "否"}, [], ["只受理在本市登记的单位"]),
        # What is hidden is not asked, and what is left open refuses nobody.
        ({"here": "是", "founded": "2026-01-01"}, [], ["成立须满一年"]),
        ({"here": "是", "founded": "2025年5月1日", "wan": "9.99"}, [], ["上年营业收入不足"]),
        ({}, ["here"], []),
        ({"here": "是"}, ["founded"], []),
        ({"here": "也许", "wan": "很多"}, ["here", "wan"], []),
        ({"here": ["是"], "other": 1}, ["other", "here"], []),
    ],
)
def test_answers_are_judged(values: dict[str, Any], wrong: list[str], unmet: list[str]) -> None:
    _, errors, broken = eligibility.judge(sound(TEXT), values, FACTS)
    assert [e.field for e in errors] == wrong
    assert [check.message for check in broken] == unmet


def test_a_round_without_the_number_does_not_ask_for_it() -> None:
    facts = Facts(RoundFacts(), today=date(2026, 5, 1))
    _, errors, broken = eligibility.judge(sound(TEXT), {"here": "是", "founded": "2020-01-01", "wan": "1"}, facts)
    assert (errors, broken) == ([], [])


def test_answers_are_kept_in_words() -> None:
    form = sound(TEXT)
    kept, _, _ = eligibility.judge(form, {"here": "是", "founded": "2020-01-01"}, FACTS)
    said = [(a.label, a.text) for a in eligibility.in_words(form, kept, FACTS)]
    assert said == [("是否在本市登记", "是"), ("成立日期", "2020年1月1日"), ("上年营业收入", "未回答")]


def test_the_example_that_officers_are_shown_is_sound() -> None:
    assert len(sound(EXAMPLE).checks) == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("你好", 1, "应写成 fields"),
        ("fields: [", 2, "YAML"),
        ("fields:\n  - {key: a, kind: text, label: 名称}", 2, "只问选择、数和日期"),
        ("fields:\n  - {key: a, kind: id_card, label: 身份证}", 2, "只问选择、数和日期"),
        ("fields:\n  - {key: a, kind: integer, label: 数, prefill: registry.X}", 2, "不能写 prefill"),
        ("fields:\n  - {key: a, kind: fixed_text, text: 说明}", 1, "还没有要回答的问题"),
        ("fields:\n  - {key: a, kind: integer, label: 数}\n  - {key: a, kind: integer, label: 又}", 3, "重复"),
        ("fields:\n  - {key: a, kind: radio, label: 问}", 2, ""),
        (
            "fields:\n  - {key: a, kind: integer, label: 数}\nchecks:\n  - {holds: b > 1, message: 不行}",
            4,
            "找不到“b”",
        ),
        ("fields:\n  - {key: a, kind: integer, label: 数}\nchecks:\n  - {holds: a > 1}", 4, "message"),
        (
            "fields:\n  - {key: a, kind: integer, label: 数}\nchecks:\n  - {holds: others.count > 1, message: 不}",
            4,
            "其他申请",
        ),
        (
            "fields:\n  - {key: a, kind: integer, label: 数}\nchecks:\n  - {holds: a > 1, message: 不, severity: warning}",
            4,
            "severity",
        ),
        ("fields:\n  - {key: a, kind: integer, label: 数}\nsections: []", 3, "没有用处"),
        (
            "fields:\n" + "".join(f"  - {{key: a{n}, kind: integer, label: 数{n}}}\n" for n in range(31)),
            1,
            "最多 30 项",
        ),
        (
            'fields:\n  - {key: a, kind: radio, label: 问, options: [是, 否]}\n  - {key: b, kind: integer, label: 数, visible_if: a == "或"}',
            3,
            "不是“a”的选项",
        ),
        ("fields: 5", 1, "应写成 fields"),
        ("fields:\n  - 5\nchecks: 7", 2, ""),
    ],
)
def test_faults_stand_at_their_lines(text: str, line: int, said: str) -> None:
    form, faults = eligibility.read(text)
    assert form is None
    assert [f for f in faults if f.severity == "error" and f.line == line and said in f.message], faults


@pytest.mark.parametrize(
    ("after", "allowed"),
    [
        (TEXT, True),
        ("", True),
        (TEXT.replace("成立须满一年", "成立应满一年"), True),
        ("\n".join(TEXT.splitlines()[:-1]), True),
        (TEXT.replace('"add_years(today, -1)"', '"add_years(today, -2)"'), False),
        (TEXT.replace("是否在本市登记", "是否在京登记"), False),
        (TEXT + "  - {holds: wan > 5, message: 不足}\n", False),
        (TEXT.replace(", required: false", ""), False),
    ],
)
def test_what_is_asked_grows_no_stricter(after: str, allowed: bool) -> None:
    assert eligibility.no_stricter(TEXT, after) is allowed
    assert eligibility.no_stricter("", after) is (not after.strip())

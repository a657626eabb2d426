"""The language of formulas: whatever is written, it is refused or ends within its budget, and reaches nothing but values."""

import sys
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.filled.validation import judged
from services.applications.forms.formulas import evaluator, types
from services.applications.forms.formulas.evaluator import TooMuchWork
from services.applications.forms.formulas.functions import FUNCTIONS
from services.applications.forms.formulas.language import MAX_DEPTH, MAX_LENGTH, Mistake, parse
from services.applications.forms.formulas.names import bind

FORM = """fund_type: x
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
      - {key: name, kind: text, label: 名称, required: false}
      - {key: n, kind: decimal, label: 数, required: false, places: 6}
      - {key: on, kind: date, label: 日期, required: false}
      - {key: many, kind: multiselect, label: 多选, options: [甲, 乙], required: false}
      - {key: yes, kind: checkbox, label: 是否, required: false}
    tables:
      - key: rows
        label: 表
        required: false
        max_rows: 1000
        columns: [{key: wan, kind: money, label: 金额}, {key: item, kind: text, label: 项目}]
"""
NAMES = [
    "n",
    "name",
    "on",
    "many",
    "yes",
    "rows",
    "rows.wan",
    "rows.item",
    "a.n",
    "round.cap",
    "today",
    "others.count",
    "r.wan",
]
LEAVES = st.one_of(
    st.sampled_from(NAMES),
    st.decimals(0, 10**9, places=3).map(lambda d: f"{d:f}"),
    st.sampled_from(["'甲'", "'2026-01-01'", "true", "false", "null", "()", "('甲', '乙')", "(1, 2)", "''"]),
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["+", "-", "*", "/", "<", "<=", "==", "!=", ">", "in", "not in", "and", "or", "**", "//", "%", "|"]
    )
    calls = st.tuples(
        st.sampled_from([*FUNCTIONS, "open", "eval", "__import__"]), st.lists(inner, min_size=1, max_size=3)
    )
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        calls.map(lambda p: f"{p[0]}({', '.join(p[1])})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"(-{p})"),
        st.tuples(st.sampled_from(["sum", "any", "count", "max"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]} for r in rows if {p[2]})"
        ),
    )


WRITTEN = st.recursive(LEAVES, grown, max_leaves=25)
VALUES = st.fixed_dictionaries(
    {
        "name": st.one_of(st.none(), st.text(max_size=5)),
        "n": st.one_of(st.none(), st.decimals(-(10**6), 10**6, places=6).map(lambda d: f"{d:f}")),
        "on": st.one_of(st.none(), st.dates().map(lambda d: d.isoformat())),
        "many": st.lists(st.sampled_from(["甲", "乙"]), unique=True),
        "yes": st.sampled_from([None, True, False]),
        "rows": st.lists(st.fixed_dictionaries({"wan": st.just("2.50"), "item": st.just("x")}), max_size=4).map(
            lambda rows: [{"id": f"r{i}", **row} for i, row in enumerate(rows)]
        ),
    }
)


@pytest.fixture(scope="module")
def form() -> Form:
    found, _, _ = read_form(FORM)
    assert found
    return found


def evaluated(form: Form, text: str, values: dict[str, Any], steps: int = evaluator.MAX_STEPS) -> Any:
    """What a formula of section `a` gives; `Mistake` when it is none."""
    formula = parse(text)
    section = form.by_key["a"]
    bind(form, formula.tree, section, None, {})
    types.of(formula)
    situation = Situation(form, {"a": values}, Facts(RoundFacts(parameters={"cap": "5"})))
    situation._evaluator.steps = steps
    return situation._evaluator.value(formula, situation._look_up)


@settings(max_examples=400)
@given(text=WRITTEN, values=VALUES)
def test_whatever_is_written_is_refused_or_gives_a_value(form: Form, text: str, values: dict[str, Any]) -> None:
    try:
        found = evaluated(form, text, values)
    except Mistake:
        return
    assert found is None or isinstance(found, bool | Decimal | str | tuple), (text, found)
    if isinstance(found, Decimal):
        assert found.is_finite()


@settings(max_examples=300)
@given(
    text=st.one_of(
        st.text(max_size=80),
        st.text("()[]{}.,'\"+-*/<>=!&|^~@:;lambdaforinfyieldwhtrue_0189 \n\t\\#", max_size=120),
    )
)
def test_anything_is_a_formula_or_a_mistake(form: Form, text: str) -> None:
    with suppress(Mistake):
        evaluated(form, text, {})


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')", "().__class__.__bases__", "open('/etc/passwd')", "(lambda: 1)()", "[x for x in rows]",
        "{1: 2}", "f'{n}'", "n.__class__", "name.upper()", "9**9**9", "1 << 99", "n := 3", "yield n", "await n", "*n", "n; n",
        "'a' * 999999999", "[1] * 10", "1e999", "0x10", "1_000", "1j", "b'x'", "...", "sum(r.wan for r in rows for q in rows)",
        "r.wan", "sum(1 for r in n)", "sum(x for x in (1, 2))", "any(n > 1, key=n)", "round.__class__", "form['a'][n]",
        "-" * 500 + "1",  "n" + "+n" * 400, "not " * 100 + "yes", "a" * 1001, "", " ", "#", "\x00", "n\\",
    ],
)  # fmt: skip
def test_what_would_reach_out_or_run_away_is_refused(form: Form, text: str) -> None:
    with pytest.raises(Mistake):
        evaluated(form, text, {})


def test_limits_are_reached_before_pythons(form: Form) -> None:
    deep = "n"
    while len(deep) < MAX_LENGTH - 4:
        try:
            assert evaluated(form, deep, {"n": "1"}) is not None
        except Mistake:
            break
        deep = f"-({deep})"
    with pytest.raises(Mistake, match="嵌套太深"):
        evaluated(form, deep, {"n": "1"})
    assert deep.count("(") >= MAX_DEPTH // 2
    assert sys.getrecursionlimit() >= 1000


def test_work_is_bounded_whatever_the_rows(form: Form) -> None:
    """Loops within loops over a thousand rows would be a billion steps: they end where the budget does."""
    rows = [{"id": str(n), "wan": "1.00", "item": "x"} for n in range(1000)]
    nested = "sum(sum(sum(p.wan for p in rows) for q in rows) for r in rows)"
    with pytest.raises(TooMuchWork):
        evaluated(form, nested, {"rows": rows})
    assert evaluated(form, "sum(r.wan for r in rows)", {"rows": rows}) == 1000


def test_a_form_that_asks_too_much_says_so_instead_of_hanging() -> None:
    text = FORM.replace(
        "      - {key: yes,",
        "      - {key: much, kind: computed, label: 多, value: sum(sum(sum(p.wan for p in rows) for q in rows) for r in rows)}\n      - {key: yes,",
    )
    form, faults, _ = read_form(text)
    assert form
    assert faults == []
    rows = [{"id": str(n), "wan": "1.00", "item": "x"} for n in range(1000)]
    section = form.by_key["a"]
    _, errors = judged(section, {"rows": rows, "much": None}, Context(form=form, facts=Facts(RoundFacts())))
    assert [e.code for e in errors] in ([], ["too_much_work"])
    bounded = text.replace(
        "{key: n, kind: decimal, label: 数,", "{key: n, kind: decimal, label: 数, visible_if: much > 3,"
    )
    form, _, _ = read_form(bounded)
    assert form
    _, errors = judged(form.by_key["a"], {"rows": rows}, Context(form=form, facts=Facts(RoundFacts())))
    assert [(e.code, any("一" <= c <= "鿿" for c in e.message)) for e in errors] == [("too_much_work", True)]

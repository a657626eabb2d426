"""Every kind of field, whatever is typed: what is kept shows and exports back to itself, what is refused says why."""

import json
import unicodedata
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import RoundFacts, Table
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.section_state import totals
from services.applications.forms.filled.situation import Facts
from services.applications.forms.kinds import FieldDefinition, Kind, Wrong, blank
from tests import generated

CHOICES: dict[str, Any] = {"shared": {"甲": "甲类", "乙": "乙类"}, "directions": ["方向一", "方向二"]}
READ: TypeAdapter[Kind] = TypeAdapter(FieldDefinition)


def kind(name: str, **settings: Any) -> Kind:
    if name in ("select", "radio", "multiselect"):
        settings.setdefault("options", ["甲", {"value": "b", "label": "乙"}, "其他（请说明）"])
    return READ.validate_python({"key": "f", "kind": name, "label": "项", **settings})


# Whatever a client may send.
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
# Texts that are nearly right, in the characters people really type.
DIGITS = "0123456789０１２３４５６７８９"
NEARLY = st.one_of(
    st.text(DIGITS + " -+.,，．eE/年月日%％", max_size=22),
    st.text(DIGITS + "ABCDXYxyz０Ａ", min_size=15, max_size=19),
    st.from_regex(r"\A[0-9]{1,9}\.[0-9]{0,4}\Z"),
    st.from_regex(r"\A[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?\Z"),
    st.from_regex(r"\A[a-z.]{1,8}@[a-z.]{1,8}\Z"),
    st.sampled_from(["甲", "b", " 甲 ", "其他（请说明）", "是", "否", "13800138000", "010-58511090"]),
)


@pytest.mark.parametrize("name", generated.KINDS)
@given(raw=st.one_of(NEARLY, JSON))
def test_whatever_comes_is_kept_or_refused_with_a_reason(name: str, raw: Any) -> None:
    field = kind(name)
    if blank(raw):
        return
    refused: Wrong | None = None
    try:
        kept = field.parse(raw, CHOICES)
    except Wrong as wrong:
        refused = wrong
    if refused is None:
        _agrees(field, kept)
    else:
        assert refused.code.isascii()
        assert refused.code.replace("_", "").isalnum()
        assert any("一" <= c <= "鿿" for c in refused.message)
        assert len(refused.message) < 200


@pytest.mark.parametrize("name", generated.KINDS)
@given(seed=st.integers(min_value=0))
def test_what_is_right_is_kept_in_every_writing(name: str, seed: int) -> None:
    chance = Random(seed)
    field = kind(name, **({"allow_zero": True} if name == "money" else {}))
    raw = generated.value_of(
        {"kind": name, "options": ["甲", {"value": "b", "label": "乙"}], "places": 2}, chance, {}
    )
    kept = field.parse(raw, CHOICES)
    _agrees(field, kept)
    if isinstance(raw, str) and name not in ("text", "textarea", "select", "radio", "email"):
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in raw)
        assert unicodedata.normalize("NFKC", wide) == unicodedata.normalize("NFKC", raw)
        assert field.parse(f"　{wide} ", CHOICES) == kept


def _agrees(field: Kind, kept: Any) -> None:
    """What is kept survives the wire and the export, and can be shown and computed with."""
    assert json.loads(json.dumps(kept)) == kept
    assert field.parse(kept, CHOICES) == kept
    exported = field.export(kept)
    assert isinstance(exported, str)
    if not blank(kept):
        assert field.parse(exported, CHOICES) == kept
    shown = field.show(kept, CHOICES)
    assert isinstance(shown, str)
    typed = field.typed(kept)
    wanted: Any = {"number": Decimal, "bool": bool, "list": tuple}.get(field.type, str)
    assert isinstance(typed, wanted)


FORM = """fund_type: sums
version: 1
label: 合计
title: 合计
document_title: 合计
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: total, kind: computed, gives: money, label: 合计, value: sum(rows.wan)}
    tables:
      - key: rows
        label: 明细
        max_rows: 1000
        columns:
          - {key: wan, kind: money, label: 金额, allow_zero: true, allow_negative: true}
          - {key: n, kind: integer, label: 个数, min: -1000000}
        totals: [wan, n]
checks:
  - {id: same, op: "==", left: sum(a.rows.wan), right: sum(r.wan for r in a.rows), message: 应相等, section: a}
"""
CENTS = st.integers(min_value=-99_999_999_99, max_value=99_999_999_99)


@given(cents=st.lists(CENTS, max_size=60))
def test_sums_of_money_are_exact(cents: list[int]) -> None:
    """To the last 分, in the table, in formulas and in what is computed: compared with whole numbers of cents."""
    form, _, _ = read_form(FORM)
    assert form
    table = form.by_key["a"].table("rows")
    assert isinstance(table, Table)
    column = table.by_column["wan"]
    rows = [
        {"id": f"r{n}", "wan": column.parse(f"{Decimal(c).scaleb(-2):f}", {}), "n": c % 1000}
        for n, c in enumerate(cents)
    ]
    exact = Decimal(sum(cents)).scaleb(-2)
    assert Decimal(totals(table, rows)["wan"]) == exact
    assert totals(table, rows)["n"] == sum(c % 1000 for c in cents)
    facts = Facts(RoundFacts())
    [same] = evaluate(form, {"a": {"name": "x", "rows": rows}}, facts)
    assert same.holds
    assert same.left == same.right == f"{exact:.2f}"
    assert same.difference == "0.00"


@given(cents=st.integers(min_value=0, max_value=10**12), wanted=st.sampled_from(["", ",", "，", " ", "　"]))
def test_an_amount_in_any_writing_is_the_same_amount(cents: int, wanted: str) -> None:
    field = kind("money", allow_zero=True, max="99999999999.99")
    plain = f"{Decimal(cents).scaleb(-2):,.2f}".replace(",", wanted)
    if cents <= 99_999_999_999_99:
        assert field.parse(plain, {}) == f"{Decimal(cents).scaleb(-2):.2f}"


@pytest.mark.parametrize("name", ["select", "multiselect"])
def test_an_option_with_marks_that_nobody_sees_can_be_chosen(name: str) -> None:
    """A round of before may offer one: what is posted is read without the marks."""
    field = kind(name, options=(), options_from="directions")
    offered = {"directions": ["\u202a雕漆\u200b", "玉雕"]}
    kept = "\u202a雕漆\u200b"
    assert field.parse(kept, offered) == field.parse("雕漆", offered) == (kept if name == "select" else [kept])

"""政策沙盘: what a form that is only thought of says to what was handed in."""

from datetime import date
from decimal import Decimal
from typing import Any

import yaml

from services.applications.forms.authoring.sandbox import GROUPS, OTHERS, Case, Tally, Work, judge
from services.applications.forms.catalogue import forms
from services.applications.forms.definition import Form, RoundFacts

TEXT = """\
fund_type: fair
version: 1
label: 展会
title: 展会
document_title: 申报书
project_name: a.name
applied_amount: a.wan
district: a.district
sections:
  - key: a
    label: 展会情况
    title: 展会情况
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: district, kind: select, label: 所属区, options: [东城, 西城]}
      - {key: kind, kind: select, label: 方向, options_from: directions}
      - {key: wan, kind: money, label: 申请金额}
      - {key: card, kind: id_card, label: 身份证号码, required: false, sensitive: true}
      - {key: remark, kind: text, label: 备注, required: false}
checks:
  - {id: cap, left: a.wan, op: "<=", right: round.cap_wan, rule: 不超过上限, message: 超过上限, section: a}
"""
V1 = Form.model_validate(yaml.safe_load(TEXT))
V2 = Form.model_validate(
    yaml.safe_load(
        TEXT.replace("version: 1", "version: 2")
        .replace("key: wan,", "key: applied, was: wan,")
        .replace("a.wan", "a.applied")
        .replace("label: 备注, required: false", "label: 备注")
    )
)
FACTS = RoundFacts(parameters={"cap_wan": "10", "directions": ["甲", "乙"]}, closes_on="2026-12-31")
ID_CARD = "11010519491231002X"


def case(n: int, wan: str, way: tuple[int, ...] = (0,), **values: Any) -> Case:
    section = {"name": "展位", "district": "东城", "kind": "甲", "wan": wan, "card": ID_CARD, **values}
    return Case(str(n), f"编号{n}", str(section["district"]), Decimal(wan), date(2026, 5, 1), way, {"a": section})


def work(*cases: Case, facts: RoundFacts = FACTS, to: Form = V1) -> Tally:
    texts = [V1.model_dump_json()] if to is V1 else [V1.model_dump_json(), to.model_dump_json()]
    return judge(Work(tuple(texts), facts, cases))


def test_forms_come_back_from_json_as_they_were() -> None:
    for key in forms():
        form = forms()[key]
        assert Form.model_validate_json(form.model_dump_json()) == form


def test_who_would_be_refused_by_a_lower_limit() -> None:
    found = work(case(1, "8.00"), case(2, "12.00"), case(3, "20.00", district="西城", kind="乙"))
    assert (found.done, found.passed) == (3, 1)
    assert (found.reasons["cap"].words, found.reasons["cap"].count) == ("不超过上限", 2)
    assert found.reasons["cap"].cases == [("2", "编号2"), ("3", "编号3")]
    sums = {group: (s.cases, s.wan, s.left, s.wan_left) for group, s in found.groups.items()}
    assert sums["all", "合计"] == (3, Decimal(40), 1, Decimal(8))
    assert sums["district", "东城"] == (2, Decimal(20), 1, Decimal(8))
    assert sums["direction", "乙"] == (1, Decimal(20), 0, Decimal(0))
    assert found.asked["展会情况 · 备注"] == (3, 0)
    # No limit set: the check is not made.
    free = RoundFacts(parameters={"directions": ["甲", "乙"]})
    assert work(case(1, "800.00"), facts=free).passed == 1
    # A direction that the round no longer has.
    narrow = RoundFacts(parameters={"cap_wan": "10", "directions": ["乙"]})
    assert work(case(1, "8.00"), facts=narrow).reasons["a.kind"].words == "展会情况 · 方向：缺填或不合要求"


def test_a_draft_is_met_by_the_way_of_versions() -> None:
    found = work(case(1, "8.00", (0, 1)), case(2, "12.00", (0, 1), remark="有"), to=V2)
    assert {place: r.count for place, r in found.reasons.items()} == {"a.remark": 1, "cap": 1}
    assert found.groups["all", "合计"].left == 0


def test_nothing_that_somebody_typed_comes_back() -> None:
    wrong = "11010519491231002Y"
    found = work(case(1, "8.00", card=wrong, name="某人的展位" * 60), case(2, "8.00", kind="乱写的方向"))
    said = repr(found)
    assert found.passed == 0
    assert not any(typed in said for typed in (wrong, ID_CARD, "某人"))


def test_what_cannot_be_judged_counts_as_refused() -> None:
    odd = Case("1", "编号1", "", Decimal(1), date(2026, 5, 1), (0, 1), {"a": {"wan": {"x": 1}, "name": [[]]}})
    found = work(odd, to=V2)
    assert (found.done, found.passed) == (1, 0)


def test_parts_are_added_as_the_whole() -> None:
    cases = [case(n, f"{n}.00", district=f"区{n}", kind="甲" if n % 2 else "乙") for n in range(1, 3 * GROUPS)]
    whole = work(*cases)
    parts = Tally()
    for n in range(0, len(cases), 7):
        parts.add(work(*cases[n : n + 7]))
    assert (parts.done, parts.passed, parts.asked) == (whole.done, whole.passed, whole.asked)
    assert {p: r.count for p, r in parts.reasons.items()} == {p: r.count for p, r in whole.reasons.items()}
    for found in (whole, parts):
        districts = {name: sums for (kind, name), sums in found.groups.items() if kind == "district"}
        assert len(districts) == GROUPS + 1
        assert districts[OTHERS].cases == len(cases) - GROUPS
        assert sum(s.wan for s in districts.values()) == whole.groups["all", "合计"].wan

"""其他，请注明: a text that says which is asked for while its option is chosen, and read with it."""

from typing import Any

import pytest

from services.applications.documents.document_model import material as printed
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.reading_view import material
from services.applications.forms.filled.section_state import effective, now
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.filled.validation import judged

FORM = """
fund_type: which
version: 1
label: 请注明
title: 请注明
document_title: 请注明
project_name: a.name
district: a.name
sections:
  - key: a
    label: 甲
    title: 甲
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: kind, kind: select, label: 性质, options: [国有, 其他], specify: {其他: kind_other}}
      - {key: kind_other, kind: text, label: 其他性质, max: 10}
      - {key: crafts, kind: multiselect, label: 门类, options: [玉雕, 其他, 其他漆艺], specify: {其他: craft_other}}
      - {key: craft_other, kind: text, label: 其他门类}
    tables:
      - key: costs
        label: 费用
        columns:
          - {key: sort, kind: radio, label: 类别, options: [材料, {value: o, label: 其他}], specify: {o: sort_other}}
          - {key: sort_other, kind: text, label: 其他类别}
"""
VALUES: dict[str, Any] = {
    "name": "某",
    "kind": "其他",
    "kind_other": "合作社",
    "crafts": ["其他", "其他漆艺"],
    "craft_other": "漆画",
    "costs": [{"id": "1", "sort": "材料"}, {"id": "2", "sort": "o", "sort_other": "差旅"}],
}
FACTS = Facts(RoundFacts())


@pytest.fixture(scope="module")
def form() -> Form:
    found, faults, _ = read_form(FORM)
    assert found is not None
    assert not faults
    return found


def mistakes(form: Form, **values: Any) -> list[tuple[str | None, str | None, str]]:
    _, errors = judged(form.by_key["a"], {**VALUES, **values}, Context(form=form, facts=FACTS))
    return [(e.field, e.column, e.code) for e in errors]


def test_it_is_required_while_its_option_is_chosen(form: Form) -> None:
    assert mistakes(form) == []
    assert mistakes(form, kind_other=" ") == [("kind_other", None, "required")]
    assert mistakes(form, kind_other="长" * 11) == [("kind_other", None, "too_long")]
    assert mistakes(form, craft_other=None) == [("craft_other", None, "required")]
    assert mistakes(form, costs=[{"id": "2", "sort": "o"}]) == [("costs", "sort_other", "required")]
    assert mistakes(form, kind="国有", kind_other="长" * 11, crafts=["其他漆艺"], craft_other="") == []


def test_it_is_shown_and_counts_only_then(form: Form) -> None:
    values = {**VALUES, "kind": "国有", "crafts": ["玉雕"]}
    stands = now(form.by_key["a"], Situation(form, {"a": values}, FACTS))
    assert set(stands.hidden) == {"kind_other", "craft_other"}
    assert stands.tables["costs"].rows["1"].hidden == ["sort_other"]
    counted = effective(form, {"a": values}, FACTS)["a"]
    assert not {"kind_other", "craft_other"} & counted.keys()
    assert "sort_other" not in counted["costs"][0]


def test_it_is_read_and_printed_with_its_option(form: Form) -> None:
    counted = effective(form, {"a": VALUES}, FACTS)["a"]
    shown = material(form.by_key["a"], counted, {}, {})
    assert [(v.label, v.text) for v in shown.values] == [
        ("名称", "某"),
        ("性质", "其他（合作社）"),
        ("门类", "其他（漆画）、其他漆艺"),
    ]
    blocks = printed(form, form.by_key["a"], counted, {}, {}).blocks
    [values, table] = [block.model_dump() for block in blocks]
    assert [v["text"] for v in values["values"]] == ["某", "其他（合作社）", "其他（漆画）、其他漆艺"]
    assert [column["label"] for column in table["columns"]] == ["序号", "类别"]
    assert table["rows"] == [["1", "材料"], ["2", "其他（差旅）"]]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("specify: {其他: kind_other}", "specify: {其它: kind_other}", "不在选项之中"),
        ("specify: {其他: kind_other}", "specify: {其他: nothing}", "不是旁边的文本字段"),
        ("specify: {其他: kind_other}", "specify: {其他: crafts}", "不是旁边的文本字段"),
        ("specify: {其他: kind_other}", "specify: {其他: craft_other}", "不能用两次"),
        ("label: 其他性质, max: 10", 'label: 其他性质, visible_if: name == "某"', "由选项决定是否显示"),
    ],
)
def test_lint_finds_what_cannot_say_which(before: str, after: str, said: str) -> None:
    assert FORM.count(before) == 1
    assert any(
        said in fault.message for fault in lint_text(FORM.replace(before, after)) if fault.severity == "error"
    )

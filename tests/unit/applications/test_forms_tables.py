"""Tables as application books have them: subtotals among the rows, headings of two levels, money in 元, pages laid across."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.documents import document_model
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.reading_view import material
from services.applications.forms.filled.section_state import effective, now, sums, totals
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.filled.validation import judged, validate
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.versions.rebase import rebase
from services.documents import markup, rendering
from services.documents.checking import plain
from services.gateway.form import form_values, form_view, row_buttons
from services.gateway.form.form_parts import Beside
from shared.contract.forms import SectionDefinition
from shared.contract.sections import SectionNow
from shared.document import Column, Table
from tests.unit.documents import models

FACTS = Facts(RoundFacts(), today=date(2026, 11, 29))
HEAD = """fund_type: example
version: 1
label: 例
title: 例
document_title: 例
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲项材料
    fields:
      - {key: name, kind: text, label: 名称}
"""
BUDGET = (
    HEAD
    + """      - {key: direct, kind: computed, label: 直接费用, gives: money, value: t.direct.both}
      - {key: all, kind: computed, label: 总额, gives: money, value: sum(t.both)}
    tables:
      - key: t
        label: 预算
        row_label: 科目
        fixed_rows:
          - {key: x, label: 设备费}
          - {key: y, label: 业务费}
          - {key: direct, label: 直接费用小计, subtotal_of: [x, y]}
          - {key: z, label: 间接费用}
        columns:
          - {key: fiscal, kind: money, label: 财政, under: 第一年, allow_zero: true}
          - {key: own, kind: money, label: 自筹, under: 第一年, allow_zero: true}
          - {key: both, kind: computed, label: 小计, gives: money, value: fiscal + own}
          - {key: note, kind: text, label: 备注, required: false}
        totals: [fiscal, own, both]
"""
)


def form_of(text: str) -> Form:
    form, faults, _ = read_form(text)
    assert form is not None, faults
    return form


AMOUNTS = st.decimals(0, 99999, places=2)
ROWS = st.fixed_dictionaries({key: st.fixed_dictionaries({"fiscal": AMOUNTS, "own": AMOUNTS}) for key in "xyz"})


def context(form: Form) -> Context:
    return Context(form=form, saved={}, facts=FACTS, prefill={}, files={})


@given(rows=ROWS, typed=st.booleans())
def test_a_subtotal_is_the_sum_of_its_rows_and_counts_in_no_sum(rows: dict[str, Any], typed: bool) -> None:
    """Whatever is sent for it."""
    form = form_of(BUDGET)
    sent = [{"row": key, **{c: str(v) for c, v in row.items()}} for key, row in rows.items()]
    if typed:
        sent.append({"row": "direct", "fiscal": "7.00", "note": "填不了"})
    kept = validate(form.sections[0], {"name": "名", "t": sent}, context(form))
    counted = effective(form, {"a": kept}, FACTS)["a"]
    lines = {row["row"]: row for row in counted["t"]}
    assert list(lines) == ["x", "y", "direct", "z"]
    for column in ("fiscal", "own"):
        assert Decimal(lines["direct"][column]) == rows["x"][column] + rows["y"][column]
        assert "note" not in lines["direct"]
    both = {key: row["fiscal"] + row["own"] for key, row in rows.items()}
    assert Decimal(lines["direct"]["both"]) == both["x"] + both["y"] == Decimal(counted["direct"])
    assert Decimal(counted["all"]) == sum(both.values())
    table = form.sections[0].tables[0]
    assert Decimal(totals(table, counted["t"])["both"]) == sum(both.values())
    state = now(form.sections[0], Situation(form, {"a": kept}, FACTS)).tables["t"]
    assert state.totals["both"] == str(sum(both.values()))
    assert state.rows["direct"].computed["both"] == lines["direct"]["both"]
    assert (state.rows["direct"].hidden, state.rows["direct"].required) == (["note"], [])
    assert state.hidden_columns == []


def test_rows_of_a_subtotal_are_asked_for_and_the_subtotal_is_not() -> None:
    form = form_of(BUDGET)
    _, errors = judged(form.sections[0], {"name": "名"}, context(form))
    assert {(e.row, e.column) for e in errors} == {(row, column) for row in "xyz" for column in ("fiscal", "own")}


def test_a_table_is_read_with_its_headings_and_its_subtotal() -> None:
    form = form_of(BUDGET)
    rows = [{"row": key, "fiscal": "1.00", "own": "2.00"} for key in "xyz"]
    kept = validate(form.sections[0], {"name": "名", "t": rows}, context(form))
    counted = effective(form, {"a": kept}, FACTS)
    [table] = material(form.sections[0], counted["a"], {}, {}).tables
    assert table.head[1:4] == ["第一年 · 财政（万元）", "第一年 · 自筹（万元）", "小计（万元）"]
    assert table.rows[2] == ["直接费用小计", "2.00", "4.00", "6.00", "—"]
    assert table.totals == ["合计", "3.00", "6.00", "9.00", ""]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[x, y]", "[x, w]", "“w”不是本表的其他行"),
        ("[x, y]", "[x, direct]", "“direct”不是本表的其他行"),
        ("间接费用}", "间接费用, subtotal_of: [direct]}", "“direct”也是小计行"),
        ("        totals: [fiscal, own, both]\n", "", "请先写 totals"),
        ("[x, y]}", "[x, y], defaults: {fiscal: '0'}}", "小计行由系统算出，不能写 defaults"),
        ("小计, gives", "小计, under: 第二年, gives", ""),
        ("备注, required", "备注, under: 第一年, required", "“第一年”下的各列没有排在一起"),
        ("project_name: a.name", "project_name: a.name\napplied_amount: a.yuan", "申请金额应以万元计"),
    ],
)
def test_lint_finds_what_no_table_can_be(old: str, new: str, said: str) -> None:
    text = BUDGET.replace("fields:\n", "fields:\n      - {key: yuan, kind: money, label: 金额, unit: 元}\n", 1)
    assert text.count(old) == 1
    faults = [fault.message for fault in lint_text(text.replace(old, new)) if fault.severity == "error"]
    assert faults == [] if not said else any(said in message for message in faults), faults


YUAN = (
    HEAD
    + """      - {key: sum, kind: money, label: 合同金额, unit: 元}
    tables:
      - key: t
        label: 设备
        columns:
          - {key: price, kind: money, label: 单价, unit: 元, allow_zero: true}
          - {key: n, kind: integer, label: 数量}
          - {key: cost, kind: computed, label: 金额, gives: money, value: price * n / 10000}
        totals: [price, cost]
"""
)


def printed(form: Form, values: dict[str, Any]) -> list[Any]:
    counted = effective(form, values, FACTS)
    at = datetime(2026, 11, 29, tzinfo=UTC)
    model = document_model.of_snapshot(form, counted, {}, enterprise={"name": "某公司", "uscc": ""}, at=at)
    return list(model.materials[0].blocks)


def test_money_in_yuan_and_computed_money_are_printed_with_their_unit_and_in_words() -> None:
    form = form_of(YUAN)
    rows = [{"id": "1", "price": "1250.50", "n": 4}]
    values, table = printed(form, {"a": {"name": "名", "sum": "10003.20", "t": rows}})
    assert values.values[-1].text == "10,003.20 元\n（人民币壹万零叁元贰角整）"
    assert [c.label for c in table.columns[1:]] == ["单价（元）", "数量", "金额（万元）"]
    assert table.totals == ["合计", "1,250.50", "", "0.50"]
    assert table.note == "单价（大写）：人民币壹仟贰佰伍拾元伍角整；金额（大写）：人民币伍仟元整"


def test_a_sum_of_nothing_has_its_decimals() -> None:
    table = form_of(YUAN).sections[0].tables[0]
    assert sums(table, totals(table, [])) == {"price": "0.00", "cost": "0.00"}


def wide(landscape: bool, columns: int) -> list[Table]:
    listed = "".join(
        f"          - {{key: c{n}, kind: money, label: 第{n}列, under: 第{n // 2}年, width: 10}}\n"
        for n in range(columns)
    )
    across = "        landscape: true\n" if landscape else ""
    form = form_of(HEAD + f"    tables:\n      - key: t\n        label: 表\n{across}        columns:\n{listed}")
    rows = [{"id": "1", **{f"c{n}": "1.00" for n in range(columns)}}]
    return [b for b in printed(form, {"a": {"name": "名", "t": rows}}) if isinstance(b, Table)]


def test_a_table_lies_across_where_it_would_be_split() -> None:
    assert [t.landscape for t in wide(True, 4)] == [False]
    assert [t.landscape for t in wide(True, 10)] == [True]
    assert [t.landscape for t in wide(False, 10)] == [False, False]
    assert [t.landscape for t in wide(True, 20)] == [True, True]
    assert [c.over for c in wide(True, 4)[0].columns] == [None, "第0年", "第0年", "第1年", "第1年"]


def test_the_page_of_a_wide_table_lies_across_and_the_next_stands() -> None:
    paper = models.model(3)
    blocks = [*wide(True, 10), *wide(False, 3)]
    paper = paper.model_copy(
        update={"materials": [paper.materials[0].model_copy(update={"blocks": blocks})], "expected": []}
    )
    pdf = pypdfium2.PdfDocument(rendering.render(paper, rendering.press()).content)
    shapes = [(page.get_width() > page.get_height(), plain(page.get_textpage().get_text_range())) for page in pdf]
    assert [across for across, text in shapes if "第0年" in text] == [True, False]
    assert all(plain(f"第 {n} 页") in text for n, (_, text) in enumerate(shapes, 1) if n > 1)


GOALS = (
    HEAD
    + """    tables:
      - key: t
        label: 绩效指标
        max_rows: 20
        levels:
          - label: 产出指标
            within:
              - {key: quantity, label: 数量指标, min_rows: 2}
              - {key: quality, label: 质量指标}
          - label: 效益指标
            within:
              - {key: social, label: 社会效益指标, min_rows: 0}
        columns:
          - {key: item, kind: text, label: 三级指标}
          - {key: aim, kind: target, label: 指标值}
"""
)
LEVELS = ["quantity", "quality", "social"]


@given(
    typed=st.lists(
        st.tuples(st.sampled_from([*LEVELS, "other", None]), st.sampled_from(["", "展品数量"])), max_size=9
    )
)
def test_rows_below_headings_stand_in_their_order_and_none_is_lost(typed: list[tuple[str | None, str]]) -> None:
    form = form_of(GOALS)
    sent = [
        {"id": f"r{n}", "row": level, "item": item, "aim": item and "≥20件"}
        for n, (level, item) in enumerate(typed)
    ]
    kept, errors = judged(form.sections[0], {"name": "名", "t": sent}, context(form))
    written = [(n, level) for n, (level, item) in enumerate(typed) if item]
    assert [(row["id"], row["row"]) for row in kept["t"]] == [
        (f"r{n}", level) for key in LEVELS for n, level in written if level == key
    ]
    assert [e.row for e in errors if e.code == "unknown_row"] == [
        f"r{n}" for n, level in written if level not in LEVELS
    ]
    least = {"产出指标 · 数量指标": (2, "quantity"), "产出指标 · 质量指标": (1, "quality")}
    wanted = {
        f"“{name}”至少填写 {n} 行" for name, (n, key) in least.items() if [lv for _, lv in written].count(key) < n
    }
    assert {e.message for e in errors if e.code == "too_few_rows"} == wanted


def goals() -> list[dict[str, Any]]:
    return [
        {"id": f"r{n}", "row": level, "item": f"指标{n}", "aim": "≥20件"}
        for n, level in enumerate(["quantity", "quantity", "quality", "social"])
    ]


def test_headings_are_printed_once_and_read_beside_each_row() -> None:
    form = form_of(GOALS)
    _, table = printed(form, {"a": {"name": "名", "t": goals()}})
    assert [c.label for c in table.columns] == ["一级指标", "二级指标", "三级指标", "指标值"]
    assert table.rows[1] == ["产出指标", "数量指标", "指标1", "≥20 件"]
    assert markup._spans(table) == [[3, 2], [0, 0], [0, 1], [1, 1]]
    assert markup.html(models.model(3, more=(table,))).count(">产出指标<") == 1
    read = material(form.sections[0], {"name": "名", "t": goals()}, {}, {}).tables[0]
    assert read.head[0] == "一级指标 · 二级指标"
    assert [row[0] for row in read.rows][1:] == [
        "产出指标 · 数量指标",
        "产出指标 · 质量指标",
        "效益指标 · 社会效益指标",
    ]


def test_a_cell_of_equal_text_below_another_heading_is_another_cell() -> None:
    same = [["甲", "其他"], ["甲", "其他"], ["乙", "其他"], ["乙", "丙"]]
    table = Table(columns=[Column(label="一"), Column(label="二")], rows=same, merged=2)
    assert markup._spans(table) == [[2, 2], [0, 0], [2, 1], [0, 1]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{key: quality", "{key: quantity", "二级标题“quantity”重复出现"),
        ("max_rows: 20", "max_rows: 2", "max_rows 小于各二级标题最少行数之和"),
        ("max_rows: 20", "min_rows: 2", "最少几行写在各个二级标题上"),
        ("max_rows: 20", "fixed_rows: [{key: x, label: 行}]", "levels 和 fixed_rows 只能写一样"),
        ("max_rows: 20", "level_labels: [一级目标, 二级目标]", ""),
    ],
)
def test_lint_finds_headings_that_cannot_be(old: str, new: str, said: str) -> None:
    faults = [fault.message for fault in lint_text(GOALS.replace(old, new)) if fault.severity == "error"]
    assert faults == [] if not said else any(said in message for message in faults), faults


def test_rows_go_with_their_headings_to_the_next_version() -> None:
    old = form_of(GOALS)
    new = form_of(GOALS.replace("key: quality,", "key: good, was: quality,").replace("key: social", "key: other"))
    moved = rebase([old, new], {"a": {"name": "名", "t": goals()}}, {})
    assert [(row["id"], row["row"]) for row in moved.sections["a"]["t"]] == [
        ("r0", "quantity"),
        ("r1", "quantity"),
        ("r2", "good"),
    ]
    assert "指标3" in str(moved.left_over)


def test_a_page_shows_a_row_to_write_in_below_each_heading_and_reads_it_back() -> None:
    section = SectionDefinition.model_validate(form_of(GOALS).sections[0].model_dump(mode="json"))
    typed: dict[str, Any] = {"name": "名", "t": goals()[:2]}
    view = form_view.build(section, typed, {}, [], Beside(), SectionNow(visible=True, section_required=True))
    [table] = view.tables
    assert [(group.label, len(group.rows)) for group in table.groups] == [
        ("产出指标 · 数量指标", 2), ("产出指标 · 质量指标", 1), ("效益指标 · 社会效益指标", 1),
    ]  # fmt: skip
    inputs = {cell.name: [str(cell.value)] for row in table.rows for cell in row.cells}
    for row in table.rows:
        inputs |= {row.key_name: [row.key], row.level_name: [row.level]}
    back = form_values.read(section, inputs)["t"]
    assert [(row["row"], row["item"]) for row in back] == [
        ("quantity", "指标0"), ("quantity", "指标1"), ("quality", ""), ("social", ""),
    ]  # fmt: skip
    anchor = row_buttons.change(section, "add", "t:social", typed)
    assert typed["t"][-1]["row"] == "social"
    assert anchor == f"#t-t-{typed['t'][-1]['id']}-item"


TEAM = (
    HEAD
    + """      - {key: leader, kind: select, label: 负责人, options_from: b.people.name}
  - key: b
    label: 乙
    title: 乙项材料
    fields:
      - {key: team, kind: radio, label: 是否有团队, options: [有, 无]}
    tables:
      - key: people
        label: 项目组成员
        visible_if: team == "有"
        columns:
          - {key: name, kind: text, label: 姓名}
          - {key: boss, kind: select, label: 向谁负责, options_from: b.people.name, required: false}
"""
)


@given(
    names=st.lists(st.sampled_from(["王一", "李二", "赵三"]), min_size=1, max_size=4),
    leader=st.sampled_from(["王一", "李二", "孙四"]),
    team=st.booleans(),
)
def test_a_choice_among_rows_is_one_of_those_that_count(names: list[str], leader: str, team: bool) -> None:
    form = form_of(TEAM)
    people = [{"id": f"r{n}", "name": name, "boss": leader} for n, name in enumerate(names)]
    saved = {"b": {"team": "有" if team else "无", "people": people}}
    among = leader in names and team
    where = Context(form=form, facts=FACTS, saved=saved)
    kept, errors = judged(form.sections[0], {"name": "名", "leader": f" {leader} "}, where)
    assert kept["leader"] == leader
    assert [(e.field, e.code) for e in errors] == ([] if among else [("leader", "not_an_option")])
    assert all("不在“项目组成员”中" in e.message for e in errors)
    _, errors = judged(form.sections[1], saved["b"], Context(form=form, facts=FACTS))
    assert {e.code for e in errors} == (set() if among or not team else {"not_an_option"})
    state = now(form.sections[0], Situation(form, saved, FACTS))
    assert state.options == {"b.people.name": list(dict.fromkeys(names)) if team else []}
    section = SectionDefinition.model_validate(form.sections[0].model_dump(mode="json"))
    inputs = form_view.build(section, {}, {}, [], Beside(), state).inputs
    assert [o.value for i in inputs for o in i.options] == (list(dict.fromkeys(names)) if team else [])


def test_a_section_is_opened_with_the_rows_that_it_chooses_among() -> None:
    rules = rules_of(form_of(TEAM))
    assert rules.needs["a"] == {"b"}
    assert rules.unconditional == set()
    assert needs(form_of(TEAM)) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: select, label: 负责人, options_from: b.people.name", "kind: select, label: 负责人, options_from: b.people.boss", "不是表格的文本列"),
        ("kind: select, label: 负责人, options_from: b.people.name", "kind: select, label: 负责人, options_from: b.nobody.name", "不是表格的文本列"),
        ("kind: select, label: 负责人", "kind: multiselect, label: 负责人", "只能选一个"),
        ("label: 姓名}", "label: 姓名, sensitive: true}", "是敏感内容"),
        ("label: 负责人, ", "label: 负责人, must_be: 王一, ", "不能写 must_be、specify"),
        ("label: 负责人, ", "label: 组长, ", ""),
    ],
)  # fmt: skip
def test_lint_finds_rows_that_cannot_be_options(old: str, new: str, said: str) -> None:
    faults = [fault.message for fault in lint_text(TEAM.replace(old, new)) if fault.severity == "error"]
    assert faults == [] if not said else any(said in message for message in faults), faults

"""What a page makes of how a section stands: sums without what is hidden, a mark that changes when other things are asked."""

from typing import Any

from services.gateway.form import form_view, section_state
from services.gateway.form.form_parts import Beside

Json = dict[str, Any]
COLUMN = {"required": True, "help": None, "unit": None, "visible_if": None}
SECTION: Json = {
    "fields": [], "slots": [], "groups": [],
    "tables": [
        {"key": "rows", "label": "明细", "group": None, "help": None, "row_label": "项目", "fixed_rows": [], "min_rows": 1, "max_rows": 9,
         "required": True, "totals": ["wan"], "total_label": "合计",
         "columns": [{**COLUMN, "key": "item", "kind": "text", "label": "项目"}, {**COLUMN, "key": "wan", "kind": "money", "label": "金额"}]}
    ],
}  # fmt: skip
VALUES: Json = {"rows": [{"id": "a", "item": "甲", "wan": "5.00"}, {"id": "b", "item": "乙", "wan": "7.00"}]}


def row(**changes: Any) -> Json:
    return {"hidden": [], "required": ["item", "wan"], "computed": {}, **changes}


def now(**rows: Json) -> Json:
    table = {
        "hidden_rows": [],
        "hidden_columns": [],
        "required": ["item", "wan"],
        "rows": rows,
        "totals": {"wan": "5.00"},
    }
    return {"hidden": [], "required": ["rows"], "computed": {}, "tables": {"rows": table}}


def test_what_is_hidden_in_a_row_is_not_summed() -> None:
    state = now(a=row(), b=row(hidden=["wan"], required=["item"]))
    [table] = form_view.build(section_state.as_shown(SECTION, state), VALUES, {}, [], Beside(), state).tables
    assert table.totals == [None, "5.00"]
    assert [[cell.hidden for cell in r.cells] for r in table.rows] == [[False, False], [False, True]]


def test_the_mark_changes_with_what_is_shown_and_asked_for_and_with_nothing_else() -> None:
    before = section_state.shape(now(a=row()))
    assert section_state.shape(now(a=row(), b=row())) == before  # a row more
    assert section_state.shape({**now(a=row()), "computed": {"sum": "3.00"}}) == before
    assert section_state.shape(now(a=row(hidden=["wan"]))) != before
    assert section_state.shape({**now(a=row()), "hidden": ["x"]}) != before
    assert section_state.shape({**now(a=row()), "required": []}) != before


def test_outputs_name_their_places() -> None:
    state = {**now(a=row(computed={"twice": "10.00", "more": None})), "computed": {"sum": "5.00", "share": None}}
    assert section_state.computed(state) == {
        "f-sum": "5.00", "f-share": "—", "t-rows-a-twice": "10.00", "t-rows-a-more": "—", "rows/wan": "5.00",
    }  # fmt: skip


def test_a_sum_counts_an_amount_with_its_unit() -> None:
    """`3.5万元` is kept as 3.50: until it is saved, the sum beside it is the same."""
    column = {**SECTION["tables"][0]["columns"][1], "unit": "万元"}
    table = {**SECTION["tables"][0], "columns": [SECTION["tables"][0]["columns"][0], column]}
    assert form_view.totals(table, [{"wan": "3.5万元"}, {"wan": "1,000 万元"}, {"wan": "12,5"}]) == [
        None,
        "1,003.5",
    ]

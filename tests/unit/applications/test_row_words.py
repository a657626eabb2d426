"""A mistake says which row it stands in: a fixed row by its label, another by its number and its first cell."""

from typing import Any

import pytest

from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.labels import row_words
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.situation import Facts
from services.applications.forms.filled.validation import judged
from services.gateway.form.form_view import in_words
from shared.contract.checks import Obstacle
from shared.contract.forms import SectionDefinition

FORM = Form.model_validate(
    {
        "fund_type": "test", "version": 1, "label": "测试", "title": "测试", "document_title": "测试",
        "project_name": "a.name", "contact_name": "a.name", "contact_email": "a.name",
        "sections": [
            {
                "key": "a", "label": "甲表", "title": "甲表",
                "fields": [{"key": "name", "label": "名称", "kind": "text", "required": False}],
                "tables": [
                    {
                        "key": "sources", "label": "资金来源", "row_label": "来源",
                        "fixed_rows": [{"key": "own", "label": "单位自筹"}, {"key": "loan", "label": "银行贷款"}],
                        "columns": [{"key": "wan", "label": "金额", "kind": "money", "unit": "万元"}],
                    },
                    {
                        "key": "people", "label": "成员",
                        "columns": [
                            {"key": "id_card", "label": "证件号码", "kind": "text", "sensitive": True},
                            {"key": "who", "label": "姓名", "kind": "text"},
                            {"key": "paid", "label": "报酬", "kind": "money", "unit": "万元"},
                        ],
                    },
                ],
            }
        ],
    }
)  # fmt: skip
SECTION = FORM.by_key["a"]
PERSON = {"id": "p", "id_card": "110101199001011234", "who": "李雕漆", "paid": "许多"}


def places(values: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    _, errors = judged(SECTION, values, Context(FORM, Facts(round=RoundFacts())))
    return [(e.message, e.column, e.place) for e in errors]


def test_the_same_mistake_in_three_rows_is_told_apart() -> None:
    rows = [{"id": "x"}, {"id": "y", "who": " ", "id_card": "1"}, PERSON]
    found = places({"sources": [], "people": rows})
    assert [place for message, _, place in found if message == "请填写“金额”"] == ["单位自筹", "银行贷款"]
    # Counted as they were typed, the empty row with them; never by a number of a person.
    assert {place for _, column, place in found if column == "who"} == {"第 2 行"}
    assert [place for _, column, place in found if column == "paid"][-1] == "第 3 行（李雕漆）"
    assert "110101" not in str(found)


@pytest.mark.parametrize("rows", [None, "x", [1], [{"id": ["x"]}], [{"id": {}, "who": 3}], [{"who": "甲"}]])
def test_whatever_comes_as_rows(rows: object) -> None:
    assert places({"sources": rows, "people": rows})


def test_a_long_first_cell_is_cut() -> None:
    assert row_words(SECTION.tables[1], {"who": "长" * 40}, 2, {}) == f"第 2 行（{'长' * 12}）"


def test_the_line_names_table_row_and_column() -> None:
    section = SectionDefinition.model_validate(SECTION.model_dump(mode="json"))

    def line(message: str, **place: str) -> str:
        return in_words(section, Obstacle(section="a", code="x", message=message, **place))

    assert (
        line("请填写“金额”", field="sources", row="own", column="wan", place="单位自筹")
        == "资金来源 · 单位自筹：请填写“金额”"
    )
    assert (
        line("应为金额", field="people", row="p", column="paid", place="第 3 行（李雕漆）")
        == "成员 · 第 3 行（李雕漆） · 报酬：应为金额"
    )
    assert line("行标识重复", field="people") == "成员：行标识重复"

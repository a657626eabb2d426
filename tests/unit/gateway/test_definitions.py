"""Options that several fields share are each field's own by the time a page looks at it."""

from typing import Any

from services.gateway.form import form_view
from services.gateway.web.calls import with_own_lists

FORM: dict[str, Any] = {
    "lists": {"grades": [{"value": "m", "label": "国家级大师"}, {"value": "c", "label": "市级大师"}]},
    "sections": [
        {
            "key": "team",
            "label": "团队",
            "fields": [
                {"key": "grade", "kind": "select", "label": "级别", "options_from": "grades"},
                {"key": "direction", "kind": "select", "label": "方向", "options_from": "directions"},
                {"key": "name", "kind": "text", "label": "姓名"},
            ],
            "tables": [
                {"key": "people", "columns": [{"key": "grade", "kind": "select", "options_from": "grades"}]}
            ],
            "slots": [],
        }
    ],
}


def test_a_value_reads_as_its_label_wherever_it_stands() -> None:
    [section] = with_own_lists(FORM)["sections"]
    grade, direction, name = section["fields"]
    assert form_view.shown(grade, "m") == "国家级大师"
    assert form_view.shown(section["tables"][0]["columns"][0], "c") == "市级大师"
    # The round's texts are their own labels, and stay where the round has them.
    assert (direction["options_from"], form_view.shown(direction, "传承")) == ("directions", "传承")
    assert form_view.shown(name, "m") == "m"
    assert FORM["sections"][0]["fields"][0]["options_from"] == "grades"

"""A form of the catalogue is what pages read; options that several fields share are each field's own there."""

import pytest

from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.gateway.form import form_view
from shared.contract.forms import FormDefinition

PARTS = {"key", "label", "required", "help", "group"}


def _plain(part: object) -> dict[str, str]:
    return {name: getattr(part, name, None) for name in PARTS}


@pytest.mark.parametrize("form", catalogue.forms().values(), ids=lambda f: f"{f.fund_type}-{f.version}")
def test_pages_read_what_the_service_answers(form: Form) -> None:
    """The service's own answer, read by the contract: nothing that a page shows is lost or renamed."""
    read = FormDefinition.model_validate_json(form.model_dump_json())
    assert [s.key for s in read.sections] == [s.key for s in form.sections]
    for section, ours in zip(read.sections, form.sections, strict=True):
        assert (section.title, section.text, section.help) == (ours.title, ours.text, ours.help)
        assert [_plain(f) for f in section.fields] == [_plain(f) for f in ours.fields]
        assert [_plain(s) for s in section.slots] == [_plain(s) for s in ours.slots]
        for table, theirs in zip(section.tables, ours.tables, strict=True):
            assert _plain(table) == _plain(theirs)
            assert (table.totals, table.total_label) == ([*theirs.totals], theirs.total_label)
            assert [_plain(c) for c in table.columns] == [_plain(c) for c in theirs.columns]
            assert [c.unit for c in table.columns] == [c.unit for c in theirs.columns]
            assert [(r.key, r.label) for r in table.fixed_rows] == [(r.key, r.label) for r in theirs.fixed_rows]


def test_a_value_reads_as_its_label_wherever_it_stands() -> None:
    part = {"required": True, "help": None, "group": None}
    grade = {**part, "key": "grade", "kind": "select", "label": "级别", "options_from": "grades"}
    form = {
        "fund_type": "x",
        "version": 1,
        "label": "",
        "title": "",
        "lists": {"grades": [{"value": "m", "label": "国家级大师"}, "市级大师"]},
        "sections": [
            {
                **part,
                "key": "team",
                "label": "团队",
                "title": "团队",
                "text": None,
                "groups": [],
                "slots": [],
                "fields": [
                    grade,
                    {**grade, "key": "direction", "options_from": "directions"},
                    {**part, "key": "name", "kind": "text", "label": "姓名"},
                ],
                "tables": [
                    {
                        **part,
                        "key": "people",
                        "label": "成员",
                        "columns": [grade],
                        "fixed_rows": [],
                        "row_label": "",
                        "min_rows": 1,
                        "max_rows": 9,
                        "totals": [],
                        "total_label": "合计",
                    }
                ],
            }
        ],
    }
    [section] = FormDefinition.model_validate(form).sections
    grade_field, direction, name = section.fields
    assert form_view.shown(grade_field, "m") == "国家级大师"
    assert form_view.shown(section.tables[0].columns[0], "市级大师") == "市级大师"
    # The round's texts are their own labels, and stay where the round has them.
    assert (direction.options_from, form_view.shown(direction, "传承")) == ("directions", "传承")
    assert form_view.shown(name, "m") == "m"

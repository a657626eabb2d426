"""绩效目标 as offices write them: what is kept of each, and how it is read."""

import pytest
from pydantic import TypeAdapter

from services.applications.forms.kinds import FieldDefinition, Kind, Wrong
from services.applications.forms.versions.conversions import convert

READ: TypeAdapter[Kind] = TypeAdapter(FieldDefinition)
FIELD = READ.validate_python({"key": "f", "kind": "target", "label": "目标值"})


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("≥20", "≥20", "≥20"),
        ("＞＝20", "≥20", "≥20"),
        ("不少于 1,200 件", "≥1200件", "≥1,200 件"),
        ("不低于90%", "≥90%", "≥90%"),
        ("<= 5 %", "≤5%", "≤5%"),
        ("不超过３５００万元", "≤3500万元", "≤3,500 万元"),
        ("100%", "100%", "100%"),
        ("=3.50", "=3.50", "=3.50"),
        (1800, "1800", "1,800"),
        ("-2.5℃", "-2.5°C", "-2.5°C"),
        ("12 场次", "12场次", "12 场次"),
        # Words stay as they are: ranges, days, rates, and what is no number.
        ("填补空白", "填补空白", "填补空白"),
        ("5-10人", "5-10人", "5-10人"),
        ("2026年", "2026年", "2026年"),
        ("2026年12月前完成", "2026年12月前完成", "2026年12月前完成"),
        ("24/7", "24/7", "24/7"),
        ("优于 ISO 9001", "优于 ISO 9001", "优于 ISO 9001"),
    ],
)
def test_a_target_is_kept_in_one_spelling(typed: object, kept: str, shown: str) -> None:
    assert FIELD.parse(typed, {}) == kept
    assert FIELD.parse(kept, {}) == kept
    assert FIELD.show(kept, {}) == shown
    assert FIELD.parse(shown, {}) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("≥12,5件", "two_readings"),
        ("长" * 51, "too_long"),
        ("一\n二", "line_break"),
        (2.5, "type"),
        (True, "type"),
    ],
)
def test_what_is_no_target_is_refused(typed: object, code: str) -> None:
    with pytest.raises(Wrong) as refused:
        FIELD.parse(typed, {})
    assert refused.value.code == code


@pytest.mark.parametrize(
    "before", [{"kind": "decimal", "allow_negative": True}, {"kind": "integer"}, {"kind": "text"}]
)
def test_a_number_of_an_older_form_becomes_a_target(before: dict[str, object]) -> None:
    old = READ.validate_python({"key": "f", "label": "目标值", **before})
    found = convert(old, FIELD, "1800", {})
    assert (found.kept, found.left) == ("1800", None)

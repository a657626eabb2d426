"""Web addresses, telephones of any country, months: what they take, keep, show, and what formulas see."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.forms.authoring.lint import lint_text, linted
from services.applications.forms.kinds import Wrong
from services.applications.forms.kinds.choices import MAX_OPTION
from services.applications.forms.kinds.identifiers import TelephoneField, WebAddressField
from services.applications.forms.kinds.times import MonthField
from services.applications.workbench.drafts import EMPTY

PHONE = TelephoneField(key="a", label="甲", kind="telephone")
ADDRESS = WebAddressField(key="a", label="甲", kind="web_address")
MONTH = MonthField(key="a", label="甲", kind="month")
TEXT = EMPTY.format(fund_type="more", version=1, label="更多")


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        (PHONE, "+81 3-1234-5678", "+81312345678"),
        (PHONE, "００44 20 7946 0958", "+442079460958"),
        (PHONE, "+86 13800138000", "13800138000"),
        (PHONE, "+1 (212) 555-0100", "+12125550100"),
        (PHONE, "010-58511090", "010-58511090"),
        (ADDRESS, "www.example.com", "https://www.example.com"),
        (ADDRESS, "http://example.cn:8080/a/b?c=1#d", "http://example.cn:8080/a/b?c=1#d"),
        (ADDRESS, "https://例子.中国/路径", "https://例子.中国/路径"),
        (ADDRESS, "ｗｗｗ.example.com", "https://www.example.com"),
        (MONTH, "2026年5月", "2026-05"),
        (MONTH, "2026.5", "2026-05"),
        (MONTH, "２０２６/１２", "2026-12"),
        (MONTH, "2026-05-31", "2026-05"),
    ],
)
def test_what_people_type_is_one_value(field: Any, typed: str, kept: str) -> None:
    assert field.parse(typed, {}) == kept
    assert field.parse(field.export(kept), {}) == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *((PHONE, t) for t in ("+", "+0123456789", "+8112", "+81" + "1" * 20, "12345", "+86 123", "电话", "+81a3123456")),
        *((ADDRESS, t) for t in (
            "javascript:alert(1)", "data:text/html,x", "ftp://example.com", "https://", "https://a", "http://user:pw@example.com",
            "https://exa mple.com", "https://example.com/<script>", "https://-a.com", "https://1.2.3.4", "https://a..com", "https://a.com:99999",
            "https://" + "a" * 70 + ".com", "//example.com", "https://[::1", "x" * 600,
        )),
        *((MONTH, t) for t in ("2026-13", "2026-0", "5月", "1899-01", "2026", "202605", "2026-05-31-01", 202605)),
    ],
)  # fmt: skip
def test_what_is_none_is_said_in_words(field: Any, typed: object) -> None:
    with pytest.raises(Wrong) as wrong:
        field.parse(typed, {})
    assert any("一" <= c <= "鿿" for c in wrong.value.message)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_kept_or_refused_and_read_again(text: str) -> None:
    for field in (PHONE, ADDRESS, MONTH):
        try:
            kept = field.parse(text, {})
        except Wrong:
            continue
        assert field.parse(field.export(kept), {}) == kept


def test_months_are_shown_and_compared_as_their_first_day() -> None:
    assert (MONTH.show("2026-05", {}), MONTH.typed("2026-05"), MONTH.type) == ("2026年5月", "2026-05-01", "date")
    told = (
        TEXT.rstrip("\n")
        + """
      - {key: from_, kind: month, label: 开始}
      - {key: to, kind: month, label: 结束, bounds: [{op: ">=", than: from_, message: 结束早于开始}]}
      - {key: late, kind: text, label: 说明, visible_if: 'to > "2026-05-15"'}
      - {key: long, kind: computed, label: 几天, gives: integer, value: "days(from_, to)"}
"""
    )
    # A condition on a month is never said to be without effect because only first days were tried.
    assert lint_text(told) == []
    never = told.replace('to > "2026-05-15"', 'to > "2026-05-15" and to < "2026-05-20"')
    assert [f.severity for f in lint_text(never)] == ["error"]


def test_an_option_may_be_a_sentence() -> None:
    option = "本单位承诺" + "如" * (MAX_OPTION - 5)
    form, faults, _ = linted(
        TEXT.rstrip("\n") + f"\n      - {{key: o, kind: radio, label: 选, options: [{option}, 否]}}\n"
    )
    assert form is not None
    assert faults == []
    assert form.sections[0].fields[-1].parse(option, {}) == option
    assert lint_text(
        TEXT.rstrip("\n") + f"\n      - {{key: o, kind: radio, label: 选, options: [{option}长, 否]}}\n"
    )

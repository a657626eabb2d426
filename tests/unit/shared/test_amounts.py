"""Amounts as people write them: a mark that is no thousands mark never multiplies."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.kinds.numeric import MoneyField
from services.gateway.form import form_view
from services.gateway.web import rendering
from services.notify import emails
from shared.contract.forms import FieldDefinition
from shared.text import amounts

MONEY = MoneyField(kind="money", key="a", label="金额")
UNSEEN = ["", "\u200b", "\u200e", "\u202d", "\u2069", "\ufeff", "\u00ad"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1,234.50", "1234.50"),
        ("12,345,678", "12345678"),
        ("１，２３４．５", "1234.5"),
        ("1 234.50", "1234.50"),
        ("1\u00a0234", "1234"),
        (" 22.00 ", "22.00"),
        ("12.", "12"),
        ("\u22125", "-5"),
        ("–5.5", "-5.5"),
        ("－5", "-5"),
        ("+3", "3"),
        ("\u202d15.00\u202c", "15.00"),
        ("\ufeff15\u200b", "15"),
        ("1\u00ad5", "15"),
        ("22.00万元", "22.00"),
        ("22.00 万元", "22.00"),
    ],
)
def test_numbers_as_people_write_them(typed: str, meant: str) -> None:
    assert amounts.read(typed, unit="万元") == Decimal(meant)


@pytest.mark.parametrize(
    ("typed", "unit", "meant"),
    [
        ("120人", "人", "120"),
        ("１２０ 人", "人", "120"),
        ("5件", "件/套", "5"),
        ("5 套", "件/套", "5"),
        ("5件/套", "件/套", "5"),
        ("20㎡", "平方米", "20"),
        ("20 m²", "平方米", "20"),
        ("30 ％", "%", "30"),
        ("1,234人", "人", "1234"),
    ],
)
def test_the_fields_own_unit_may_stand_behind(typed: str, unit: str, meant: str) -> None:
    assert amounts.read(typed, unit=unit) == Decimal(meant)


@pytest.mark.parametrize(
    ("typed", "unit", "says"),
    [
        ("3500万", "万元", "本栏以万元为单位：3500"),
        ("3,500 万", "万元", "本栏以万元为单位：3500"),
        ("3500元", "万元", "本栏以万元为单位：0.35"),
        ("1.5亿元", "万元", "本栏以万元为单位：15000"),
        ("-3千元", "万元", "本栏以万元为单位：-0.3"),
        ("0元", "万元", "本栏以万元为单位：0"),
        ("22.00万元万元", "万元", "本栏以万元为单位：22"),
        ("1" * 20 + "亿", "元", "本栏以元为单位：" + "1" * 20 + "00000000"),
        ("120个", "人", "本栏以人为单位，不能填“个”，请换算后只填数字"),
        ("2025年", None, "本栏只填数字，不写“年”：2025"),
        ("30%", None, "本栏只填数字，不写“%”：30"),
    ],
)
def test_another_unit_is_refused_with_what_to_write(typed: str, unit: str | None, says: str) -> None:
    """Nothing is converted silently; the message is what a person types next, and that is taken."""
    with pytest.raises(amounts.OtherUnit) as refused:
        amounts.read(typed, unit=unit)
    assert str(refused.value) == says
    if "：" in says:
        assert amounts.read(says.rpartition("：")[2], unit=unit) is not None


@pytest.mark.parametrize("typed", ["约120人", "人", "abc", "1e5", "1_5", "12.5.6元", "１２元３", "万3"])
def test_what_is_no_number_and_a_unit_stays_refused(typed: str) -> None:
    with pytest.raises(amounts.NotANumber) as refused:
        amounts.read(typed, unit="万元")
    assert not isinstance(refused.value, amounts.Unclear)


@pytest.mark.parametrize(
    ("typed", "readings"),
    [
        ("12,5", ("125", "12.5")),
        ("１２，５", ("125", "12.5")),
        ("1,5", ("15", "1.5")),
        ("1,2345.00", ("12345.00", "1.234500")),
        ("0,500", ("0500", "0.500")),
        ("12 5", ("125", "12.5")),
        ("1,234,56", ("123456", "1.23456")),
        ("1,,234", ("1234", "1.234")),
        ("1,234 567", ("1234567", "1.234567")),
    ],
)
def test_a_mark_off_the_thousands_is_refused_with_both_readings(typed: str, readings: tuple[str, str]) -> None:
    with pytest.raises(amounts.TwoReadings) as refused:
        amounts.read(typed)
    assert f"可读作 {readings[0]} 或 {readings[1]}" in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "1e3", "1_000", "１＿０", "Infinity", "NaN", "١٢", "十二", "12元", "￥12", "1.2.3", "--5", "9" * 61],
)
def test_what_is_no_number(typed: str) -> None:
    with pytest.raises(amounts.NotANumber):
        amounts.read(typed, unit="万元")


@settings(max_examples=200)
@given(
    cents=st.integers(min_value=-(10**13), max_value=10**13),
    mark=st.sampled_from(["", ",", "，", " ", "\u00a0"]),
    unseen=st.sampled_from(UNSEEN),
    minus=st.sampled_from(["-", "\u2212", "–", "－"]),
)
def test_a_number_in_any_writing_is_the_same_number(cents: int, mark: str, unseen: str, minus: str) -> None:
    exact = Decimal(cents).scaleb(-2)
    typed = f"{exact:,.2f}".replace(",", mark).replace("-", minus)
    assert amounts.read(unseen.join(["", *typed, ""]), unit="万元") == exact


@settings(max_examples=300)
@given(typed=st.text("0123456789,，. ", min_size=1, max_size=14))
def test_a_mark_is_read_only_where_thousands_stand(typed: str) -> None:
    """Whatever is accepted is what a strict reader with one rule makes of it: groups of three behind the first."""
    try:
        found = amounts.read(typed)
    except amounts.NotANumber:
        return
    whole, _, _ = typed.strip().replace("，", ",").partition(".")
    first, *groups = whole.replace(" ", ",").split(",")
    assert all(len(group) == 3 for group in groups)
    assert not groups or (1 <= len(first) <= 3 and not first.startswith("0"))
    assert abs(found) < Decimal(10) ** (len(first) + 3 * len(groups))


@given(st.decimals(-(10**12), 10**12, places=2))
def test_an_amount_is_written_alike_on_pages_in_mails_and_on_paper(amount: Decimal) -> None:
    text, definition = f"{amount:.2f}", FieldDefinition(key="a", kind="money", label="金额", required=True)
    written = amounts.show(amount)
    assert form_view.shown(definition, text) == written
    assert MONEY.show(text, {}) == written
    for filters in (rendering.TEMPLATES.filters, emails._TEMPLATES.filters):
        assert filters["amount"](text) == written
    assert amounts.read(written) == amount


def test_what_is_no_number_is_written_as_it_stands() -> None:
    for text in ("", "—", "1**", "2025年", "1e5", "NaN", "1,234.50"):
        assert amounts.show(text) == text


@settings(max_examples=300)
@given(
    st.text(alphabet="0123456789.,-+ 万元亿千百人个%年a_e", max_size=14),
    st.sampled_from(["万元", "人", "%", None]),
)
def test_no_text_with_a_unit_is_read_as_another_amount(typed: str, unit: str | None) -> None:
    """Whatever is taken is what stands there once the field's own unit is cut off."""
    try:
        number = amounts.read(typed, unit=unit)
    except amounts.NotANumber:
        return
    rest = typed.strip().removesuffix(unit or "").strip()
    assert number == Decimal("".join(c for c in rest if c in "0123456789.-").rstrip(".") or "x")

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

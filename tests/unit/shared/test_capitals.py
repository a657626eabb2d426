"""大写: written out by hand for what is easy to get wrong, and read back for everything else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.capitals import in_words


@pytest.mark.parametrize(
    ("wan", "words"),
    [
        ("0", "人民币零元整"),
        ("22", "人民币贰拾贰万元整"),
        ("22.05", "人民币贰拾贰万零伍佰元整"),
        ("0.01", "人民币壹佰元整"),
        ("0.1", "人民币壹仟元整"),
        ("10.1", "人民币壹拾万壹仟元整"),
        ("1.001", "人民币壹万零壹拾元整"),
        ("100.0105", "人民币壹佰万零壹佰零伍元整"),
        ("10000", "人民币壹亿元整"),
        ("10000.01", "人民币壹亿零壹佰元整"),
        ("10001", "人民币壹亿零壹万元整"),
        ("12345.67", "人民币壹亿贰仟叁佰肆拾伍万陆仟柒佰元整"),
        ("20030004.05", "人民币贰仟零叁亿零肆万零伍佰元整"),
        ("99999999.99", "人民币玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰元整"),
        ("100000000", "人民币壹万亿元整"),
        ("123450000", "人民币壹万贰仟叁佰肆拾伍亿元整"),
        ("-12.3", "人民币负壹拾贰万叁仟元整"),
        ("0.00012345", "人民币壹元贰角叁分"),
        ("0.000105", "人民币壹元零伍分"),
        ("0.00015", "人民币壹元伍角整"),
        ("0.000005", "人民币伍分"),
    ],
)
def test_written_out_by_hand(wan: str, words: str) -> None:
    assert in_words(Decimal(wan)) == words


def read(words: str) -> Decimal:
    """The other way: from words to 万元. Written for the test, with nothing of the writer in it."""
    text = words.removeprefix("人民币").removesuffix("整")
    sign = -1 if text.startswith("负") else 1
    total = section = digit = Decimal(0)
    for char in text.lstrip("负"):
        match char:
            case "零":
                digit = Decimal(0)
            case "拾" | "佰" | "仟":
                section += digit * 10 ** ("拾佰仟".index(char) + 1)
                digit = Decimal(0)
            case "万":
                section = (section + digit) * 10_000
                digit = Decimal(0)
                if total % 10**8 == 0 and total:
                    total, section = total + section, Decimal(0)
            case "亿":
                total = (total + section + digit) * 10**8
                section = digit = Decimal(0)
            case "元" | "角" | "分":
                scale = {"元": Decimal(1), "角": Decimal("0.1"), "分": Decimal("0.01")}[char]
                total += (section + digit) * scale
                section = digit = Decimal(0)
            case _:
                digit = Decimal("零壹贰叁肆伍陆柒捌玖".index(char))
    return sign * total / 10_000


@given(st.decimals(min_value=0, max_value=Decimal("99999999.99"), places=2))
def test_words_read_back_as_the_same_sum(wan: Decimal) -> None:
    words = in_words(wan)
    assert read(words) == wan
    assert "零零" not in words
    assert "零万" not in words
    assert "零亿" not in words

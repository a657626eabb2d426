"""Texts and names without what nobody sees, and with the line breaks that were meant."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import identifiers
from shared.text.typed_text import UnreadableText, cleaned, folded, one_line, without_marks

MARKS = [
    "\u200b", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2066", "\u2067", "\u2068",
    "\u2069", "\ufeff", "\u00ad", "\u061c", "\u3164", "\u115f", "\u2800", "\ufe0f", "\U000e0041",
]  # fmt: skip


def test_every_format_character_is_removed() -> None:
    every = "".join(chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf")
    assert without_marks(every) == ""


@given(text=st.text("雕漆Aa1（）", min_size=1, max_size=8), marks=st.lists(st.sampled_from(MARKS), max_size=8))
def test_marks_that_no_script_needs_leave_a_text(text: str, marks: list[str]) -> None:
    mixed = "".join(letter + "".join(marks[n::8]) for n, letter in enumerate(text))
    assert cleaned("\u202a" + mixed) == text


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क्\u200dष", "ᠮᠤᠩᠭᠤᠯ\u180eᠠ", "葛\U000e0100城", "é", "王㙍䶮𫖯"])
def test_what_a_script_needs_stays(text: str) -> None:
    assert cleaned(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("甲\v乙", "甲\n乙"),
        ("甲\f乙", "甲\n乙"),
        ("甲\r\n乙\r丙", "甲\n乙\n丙"),
        ("甲\u2028乙\u0085丙", "甲\n乙\n丙"),
        ("甲\t乙", "甲 乙"),
        ("7\x1e8", "7-8"),
        ("连\x1f字", "连字"),
        ("\u200b 甲 \u200b", " 甲 "),
        ("a\u0301", "á"),
    ],
)
def test_controls_become_what_was_meant(typed: str, meant: str) -> None:
    assert cleaned(typed) == meant


@pytest.mark.parametrize("control", ["\x01", "\x07", "\x08", "\x1b", "\x7f", "\x93"])
def test_a_control_that_means_nothing_is_named_with_its_place(control: str) -> None:
    with pytest.raises(UnreadableText, match="第 3 个字符"):
        cleaned(f"雕漆{control}屏风")


@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    try:
        once = cleaned(text)
    except UnreadableText:
        return
    assert cleaned(once) == once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("景泰蓝（大型）", "景泰蓝(大型)"),
        ("ＡＢＣ 雕漆", "abc雕漆"),
        ("“燕京八绝”展", "燕京八绝 展"),
        ("雕\u200b漆", "雕漆"),
        ("《百工》", "百工"),
        ("2025–2026", "2025-2026"),
        ("㎡", "m2"),
    ],
)
def test_names_are_compared_as_people_read_them(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert folded(folded(one)) == folded(one)


def test_a_name_turns_no_words_around_it() -> None:
    assert one_line(" 景泰蓝\u202e国礼\v第二行\x07\u200b ") == "景泰蓝国礼 第二行"


def test_other_names_stay_apart() -> None:
    assert folded("雕漆屏风一") != folded("雕漆屏风二")


@pytest.mark.parametrize("mark", MARKS)
def test_identifiers_are_read_without_marks(mark: str) -> None:
    assert identifiers.mobile(f"\u202d138{mark}0013\u20118000\u202c") == "13800138000"
    assert identifiers.uscc(f"{mark}911101080000000194{mark}") == "911101080000000194"
    assert identifiers.phone(f"010\u201358511090{mark}") == "010-58511090"
    assert identifiers.email(f"{mark}a@example.com{mark}") == "a@example.com"
    assert identifiers.postcode(f"100{mark}000") == "100000"

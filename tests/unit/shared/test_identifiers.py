"""Addresses that mail reaches, and how mail servers know them."""

import pytest

from shared.text.identifiers import email, mail_address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" zhang@example.com ", "zhang@example.com"),
        ("zhang.san+fund@QQ.com", "zhang.san+fund@qq.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
        ("info@工美.中国", "info@工美.中国"),
    ],
)
def test_an_address_that_mail_reaches(typed: str, kept: str) -> None:
    assert email(typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ｚｈａｎｇ@example.com", "全角"),
        ("zhang＠example.com", "全角"),
        ("zhang@ｅxample.com", "全角"),
        ("张三@example.com", "@ 前"),
        ("zhäng@example.com", "@ 前"),
        ("a" * 65 + "@example.com", "有效"),
        ('"zhang san"@example.com', "有效"),
        ("zhang@localhost", "有效"),
        ("zhang@", "有效"),
        ("null", "有效"),
        ("", "有效"),
    ],
)
def test_an_address_that_it_does_not(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        email(typed)


def test_a_domain_goes_in_ascii() -> None:
    assert mail_address("zhang@example.com") == "zhang@example.com"
    assert mail_address("info@工美.中国") == "info@xn--est426e.xn--fiqs8s"
    with pytest.raises(ValueError, match="送达"):
        mail_address("张三@example.com")

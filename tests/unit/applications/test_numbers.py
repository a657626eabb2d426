"""Identifiers by their standards (GB 32100-2015 and the office's own rules); every example is synthetic."""

import pytest
from stdnum.cn import uscc as stdnum_uscc

from shared.text import identifiers


@pytest.mark.parametrize("code", ["91110105MA00TE5T2T", "911101080000000194", "52110000MJ0TE5T940"])
def test_right_codes(code: str) -> None:
    assert identifiers.uscc(code) == code
    assert stdnum_uscc.is_valid(code)
    # Typed with full-width characters, spaces or small letters it is the same code.
    assert identifiers.uscc(f" {code[:9].lower()} {code[9:]} ") == code


@pytest.mark.parametrize("code", ["N2110112MF0TE5T14H", "Y1110000MD0TE5T25T"])
def test_right_codes_that_a_common_library_rejects(code: str) -> None:
    assert identifiers.uscc(code) == code


@pytest.mark.parametrize(
    "code",
    ["91110105MA00TE5T20", "91110105MI00TE5T2T", "91110150MA00TE5T2T", "", "9111", "91110105MA00TE5T2T0"],
)
def test_wrong_codes(code: str) -> None:
    with pytest.raises(ValueError, match="统一社会信用代码"):
        identifiers.uscc(code)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("１９２１２３４５６７８", "19212345678"),
        ("16612345678", "16612345678"),
    ],
)
def test_mobiles(typed: str, kept: str) -> None:
    assert identifiers.mobile(typed) == kept
    assert identifiers.phone(typed) == kept


@pytest.mark.parametrize("typed", ["12345678901", "1380013800", "138001380000", "abc"])
def test_wrong_mobiles(typed: str) -> None:
    with pytest.raises(ValueError, match="手机号码"):
        identifiers.mobile(typed)


@pytest.mark.parametrize("typed", ["010-58511090", "01055521190", "0755-86543210-801"])
def test_landlines(typed: str) -> None:
    assert identifiers.phone(typed) == typed


@pytest.mark.parametrize("typed", ["85235981", "010-1234567", "0010-58511090"])
def test_wrong_landlines(typed: str) -> None:
    with pytest.raises(ValueError, match="区号"):
        identifiers.phone(typed)


@pytest.mark.parametrize("typed", ["lixiang@example.com", "a.b+c@mail.example.cn", "user@例子.公司"])
def test_addresses(typed: str) -> None:
    assert identifiers.email(typed) == typed


@pytest.mark.parametrize("typed", ["a@b", "x..y@example.com", "@example.com", "a b@example.com"])
def test_wrong_addresses(typed: str) -> None:
    with pytest.raises(ValueError, match="电子邮箱"):
        identifiers.email(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("21312312", "21312312"),
        ("0200 0010 0900 0000 001", "0200001009000000001"),
        ("11001045300053000001", "11001045300053000001"),
    ],
)
def test_accounts(typed: str, kept: str) -> None:
    assert identifiers.bank_account(typed) == kept


@pytest.mark.parametrize("typed", ["1234567", "12AB345678", "１２３"])
def test_wrong_accounts(typed: str) -> None:
    with pytest.raises(ValueError, match="银行账号"):
        identifiers.bank_account(typed)

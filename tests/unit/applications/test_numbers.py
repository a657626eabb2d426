"""Identifiers by their standards (GB 32100-2015, GB 11643 and the office's own rules); every example is synthetic."""

import pytest

from shared.text import identifiers

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.mark.parametrize("code", ["91110105MA00TE5T2T", "911101080000000194", "52110000MJ0TE5T940"])
def test_right_codes(code: str) -> None:
    assert identifiers.uscc(code) == code
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


@pytest.mark.parametrize("first", "159ANY")
def test_of_31_check_characters_one_is_right(first: str) -> None:
    body = f"{first}1110105MA00TE5T2"
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    for value, last in enumerate(ALPHABET):
        if (total + value) % 31 == 0:
            assert identifiers.uscc(body + last) == body + last
        else:
            with pytest.raises(ValueError, match="校验位"):
                identifiers.uscc(body + last)


@pytest.mark.parametrize(
    "body",
    [
        "11010519491231002", "11010119900101123", "11010519800229003",
        # 港澳台居民居住证, and a place that the tables of a common library do not have
        "81000019900101001", "82000019900101003", "83000019900101002", "93112419990101001",
    ],
)  # fmt: skip
def test_of_11_check_digits_one_is_right(body: str) -> None:
    total = sum(int(c) * weight for c, weight in zip(body, WEIGHTS, strict=True))
    for value, last in enumerate("0123456789X"):
        if (total + value) % 11 == 1:
            assert identifiers.resident_id(f" {(body + last).lower()} ") == body + last
        else:
            with pytest.raises(ValueError, match="校验位"):
                identifiers.resident_id(body + last)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("11010519900230001X", "不存在"),
        ("11010520300101001X", "晚于今天"),
        ("1101051990", "18 位"),
        ("A" * 18, "18 位"),
    ],
)
def test_wrong_numbers_of_residents(number: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        identifiers.resident_id(number)


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

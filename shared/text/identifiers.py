"""Validate identifiers as their standards say: 统一社会信用代码, 居民身份证, telephone numbers, addresses, accounts.

Check characters are python-stdnum's. Its `validate` is not used: it refuses codes of some registering authorities and
the numbers of residents of 港澳台, and takes a birth date that is still to come.
"""

import re
import unicodedata
from datetime import date
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from stdnum.cn import ric as stdnum_ric
from stdnum.cn import uscc as stdnum_uscc

from shared import clock
from shared.text.typed_text import with_hyphens, without_marks

_USCC_PATTERN = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_RIC_PATTERN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(?:0(?:10|2[0-9])-?[2-9][0-9]{7}|0[3-9][0-9]{2}-?[2-9][0-9]{6,7})(?:-[0-9]{1,6})?")


def plain(text: str) -> str:
    """Return an identifier as it is compared: NFKC, without white space and invisible marks, dashes as hyphens."""
    return "".join(with_hyphens(without_marks(unicodedata.normalize("NFKC", without_marks(text)))).split())


def uscc(text: str) -> str:
    """Return a 统一社会信用代码 by GB 32100-2015; `ValueError` unless its check character is right."""
    code = plain(text).upper()
    if not _USCC_PATTERN.fullmatch(code):
        raise ValueError("应为 18 位统一社会信用代码")
    if stdnum_uscc.calc_check_digit(code[:17]) != code[17]:
        raise ValueError("统一社会信用代码校验位不正确，请核对")
    return code


def mobile(text: str) -> str:
    """Return a mainland mobile number, eleven digits."""
    number = re.sub(r"^(?:\+86|0086)", "", plain(text)).replace("-", "")
    if not _MOBILE.fullmatch(number):
        raise ValueError("应为 11 位手机号码")
    return number


def phone(text: str) -> str:
    """Return a mobile number or a landline with its area code."""
    number = plain(text)
    if _LANDLINE.fullmatch(number):
        return number
    try:
        return mobile(number)
    except ValueError:
        raise ValueError("应为带区号的固定电话（如 010-58511090）或手机号码") from None


def telephone(text: str) -> str:
    """Return a telephone number of any country: a mainland one, or `+` with the country's code and the number, in digits (E.164)."""
    number = plain(text)
    if not number.startswith(("+", "00")) or re.match(r"(?:\+|00)86", number):
        try:
            return phone(number.removeprefix("+86").removeprefix("0086"))
        except ValueError:
            raise ValueError("应为境内的电话号码，或以“+国家代码”开头的境外号码（如 +81 3 1234 5678）") from None
    abroad = "+" + re.sub(r"[-().]", "", re.sub(r"^(?:\+|00)", "", number))
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", abroad):
        raise ValueError("应为“+国家代码”和号码，共 7 至 15 位数字（如 +81 3 1234 5678）")
    return abroad


# One label of a name in the domain system, written in ASCII.
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def web_address(text: str) -> str:
    """Return an address of the web: http or https, a domain with a dot, no name or password in it. Without a scheme https is meant."""
    address = without_marks(unicodedata.normalize("NFKC", text)).strip()
    said = "应为网址，如 https://www.example.com"
    if re.search(r"[\s<>\"'`{}|\\^]", address):
        raise ValueError(f"网址里有不能用的字符；{said}")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address):
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:
        raise ValueError(said) from None
    labels = host.split(".")
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc or port == 0:
        raise ValueError(said)
    if (
        len(labels) < 2
        or not all(_LABEL.fullmatch(label) for label in labels)
        or not re.search("[A-Za-z]", labels[-1])
    ):
        raise ValueError(said)
    return address


def email(text: str) -> str:
    """Read an e-mail address that ordinary mail servers reach, without asking the network. Few of them take a name before
    the @ beyond ASCII; a domain beyond it has a form in ASCII (`mail_address`)."""
    address = without_marks(text).strip()
    local = address.rpartition("@")[0]
    if unicodedata.normalize("NFKC", address).isascii() and not address.isascii():
        raise ValueError("电子邮箱地址中有全角字符，请改用半角字母、数字和符号")
    if local and not local.isascii():
        raise ValueError("电子邮箱地址 @ 前只能用英文字母、数字和符号，中文名称的邮箱目前无法送达")
    try:
        return validate_email(
            address, check_deliverability=False, allow_smtputf8=True, allow_quoted_local=False, strict=True
        ).normalized
    except EmailNotValidError:
        raise ValueError("应为有效的电子邮箱地址") from None


def mail_address(address: str) -> str:
    """Write an address as every mail server knows it, its domain in ASCII (IDNA); `ValueError` when it has no such form."""
    if address.isascii():
        return address
    known = validate_email(address, check_deliverability=False).ascii_email
    if known is None:
        raise ValueError("该邮箱地址无法送达")
    return known


def bank_account(text: str) -> str:
    """Return a corporate account: 8 to 32 digits, kept as text; such numbers carry no Luhn digit."""
    number = plain(text).replace("-", "")
    if not (number.isascii() and number.isdigit() and 8 <= len(number) <= 32):
        raise ValueError("应为 8 至 32 位数字的银行账号")
    return number


def postcode(text: str) -> str:
    number = plain(text)
    if not re.fullmatch(r"[0-9]{6}", number):
        raise ValueError("应为 6 位数字的邮政编码")
    return number


def resident_id(text: str) -> str:
    """Return a 居民身份证 number by GB 11643: check character, and a birth date that is real and past."""
    number = plain(text).upper()
    if not (number.isascii() and _RIC_PATTERN.fullmatch(number)):
        raise ValueError("应为 18 位居民身份证号码")
    if stdnum_ric.calc_check_digit(number) != number[17]:
        raise ValueError("居民身份证号码校验位不正确，请核对")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError("居民身份证号码中的出生日期不存在，请核对") from None
    if born > clock.today():
        raise ValueError("居民身份证号码中的出生日期晚于今天，请核对")
    return number


def passport_or_other(text: str) -> str:
    """Return the number of a passport or another document: letters and digits, 6 to 20."""
    number = plain(text).upper()
    if not (number.isascii() and re.fullmatch(r"[A-Z0-9]{6,20}", number)):
        raise ValueError("应为 6 至 20 位字母或数字的证件号码")
    return number

"""Identifiers with rules of their own: see `numbers`."""

from typing import Literal

from services.applications.forms.kinds.base import Choices, Kind, Wrong, text_of
from shared import numbers


class _Identifier(Kind):
    kind: str

    @staticmethod
    def rule(text: str) -> str:
        raise NotImplementedError

    def parse(self, raw: object, choices: Choices) -> str:
        text = text_of(raw)
        if len(text) > 254:
            raise Wrong("too_long", "内容过长")
        try:
            return type(self).rule(text)
        except ValueError as error:
            raise Wrong(f"not_{self.kind}", str(error)) from error


class PhoneField(_Identifier):
    """A landline with its area code, or a mobile number."""

    kind: Literal["phone"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.phone(text)


class MobileField(_Identifier):
    """A mainland mobile number."""

    kind: Literal["mobile"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.mobile(text)


class EmailField(_Identifier):
    """An e-mail address."""

    kind: Literal["email"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.email(text)


class PostcodeField(_Identifier):
    """邮政编码."""

    kind: Literal["postcode"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.postcode(text)


class UsccField(_Identifier):
    """统一社会信用代码."""

    kind: Literal["uscc"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.uscc(text)


class IdCardField(_Identifier):
    """居民身份证 number; sensitive whether the form says so or not."""

    kind: Literal["id_card"]
    sensitive: bool = True

    @staticmethod
    def rule(text: str) -> str:
        return numbers.resident_id(text)


class PassportField(_Identifier):
    """A passport's or another document's number."""

    kind: Literal["passport"]
    sensitive: bool = True

    @staticmethod
    def rule(text: str) -> str:
        return numbers.passport_or_other(text)


class BankAccountField(_Identifier):
    """A corporate bank account."""

    kind: Literal["bank_account"]

    @staticmethod
    def rule(text: str) -> str:
        return numbers.bank_account(text)

"""Define fields for identifiers with rules of their own: see `shared.text.identifiers`."""

from collections.abc import Callable
from typing import ClassVar, Literal

from services.applications.forms.kinds.base import Choices, Kind, Wrong, text_of
from shared import codes
from shared.text import identifiers

Rule = Callable[[str], str]


class _Identifier(Kind):
    kind: str
    # What is kept of a text that fits; `ValueError` says in words for the person why another does not.
    rule: ClassVar[Rule]
    longest: ClassVar[int] = 254

    def parse(self, raw: object, choices: Choices) -> str:
        text = text_of(raw)
        if len(text) > type(self).longest:
            raise Wrong(codes.TOO_LONG, "内容过长")
        try:
            return type(self).rule(text)
        except ValueError as error:
            raise Wrong(f"not_{self.kind}", str(error)) from error


class PhoneField(_Identifier):
    """A landline with its area code, or a mobile number."""

    kind: Literal["phone"]
    rule: ClassVar[Rule] = staticmethod(identifiers.phone)


class TelephoneField(_Identifier):
    """A telephone number of any country."""

    kind: Literal["telephone"]
    rule: ClassVar[Rule] = staticmethod(identifiers.telephone)


class WebAddressField(_Identifier):
    """An address of the web. It is shown as a text: nobody is led to what somebody typed."""

    kind: Literal["web_address"]
    longest: ClassVar[int] = 500
    rule: ClassVar[Rule] = staticmethod(identifiers.web_address)


class MobileField(_Identifier):
    """A mainland mobile number."""

    kind: Literal["mobile"]
    rule: ClassVar[Rule] = staticmethod(identifiers.mobile)


class EmailField(_Identifier):
    """An e-mail address."""

    kind: Literal["email"]
    rule: ClassVar[Rule] = staticmethod(identifiers.email)


class PostcodeField(_Identifier):
    """邮政编码."""

    kind: Literal["postcode"]
    rule: ClassVar[Rule] = staticmethod(identifiers.postcode)


class UsccField(_Identifier):
    """统一社会信用代码."""

    kind: Literal["uscc"]
    rule: ClassVar[Rule] = staticmethod(identifiers.uscc)


class IdCardField(_Identifier):
    """居民身份证 number; sensitive whether the form says so or not."""

    kind: Literal["id_card"]
    sensitive: bool = True
    rule: ClassVar[Rule] = staticmethod(identifiers.resident_id)


class PassportField(_Identifier):
    """A passport's or another document's number."""

    kind: Literal["passport"]
    sensitive: bool = True
    rule: ClassVar[Rule] = staticmethod(identifiers.passport_or_other)


class BankAccountField(_Identifier):
    """A corporate bank account."""

    kind: Literal["bank_account"]
    rule: ClassVar[Rule] = staticmethod(identifiers.bank_account)

"""One class a field kind: what it takes, what it keeps, how it is shown.

`parse` turns what came over the wire into the value that is kept (JSON again: money a string, dates
`YYYY-MM-DD`), or raises `Wrong` with a stable code and a Chinese message.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.applications.forms import numbers
from shared import clock


class Wrong(ValueError):
    """A value that cannot be kept."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def blank(value: object) -> bool:
    """Whether nothing was filled in."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


class Bound(BaseModel):
    """A limit by something else: `than` is `today`, a sibling's key, or `round.closes_at` with optional years
    (`round.closes_at-3y`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    op: Literal["<=", ">="]
    than: str
    message: str


class Kind(BaseModel):
    """What every field has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern="^[a-z][a-z0-9_]*$")
    label: str
    required: bool = True
    help: str | None = None
    group: str | None = None
    unit: str | None = None
    sensitive: bool = False
    readonly: bool = False
    prefill: str | None = None
    width: int = 10
    bounds: tuple[Bound, ...] = ()

    def parse(self, raw: object, options: dict[str, list[str]]) -> Any:
        raise NotImplementedError

    def show(self, value: Any) -> str:
        return str(value)

    @property
    def numeric(self) -> bool:
        return False


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise Wrong("type", "应为文字")
    # NFC, not NFKC: what people type is kept as they see it; only its encoding is made one.
    return unicodedata.normalize("NFC", raw).strip()


class TextField(Kind):
    kind: Literal["text"]
    max: int = 200

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        text = _text(raw)
        if "\n" in text or "\r" in text:
            raise Wrong("line_break", "不能换行")
        if len(text) > self.max:
            raise Wrong("too_long", f"最多 {self.max} 字，现为 {len(text)} 字")
        return text


class TextAreaField(Kind):
    kind: Literal["textarea"]
    max: int = 3000

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        text = _text(raw).replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > self.max:
            raise Wrong("too_long", f"最多 {self.max} 字，现为 {len(text)} 字")
        return text


class IntegerField(Kind):
    kind: Literal["integer"]
    min: int | None = None
    max: int = 999_999_999

    def parse(self, raw: object, options: dict[str, list[str]]) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise Wrong("type", "应为整数")
        text = numbers.plain(str(raw))
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            raise Wrong("not_integer", "应为整数")
        value = int(text)
        if self.min is not None and value < self.min:
            raise Wrong("too_small", f"不能小于 {self.min}")
        if value > self.max:
            raise Wrong("too_large", f"不能大于 {self.max}")
        return value

    @property
    def numeric(self) -> bool:
        return True


class MoneyField(Kind):
    """万元 with two decimals at most; a string on the wire, `Decimal` in every computation."""

    kind: Literal["money"]
    unit: str | None = "万元"
    allow_zero: bool = False
    allow_negative: bool = False
    max: Decimal = Decimal("99999999.99")

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            # A float has already lost what was typed.
            raise Wrong("type", '金额应以文字传送，如 "22.00"')
        text = numbers.plain(str(raw)).replace(",", "")
        if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]*)?", text):
            raise Wrong("not_money", "应为金额，如 22.00")
        if len(text.partition(".")[2]) > 2:
            raise Wrong("too_precise", "金额（万元）最多两位小数")
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise Wrong("not_money", "应为金额，如 22.00") from error
        if value == 0 and not self.allow_zero:
            raise Wrong("not_positive", "金额应大于 0")
        if value < 0 and not self.allow_negative:
            raise Wrong("negative", "金额不能为负数")
        if abs(value) > self.max:
            raise Wrong("too_large", f"金额不能超过 {self.max} 万元")
        return f"{value.copy_abs() if value == 0 else value:.2f}"

    def show(self, value: Any) -> str:
        return f"{Decimal(value):,.2f}"

    @property
    def numeric(self) -> bool:
        return True


class DateField(Kind):
    kind: Literal["date"]

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        text = numbers.plain(_text(raw)).replace("/", "-")
        if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", text):
            raise Wrong("not_date", "应为日期，如 2026-05-31")
        try:
            day = date(*(int(part) for part in text.split("-")))
        except ValueError as error:
            raise Wrong("no_such_date", "没有这一天，请核对") from error
        if day.year < 1900:
            raise Wrong("too_early", "年份过早，请核对")
        return day.isoformat()

    def show(self, value: Any) -> str:
        return clock.show_long_date(date.fromisoformat(value))


class YearField(Kind):
    kind: Literal["year"]

    def parse(self, raw: object, options: dict[str, list[str]]) -> int:
        text = numbers.plain(str(raw)) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
        if not re.fullmatch(r"(19|20)[0-9]{2}", text):
            raise Wrong("not_year", "应为年份，如 2025")
        return int(text)


class SelectField(Kind):
    """One of several; `options_from` names a list among the round's parameters."""

    kind: Literal["select", "radio"]
    options: tuple[str, ...] = ()
    options_from: str | None = None

    def choices(self, options: dict[str, list[str]]) -> tuple[str, ...]:
        return tuple(options.get(self.options_from, ())) if self.options_from else self.options

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        text = _text(raw)
        if text not in self.choices(options):
            raise Wrong("not_an_option", "请从选项中选择")
        return text


class MultiSelectField(Kind):
    kind: Literal["multiselect"]
    options: tuple[str, ...]

    def parse(self, raw: object, options: dict[str, list[str]]) -> list[str]:
        if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
            raise Wrong("type", "应为选项的列表")
        if any(item not in self.options for item in raw):
            raise Wrong("not_an_option", "请从选项中选择")
        # The order of the form, whatever the order of the clicks.
        return [option for option in self.options if option in raw]

    def show(self, value: Any) -> str:
        return "、".join(value)


class CheckboxField(Kind):
    kind: Literal["checkbox"]
    must_be: bool | None = None

    def parse(self, raw: object, options: dict[str, list[str]]) -> bool:
        if not isinstance(raw, bool):
            raise Wrong("type", "应为是或否")
        if self.must_be is not None and raw is not self.must_be:
            raise Wrong("must_agree", "请勾选此项" if self.must_be else "此项不能勾选")
        return raw

    def show(self, value: Any) -> str:
        return "是" if value else "否"


_NUMBERS = {
    "phone": numbers.phone,
    "mobile": numbers.mobile,
    "email": numbers.email,
    "postcode": numbers.postcode,
    "uscc": numbers.uscc,
    "bank_account": numbers.bank_account,
}


class NumberField(Kind):
    """Identifiers with rules of their own: see `numbers`."""

    kind: Literal["phone", "mobile", "email", "postcode", "uscc", "bank_account"]

    def parse(self, raw: object, options: dict[str, list[str]]) -> str:
        text = _text(raw)
        if len(text) > 254:
            raise Wrong("too_long", "内容过长")
        try:
            return _NUMBERS[self.kind](text)
        except ValueError as error:
            raise Wrong(f"not_{self.kind}", str(error)) from error


FieldDefinition = Annotated[
    TextField
    | TextAreaField
    | IntegerField
    | MoneyField
    | DateField
    | YearField
    | SelectField
    | MultiSelectField
    | CheckboxField
    | NumberField,
    Field(discriminator="kind"),
]

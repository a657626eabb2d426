"""Define fields for whole numbers, decimals, money and percentages; exact, never through a float."""

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from services.applications.forms.kinds.base import Choices, Kind, Wrong, wan_in
from shared import codes
from shared.text import amounts


def _number(raw: object, unit: str | None, code: str, message: str) -> Decimal:
    """Read a number; `Wrong` says what to write where a mark stands off the thousands, or another unit than the field's."""
    try:
        return amounts.read(str(raw), unit=unit)
    except amounts.Unclear as error:
        raise Wrong(error.code, str(error)) from error
    except amounts.NotANumber as error:
        raise Wrong(code, message) from error


class IntegerField(Kind):
    """A whole number, kept as one."""

    kind: Literal["integer"]
    min: int | None = None
    max: int = 999_999_999

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.min is not None and self.min > self.max:
            raise ValueError(f"min（{self.min}）大于 max（{self.max}）")
        return self

    def parse(self, raw: object, choices: Choices) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise Wrong(codes.TYPE, "应为整数")
        number = _number(raw, self.unit, "not_integer", "应为整数")
        if number.as_tuple().exponent != 0:
            raise Wrong(codes.NOT_INTEGER, "应为整数")
        value = int(number)
        if self.min is not None and value < self.min:
            raise Wrong(codes.TOO_SMALL, f"不能小于 {self.min}")
        if value > self.max:
            raise Wrong(codes.TOO_LARGE, f"不能大于 {self.max}")
        return value

    def typed(self, value: Any) -> Decimal:
        return Decimal(value)

    def of_sum(self, sum_: Decimal) -> int:
        return int(sum_)

    @property
    def type(self) -> str:
        return "number"


class _Exact(Kind):
    """A decimal kept as a text with all its `places`; a float is refused, it has already lost what was typed."""

    places: int = Field(default=2, ge=0, le=6)
    allow_zero: bool = True
    allow_negative: bool = False
    min: Decimal | None = None
    max: Decimal = Decimal("99999999.99")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.min is not None and self.min > self.max:
            raise ValueError(f"min（{self.min}）大于 max（{self.max}）")
        return self

    _noun = "数值"
    _code = "not_number"

    def parse(self, raw: object, choices: Choices) -> str:
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            raise Wrong(codes.TYPE, f'{self._noun}应以文字传送，如 "22.00"')
        value = _number(raw, self.unit, self._code, f"应为{self._noun}，如 22.00")
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        if -exponent > self.places:
            raise Wrong(codes.TOO_PRECISE, f"最多 {self.places} 位小数" if self.places else "应为整数")
        if value == 0 and not self.allow_zero:
            raise Wrong(codes.NOT_POSITIVE, f"{self._noun}应大于 0")
        negative_wanted = self.min is not None and self.min < 0
        if value < 0 and not (self.allow_negative or negative_wanted):
            raise Wrong(codes.NEGATIVE, f"{self._noun}不能为负数")
        if self.min is not None and value < self.min:
            raise Wrong(codes.TOO_SMALL, f"不能小于 {amounts.show(self.min)}")
        if abs(value) > self.max:
            raise Wrong(codes.TOO_LARGE, f"不能超过 {amounts.show(self.max)}{self._after}")
        return f"{value.copy_abs() if value == 0 else value:.{self.places}f}"

    @property
    def _after(self) -> str:
        return f" {self.unit}" if self.unit else ""

    def show(self, value: Any, choices: Choices) -> str:
        return amounts.show(value)

    def typed(self, value: Any) -> Decimal:
        return Decimal(value)

    def of_sum(self, sum_: Decimal) -> str:
        return f"{sum_:.{self.places}f}"

    @property
    def type(self) -> str:
        return "number"


class DecimalField(_Exact):
    """A number with `places` decimals."""

    kind: Literal["decimal"]
    max: Decimal = Decimal("999999999999")


class MoneyField(_Exact):
    """万元, or 元, with two decimals; more than zero unless said otherwise."""

    kind: Literal["money"]
    unit: str | None = "万元"
    allow_zero: bool = False

    @property
    def wan_in_unit(self) -> Decimal | None:
        return wan_in(self.unit)

    _noun = "金额"
    _code = "not_money"


class PercentField(_Exact):
    """A percentage: 30 is 30 %."""

    kind: Literal["percent"]
    unit: str | None = "%"
    max: Decimal = Decimal(100)

    _noun = "百分比"
    _code = "not_percent"

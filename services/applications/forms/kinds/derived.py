"""Define fields that nobody fills in: computed values and fixed text."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from services.applications.forms.kinds.base import Choices, Expression, Kind, Wrong, wan_in
from shared import codes
from shared.text import amounts


class ComputedField(Kind):
    """The value of a formula, rounded half up to `places`; what is sent for it is not looked at."""

    kind: Literal["computed"]
    required: bool = False
    value: Expression
    gives: Literal["number", "money", "percent", "integer", "text", "date", "bool"] = "number"
    places: int = Field(default=2, ge=0, le=6)

    @model_validator(mode="before")
    @classmethod
    def _money_has_a_unit(cls, given: Any) -> Any:
        """Money is 万元 unless its unit is said, as where it is filled in."""
        if isinstance(given, dict) and given.get("gives") == "money" and not given.get("unit"):
            return {**given, "unit": "万元"}
        return given

    @property
    def wan_in_unit(self) -> Decimal | None:
        return wan_in(self.unit) if self.gives == "money" else None

    def of_sum(self, sum_: Decimal) -> Any:
        return int(sum_) if self.gives == "integer" else f"{sum_:.{self.places}f}"

    def parse(self, raw: object, choices: Choices) -> Any:
        raise Wrong(codes.COMPUTED, "此项自动计算，不能填写")

    def kept(self, found: Any) -> Any:
        """Return what a formula gave, as it is kept; None while that is not known or of another type."""
        if isinstance(found, bool):
            return found if self.gives == "bool" else None
        if isinstance(found, Decimal) and self.type == "number":
            places = 0 if self.gives == "integer" else self.places
            if not found.is_finite() or abs(found) >= Decimal(10) ** 18:
                return None
            rounded = found.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0  # no minus zero
            return int(rounded) if self.gives == "integer" else f"{rounded:f}"
        return found if isinstance(found, str) and self.gives in ("text", "date") else None

    def show(self, value: Any, choices: Choices) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        return amounts.show(value) if self.type == "number" else str(value)

    def typed(self, value: Any) -> Any:
        return Decimal(value) if self.type == "number" else value

    @property
    def type(self) -> str:
        return self.gives if self.gives in ("text", "date", "bool") else "number"

    @property
    def asked(self) -> bool:
        return False


class FixedTextField(Kind):
    """A paragraph between the fields: an explanation, or what is declared. `formatted`: its headings, lists and links are set
    (`shared.text.formatted`)."""

    kind: Literal["fixed_text"]
    label: str = ""
    required: bool = False
    text: str = Field(min_length=1, max_length=20_000)
    formatted: bool = False

    def parse(self, raw: object, choices: Choices) -> Any:
        raise Wrong(codes.FIXED_TEXT, "此处是说明文字，不能填写")

    @property
    def asked(self) -> bool:
        return False

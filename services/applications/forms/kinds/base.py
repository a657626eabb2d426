"""Define the base of every kind of field, and the words that definitions share."""

from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared import codes
from shared.text.typed_text import UnreadableText, cleaned, without_marks

KEY = "^[A-Za-z][A-Za-z0-9_]*$"
FORMER_KEY = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$"
PREFILL = r"^(registry|account)\.[A-Za-z0-9_]+$"
# Names in values and formulas.
Key = Annotated[str, Field(pattern=KEY, max_length=64)]
# The key of a part in the version before, or `section.key` where it stood in another section.
FormerKey = Annotated[str, Field(pattern=FORMER_KEY, max_length=129)]
# A formula; `formulas/language.py` has its grammar.
Expression = Annotated[str, Field(min_length=1, max_length=1000)]
# One line that people read.
Label = Annotated[str, Field(min_length=1, max_length=500)]
# Who besides the applicant is shown a part: the bureau alone, or the experts, too.
Audience = Literal["bureau", "experts"]
# The lists of options a form may take by name: its own and its round's.
Choices = Mapping[str, Any]


class Part(BaseModel):
    """A piece of a definition: nothing unknown in it, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wrong(ValueError):
    """A value that cannot be kept."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def blank(value: object) -> bool:
    """Tell whether nothing was filled in that anybody could see."""
    if isinstance(value, str):
        return not value or not without_marks(value).strip()
    return value is None or (isinstance(value, list | tuple) and not value)


class Bound(Part):
    """A limit by something else: `than` is a formula, most often a sibling's key, `today` or a parameter of the
    round. It is not judged while either side is unknown."""

    op: Literal["<=", ">=", "<", ">", "==", "!="]
    than: Expression
    message: Label


class Kind(Part):
    """What every field has.

    `required` holds always, `required_if` instead of it under a condition; a field whose `visible_if` does not hold
    is neither asked for nor counted. `was` is its key in the version before, where that was another: values that people
    typed there follow it (`rebase`). `unique` is for columns: no value twice in one table. `default` is a formula: what
    stands in the field until somebody types in its section. `audience`: who is shown it (`filled/audience.py`).
    """

    key: Key
    was: FormerKey | None = None
    label: Label
    required: bool = True
    required_if: Expression | None = None
    visible_if: Expression | None = None
    help: str | None = Field(default=None, max_length=2000)
    example: str | None = Field(default=None, max_length=500)
    group: str | None = None
    unit: str | None = Field(default=None, max_length=20)
    sensitive: bool = False
    readonly: bool = False
    unique: bool = False
    prefill: str | None = Field(default=None, pattern=PREFILL)
    default: Expression | None = None
    audience: Audience = "experts"
    width: int = Field(default=10, ge=1, le=100)
    # Of columns: the heading that stands over this one and its neighbours of the same.
    under: Label | None = None
    bounds: tuple[Bound, ...] = ()

    @abstractmethod
    def parse(self, raw: object, choices: Choices) -> Any:
        """Return the value as it is kept; `Wrong` with a code and words for the person."""

    def show(self, value: Any, choices: Choices) -> str:
        return str(value)

    def export(self, value: Any) -> str:
        return str(value)

    def typed(self, value: Any) -> Any:
        """Return a kept value as formulas see it: `Decimal`, text, `bool`, or a tuple of texts; dates are ISO texts."""
        return value

    @property
    def full_label(self) -> str:
        """The label led by the heading over it: what a column is called where its table is not seen."""
        return f"{self.under} · {self.label}" if self.under else self.label

    @property
    def type(self) -> str:
        """What formulas take it for: `text`, `number`, `date`, `bool` or `list`."""
        return "text"

    @property
    def asked(self) -> bool:
        """Whether a person fills it in."""
        return True

    def of_sum(self, sum_: Decimal) -> Any:
        """Return a sum of such values, as they are kept; exact, with all the decimals it has."""
        return str(sum_)

    @property
    def numeric(self) -> bool:
        return self.type == "number"

    @property
    def wan_in_unit(self) -> Decimal | None:
        """How many 万元 one of an amount of money is; None for what is no amount."""
        return None


def wan_in(unit: str | None) -> Decimal | None:
    """Return how many 万元 one of this unit of money is; None for another unit."""
    return {"万元": Decimal(1), "元": Decimal("0.0001")}.get(unit or "")


def text_of(raw: object) -> str:
    """Return a text in one encoding. NFC, not NFKC: what people type is kept as they see it."""
    if not isinstance(raw, str):
        raise Wrong(codes.TYPE, "应为文字")
    try:
        return cleaned(raw).strip()
    except UnreadableText as error:
        raise Wrong(codes.CONTROL_CHARACTER, str(error)) from error

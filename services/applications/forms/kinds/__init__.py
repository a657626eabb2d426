"""Define the kinds of fields, one class each: what a kind takes, what it keeps, how it shows and exports it.

`parse` turns what came over the wire into the value that is kept (JSON again: money a string, dates
`YYYY-MM-DD`), or raises `Wrong` with a stable code and a Chinese message. `show` is for people, `export` a text that
`parse` reads back to the same value, `typed` what formulas compute with.
"""

from typing import Annotated

from pydantic import Field

from services.applications.forms.kinds.base import Bound, Choices, Kind, Wrong, blank
from services.applications.forms.kinds.choices import (
    CheckboxField,
    MultiSelectField,
    Option,
    RadioField,
    SelectField,
)
from services.applications.forms.kinds.derived import ComputedField, FixedTextField
from services.applications.forms.kinds.identifiers import (
    BankAccountField,
    EmailField,
    IdCardField,
    MobileField,
    PassportField,
    PhoneField,
    PostcodeField,
    TelephoneField,
    UsccField,
    WebAddressField,
)
from services.applications.forms.kinds.numeric import DecimalField, IntegerField, MoneyField, PercentField
from services.applications.forms.kinds.targets import TargetField
from services.applications.forms.kinds.texts import TextAreaField, TextField
from services.applications.forms.kinds.times import DateField, MonthField, YearField

FieldDefinition = Annotated[
    TextField
    | TextAreaField
    | IntegerField
    | DecimalField
    | MoneyField
    | PercentField
    | DateField
    | MonthField
    | YearField
    | TargetField
    | SelectField
    | RadioField
    | MultiSelectField
    | CheckboxField
    | PhoneField
    | TelephoneField
    | MobileField
    | EmailField
    | WebAddressField
    | PostcodeField
    | UsccField
    | IdCardField
    | PassportField
    | BankAccountField
    | ComputedField
    | FixedTextField,
    Field(discriminator="kind"),
]

__all__ = [
    "Bound",
    "CheckboxField",
    "Choices",
    "ComputedField",
    "FieldDefinition",
    "FixedTextField",
    "Kind",
    "MultiSelectField",
    "Option",
    "RadioField",
    "SelectField",
    "Wrong",
    "blank",
]

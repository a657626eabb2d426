"""Choose sample values that stand for all others: a condition that is true for none of them can never be true.

A condition that only compares with constants changes where a value passes one of them; so the constants themselves and
what lies between and beyond them are every case there is. Where values are compared with one another, `apart` of them
lie in every gap, so that each order of them occurs.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations, pairwise
from typing import Any

from services.applications.forms.formulas.functions import day
from services.applications.forms.kinds import CheckboxField, FieldDefinition, MultiSelectField
from services.applications.forms.kinds.choices import RadioField, SelectField

# Named options of a multiselect whose subsets are all tried.
MAX_NAMED = 6


class TooMany(Exception):
    """More cases than are worth trying."""


def of_field(
    field: FieldDefinition, lists: Mapping[str, Mapping[str, str]], constants: Iterable[Any], apart: int
) -> list[Any]:
    """Kept values of a field, None among them, that stand for all that it takes."""
    texts = [c for c in constants if isinstance(c, str)]
    numbers = [c for c in constants if isinstance(c, Decimal)]
    if isinstance(field, CheckboxField):
        return [None, True, False]
    if isinstance(field, SelectField | RadioField | MultiSelectField):
        # Options that only the round knows may be any, those that are named among them.
        known = list(field.labels(lists)) or [*texts, "甲", "乙", "丙"]
        named = [option for option in known if option in texts]
        unnamed = [option for option in known if option not in texts][:apart]
        if isinstance(field, MultiSelectField):
            return [None, *_subsets([*named, *unnamed[:1]])]
        return [None, *named, *unnamed]
    if field.type == "number":
        edges = [Decimal(edge) for name in ("min", "max") if (edge := getattr(field, name, None)) is not None]
        places = getattr(field, "places", 0)
        step = Decimal(1).scaleb(-places)
        found = (_taken(field, n) for n in spread([*numbers, *edges, Decimal(0)], step, apart))
        return [None, *(value for value in found if value is not None)]
    if field.type == "date":
        return [None, *(months if field.kind == "month" else days)(texts, apart)]
    return [None, *texts, *("文" * (n + 1) for n in range(apart))]


def of_round(constants: Iterable[Any], apart: int) -> list[Any]:
    """Return what a parameter of the round may be: absent, a number, a day, a list."""
    texts = [c for c in constants if isinstance(c, str)]
    numbers = [c for c in constants if isinstance(c, Decimal)]
    cases: list[Any] = [None, *(f"{n:f}" for n in spread([*numbers, Decimal(0)], Decimal("0.01"), apart)), *texts]
    return [*cases, *days(texts, apart), *(list(found) for found in _subsets([*texts, "甲"]))]


def spread(edges: Iterable[Decimal], step: Decimal, apart: int) -> list[Decimal]:
    """Return the edges, and `apart` multiples of `step` in every gap between them and on both sides, as far as there are."""
    at = sorted(set(edges))
    found = set(at)
    for n in range(1, apart + 1):
        found |= {at[0] - n * step, at[-1] + n * step}
        for low, high in pairwise(at):
            between = low + (high - low) * n / (apart + 1)
            whole = (between / step).to_integral_value(ROUND_FLOOR) * step
            found |= {value for value in (whole, low + n * step) if low < value < high}
    return sorted(found)


def days(texts: Iterable[str], apart: int) -> list[str]:
    """Days around those that are named, or around any."""
    known = {found for text in texts if (found := day(text))} or {date(2026, 6, 15)}
    numbers = spread((Decimal(d.toordinal()) for d in known), Decimal(1), apart)
    return [date.fromordinal(int(n)).isoformat() for n in numbers if 1 <= n <= date.max.toordinal()]


def months(texts: Iterable[str], apart: int) -> list[str]:
    """Months around those of the days that are named, or around any."""
    known = {found for text in texts if (found := day(text))} or {date(2026, 6, 15)}
    numbers = spread((Decimal(d.year * 12 + d.month - 1) for d in known), Decimal(1), apart)
    return [f"{int(n) // 12:04d}-{int(n) % 12 + 1:02d}" for n in numbers if 12 <= n < 12 * 10_000]


def _taken(field: FieldDefinition, number: Decimal) -> Any:
    try:
        return field.parse(f"{number:f}", {})
    except ValueError:
        return None


def _subsets(options: list[str]) -> list[list[str]]:
    if len(options) > MAX_NAMED + 1:
        raise TooMany
    return [list(found) for size in range(1, len(options) + 1) for found in combinations(options, size)]

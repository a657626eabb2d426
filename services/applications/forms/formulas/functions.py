"""Compute the operators and functions of formulas, over decimals, texts and days. What is not filled in (None) gives
None."""

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.applications.forms.kinds import blank
from shared.text.typed_text import folded

# A 居民身份证 number as it is kept: year, month and day of birth, and the digit that tells the sex.
_ID_CARD = re.compile(r"[0-9]{6}([0-9]{4})([0-9]{2})([0-9]{2})[0-9]{2}([0-9])[0-9X]")


def _numbers(work: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Decimal | None]:
    def apply(left: Any, right: Any) -> Decimal | None:
        if not (isinstance(left, Decimal) and isinstance(right, Decimal)):
            return None
        try:
            found = work(left, right)
        except ArithmeticError:
            return None
        return found if found.is_finite() else None

    return apply


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def apply(left: Any, right: Any) -> bool | None:
        known = (isinstance(left, Decimal) and isinstance(right, Decimal)) or (
            isinstance(left, str) and isinstance(right, str)
        )
        return compare(left, right) if known else None

    return apply


def equal(left: Any, right: Any) -> bool:
    """Equality without surprises: a tick is not the number 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _within(item: Any, container: Any) -> bool:
    if item is None or not isinstance(container, tuple):
        return False
    return any(equal(item, other) for other in container)


def negate(value: Any) -> bool | None:
    return None if value is None else not value


OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: _numbers(operator.add),
    ast.Sub: _numbers(operator.sub),
    ast.Mult: _numbers(operator.mul),
    ast.Div: _numbers(operator.truediv),
    ast.USub: lambda value: -value if isinstance(value, Decimal) else None,
    ast.Not: negate,
    ast.Eq: equal,
    ast.NotEq: lambda left, right: not equal(left, right),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _within,
    ast.NotIn: lambda item, container: not _within(item, container),
}


@dataclass(frozen=True)
class Function:
    """A function of the language. `takes` and `gives` are types: see `types`."""

    work: Callable[..., Any]
    takes: str
    gives: str
    arguments: tuple[str, ...]
    least: int
    most: int
    loops: bool = False


def _many(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values a function over a column, a loop, or several arguments works on: those that are known."""
    found = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else tuple(arguments)
    return tuple(value for value in found if not blank(value))


def _sum(*arguments: Any) -> Decimal:
    return sum((value for value in _many(arguments) if isinstance(value, Decimal)), Decimal(0))


def _extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def work(*arguments: Any) -> Any:
        found = _many(arguments)
        alike = all(isinstance(v, Decimal) for v in found) or all(isinstance(v, str) for v in found)
        return pick(found) if found and alike else None

    return work


def _rounded(value: Any, places: Any = Decimal(0)) -> Decimal | None:
    if (
        not (isinstance(value, Decimal) and isinstance(places, Decimal))
        or not 0 <= places <= 9
        or abs(value) > 10**15
    ):
        return None
    return value.quantize(Decimal(1).scaleb(-int(places)), "ROUND_HALF_UP")


def day(value: Any) -> date | None:
    """Return an ISO text as a day, or None."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _whole(value: Any) -> int | None:
    return (
        int(value)
        if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 10**6
        else None
    )


def _add_days(start: Any, count: Any) -> str | None:
    found, days = day(start), _whole(count)
    if found is None or days is None:
        return None
    try:
        return (found + timedelta(days=days)).isoformat()
    except OverflowError:
        return None


def _add_months(start: Any, count: Any) -> str | None:
    found, months = day(start), _whole(count)
    if found is None or months is None:
        return None
    year, month = divmod(found.year * 12 + found.month - 1 + months, 12)
    for last in (found.day, 30, 29, 28):  # 31 January and a month is the last day of February
        try:
            return date(year, month + 1, min(last, found.day)).isoformat()
        except ValueError:
            continue
    return None


def _add_years(start: Any, count: Any) -> str | None:
    years = _whole(count)
    return None if years is None else _add_months(start, Decimal(12 * years))


def _days(start: Any, end: Any) -> Decimal | None:
    first, last = day(start), day(end)
    return Decimal((last - first).days) if first and last else None


def _year(value: Any) -> Decimal | None:
    found = day(value)
    return Decimal(found.year) if found else None


def _born(number: Any) -> str | None:
    """Return the day of birth that stands in a 居民身份证 number."""
    found = _ID_CARD.fullmatch(number) if isinstance(number, str) else None
    born = day("-".join(found.groups()[:3])) if found else None
    return born.isoformat() if born else None


def _sex(number: Any) -> str | None:
    found = _ID_CARD.fullmatch(number) if isinstance(number, str) else None
    return None if found is None else "男" if int(found[4]) % 2 else "女"


def _age(born: Any, on: Any) -> Decimal | None:
    """Return the full years between two days; somebody born on 29 February is a year older on 1 March."""
    first, last = day(born), day(on)
    if first is None or last is None or last < first:
        return None
    return Decimal(last.year - first.year - ((last.month, last.day) < (first.month, first.day)))


def _texts(work: Callable[[str, str], bool]) -> Callable[[Any, Any], bool | None]:
    return lambda text, part: work(text, part) if isinstance(text, str) and isinstance(part, str) else None


FUNCTIONS: dict[str, Function] = {
    "sum": Function(_sum, "表格的一列、一个循环或几个数", "number", ("numbers",), 1, 20, loops=True),
    "count": Function(
        lambda found: Decimal(len(_many((found,)))) if isinstance(found, tuple) else None,
        "表格、表格的一列、一个循环、多选字段或附件", "number", ("many",), 1, 1, loops=True),
    "distinct": Function(
        lambda found: (
            Decimal(len({folded(v) if isinstance(v, str) else v for v in _many((found,))}))
            if isinstance(found, tuple)
            else None
        ),
        "表格的一列、一个循环或多选字段", "number", ("many",), 1, 1, loops=True),
    "any": Function(lambda *a: any(v is True for v in _many(a)), "一个循环或几个条件", "bool", ("bools",), 1, 20, loops=True),
    "all": Function(
        lambda *a: all(v is True for v in (a[0] if len(a) == 1 and isinstance(a[0], tuple) else a)),
        "一个循环或几个条件", "bool", ("bools",), 1, 20, loops=True),
    "min": Function(_extreme(min), "表格的一列、一个循环、几个数或几个日期", "same", ("numbers",), 1, 20, loops=True),
    "max": Function(_extreme(max), "表格的一列、一个循环、几个数或几个日期", "same", ("numbers",), 1, 20, loops=True),
    "abs": Function(lambda v: abs(v) if isinstance(v, Decimal) else None, "一个数", "number", ("number",), 1, 1),
    "rounded": Function(_rounded, "一个数和要保留的小数位数", "number", ("number", "number"), 1, 2),
    "default": Function(lambda v, other: other if blank(v) else v, "一个值和没有填写时用的值", "same", ("any", "any"), 2, 2),
    "filled": Function(lambda v: not blank(v), "一个值", "bool", ("any",), 1, 1),
    "blank": Function(blank, "一个值", "bool", ("any",), 1, 1),
    "length": Function(lambda v: Decimal(len(v)) if isinstance(v, str) else None, "一段文字", "number", ("text",), 1, 1),
    "contains": Function(_texts(lambda text, part: part in text), "一段文字和它应含有的文字", "bool", ("text", "text"), 2, 2),
    "starts_with": Function(_texts(str.startswith), "一段文字和它的开头", "bool", ("text", "text"), 2, 2),
    "ends_with": Function(_texts(str.endswith), "一段文字和它的结尾", "bool", ("text", "text"), 2, 2),
    "year": Function(_year, "一个日期", "number", ("date",), 1, 1),
    "days": Function(_days, "两个日期", "number", ("date", "date"), 2, 2),
    "born": Function(_born, "一个居民身份证号码", "date", ("text",), 1, 1),
    "sex": Function(_sex, "一个居民身份证号码", "text", ("text",), 1, 1),
    "age": Function(_age, "出生日期和一个日期", "number", ("date", "date"), 2, 2),
    "add_days": Function(_add_days, "一个日期和天数", "date", ("date", "number"), 2, 2),
    "add_months": Function(_add_months, "一个日期和月数", "date", ("date", "number"), 2, 2),
    "add_years": Function(_add_years, "一个日期和年数", "date", ("date", "number"), 2, 2),
}  # fmt: skip

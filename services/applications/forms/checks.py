"""The checks across sections: one evaluation for `GET /checks`, for submission and for the reviewer."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from services.applications.forms.definition import Check, Form, Operand, RoundFacts
from services.applications.forms.fields import blank

Saved = Mapping[str, Mapping[str, Any] | None]


class Outcome(BaseModel):
    """One check's result: both sides and their difference (null where something is not saved yet)."""

    id: str
    holds: bool
    severity: str
    left: str | None
    right: str | None
    difference: str | None
    message: str
    section: str


def evaluate(form: Form, saved: Saved, round_facts: RoundFacts) -> list[Outcome]:
    """Every check of the form on the saved sections. A check whose round parameter is absent is skipped."""
    return [
        _outcome(check, saved, round_facts)
        for check in form.checks
        if all(
            round_facts.number(name) is not None
            for operand in (check.left, check.right)
            for name in operand.parameters
        )
    ]


def tied(form: Form, sections: set[str]) -> set[str]:
    """The sections that a check of severity error ties to one of these: unlocking one unlocks the others, or a
    corrected amount could never agree with a locked one."""
    found = set(sections)
    while True:
        more = set[str]()
        for check in form.checks:
            ends = {path.split(".")[0] for o in (check.left, check.right) if (path := o.path)}
            if check.severity == "error" and ends & found:
                more |= ends
        if more <= found:
            return found
        found |= more


def _outcome(check: Check, saved: Saved, round_facts: RoundFacts) -> Outcome:
    left = _side(check.left, saved, round_facts)
    right = _side(check.right, saved, round_facts)
    known = left is not None and right is not None
    return Outcome(
        id=check.id,
        holds=known and _compare(check.op, left or Decimal(0), right or Decimal(0)),
        severity=check.severity,
        left=_shown(left),
        right=_shown(right),
        difference=_shown(left - right) if left is not None and right is not None else None,
        message=check.message,
        section=check.section,
    )


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _compare(op: str, left: Decimal, right: Decimal) -> bool:
    return {"==": left == right, "<=": left <= right, ">=": left >= right, ">": left > right}[op]


def _side(operand: Operand, saved: Saved, round_facts: RoundFacts) -> Decimal | None:
    value = _bare(operand, saved, round_facts)
    if value is not None and operand.times:
        factor = round_facts.number(operand.times)
        return None if factor is None else value * factor
    return value


def _bare(operand: Operand, saved: Saved, round_facts: RoundFacts) -> Decimal | None:
    if operand.constant is not None:
        return operand.constant
    if operand.round:
        return round_facts.number(operand.round)
    found = _values(operand.path or "", saved)
    if found is None:
        return None
    if operand.count_distinct:
        return Decimal(len({str(value) for value in found}))
    if operand.sum:
        return sum((Decimal(str(value)) for value in found), Decimal(0))
    return Decimal(str(found[0])) if found else None


def _values(path: str, saved: Saved) -> list[Any] | None:
    """What a path leads to: the values there that are filled in, or None while the section is not saved."""
    section, *rest = path.split(".")
    values = saved.get(section)
    if values is None:
        return None
    match rest:
        case [field]:
            found = [values.get(field)]
        case [table, column]:
            found = [row.get(column) for row in values.get(table) or []]
        case [table, key, column]:
            found = [row.get(column) for row in values.get(table) or [] if row.get("row") == key]
        case _:
            found = []
    return [value for value in found if not blank(value)]


def value_at(path: str, saved: Saved) -> Any:
    """The single value a path leads to, or None."""
    found = _values(path, saved)
    return found[0] if found else None

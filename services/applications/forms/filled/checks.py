"""Evaluate the checks across sections: one way for `GET /checks`, for submission and for the reviewer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from services.applications.forms.definition import Check, Form, Slot, Table
from services.applications.forms.filled.situation import Facts, Saved, Situation
from services.applications.forms.filled.validation import compare, money
from services.applications.forms.formulas.evaluator import TooMuchWork
from services.applications.forms.formulas.in_words import in_words
from services.applications.forms.formulas.names import Target
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import FieldDefinition, blank
from shared.contract.checks import Outcome


def evaluate(form: Form, saved: Saved, facts: Facts) -> list[Outcome]:
    """Return every check of the form on the saved sections.

    A check is skipped when its round lacks a parameter it names, or when its `when` does not hold.
    """
    return evaluate_in(Situation(form, saved, facts))


def evaluate_in(situation: Situation) -> list[Outcome]:
    """Return the same of a situation."""
    return [o for check in situation.form.checks if (o := _outcome(check, situation)) is not None]


def parameters(form: Form, check: Check) -> frozenset[str]:
    """Return the parameters of the round that a check cannot do without."""
    found = (rules_of(form).checks.get((check.id, side)) for side in ("left", "right", "holds", "when"))
    return frozenset(name for rule in found if rule for name in rule.parameters)


def tied(form: Form, sections: set[str]) -> set[str]:
    """Return the sections that a check of severity error ties to one of these: unlocking one unlocks the others, or a
    corrected amount could never agree with a locked one."""
    found = set(sections)
    while True:
        more = set[str]()
        for check in form.checks:
            sides = (rules_of(form).checks.get((check.id, side)) for side in ("left", "right", "holds"))
            ends = {t.section for rule in sides if rule for t in rule.targets if t.section}
            if check.severity == "error" and ends & found:
                more |= ends
        if more <= found:
            return found
        found |= more


def _outcome(check: Check, situation: Situation) -> Outcome | None:
    form = situation.form
    if any(situation.facts.round.value(name) is None for name in parameters(form, check)):
        return None
    rules = rules_of(form).checks
    try:
        if not situation.holds(rules.get((check.id, "when"))):
            return None
        if check.holds:
            return _said(form, check, _side(check, "holds", situation), _saved(check, ("holds",), situation))
        left, right = _side(check, "left", situation), _side(check, "right", situation)
    except TooMuchWork:
        return _said(form, check, False, True)
    holds = compare(check.op or "==", left, right)
    return _said(form, check, holds, _saved(check, ("left", "right"), situation), left, right)


def _saved(check: Check, sides: tuple[str, ...], situation: Situation) -> bool:
    """Tell whether everything that must be saved for these sides is."""
    return not any(situation.missing(rules_of(situation.form).checks[check.id, side]) for side in sides)


def _side(check: Check, side: str, situation: Situation) -> Any:
    rule = rules_of(situation.form).checks[check.id, side]
    return None if situation.missing(rule) else situation.evaluate(rule)


def rule_of(check: Check) -> str | None:
    """Return the rule of a check as a title; None where neither its form nor `check_rules.yaml` says it."""
    return check.rule or _known_rules().get(check.message)


@cache
def _known_rules() -> dict[str, str]:
    file = Path(__file__).with_name("check_rules.yaml")
    return TypeAdapter(dict[str, str]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Words:
    """What people read of a check whatever its values are: its rule, what stands on its two sides (nothing where there are no two
    sides to compare, as in “more than 0”), and how its numbers are written."""

    rule: str
    left: str | None
    right: str | None
    number: Callable[[Decimal], str]


def words_of(form: Form, check: Check) -> Words:
    """Return the words for a check; they are made at the first call and kept with the form."""
    known: dict[str, Words] = vars(form).setdefault("check_words", {})
    if check.id not in known:
        known[check.id] = _words(form, check)
    return known[check.id]


def _words(form: Form, check: Check) -> Words:
    rules = rules_of(form).checks
    sides = [rules[check.id, side] for side in ("left", "right") if (check.id, side) in rules]
    told: list[str | None] = [None, None]
    if len(sides) == 2 and all(rule.targets for rule in sides):
        told = [in_words(form, rule, parameters=False) for rule in sides]
    number = money if in_money(form, sides) else _plain
    return Words(rule_of(check) or check.message, told[0], told[1], number)


def in_money(form: Form, sides: Iterable[Rule]) -> bool:
    """Tell whether an amount of money stands on a side."""
    return any(_is_money(form, target) for rule in sides for target in rule.targets)


def _is_money(form: Form, target: Target) -> bool:
    if target.of == "others":
        return target.part.endswith("_wan")
    if not target.section:
        return False
    part = form.by_key[target.section].by_key[target.part]
    if isinstance(part, Table):
        return any(_amount(c) for c in part.columns if c.key == target.column)
    return not isinstance(part, Slot) and _amount(part)


def _amount(field: FieldDefinition) -> bool:
    return field.unit == "万元" or field.wan_in_unit is not None


def _said(form: Form, check: Check, holds: Any, saved: bool, left: Any = None, right: Any = None) -> Outcome:
    known, words = isinstance(holds, bool), words_of(form, check)
    if words.left is None:
        left = right = None
    numbers = isinstance(left, Decimal) and isinstance(right, Decimal)
    return Outcome(
        id=check.id,
        # What an optional value left open says nothing against: the check has no matter.
        holds=bool(holds) if known else saved,
        severity=check.severity,
        confirm=check.confirm,
        op=check.op,
        left=_shown(left, words.number),
        right=_shown(right, words.number),
        left_of=words.left,
        right_of=words.right,
        difference=words.number(left - right) if numbers else None,
        rule=words.rule,
        message=check.message,
        section=check.section,
        field=check.field,
        known=known,
    )


def _plain(value: Decimal) -> str:
    """Return a number that is no amount: as many decimals as there are."""
    return f"{value.quantize(Decimal('0.000001')).normalize():f}"


def _shown(value: Any, number: Callable[[Decimal], str]) -> str | None:
    if value is None or isinstance(value, tuple):
        return None
    if isinstance(value, Decimal):
        return number(value)
    return ("是" if value else "否") if isinstance(value, bool) else str(value)


def name_in(form: Form, saved: Mapping[str, Mapping[str, Any] | None]) -> Any:
    """Return what an application is called by these values, or None; by its form's label where the form has no place for a name."""
    return value_at(form.project_name, saved) if form.project_name else form.label


def value_at(path: str | None, saved: Mapping[str, Mapping[str, Any] | None]) -> Any:
    """Return the value of `section.field`, or None."""
    section, _, field = (path or "").partition(".")
    value = (saved.get(section) or {}).get(field)
    return None if blank(value) else value

"""Evaluate the checks across sections: one way for `GET /checks`, for submission and for the reviewer."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Check, Form
from services.applications.forms.filled.situation import Facts, Saved, Situation
from services.applications.forms.filled.validation import compare, money
from services.applications.forms.formulas.evaluator import TooMuchWork
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import blank
from shared.contract.checks import Outcome


def evaluate(form: Form, saved: Saved, facts: Facts) -> list[Outcome]:
    """Return every check of the form on the saved sections.

    A check is skipped when its round lacks a parameter it names, or when its `when` does not hold.
    """
    situation = Situation(form, saved, facts)
    return [outcome for check in form.checks if (outcome := _outcome(check, situation)) is not None]


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
            return _said(check, _side(check, "holds", situation), _saved(check, ("holds",), situation))
        left, right = _side(check, "left", situation), _side(check, "right", situation)
    except TooMuchWork:
        return _said(check, False, True)
    holds = compare(check.op or "==", left, right)
    return _said(check, holds, _saved(check, ("left", "right"), situation), left, right)


def _saved(check: Check, sides: tuple[str, ...], situation: Situation) -> bool:
    """Tell whether everything that must be saved for these sides is."""
    return not any(situation.missing(rules_of(situation.form).checks[check.id, side]) for side in sides)


def _side(check: Check, side: str, situation: Situation) -> Any:
    rule = rules_of(situation.form).checks[check.id, side]
    return None if situation.missing(rule) else situation.evaluate(rule)


def _said(check: Check, holds: Any, saved: bool, left: Any = None, right: Any = None) -> Outcome:
    numbers = isinstance(left, Decimal) and isinstance(right, Decimal)
    known = isinstance(holds, bool)
    return Outcome(
        id=check.id,
        # What an optional value left open says nothing against: the check has no matter.
        holds=bool(holds) if known else saved,
        severity=check.severity,
        confirm=check.confirm,
        op=check.op,
        left=_shown(left),
        right=_shown(right),
        difference=money(left - right) if numbers else None,
        message=check.message,
        section=check.section,
        field=check.field,
        known=known,
    )


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, tuple):
        return None
    if isinstance(value, Decimal):
        return money(value)
    return ("是" if value else "否") if isinstance(value, bool) else str(value)


def value_at(path: str | None, saved: Mapping[str, Mapping[str, Any] | None]) -> Any:
    """Return the value of `section.field`, or None."""
    section, _, field = (path or "").partition(".")
    value = (saved.get(section) or {}).get(field)
    return None if blank(value) else value

"""Find conditions that can never hold, or always do: tried on values that stand for all others, with the evaluation that forms
really use. Only what the values prove is claimed: a condition that computes, looks into tables, at the date or at other
applications, or would need more than `MAX_TRIALS`, is left alone.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise, product
from math import prod
from typing import Any

from services.applications.forms.authoring import samples
from services.applications.forms.definition import Form, RoundFacts, Slot, Table
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.formulas.language import Place
from services.applications.forms.formulas.names import Node, Target
from services.applications.forms.formulas.rule import Problem, Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import FieldDefinition

# Situations tried for one condition, and for all conditions of one form together.
MAX_TRIALS = 3000
MAX_ALL_TRIALS = 60_000
# Values compared with one another, at most.
MAX_TOGETHER = 3

_PROVABLE = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Compare, ast.cmpop, ast.Constant, ast.Tuple,
             ast.Load, ast.Name, Place)  # fmt: skip
_OPAQUE = frozenset({"table", "column", "each", "source", "slot", "others", "application", "today"})
# Where a value stands: section, part, column and fixed row; or `round` and a parameter's name.
Spot = tuple[str, ...]
Ask = Callable[[Situation], bool]


def problems(form: Form) -> Iterator[Problem]:
    """Yield every condition of the form that is proved to be without effect."""
    trials = _Trials(form)
    for rule, ask in _questions(form):
        found = trials.answers(rule, ask)
        if found == {False}:
            said = {"visible_if": "这一项永远不会显示", "required_if": "这一项显示时永远不会必填"}
            effect = said.get(rule.role, "写了不起作用")
            yield Problem(rule.at, f"条件“{rule.formula.text}”永远不成立，{effect}")
        elif found == {True}:
            yield Problem(rule.at, f"条件“{rule.formula.text}”总是成立，可以删去", "warning")


def _questions(form: Form) -> Iterator[tuple[Rule, Ask]]:
    for (node, role), rule in rules_of(form).of.items():
        if role in ("visible_if", "required_if"):
            yield rule, _asked(node, role)
    for (section, table, _), rule in rules_of(form).rows.items():
        yield rule, _shown_and_holds(section, table, rule)
    for (section, _), rule in rules_of(form).groups.items():
        yield rule, _shown_and_holds(section, "", rule)
    for (_, side), rule in rules_of(form).checks.items():
        if side in ("when", "holds"):
            yield rule, _shown_and_holds("", "", rule)


def _asked(node: Node, role: str) -> Ask:
    section, part, column = node
    if column:
        ask = Situation.cell_visible if role == "visible_if" else Situation.cell_required
        return lambda s: any(ask(s, row, column) for row in s.rows(section, part)[:1])
    if role == "visible_if":
        return lambda s: s.visible(section, part)
    return lambda s: s.required(section, part)


def _shown_and_holds(section: str, part: str, rule: Rule) -> Ask:
    return lambda s: (not section or s.visible(section, part)) and s.holds(rule)


class _Trials:
    """Answers to questions about one form, within one budget."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._left = MAX_ALL_TRIALS

    def answers(self, rule: Rule, ask: Ask) -> set[bool]:
        """Return what a question can be answered; empty where nothing is proved."""
        rules = _closure(self._form, rule)
        together = _together(rules)
        if together > MAX_TOGETHER or not all(_provable(r) and self._sound(r) for r in rules):
            return set()
        try:
            spots = self._spots(rules, max(together, 1))
        except samples.TooMany:
            return set()
        if prod(len(values) for values in spots.values()) > min(MAX_TRIALS, self._left):
            return set()
        found: set[bool] = set()
        for values in product(*spots.values()):
            self._left -= 1
            found.add(bool(ask(_situation(self._form, dict(zip(spots, values, strict=True)), rule))))
            if len(found) == 2:
                break
        return found

    def _sound(self, rule: Rule) -> bool:
        """Tell whether evaluating it ends, in a form that may still have faults."""
        targets = [(t, _definition(self._form, t)) for t in rule.targets if t.node]
        return rule.node not in rules_of(self._form).circular and all(
            t.node not in rules_of(self._form).circular and (d is None or d.asked) for t, d in targets
        )

    def _spots(self, rules: Iterable[Rule], apart: int) -> dict[Spot, list[Any]]:
        """Return what has to be varied, and the values that stand for all others."""
        nodes = [node for rule in rules for node in ast.walk(rule.formula.tree)]
        constants = list({node.value: None for node in nodes if isinstance(node, ast.Constant)})
        found: dict[Spot, list[Any]] = {}
        for target in (t for rule in rules for t in rule.targets):
            if target.of == "round":
                texts = [c for c in constants if isinstance(c, str)]
                closes = target.part == "closes_on"
                found["round", target.part] = (
                    samples.days(texts, apart) if closes else samples.of_round(constants, apart)
                )
            elif (definition := _definition(self._form, target)) is not None and definition.asked:
                spot = (target.section, target.part, target.column, target.row)
                if spot not in found:
                    lists = self._form.choices_of_its_own
                    found[spot] = samples.of_field(definition, lists, constants, apart)
        return found


def _closure(form: Form, rule: Rule) -> list[Rule]:
    """Return the rule and every condition or formula that decides about the values it looks at."""
    found: dict[int, Rule] = {}
    waiting = [rule, *_deciding(form, rule.node, "")] if rule.node else [rule]
    while waiting:
        current = waiting.pop()
        if id(current) in found:
            continue
        found[id(current)] = current
        for target in current.targets:
            if target.node:
                waiting += _deciding(form, target.node, target.row)
    return list(found.values())


def _deciding(form: Form, node: Node, row: str) -> Iterator[Rule]:
    """Yield the rules that decide whether a value is there, and what it is."""
    section, part, _ = node
    rules = rules_of(form)
    for above in ((section, "", ""), (section, part, ""), node):
        for role in ("visible_if", "value"):
            if rule := rules.of.get((above, role)):
                yield rule
    group = getattr(form.by_key[section].by_key.get(part), "group", None)
    if group and (rule := rules.groups.get((section, group))):
        yield rule
    if row and (rule := rules.rows.get((section, part, row))):
        yield rule


def _provable(rule: Rule) -> bool:
    if rule.role == "value" or any(t.of in _OPAQUE for t in rule.targets):
        return False
    for node in ast.walk(rule.formula.tree):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in ("filled", "blank"):
                return False
        elif not isinstance(node, _PROVABLE):
            return False
        if isinstance(node, ast.Compare) and _orders_texts(node):
            return False
    return True


def _orders_texts(node: ast.Compare) -> bool:
    """Texts have no next one: what lies between two of them cannot be listed."""
    ordered = any(isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in node.ops)
    return ordered and any(
        isinstance(side, Place) and side.target.type == "text" for side in (node.left, *node.comparators)
    )


def _together(rules: Iterable[Rule]) -> int:
    """Return how many values are compared with other values, not with constants."""
    found: set[Target] = set()
    for node in (node for rule in rules for node in ast.walk(rule.formula.tree)):
        if isinstance(node, ast.Compare):
            for left, right in pairwise([node.left, *node.comparators]):
                if isinstance(left, Place) and isinstance(right, Place):
                    found |= {left.target, right.target}
    return len(found)


def _definition(form: Form, target: Target) -> FieldDefinition | None:
    part = form.by_key[target.section].by_key[target.part]
    if isinstance(part, Table):
        return part.by_column.get(target.column)
    return None if isinstance(part, Slot) else part


def _situation(form: Form, values: Mapping[Spot, Any], rule: Rule) -> Situation:
    sections: dict[str, dict[str, Any]] = {}
    parameters: dict[str, Any] = {}
    rows: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    if rule.node and rule.node[2]:
        rows[rule.node[:2]] = {"": {"id": "0"}}
    for spot, value in values.items():
        match spot:
            case ("round", name):
                parameters[name] = value
            case (section, field, "", _):
                sections.setdefault(section, {})[field] = value
            case (section, table, column, key):
                kept = rows.setdefault((section, table), {})
                fresh = {"id": key or "0"} | ({"row": key} if key else {})
                kept.setdefault(key, fresh)[column] = value
    for (section, table), found in rows.items():
        sections.setdefault(section, {})[table] = list(found.values())
    close = parameters.pop("closes_on", None)
    given = {name: value for name, value in parameters.items() if value is not None}
    return Situation(form, sections, Facts(RoundFacts(parameters=given, closes_on=close)))

"""List what a form asks of its round: parameters that formulas name, and lists that options come from."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from services.applications.forms.definition import Form, Table
from services.applications.forms.filled.checks import in_money
from services.applications.forms.formulas import types
from services.applications.forms.formulas.functions import FUNCTIONS
from services.applications.forms.formulas.language import Formula, Place
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import RadioField, SelectField
from services.applications.forms.kinds.numeric import MoneyField
from shared.contract.rounds import Sort

Choice = SelectField | RadioField


@dataclass(frozen=True)
class Need:
    """One parameter: a number, a date or a text, without which the checks that name it are left out, or a list of options,
    without which a field cannot be filled. `used_by` says where, in the form's own words.

    `chosen_from` is the field among whose options the list is ticked: a formula asks whether that field's value is in it.
    `limits_money`: an amount of money stands in a check or a bound that names the number.
    """

    name: str
    kind: Sort
    used_by: tuple[str, ...]
    chosen_from: Choice | None = None
    limits_money: bool = False


def needs(form: Form) -> tuple[Need, ...]:
    """Return every parameter the form names, lists first, in the order of the form."""
    lists: dict[str, list[str]] = {}
    for section in form.sections:
        columns = [(f"{table.label} · ", column) for table in section.tables for column in table.columns]
        for where, field in [("", f) for f in section.fields] + columns:
            name = getattr(field, "options_from", None)
            if name and name not in form.lists and not getattr(field, "options_in_rows", None):
                lists.setdefault(name, []).append(f"{section.label} · {where}{field.label}")
    values: dict[str, tuple[Sort | None, list[str]]] = {}
    for rule in rules_of(form).all():
        for name in rule.parameters - {"closes_on"}:
            kept, used_by = values.get(name, (None, []))
            # The first formula that says what it has to be.
            values[name] = (kept or _sort(form, rule, name), used_by)
            if (words := _words(form, rule)) not in used_by:
                used_by.append(words)
    money = _in_money(form)
    return (
        *(Need(name, "options", tuple(used_by)) for name, used_by in lists.items()),
        *(
            Need(name, sort or "number", tuple(used_by), _chosen_from(form, name), name in money)
            for name, (sort, used_by) in values.items()
            if name not in lists
        ),
    )


def _in_money(form: Form) -> frozenset[str]:
    """Return the parameters of checks and bounds in which an amount of money stands."""
    rules = rules_of(form)
    found = set[str]()
    for check in form.checks:
        sides = [
            rules.checks[check.id, side] for side in ("left", "right", "holds") if (check.id, side) in rules.checks
        ]
        if in_money(form, sides):
            found |= {name for rule in sides for name in rule.parameters}
    for (section, part, column), bounds in rules.bounds.items():
        inner = form.by_key[section].by_key[part]
        field = inner.by_column[column] if isinstance(inner, Table) else inner
        if isinstance(field, MoneyField):
            found |= {name for rule in bounds for name in rule.parameters}
    return frozenset(found)


def _chosen_from(form: Form, name: str) -> Choice | None:
    """Return the field with options whose value a formula looks for in this list; None where there is none."""
    for rule in rules_of(form).all():
        for node in ast.walk(rule.formula.tree):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
                if isinstance(operator, ast.In | ast.NotIn) and _is(right, name) and isinstance(left, Place):
                    field = _field(form, left)
                    if isinstance(field, SelectField | RadioField):
                        return field
    return None


def _field(form: Form, place: Place) -> object:
    target = place.target
    if target.of not in ("field", "cell", "own", "each"):
        return None
    part = form.by_key[target.section].by_key[target.part]
    return part.by_column[target.column] if isinstance(part, Table) else part


def _words(form: Form, rule: Rule) -> str:
    """Return where a formula stands, as people call it."""
    if rule.node is None:
        return form.checks[int(rule.at[1])].message
    section, part, column = rule.node
    found = form.by_key[section]
    if not part:
        return found.label
    inner = found.by_key[part]
    table = found.table(part)
    return f"{found.label} · {inner.label}" + (f" · {table.by_column[column].label}" if table and column else "")


def _sort(form: Form, rule: Rule, name: str) -> Sort | None:
    """Return what a parameter has to be, from what it stands beside; None where that says nothing."""
    for beside in _beside(rule.formula, name):
        if beside == "list":
            return "options"
        if sort := _of_type(beside):
            return sort
    if rule.role in ("than", "value", "default") and rule.node and _is(rule.formula.tree, name):
        section, part, column = rule.node
        found = form.by_key[section]
        table = found.table(part)
        field = table.by_column[column] if table else found.field(part)
        return _of_type(field.type if field else "")
    left, right = (rules_of(form).checks.get((_check(form, rule), side)) for side in ("left", "right"))
    if rule.role in ("left", "right") and _is(rule.formula.tree, name):
        other = right if rule.role == "left" else left
        return _of_type(other.type if other else "")
    return None


def _of_type(found: str) -> Sort | None:
    known: dict[str, Sort] = {"date": "date", "text": "text", "number": "number", "numbers": "number"}
    return known.get(found)


def _check(form: Form, rule: Rule) -> str:
    return form.checks[int(rule.at[1])].id if rule.node is None else ""


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, Place) and node.target.of == "round" and node.target.part == name


def _beside(formula: Formula, name: str) -> Iterator[str]:
    """Yield the types that a formula compares a parameter with, or asks for where it stands; `list` where it looks into it."""
    for node in ast.walk(formula.tree):
        if isinstance(node, ast.Call):
            yield from _asked(node, name)
        elif isinstance(node, ast.IfExp) and (_is(node.body, name) or _is(node.orelse, name)):
            yield types.of_node(node.orelse if _is(node.body, name) else node.body)
        elif isinstance(node, ast.BinOp) and (_is(node.left, name) or _is(node.right, name)):
            yield "number"
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
                if isinstance(operator, ast.In | ast.NotIn):
                    if _is(right, name):
                        yield "list"
                    elif _is(left, name):
                        yield types.element(types.of_node(right))
                elif _is(left, name) or _is(right, name):
                    other = right if _is(left, name) else left
                    yield types.of_node(other)


def _asked(node: ast.Call, name: str) -> Iterator[str]:
    """Yield what a function asks for where a parameter is given to it."""
    assert isinstance(node.func, ast.Name)
    function = FUNCTIONS[node.func.id]
    for at, argument in enumerate(node.args):
        if not _is(argument, name):
            continue
        wanted = function.arguments[min(at, len(function.arguments) - 1)]
        if wanted == "many":
            yield "list"
        elif function.gives == "same":
            yield from (types.of_node(other) for other in node.args if other is not argument)
        else:
            yield wanted

"""Compile formulas that may name a form's conditions: `condition.key` stands for what that condition says, bound as at the form's top."""

import ast
from collections.abc import Iterator

from services.applications.forms.definition import Form, Section, Table
from services.applications.forms.formulas import types
from services.applications.forms.formulas.language import Formula, Mistake, Place, measure, parse
from services.applications.forms.formulas.names import bind

PREFIX = "condition"


def compiled(
    form: Form, text: str, section: Section | None, table: Table | None, above: tuple[str, ...] = ()
) -> Formula:
    """Return a formula with its names bound, from where it stands. `above` are the conditions that it is a part of; `Mistake` where one leads to itself."""
    formula = parse(text)
    if not form.conditions:
        bind(form, formula.tree, section, table, {})
        return formula
    tree = _Named(form, above).visit(formula.tree)
    measure(tree)
    bind(form, tree, section, table, {})
    return Formula(text, tree, tuple(_places(tree)))


class _Named(ast.NodeTransformer):
    def __init__(self, form: Form, above: tuple[str, ...]) -> None:
        self._form = form
        self._above = above

    def visit_Place(self, node: Place) -> ast.expr:
        if len(node.parts) != 2 or node.parts[0] != PREFIX:
            return node
        name = node.parts[1]
        if name not in self._form.conditions:
            known = "、".join(self._form.conditions)
            raise Mistake(f"conditions 中没有“{name}”；有 {known}")
        if name in self._above:
            raise Mistake(f"条件绕成了一圈：{'、'.join((*self._above, name))}")
        found = compiled(self._form, self._form.conditions[name].holds, None, None, (*self._above, name))
        if not types.fits(kind := types.of(found), "bool"):
            raise Mistake(f"“{PREFIX}.{name}”得出的不是条件（{kind}）")
        return found.tree


def _places(node: ast.AST) -> Iterator[Place]:
    """Yield the places of a tree in reading order."""
    if isinstance(node, Place):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _places(child)

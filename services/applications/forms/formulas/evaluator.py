"""Evaluate a compiled formula with simpleeval, with our operators and functions, within a budget of steps."""

import ast
from collections.abc import Callable
from typing import Any

from simpleeval import SimpleEval

from services.applications.forms.formulas.functions import FUNCTIONS, OPERATORS
from services.applications.forms.formulas.language import Each, Formula, Place

# Steps of one situation: far above what an honest form needs, less than a second of work.
MAX_STEPS = 300_000


_FUNCTIONS = {name: function.work for name, function in FUNCTIONS.items()}


class TooMuchWork(Exception):
    """The formulas of a form take more steps than their budget."""


class Evaluator(SimpleEval):  # type: ignore[misc]
    """Walks bound formulas. `look_up(target, variables, row)` gives the value of a place: the variables of
    loops and the row at hand are rows of tables."""

    def __init__(self, look_up: Callable[[Any, dict[str, Any], Any], Any]) -> None:
        # Not SimpleEval's own: for every form that is judged it would mute the process's warnings, and bind nodes that no formula of ours has.
        self.operators, self.functions, self.names = OPERATORS, _FUNCTIONS, dict[str, Any]()
        self._look_up = look_up
        self._variables: dict[str, Any] = {}
        self._row: Any = None
        self.renew()
        self.nodes: dict[type, Callable[[Any], Any]] = {
            ast.UnaryOp: self._eval_unaryop,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._eval_boolop,
            ast.Compare: self._eval_compare,
            ast.IfExp: self._eval_ifexp,
            ast.Call: self._eval_call,
            ast.Constant: lambda node: node.value,
            ast.Tuple: lambda node: tuple(item.value for item in node.elts),
            Place: lambda node: self._look_up(node.target, self._variables, self._row),
            Each: self._loop,
        }

    def renew(self) -> None:
        """Begin a budget anew."""
        self.steps = MAX_STEPS

    def value(self, formula: Formula, row: Any = None) -> Any:
        """Return what a formula gives; a row's own columns are those of `row`. `TooMuchWork` over the budget."""
        before = self._row, self._variables
        self._row, self._variables = row, {}
        try:
            return self._eval(formula.tree)
        finally:
            self._row, self._variables = before

    def _eval(self, node: ast.expr) -> Any:
        self.steps -= 1
        if self.steps < 0:
            raise TooMuchWork
        return self.nodes[type(node)](node)

    def _loop(self, node: Each) -> tuple[Any, ...]:
        rows = self._eval(node.rows)
        found = []
        outer = self._variables.get(node.variable)
        for row in rows or ():
            self._variables[node.variable] = row
            if all(self._eval(condition) is True for condition in node.conditions):
                found.append(self._eval(node.element))
        self._variables[node.variable] = outer
        return tuple(found)

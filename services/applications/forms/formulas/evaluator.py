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


# `look_up(target, variables, row)` gives the value of a place: the variables of loops and the row at hand are rows of tables.
LookUp = Callable[[Any, dict[str, Any], Any], Any]


def _nowhere(*_: object) -> Any:
    raise AssertionError("no formula is being evaluated")


class Evaluator(SimpleEval):  # type: ignore[misc]
    """Walks bound formulas. Nothing of it leads back to itself or to whoever asks, so that it goes with its situation at once and
    leaves the garbage collection nothing, which would stop every request meanwhile."""

    def __init__(self) -> None:
        # Not SimpleEval's own: for every form that is judged it would mute the process's warnings, and bind nodes that no formula of ours has.
        self.operators, self.functions, self.names = OPERATORS, _FUNCTIONS, dict[str, Any]()
        self._look_up: LookUp = _nowhere
        self._variables: dict[str, Any] = {}
        self._row: Any = None
        self.renew()

    def renew(self) -> None:
        """Begin a budget anew."""
        self.steps = MAX_STEPS

    def value(self, formula: Formula, look_up: LookUp, row: Any = None) -> Any:
        """Return what a formula gives; a row's own columns are those of `row`. `TooMuchWork` over the budget."""
        before = self._row, self._variables, self._look_up
        self._row, self._variables, self._look_up = row, {}, look_up
        try:
            return self._eval(formula.tree)
        finally:
            self._row, self._variables, self._look_up = before

    def _eval(self, node: ast.expr) -> Any:
        self.steps -= 1
        if self.steps < 0:
            raise TooMuchWork
        return _NODES[type(node)](self, node)

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


_NODES: dict[type, Callable[[Evaluator, Any], Any]] = {
    **{
        node: SimpleEval().nodes[node].__func__
        for node in (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call)
    },
    ast.Constant: lambda _, node: node.value,
    ast.Tuple: lambda _, node: tuple(item.value for item in node.elts),
    Place: lambda self, node: self._look_up(node.target, self._variables, self._row),
    Each: Evaluator._loop,
}

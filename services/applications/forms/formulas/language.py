"""Parse a formula: a condition, a computed value or a side of a check.

Python parses, simpleeval evaluates; the tables here say what a formula may do, and that is little: names of values, numbers,
texts, comparisons, `and or not`, `+ - * /`, `a if c else b`, the functions of `FUNCTIONS`, and one loop, over the rows of
a table: `any(r.amount > 5 for r in section.table if r.kind == "x")`. Numbers are decimals. A formula cannot reach
anything that it is not given, and ends within its budget of steps.

What is not filled in is unknown. Nothing follows from the unknown: a comparison with it or a sum with it is unknown
too, `==` and `!=` excepted, which compare with it like with any other value; and a condition that is unknown does not
hold. Functions over columns pass over what is not filled in.
"""

import ast
import re
import warnings
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.applications.forms.formulas.functions import FUNCTIONS
from services.applications.forms.formulas.syntax_messages import of_syntax

MAX_LENGTH = 1000
MAX_DEPTH = 24
MAX_NODES = 300

Path = tuple[str, ...]


class Mistake(ValueError):
    """A formula that cannot be used; the message says why, in Chinese."""


class Place(ast.expr):
    """Stands in the tree for a name; `target` is what whoever binds the formula put there."""

    parts: Path
    target: Any


class Each(ast.expr):
    """A loop over rows: `element` for every row of `rows` for which all `conditions` hold."""

    _fields = ("element", "rows", "conditions")
    variable: str
    element: ast.expr
    rows: Place
    conditions: list[ast.expr]


@dataclass(frozen=True)
class Formula:
    """A parsed formula: its tree and the places it names, in reading order."""

    text: str
    tree: ast.expr
    places: tuple[Place, ...]


_PLAIN = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div,
          ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.IfExp, ast.Load)  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")
# Formulas are data and may say `true` as YAML does.
_WORDS = {"true": True, "false": False, "null": None}


def parse(text: str) -> Formula:
    """Return a formula from its text; `Mistake` says what is wrong with it."""
    if len(text) > MAX_LENGTH:
        raise Mistake(f"超过 {MAX_LENGTH} 字")
    if not text.split():
        raise Mistake("是空的")
    one_line = " ".join(text.split())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(one_line, mode="eval").body
    except SyntaxError as error:
        raise Mistake(of_syntax(error, one_line)) from None
    except (ValueError, RecursionError, MemoryError):
        raise Mistake("太复杂，无法读取") from None
    measure(tree)
    return _Reader(one_line, text).read(tree)


def measure(tree: ast.AST) -> None:
    """Raise `Mistake` when a tree is too deep or too large, found without recursion."""
    count, level, depth = 0, [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        count += len(level)
        if depth > MAX_DEPTH or count > MAX_NODES * 2:
            raise Mistake(f"太长或嵌套太深（最多 {MAX_DEPTH} 层、{MAX_NODES} 个成分），请拆成几个自动计算项")


class _Reader:
    """Turns Python's tree into ours, refusing everything that is not named here."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._text = text
        self._places: list[Place] = []

    def read(self, tree: ast.expr) -> Formula:
        return Formula(self._text, self._node(tree), tuple(self._places))

    def _node(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Name(id=word) if word in _WORDS:
                return ast.Constant(_WORDS[word])
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._place(_parts(node))
            case ast.Constant():
                return self._constant(node)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                if not all(isinstance(item, ast.Constant) for item in items):
                    raise Mistake("括号里的一组值只能是数和文字")
                return ast.Tuple(
                    [self._constant(item) for item in items if isinstance(item, ast.Constant)], ast.Load()
                )
            case ast.Call():
                return self._call(node)
            case ast.GeneratorExp() | ast.ListComp():
                raise Mistake("循环要单独写在函数的括号里，如“sum(r.amount for r in table)”")
            case _ if isinstance(node, _PLAIN):
                for name, value in ast.iter_fields(node):
                    if isinstance(value, ast.expr):
                        setattr(node, name, self._node(value))
                    elif isinstance(value, list):
                        setattr(node, name, [self._node(v) if isinstance(v, ast.expr) else self._operator(v, node) for v in value])  # fmt: skip
                    elif isinstance(value, ast.AST):
                        self._operator(value, node)
                return node
        raise Mistake(f"不能用“{self._written(node)}”这种写法")

    def _operator(self, node: ast.AST, inside: ast.expr) -> ast.AST:
        if not isinstance(node, _PLAIN):
            raise Mistake(
                f"“{self._written(inside)}”中的运算符不能用；可用的有“+ - * / == != < <= > >= in and or not”"
            )
        return node

    def _written(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._source, node) or self._source

    def _constant(self, node: ast.Constant) -> ast.Constant:
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            # As written: a float has already lost what 0.1 means.
            written = ast.get_source_segment(self._source, node) or ""
            if not _NUMBER.fullmatch(written):
                raise Mistake(f"数“{written}”的写法不对，应如 1000、0.5")
            return ast.Constant(Decimal(written))  # type: ignore[arg-type]  # our walk knows decimals
        if value is None or isinstance(value, bool | str):
            return node
        raise Mistake(f"不能用“{self._written(node)}”这种写法")

    def _place(self, parts: Path) -> Place:
        place = Place()
        place.parts = parts
        place.target = None
        self._places.append(place)
        return place

    def _call(self, node: ast.Call) -> ast.Call:
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise Mistake(f"没有函数“{self._written(node.func)}”；有 {'、'.join(sorted(FUNCTIONS))}")
        signature = FUNCTIONS[node.func.id]
        if node.keywords:
            raise Mistake(f"{node.func.id}() 的括号里不能写等号“=”")
        if not signature.least <= len(node.args) <= signature.most:
            raise Mistake(f"{node.func.id}() 的括号里应写{signature.takes}")
        loops = [a for a in node.args if isinstance(a, ast.GeneratorExp)]
        if loops and not signature.loops:
            raise Mistake(f"{node.func.id}() 的括号里不能写循环")
        arguments = [self._each(a) if isinstance(a, ast.GeneratorExp) else self._node(a) for a in node.args]
        return ast.Call(ast.Name(node.func.id, ast.Load()), arguments, [])

    def _each(self, node: ast.GeneratorExp) -> Each:
        if len(node.generators) != 1:
            raise Mistake("一个循环只走一张表格；第二张请写在里面的另一个函数中")
        loop = node.generators[0]
        if not isinstance(loop.target, ast.Name) or not isinstance(
            loop.iter, ast.Name | ast.Attribute | ast.Subscript
        ):
            raise Mistake("循环应写成“for r in 材料.表格”")
        each = Each()
        each.variable = loop.target.id
        each.rows = self._place(_parts(loop.iter))
        each.element = self._node(node.elt)
        each.conditions = [self._node(c) for c in loop.ifs]
        return each


def _parts(node: ast.expr) -> Path:
    """`a.b["c"]` as its parts."""
    parts: list[str] = []
    while True:
        match node:
            case ast.Attribute(value=inner, attr=name):
                parts.append(name)
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=str(name))):
                parts.append(name)
                node = inner
            case ast.Name(id=name):
                return (name, *reversed(parts))
            case _:
                raise Mistake("名称应写成：材料.字段、材料.表格.列 或 round.参数")

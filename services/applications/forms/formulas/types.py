"""Check the types of formulas: `number`, `text`, `date`, `bool`, `list`, `rows`, `column of …`, `null`, or `any` where only the
round knows. A formula whose types cannot agree is a mistake of its form, found before any value is typed."""

import ast

from services.applications.forms.formulas import type_names
from services.applications.forms.formulas.functions import FUNCTIONS, day
from services.applications.forms.formulas.language import Each, Formula, Mistake, Place

_LOOSE = {"any", "null"}
_NUMBERS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def fits(found: str, wanted: str) -> bool:
    """Tell whether a value of one type may stand where another is wanted."""
    return found == wanted or "any" in (found, wanted) or found == "null"


def comparable(left: str, right: str) -> bool:
    return left == right or bool({left, right} & _LOOSE)


def element(found: str) -> str:
    """Return the type of what stands in a column, list or loop."""
    return "text" if found == "list" else found.removeprefix("column of ")


def of(formula: Formula) -> str:
    """Return the type of a bound formula; `Mistake` where types do not agree."""
    return _of(formula.tree)


def of_node(node: ast.expr) -> str:
    """Return the type of a part of a formula."""
    return _of(node)


def _of(node: ast.expr) -> str:  # noqa: PLR0911, PLR0912 (one case a kind of node)
    match node:
        case Place():
            return str(node.target.type)
        case Each():
            for condition in node.conditions:
                _want(condition, "bool")
            return f"column of {_of(node.element)}"
        case ast.Constant(value=constant):
            return {bool: "bool", str: "text", type(None): "null"}.get(type(constant), "number")
        case ast.Tuple(elts=items):
            kinds = {_of(item) for item in items}
            return f"column of {kinds.pop()}" if len(kinds) == 1 else "column of any"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _want(operand, "bool")
        case ast.UnaryOp(operand=operand):
            return _want(operand, "number")
        case ast.BoolOp(values=values):
            for value in values:
                _want(value, "bool")
            return "bool"
        case ast.BinOp(left=left, right=right):
            _want(left, "number")
            return _want(right, "number")
        case ast.Compare():
            return _compare(node)
        case ast.IfExp(test=test, body=then, orelse=other):
            _want(test, "bool")
            return _same([then, other])
        case ast.Call():
            return _call(node)
    raise Mistake("不能用这种写法")


def _want(node: ast.expr, wanted: str) -> str:
    found = _of(node)
    if not fits(found, wanted):
        raise Mistake(f"应为{type_names.of_type(wanted)}的地方写了{type_names.of_type(found)}")
    return wanted


def _same(nodes: list[ast.expr]) -> str:
    """Return the one type of several, a text that is a day counting as a date where dates stand."""
    kinds = {_of(node) for node in nodes} - _LOOSE
    if kinds == {"date", "text"} and all(_of(n) != "text" or _is_day(n) for n in nodes):
        return "date"
    if len(kinds) > 1:
        hint = "；数不加引号，文字加引号" if kinds == {"number", "text"} else ""
        raise Mistake(
            f"{'与'.join(type_names.of_type(kind) for kind in sorted(kinds))}不是一类，不能放在一起比较或选用{hint}"
        )
    return kinds.pop() if kinds else "any"


def _is_day(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and day(node.value) is not None


def _compare(node: ast.Compare) -> str:
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn):
            container = _of(right)
            if container not in ("any", "list") and not container.startswith("column of "):
                raise Mistake(f"“in”后面应是一组值、多选字段或表格的一列，不能是{type_names.of_type(container)}")
            inner = "any" if container == "any" else element(container)
            if not comparable(_of(left), inner) and not (inner == "date" and _is_day(left)):
                raise Mistake(f"一组{type_names.of_type(inner)}之中不会有{type_names.of_type(_of(left))}")
        else:
            kind = _same([left, right])
            ordered = not isinstance(operator, ast.Eq | ast.NotEq)
            if kind in ("rows", "list") or kind.startswith("column of ") or (ordered and kind == "bool"):
                raise Mistake(f"{type_names.of_type(kind)}不能这样比较；请用 in、any() 或 count()")
        left = right
    return "bool"


def _call(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    function = FUNCTIONS[node.func.id]
    kinds = [_of(argument) for argument in node.args]
    first = function.arguments[0]
    if first == "many":
        many = kinds[0] in ("rows", "list", "any") or kinds[0].startswith("column of ")
        if not many or (node.func.id == "distinct" and kinds[0] == "rows"):
            raise Mistake(f"{node.func.id}() 的括号里应写{function.takes}，不能是{type_names.of_type(kinds[0])}")
        return function.gives
    if first in ("numbers", "bools"):
        inner = [element(kind) for kind in kinds] if len(kinds) == 1 else kinds
        wanted = "bool" if first == "bools" else "number"
        for kind in inner:
            alright = fits(kind, wanted) or (function.gives == "same" and kind == "date")
            if not alright or kind in ("rows", "list"):
                raise Mistake(f"{node.func.id}() 的括号里应写{function.takes}，不能是{type_names.of_type(kind)}")
        if function.gives != "same":
            return function.gives
        return _same(list(node.args)) if len(inner) > 1 else inner[0]
    for argument, kind, wanted in zip(node.args, kinds, function.arguments, strict=False):
        if not fits(kind, wanted) and not (wanted == "date" and _is_day(argument)):
            raise Mistake(
                f"{node.func.id}() 的括号里应写{function.takes}；应为{type_names.of_type(wanted)}的地方写了{type_names.of_type(kind)}"
            )
    return _same(list(node.args)) if function.gives == "same" else function.gives

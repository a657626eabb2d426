"""Put formulas into the words of a form: its labels instead of its keys, 等于 instead of `==`. For people who read what changed,
not for evaluating."""

import ast
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.formulas.language import Each, Place
from services.applications.forms.formulas.names import Target
from services.applications.forms.formulas.rule import Rule

_OPERATORS: dict[type, str] = {
    ast.Eq: "等于", ast.NotEq: "不等于", ast.Lt: "小于", ast.LtE: "不大于", ast.Gt: "大于", ast.GtE: "不小于",
    ast.In: "属于", ast.NotIn: "不属于", ast.Add: "＋", ast.Sub: "－", ast.Mult: "×", ast.Div: "÷",
}  # fmt: skip
_FUNCTIONS = {
    "sum": "{0}之和", "count": "{0}的个数", "distinct": "{0}中不同的个数", "any": "任一{0}", "all": "每一{0}",
    "min": "{0}中最小的", "max": "{0}中最大的", "abs": "{0}的绝对值", "rounded": "{0}四舍五入", "default": "{0}（未填时为{1}）",
    "filled": "{0}已填写", "blank": "{0}未填写", "length": "{0}的字数", "contains": "{0}含有{1}", "starts_with": "{0}以{1}开头",
    "ends_with": "{0}以{1}结尾", "year": "{0}的年份", "days": "{0}至{1}的天数", "born": "{0}中的出生日期", "sex": "{0}中的性别", "age": "{0}出生的人在{1}的周岁", "add_days": "{0}后{1}天",
    "add_months": "{0}后{1}个月", "add_years": "{0}后{1}年",
}  # fmt: skip
_OTHERS = {
    "count": "本年度其他申请的件数",
    "applied_wan": "本年度其他申请的金额",
    "same_type_count": "本年度同类其他申请的件数",
    "same_type_applied_wan": "本年度同类其他申请的金额",
    "same_name_count": "本年度同名其他申请的件数",
}


def in_words(form: Form, rule: Rule, *, parameters: bool = True) -> str:
    """Return a rule of this form as a phrase in Chinese; values of its own section without the section's name. Without `parameters`
    those of a round that have no label are not called by their names, for people who do not know them."""
    return _Words(form, form.section(rule.node[0]) if rule.node else None, parameters).of(rule.formula.tree)


class _Words:
    def __init__(self, form: Form, here: Section | None, parameters: bool) -> None:
        self._form = form
        self._parameters = parameters
        self._here = here

    def of(self, node: ast.expr) -> str:  # noqa: PLR0911 (one case a kind of node)
        match node:
            case Place():
                return self._place(node.target)
            case ast.Constant(value=value):
                return self._constant(value)
            case ast.Tuple(elts=items):
                return "、".join(self.of(item) for item in items)
            case Each():
                where = "且".join(self.of(condition) for condition in node.conditions)
                return f"{self.of(node.rows)}中{where + '的' if where else ''}{self.of(node.element)}"
            case ast.UnaryOp(op=ast.Not()):
                return f"并非{self._inner(node.operand)}"
            case ast.UnaryOp():
                return f"负{self._inner(node.operand)}"
            case ast.BoolOp():
                word = "且" if isinstance(node.op, ast.And) else "或"
                return word.join(self._inner(value) for value in node.values)
            case ast.BinOp():
                return f"{self._inner(node.left)}{_OPERATORS[type(node.op)]}{self._inner(node.right)}"
            case ast.Compare():
                return self._compare(node)
            case ast.IfExp():
                return f"{self.of(node.test)}时为{self.of(node.body)}，否则为{self.of(node.orelse)}"
            case ast.Call(func=ast.Name(id=name), args=[start, ast.UnaryOp(op=ast.USub(), operand=count)]) if (
                name.startswith("add_")
            ):
                return _FUNCTIONS[name].replace("后", "前").format(self._inner(start), self._inner(count))
            case ast.Call(func=ast.Name(id=name)):
                return _FUNCTIONS[name].format(*(self._inner(a) for a in node.args), "")
        return ast.unparse(node)

    def _inner(self, node: ast.expr) -> str:
        said = self.of(node)
        return f"（{said}）" if isinstance(node, ast.BoolOp | ast.BinOp | ast.IfExp) else said

    def _compare(self, node: ast.Compare) -> str:
        said = self._inner(node.left)
        for i, (operator, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            said += f"{'且' if i else ''}{_OPERATORS[type(operator)]}{self._inner(right)}"
        return said

    @staticmethod
    def _constant(value: Any) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        if value is None:
            return "空"
        return f"{value.normalize():f}" if isinstance(value, Decimal) else f"“{value}”"

    def _parameter(self, name: str) -> str:
        if name in self._form.parameters:
            return f"本批次的“{self._form.parameter_label(name)}”"
        return f"批次参数“{name}”" if self._parameters else "本批次规定的数值"

    def _place(self, target: Target) -> str:
        match target.of:
            case "round":
                return "批次的截止日期" if target.part == "closes_on" else self._parameter(target.part)
            case "others":
                return _OTHERS[target.part]
            case "application":
                return "本申请新建的日期"
            case "today":
                return "当天"
        section = self._form.by_key[target.section]
        part = section.by_key[target.part]
        names = [] if section is self._here else [section.label]
        if target.of not in {"own", "each", "source"}:
            names.append(part.label)
        if isinstance(part, Table):
            if target.row:
                names.append(part.by_row[target.row].label)
            if target.column:
                names.append(part.by_column[target.column].label)
        elif isinstance(part, Slot):
            return f"“{'·'.join(names)}”的附件"
        return f"“{'·'.join(names)}”"

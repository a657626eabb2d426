"""Lay out the properties of a part of a form as controls with help, and read them back."""

from dataclasses import dataclass
from typing import Any

from services.gateway.web.form_data import Values
from shared.contract.workbench import OutlineEntry

SORTS = {
    "sections": "材料",
    "fields": "字段",
    "tables": "表格",
    "columns": "列",
    "slots": "附件",
    "checks": "核对",
}
# What stands below what: where 添加 puts a new part.
ADDS = {"sections": ("fields", "tables", "slots"), "tables": ("columns",)}
KINDS = {
    "text": "文本", "textarea": "长文本", "integer": "整数", "decimal": "小数", "money": "金额", "percent": "百分比", "date": "日期",
    "year": "年份", "target": "目标值", "select": "下拉选择", "radio": "单选", "multiselect": "多选", "checkbox": "勾选", "phone": "联系电话",
    "mobile": "手机号码", "email": "电子邮箱", "postcode": "邮政编码", "uscc": "统一社会信用代码", "id_card": "居民身份证号码", "passport": "证件号码",
    "bank_account": "银行账号", "computed": "自动计算项", "fixed_text": "说明文字",
}  # fmt: skip
_CHOICES = frozenset({"select", "radio", "multiselect"})
_CONDITION = '写条件，如 kind == "境外展会"、filled(name)、amount_wan > 10；可以用本材料的字段、“材料.字段”、round.参数、today。'
_LIST, _NUMBER, _FORMULA, _TEXT, _LINES = "list", "number", "formula", "text", "lines"


@dataclass(frozen=True)
class Property:
    """A property by its name in the text: what it is called, what is said about it, how it is set. `options` are values with their words; the
    empty one takes the line away."""

    name: str
    label: str
    help: str = ""
    control: str = _TEXT
    options: tuple[tuple[str, str], ...] = ()
    kinds: frozenset[str] | None = None
    not_kinds: frozenset[str] = frozenset()


def _yes(name: str, label: str, no: str, yes: str, *, usual: bool, help: str = "") -> Property:
    """A property that is true or false, of which the usual one need not be written."""
    usually, else_ = (yes, ("false", no)) if usual else (no, ("true", yes))
    return Property(name, label, help, "choice", (("", usually), else_))


_COMPUTED = frozenset({"computed", "fixed_text"})
PROPERTIES = {p.name: p for p in (
    Property("label", "名称", "给人看的名称。", _TEXT),
    Property("title", "标题", "材料页面和申报书里的标题。", _TEXT),
    Property("kind", "种类", "填什么。", "choice", tuple(KINDS.items())),
    _yes("required", "必填", "选填", "必填", usual=True),
    Property("visible_if", "显示条件", f"什么情况下才显示；不写就总是显示。{_CONDITION}", _FORMULA),
    Property("required_if", "必填条件", f"什么情况下必填。{_CONDITION}", _FORMULA),
    Property("help", "填写说明", "显示在旁边的说明。", _LINES),
    Property("example", "示例", "如：北京市东城区某街某号。"),
    Property("unit", "单位", "如：件、人、元。", kinds=frozenset({"integer", "decimal", "money", "computed"})),
    Property("min", "最小", "文本是最少字数，数是最小值。", _NUMBER, not_kinds=_COMPUTED | _CHOICES),
    Property("max", "最大", "文本是最多字数，数是最大值。", _NUMBER, not_kinds=_COMPUTED | _CHOICES),
    Property("options", "选项", "每行一个。", _LIST, kinds=_CHOICES),
    Property("value", "计算公式", "如 sum(costs.amount_wan)、applied_wan / total_wan * 100。", _FORMULA, kinds=frozenset({"computed"})),
    Property("default", "先填好的值", "公式：\"0\"、today、budget.spent_wan；打开时已填好，可以修改。", _FORMULA, not_kinds=_COMPUTED),
    Property("audience", "给谁看", "评审专家看不到的，写“仅申报单位和工作人员”。", "choice", (("", "评审专家也能看"), ("bureau", "仅申报单位和工作人员"))),
    Property("width", "打印宽度", "列在打印件上占的宽度，1 至 100，默认 10。", _NUMBER),
    _yes("unique", "不能重复", "可以重复", "不能重复", usual=False),
    Property("min_rows", "最少行数", "", _NUMBER),
    Property("max_rows", "最多行数", "", _NUMBER),
    Property("totals", "合计哪些列", "每行写一列的代号。", _LIST),
    Property("accept", "收哪些类型", "每行一种：pdf、jpg、jpeg、png；不写就都收。", _LIST),
    Property("max_mb", "单个文件最大（MB）", "1 至 100，默认 20。", _NUMBER),
    Property("max_files", "最多几个文件", "默认 5。", _NUMBER),
    _yes("personal", "含个人信息", "不含，评审专家可以看", "可能含有，不给评审专家看", usual=True),
    Property("rule", "规则", "核对的标题，写必须怎样，如“申请金额不超过费用合计”。"),
    Property("message", "不符合时的提示", "写哪里不对，如“申请金额超过费用合计”。"),
    Property("left", "左边", "公式，如 budget.applied_wan；与“比较”“右边”一起写。", _FORMULA),
    Property("op", "比较", "", "choice", (("", "不比较"), *((o, o) for o in ("==", "<=", ">=", "<", ">", "!=")))),
    Property("right", "右边", "公式，如 budget.spent_wan * round.ratio_max。", _FORMULA),
    Property("holds", "必须成立的条件", "不写左右两边时，写一个条件。", _FORMULA),
    Property("when", "什么情况下核对", "不写就总是核对。", _FORMULA),
    Property("severity", "轻重", "", "choice", (("", "不满足不能提交"), ("warning", "只提示"))),
    _yes("confirm", "须说明情况", "不用", "说明后才能提交（只用于只提示的核对）", usual=False),
    Property("section", "到哪项材料改", "材料的代号。"),
    Property("field", "到哪个字段改", "字段的代号，可以不写。"),
)}  # fmt: skip
OF = {
    "sections": ("label", "title", "required", "visible_if", "required_if", "help"),
    "fields": (
        "label", "kind", "required", "visible_if", "required_if", "help", "example", "unit", "min", "max", "options", "value",
        "default", "audience",
    ),
    "tables": ("label", "required", "visible_if", "required_if", "help", "min_rows", "max_rows", "totals", "audience"),
    "columns": (
        "label", "kind", "required", "visible_if", "required_if", "help", "unit", "min", "max", "options", "value", "width",
        "unique", "audience",
    ),
    "slots": ("label", "required", "visible_if", "required_if", "help", "accept", "max_mb", "max_files", "personal"),
    "checks": ("rule", "message", "left", "op", "right", "holds", "when", "severity", "confirm", "section", "field"),
}  # fmt: skip


def shown(entry: OutlineEntry) -> list[tuple[Property, str]]:
    """Return the properties that a part of this sort and kind has, each with what stands there as a text; those that stand there although
    the kind has no use for them, too, so that they can be taken out."""
    return [
        (found, _text(entry.values.get(name)))
        for name in OF[entry.sort]
        if name not in entry.by_hand and (_fits(found := PROPERTIES[name], entry.kind) or name in entry.values)
    ]


def _fits(found: Property, kind: str | None) -> bool:
    return kind is None or (kind not in found.not_kinds and (found.kinds is None or kind in found.kinds))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "\n".join(value) if isinstance(value, list) else "" if value is None else str(value)


def read(form: Values) -> dict[str, Any]:
    """Return what was changed by name, against what the page showed (`b.…`); what was emptied is null."""
    found: dict[str, Any] = {}
    for name, known in PROPERTIES.items():
        if f"v.{name}" not in form:
            continue
        typed, before = ("\n".join(form.get(f"{of}.{name}", [""])).replace("\r\n", "\n").strip() for of in "vb")
        if typed != before:
            found[name] = _value(known, typed)
    return found


def _value(known: Property, typed: str) -> Any:
    if not typed:
        return None
    if known.control == _LIST:
        return [line.strip() for line in typed.splitlines() if line.strip()]
    if typed in ("true", "false") and known.control == "choice":
        return typed == "true"
    # Numbers with decimals stand as texts: money is exact.
    return (
        int(typed)
        if known.control == _NUMBER and typed.isascii() and typed.isdecimal() and len(typed) < 10
        else typed
    )

"""Lay out the properties of a part of a form as controls with help, and read them back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.gateway.web.form_data import Values
from shared import codes
from shared.contract.workbench import OutlineEntry
from shared.errors import FieldError, Invalid

SORTS = {
    "sections": "材料",
    "fields": "字段",
    "tables": "表格",
    "columns": "列",
    "slots": "附件",
    "conditions": "条件",
    "checks": "核对",
}
# What stands below what: where 添加 puts a new part.
ADDS = {"sections": ("fields", "tables", "slots"), "tables": ("columns",)}
KINDS = {
    "text": "文本", "textarea": "长文本", "integer": "整数", "decimal": "小数", "money": "金额", "percent": "百分比", "date": "日期",
    "year": "年份", "target": "目标值", "select": "下拉选择", "radio": "单选", "multiselect": "多选", "checkbox": "勾选", "phone": "联系电话",
    "mobile": "手机号码", "email": "电子邮箱", "postcode": "邮政编码", "uscc": "统一社会信用代码", "id_card": "居民身份证号码", "passport": "证件号码",
    "bank_account": "银行账号", "telephone": "电话（含境外）", "web_address": "网址", "month": "年月", "computed": "自动计算项", "fixed_text": "说明文字",
}  # fmt: skip
_CHOICES = frozenset({"select", "radio", "multiselect"})
_CONDITION = '写条件，如 kind == "境外展会"、filled(name)、amount_wan > 10；可以用本材料的字段、“材料.字段”、condition.条件、round.参数、today。'
_LIST, _NUMBER, _FORMULA, _TEXT, _LINES = "list", "number", "formula", "text", "lines"
# Lists of more than texts, a line each: how they are written, and how they are read again.
_GROUPS, _PAIRS, _ROWS, _LIMITS = "groups", "pairs", "rows", "limits"
MANY_LINES = frozenset({_LIST, _LINES, _GROUPS, _PAIRS, _ROWS, _LIMITS})
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")


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


def _yes(name: str, label: str, no: str, yes: str, *, usual: bool, **kinds: frozenset[str]) -> Property:
    """A property that is true or false, of which the usual one need not be written."""
    usually, else_ = (yes, ("false", no)) if usual else (no, ("true", yes))
    return Property(name, label, "", "choice", (("", usually), else_), **kinds)


_COMPUTED = frozenset({"computed", "fixed_text"})
_DECIMALS = frozenset({"decimal", "money", "percent"})
_WORDS = frozenset({"text", "textarea"})
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
    Property("options_from", "选项取自", "选项的来源：lists 里的名字、批次参数的名字，或另一张表格里填的内容 a.people.name；与“选项”只写一样。", kinds=_CHOICES),
    Property("follows", "跟随哪一项", "先选门类、再选这个门类的品种：写旁边那一项的代号，如 class；与“各有哪些选项”一起写。", kinds=frozenset({"select"})),
    Property("options_for", "各有哪些选项", "所跟随的选项单独一行，它的选项在下面各行，以“- ”开头，如：\n雕塑\n- 玉雕\n- 牙雕", _GROUPS, kinds=frozenset({"select"})),
    Property("specify", "请注明", "每行写“选项 = 旁边文本字段的代号”，如：其他 = craft_other。选了才显示，显示了就必填。", _PAIRS, kinds=_CHOICES),
    Property("must_be", "只能选", "写一个选项；勾选的承诺写 true。", kinds=_CHOICES | {"checkbox"}),
    Property("min_items", "最少选几项", "", _NUMBER, kinds=frozenset({"multiselect"})),
    Property("max_items", "最多选几项", "", _NUMBER, kinds=frozenset({"multiselect"})),
    Property("places", "小数位数", "默认 2。", _NUMBER, kinds=_DECIMALS | {"computed"}),
    _yes("allow_zero", "可以为零", "不可以", "可以", usual=False, kinds=_DECIMALS),
    _yes("allow_negative", "可以为负", "不可以", "可以", usual=False, kinds=_DECIMALS),
    Property("pattern", "格式", "正则表达式，整段内容要符合，如 [0-9]{8}。", kinds=_WORDS),
    Property("pattern_message", "格式不对时的话", "如：应为 8 位数字。", kinds=_WORDS),
    Property("bounds", "限制", "每行一条：“比较 公式 | 不满足时的话”，如：>= opens_on | 闭幕日期不能早于开幕日期", _LIMITS, not_kinds=_COMPUTED),
    Property("gives", "得出什么", "", "choice", (("", "数"), ("money", "金额"), ("percent", "百分比"), ("integer", "整数"), ("text", "文字"), ("date", "日期"), ("bool", "是或否")), kinds=frozenset({"computed"})),
    Property("text", "正文", "显示给申报单位看的文字。", _LINES, kinds=frozenset({"fixed_text"})),
    _yes("formatted", "正文的排版", "照原样", "排出标题、列表和链接", usual=False, kinds=frozenset({"fixed_text"})),
    Property("group", "栏目", "同一栏目的排在一起，写栏目的名称，如：合作单位。"),
    Property("under", "上级表头", "相邻的列写同一个，就合并成一级表头，如：第一年。"),
    Property("prefill", "由系统带出", "如 registry.ORG_NAME、account.BLR_NAME。", not_kinds=_COMPUTED),
    _yes("readonly", "带出后能否修改", "可以修改", "不能修改", usual=False, not_kinds=_COMPUTED),
    _yes("sensitive", "敏感内容", "不是", "是：加密保存，页面上隐去中间几位", usual=False),
    Property("fixed_rows", "固定的行", "每行写“代号 名称”，如：own 单位自筹；不写，行数由申报单位定。", _ROWS),
    Property("row_label", "行的表头", "固定的行上面写什么，默认“项目”。"),
    Property("rows_from", "随哪张表格的行", "写成“材料.表格”，如 a.partners：那张表有几行，这里就有几行。"),
    Property("total_label", "合计行的名称", "默认“合计”。"),
    _yes("landscape", "打印方向", "竖的页", "太宽时用横向的页", usual=False),
    Property("each_row", "每行一个文件", "写本材料一张表格的代号，如 partners：为它的每一行各要一个文件。"),
    Property("value", "计算公式", "如 sum(costs.amount_wan)、applied_wan / total_wan * 100。", _FORMULA, kinds=frozenset({"computed"})),
    Property("default", "先填好的值", "公式：\"0\"、today、budget.spent_wan；打开时已填好，可以修改。", _FORMULA, not_kinds=_COMPUTED),
    Property("audience", "给谁看", "评审专家看不到的，写“仅申报单位和工作人员”。", "choice", (("", "评审专家也能看"), ("bureau", "仅申报单位和工作人员"))),
    Property("width", "打印宽度", "列在打印件上占的宽度，1 至 100，默认 10。", _NUMBER),
    _yes("unique", "不能重复", "可以重复", "不能重复", usual=False),
    Property("min_rows", "最少行数", "", _NUMBER),
    Property("max_rows", "最多行数", "", _NUMBER),
    Property("totals", "合计哪些列", "每行写一列的代号。", _LIST),
    Property("accept", "收哪些类型", "每行一种：pdf、jpg、jpeg、png、docx、xlsx；不写就收前四种。", _LIST),
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
_CELLS = (
    "label", "kind", "required", "visible_if", "required_if", "help", "example", "unit", "min", "max", "places", "allow_zero", "allow_negative",
    "min_items", "max_items", "options", "options_from", "follows", "options_for", "specify", "must_be", "pattern", "pattern_message", "bounds",
    "value", "gives", "default", "sensitive", "audience",
)  # fmt: skip
OF = {
    "sections": ("label", "title", "required", "visible_if", "required_if", "help", "text", "audience"),
    "fields": (*_CELLS, "text", "formatted", "group", "prefill", "readonly"),
    "tables": (
        "label", "required", "visible_if", "required_if", "help", "fixed_rows", "row_label", "rows_from", "min_rows", "max_rows", "totals",
        "total_label", "landscape", "group", "audience",
    ),
    "columns": (*_CELLS, "width", "unique", "under"),
    "slots": (
        "label", "required", "visible_if", "required_if", "help", "accept", "max_mb", "max_files", "each_row", "personal", "group", "audience",
    ),
    "conditions": ("label", "holds"),
    "checks": ("rule", "message", "left", "op", "right", "holds", "when", "severity", "confirm", "section", "field"),
}  # fmt: skip


# What is called otherwise where it belongs to this sort.
_NAMED = (
    "各处写 condition.代号 用到它，改一次，处处都改。可以用“材料.字段”、别的 condition.条件、round.参数、today。"
)
_OF_A_SORT = {("conditions", "holds"): Property("holds", "什么情况下成立", _NAMED, _FORMULA)}


def shown(entry: OutlineEntry) -> list[tuple[Property, str]]:
    """Return the properties that a part of this sort and kind has, each with what stands there as a text; those that stand there although
    the kind has no use for them, too, so that they can be taken out."""
    return [
        (found, _text(found, entry.values.get(name)))
        for name in OF[entry.sort]
        if name not in entry.by_hand
        and (
            _fits(found := _OF_A_SORT.get((entry.sort, name), PROPERTIES[name]), entry.kind)
            or name in entry.values
        )
    ]


def _fits(found: Property, kind: str | None) -> bool:
    return kind is None or (kind not in found.not_kinds and (found.kinds is None or kind in found.kinds))


def _text(known: Property, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if known.control in _WRITTEN:
        return "\n".join(_WRITTEN[known.control](value))
    return "\n".join(value) if isinstance(value, list) else str(value)


_WRITTEN: dict[str, Callable[[Any], list[str]]] = {
    _GROUPS: lambda value: [
        line for beside, listed in value.items() for line in (beside, *(f"- {o}" for o in listed))
    ],
    _PAIRS: lambda value: [f"{option} = {key}" for option, key in value.items()],
    _ROWS: lambda value: [f"{row['key']} {row['label']}" for row in value],
    _LIMITS: lambda value: [f"{bound['op']} {bound['than']} | {bound['message']}" for bound in value],
}


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
    if known.control in _READ:
        try:
            return _READ[known.control]([line.strip() for line in typed.splitlines() if line.strip()])
        except ValueError as error:
            said = f"“{known.label}”这一行看不懂：{error}"
            raise Invalid([FieldError(field=known.name, code=codes.INVALID, message=said)]) from None
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


def _groups(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("- ") and found:
            next(reversed(found.values())).append(line.removeprefix("- ").strip())
        elif line.startswith("-") or line in found:
            raise ValueError(line)
        else:
            found[line] = []
    return found


def _pairs(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        option, equals, key = line.rpartition("=")
        if not equals or not option.strip() or not key.strip() or option.strip() in found:
            raise ValueError(line)
        found[option.strip()] = key.strip()
    return found


def _rows(lines: list[str]) -> list[dict[str, str]]:
    found = []
    for line in lines:
        key, _, label = line.partition(" ")
        if not label.strip():
            raise ValueError(line)
        found.append({"key": key, "label": label.strip()})
    return found


def _limits(lines: list[str]) -> list[dict[str, str]]:
    found = []
    for line in lines:
        rule, _, message = line.partition("|")
        op = next((o for o in _OPERATORS if rule.startswith(o)), None)
        if op is None or not message.strip() or not rule.removeprefix(op).strip():
            raise ValueError(line)
        found.append({"op": op, "than": rule.removeprefix(op).strip(), "message": message.strip()})
    return found


_READ: dict[str, Callable[[list[str]], Any]] = {_GROUPS: _groups, _PAIRS: _pairs, _ROWS: _rows, _LIMITS: _limits}

"""Compare two definitions of the same part, attribute by attribute, and put the differences into words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.applications.forms.definition import Section, Slot, Table
from services.applications.forms.formulas.type_names import KINDS
from services.applications.forms.kinds import (
    FieldDefinition,
    MultiSelectField,
    RadioField,
    SelectField,
)

COMPARED = {"<=": "不大于", ">=": "不小于", "<": "小于", ">": "大于", "==": "等于", "!=": "不等于"}
Lists = Mapping[str, Mapping[str, str]]
Part = Section | FieldDefinition | Table | Slot
_CHOICES = (SelectField, RadioField, MultiSelectField)
# Limits: name, what it is called, whether a greater one asks for more.
_LIMITS = (
    ("min", "下限", True), ("max", "上限", False), ("places", "小数位数", False), ("min_rows", "最少行数", True),
    ("max_rows", "最多行数", False), ("min_items", "最少选择项数", True), ("max_items", "最多选择项数", False),
    ("max_mb", "单个文件大小上限（MB）", False), ("max_files", "文件个数上限", False),
)  # fmt: skip
_WORDS = (
    ("title", "标题"), ("unit", "单位"), ("group", "所属栏目"), ("total_label", "合计的名称"), ("row_label", "行的名称"),
)  # fmt: skip
_TEXTS = (("help", "填写说明"), ("example", "示例"), ("text", "正文"))
_SWITCHES = (
    ("unique", "不得重复", True), ("readonly", "带出后不能修改", True), ("allow_zero", "可以为 0", False),
    ("allow_negative", "可以为负数", False), ("sensitive", "脱敏显示", False), ("personal", "可能含个人信息", False),
    ("formatted", "排出标题和列表", False),
)  # fmt: skip


@dataclass(frozen=True)
class Aspect:
    """One difference; `attention` when what was filled in before may no longer do."""

    name: str
    text: str
    attention: bool = False


def sort_of(part: Part) -> str:
    """Return what a part is, in a word."""
    if isinstance(part, Table):
        sorts = (
            ("固定行的表", part.fixed_rows),
            ("分级的表", part.levels),
            ("随另一张表各行的表", part.rows_from),
        )
        return next((name for name, there in sorts if there), "表")
    if isinstance(part, Slot):
        return "每行一个的附件" if part.each_row else "附件"
    return "材料" if isinstance(part, Section) else f"“{KINDS[part.kind]}”项"


def of_part(old: Part, new: Part, lists: tuple[Lists, Lists] = ({}, {})) -> Iterator[Aspect]:
    """Yield what differs, conditions and bounds and columns excepted."""
    if old.label != new.label and new.label:
        yield Aspect("label", f"名称由“{old.label}”改为“{new.label}”")
    if not isinstance(old, Section | Table | Slot) and not isinstance(new, Section | Table | Slot):
        yield from _field(old, new, lists)
    elif isinstance(old, Table) and isinstance(new, Table):
        yield from _table(old, new)
    elif isinstance(old, Slot) and isinstance(new, Slot) and set(old.accept) != set(new.accept):
        lost = set(old.accept) - set(new.accept)
        yield Aspect("accept", f"可上传的类型改为：{'、'.join(new.accept)}", bool(lost))
    if old.required != new.required and not (old.required_if or new.required_if):
        text = "由选填改为必填" if new.required else "由必填改为选填"
        yield Aspect("required", text, new.required)
    if old.audience != new.audience:
        yield Aspect("audience", "不再给评审专家看" if new.audience == "bureau" else "改为也给评审专家看")
    yield from _attributes(old, new)


def _attributes(old: Part, new: Part) -> Iterator[Aspect]:
    of_one_kind = getattr(old, "kind", None) == getattr(new, "kind", None)
    for name, what, more_asks in _LIMITS if of_one_kind else ():
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after:
            raised = before is None or (after is not None and Decimal(after) > Decimal(before))
            stricter = (raised == more_asks) if before is not None and after is not None else after is not None
            yield Aspect(name, f"{what}{_from(before)}{_to(after)}", stricter)
    for name, what in _WORDS:
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after:
            yield Aspect(name, f"{what}{_from(before)}{_to(after)}", name == "unit")
    for name, what in _TEXTS if of_one_kind else ():
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after:
            yield Aspect(
                name, f"{what}改变" if before and after else f"{'新增' if after else '取消'}{what}", name == "text"
            )
    for name, what, asks in _SWITCHES:
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after and None not in (before, after):
            yield Aspect(name, f"改为{what}" if after else f"不再{what}", bool(after) == asks)


def _field(old: FieldDefinition, new: FieldDefinition, lists: tuple[Lists, Lists]) -> Iterator[Aspect]:
    if old.kind != new.kind:
        yield Aspect(
            "kind", f"由{KINDS[old.kind]}改为{KINDS[new.kind]}", not {old.kind, new.kind} <= {"select", "radio"}
        )
    if getattr(old, "pattern", None) != getattr(new, "pattern", None):
        yield Aspect("pattern", "格式要求改变", bool(getattr(new, "pattern", None)))
    if getattr(old, "must_be", None) != getattr(new, "must_be", None):
        wanted = getattr(new, "must_be", None)
        yield Aspect("must_be", "不再限定取值" if wanted is None else "限定的取值改变", wanted is not None)
    if old.prefill != new.prefill:
        yield Aspect("prefill", "改为由系统带出" if new.prefill else "不再由系统带出")
    if isinstance(old, _CHOICES) and isinstance(new, _CHOICES):
        yield from _options(old.labels(lists[0]), new.labels(lists[1]))
        if old.options_from != new.options_from and not (new.labels(lists[1]) and old.labels(lists[0])):
            yield Aspect("options_from", "选项的来源改变", True)
    if isinstance(old, SelectField) and isinstance(new, SelectField) and old.options_for != new.options_for:
        yield Aspect("options_for", "各选项下可选的内容改变", True)


def _options(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Aspect]:
    if not old or not new:
        return
    if added := [label for value, label in new.items() if value not in old]:
        yield Aspect("options", f"新增选项：{'、'.join(added)}")
    if gone := [label for value, label in old.items() if value not in new]:
        yield Aspect("options", f"取消选项：{'、'.join(gone)}", True)
    for value in old:
        if value in new and old[value] != new[value]:
            yield Aspect("options", f"选项“{old[value]}”改称“{new[value]}”")


def _table(old: Table, new: Table) -> Iterator[Aspect]:
    before, after = (dict(table.row_names) for table in (old, new))
    if added := [label for key, label in after.items() if key not in before]:
        yield Aspect("fixed_rows", f"新增行：{'、'.join(added)}", True)
    if gone := [label for key, label in before.items() if key not in after]:
        yield Aspect("fixed_rows", f"取消行：{'、'.join(gone)}", True)
    for key in before:
        if key in after and before[key] != after[key]:
            yield Aspect("fixed_rows", f"行“{before[key]}”改称“{after[key]}”")
    for key in before:
        if key in after and (was := bool(old.subtotals.get(key))) != bool(new.subtotals.get(key)):
            yield Aspect("fixed_rows", f"行“{after[key]}”改为{'填写' if was else '自动计算的小计'}", was)
    if old.rows_from != new.rows_from and old.rows_from and new.rows_from:
        yield Aspect("rows_from", "各行改为随另一张表格", True)
    if old.totals != new.totals:
        summed = "、".join(new.by_column[key].label for key in new.totals if key in new.by_column)
        yield Aspect("totals", f"合计改为：{summed}" if summed else "不再合计")


def _from(value: Any) -> str:
    return "" if value is None else f"由 {value} "


def _to(value: Any) -> str:
    return "取消" if value is None else f"改为 {value}"

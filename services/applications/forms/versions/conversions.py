"""Convert a value from one kind of field into another, and show a value that has no field any more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.applications.forms.definition import Slot, Table
from services.applications.forms.kinds import Choices, FieldDefinition, Wrong, blank
from services.applications.forms.versions.mapping import AnyPart

# Kinds whose control is a line of text, which shows whatever stands there.
TEXTUAL = frozenset(
    {"text", "textarea", "integer", "decimal", "money", "percent", "year", "phone", "mobile", "email", "postcode"}
    | {"uscc", "id_card", "passport", "bank_account", "target", "telephone", "web_address", "month"}
)


@dataclass(frozen=True)
class Converted:
    """A value in its new place, or what of it has none; and what there is to say about it."""

    kept: Any = None
    left: Any = None
    code: str = ""
    message: str = ""


def convert(old: FieldDefinition, new: FieldDefinition, value: Any, choices: Choices) -> Converted:
    """Return what becomes of a value of one field in another."""
    if blank(value):
        return Converted()
    try:
        read = new.parse(value, choices)
    except Wrong as wrong:
        return _refused(old, new, value, choices, wrong)
    return Converted(value if old.kind == new.kind else read)


def _refused(old: FieldDefinition, new: FieldDefinition, value: Any, choices: Choices, wrong: Wrong) -> Converted:
    if old.kind != new.kind and (other := _by_text(old, new, value, choices)) is not None:
        return Converted(other, None, "converted", "填写方式有变化，已按新的方式带入，请核对")
    if new.kind == "multiselect" and old.kind == "multiselect" and is_texts(value):
        known = new.labels(choices)
        gone = [item for item in value if item not in known]
        if gone:
            return Converted(
                [i for i in value if i in known], gone, "not_an_option", "选项中已没有此项，请重新选择"
            )
        return Converted(value, None, wrong.code, wrong.message)
    if wrong.code == "not_an_option":
        return Converted(None, value, wrong.code, "选项中已没有此项，请重新选择")
    if new.kind in TEXTUAL and isinstance(value, str | int) and not isinstance(value, bool):
        return Converted(value, None, wrong.code, wrong.message)
    return Converted(None, value, wrong.code, wrong.message)


def _by_text(old: FieldDefinition, new: FieldDefinition, value: Any, choices: Choices) -> Any:
    """Return the value by way of the text that the old kind exports."""
    try:
        found = new.parse(old.export(old.parse(value, choices)), choices)
    except Wrong:
        return None
    return None if blank(found) else found


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def text(part: AnyPart | None, value: Any) -> str:
    """Return a value without a home, for people."""
    if isinstance(part, Table) and isinstance(value, Mapping | list):
        rows = value if isinstance(value, Mapping) else {f"第{n + 1}行": row for n, row in enumerate(value)}
        return "\n".join(f"{name}：{_cells(part, row)}" for name, row in rows.items())
    if isinstance(value, Mapping):
        return "\n".join(f"{name}：{_one(part, item)}" for name, item in value.items())
    return _one(part, value)


def _cells(table: Table, row: Any) -> str:
    if not isinstance(row, Mapping):
        return _plain(row)
    shown = [(table.by_column.get(k), k, v) for k, v in row.items() if k not in ("id", "row") and not blank(v)]
    return "；".join(f"{c.label if c else k}：{_one(c, v)}" for c, k, v in shown)


def _one(part: AnyPart | None, value: Any) -> str:
    if part is None or isinstance(part, Table | Slot):
        return _plain(value)
    try:
        return part.show(value, {})
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return "、".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

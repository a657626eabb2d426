"""Make the changes of the outline and of the pages of properties in a draft's text. Pure work for a process of its own (`judge`)."""

from typing import Any

from services.applications.forms.authoring import editing
from services.applications.workbench.reading import EDITABLE
from shared.contract.workbench import FormEdit

# What a part is that was just added: sound by itself, and named so that two of them do not collide.
_NEW: dict[str, dict[str, Any]] = {
    "sections": {"label": "新材料", "title": "新材料", "text": "请填写本项材料的说明"},
    "fields": {"kind": "text", "label": "新字段"},
    "tables": {"label": "新表格", "columns": [{"key": "item", "kind": "text", "label": "名称"}]},
    "columns": {"kind": "text", "label": "新列"},
    "slots": {"label": "新附件"},
    "conditions": {"label": "新条件", "holds": ""},
    "checks": {"holds": "", "rule": "新核对的规则", "message": "不符合新核对时的提示"},
}


def edited(text: str, edit: FormEdit) -> str:
    """Return the text with a change made in it; `CannotEdit` where that cannot be done without touching what somebody
    wrote by hand."""
    at = tuple(edit.at)
    if at[:1] == ("conditions",) or (edit.act == "add" and edit.sort == "conditions"):
        return _named(text, at, edit)
    if edit.act in ("up", "down"):
        return editing.move(text, at, -1 if edit.act == "up" else 1)
    if edit.act == "remove":
        return editing.remove(text, at)
    if edit.act == "add":
        return editing.add(text, (*at, _sort(edit.sort)), _new(text, at, _sort(edit.sort)))
    return _put(text, at, edit.values)


def _named(text: str, at: tuple[str | int, ...], edit: FormEdit) -> str:
    """Return the text with a change of a named condition: these have names instead of an order."""
    known = editing.parsed(text).get("conditions")
    if edit.act == "add":
        new = {**_NEW["conditions"], "holds": f"filled({_first_field(editing.parsed(text))})"}
        key = next(key for n in range(1, len(known or ()) + 2) if (key := f"new{n}") not in (known or ()))
        return (
            editing.put(text, ("conditions",), key, new)
            if known
            else editing.put(text, (), "conditions", {key: new})
        )
    if not isinstance(known, dict) or len(at) != 2 or at[1] not in known:
        raise editing.CannotEdit("这一项已经不在文本里，请刷新后重试")
    if edit.act == "remove":
        place, name = (at[:1], str(at[1])) if len(known) > 1 else ((), "conditions")
        return editing.put(text, place, name, None)
    if edit.act != "put":
        raise editing.CannotEdit("条件没有先后")
    return _put(text, at, edit.values)


def _first_field(data: dict[str, Any]) -> str:
    """Return a field that any form has, for a formula to begin with."""
    section, field = (("sections", 0, *rest, "key") for rest in ((), ("fields", 0)))
    first = editing.value(data, section) or "project"
    return str(data.get("project_name") or f"{first}.{editing.value(data, field) or 'name'}")


def _sort(sort: str | None) -> str:
    if sort not in _NEW:
        raise editing.CannotEdit("没有这一种内容")
    return str(sort)


def _new(text: str, at: tuple[str | int, ...], sort: str) -> dict[str, Any]:
    data = editing.parsed(text)
    holder = editing.value(data, at) if at else data
    taken = {
        str(part.get("key", part.get("id")))
        for name in ("sections", "fields", "tables", "slots", "columns", "checks")
        for part in (holder.get(name) if isinstance(holder, dict) else None) or ()
        if isinstance(part, dict)
    }
    key = next(key for n in range(1, len(taken) + 2) if (key := f"new{n}") not in taken)
    if sort == "checks":
        first = editing.value(data, ("sections", 0, "key")) or "project"
        return {"id": key, **_NEW[sort], "holds": f"filled({_first_field(data)})", "section": first}
    return {"key": key, **_NEW[sort]}


def _put(text: str, at: tuple[str | int, ...], values: dict[str, Any]) -> str:
    known = {name for names in EDITABLE.values() for name in names}
    for name, value in values.items():
        if name not in known or not _may_be_set(value):
            raise editing.CannotEdit(f"“{name}”不能在这里设置")
        text = editing.put(text, at, name, value)
    return text


def _may_be_set(value: Any) -> bool:
    """Tell whether a value is one that properties have: a plain one, texts, or groups of texts."""
    if isinstance(value, dict):
        return all(
            isinstance(each, str) or (isinstance(each, list) and _may_be_set(each)) for each in value.values()
        )
    if isinstance(value, list):
        return all(isinstance(each, str) or (isinstance(each, dict) and _may_be_set(each)) for each in value)
    return value is None or isinstance(value, str | bool | int)

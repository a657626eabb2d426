"""Change a form's text where a change concerns it: every other character, comments among them, stays as its author wrote it.

Each change is tried: what the new text says must be what was meant, else it is refused (`CannotEdit`) and nothing is changed.
"""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from services.applications.forms.authoring.source import Source
from services.applications.forms.formulas.rule import Location

# What an outline shows of a section, in the order of its page.
PARTS = ("fields", "tables", "slots")
_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=~<][^:#,\[\]{}\n\"']*")

_GONE = "这一项已经不在文本里，请刷新后重试"


class CannotEdit(ValueError):
    """A change that cannot be made without touching what somebody wrote by hand; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """A line of the outline: where it stands in the form (`at`) and in the text (`line`), its name, and how many stand beside it."""

    at: Location
    sort: str
    key: str
    label: str
    line: int
    index: int
    count: int


def outline(source: Source) -> list[Entry]:
    """Return sections with their fields, tables (and columns) and slots, then named conditions and checks; of a broken text what can be told of it."""
    data = source.data if isinstance(source.data, dict) else {}
    found: list[Entry] = []
    for at, section in _items(data, ("sections",)):
        found.append(_entry(source, at, "sections", section, data.get("sections")))
        for name in PARTS:
            for place, part in _items(section, (*at, name), name):
                found.append(_entry(source, place, name, part, section.get(name)))
                found += (
                    _entry(source, inner, "columns", column, part.get("columns"))
                    for inner, column in _items(part, (*place, "columns"), "columns")
                )
    named = data.get("conditions")
    conditions = named if isinstance(named, dict) else {}
    for n, (key, item) in enumerate(conditions.items()):
        if isinstance(item, dict):
            place = ("conditions", str(key))
            label = str(item.get("label") or key)
            found.append(Entry(place, "conditions", str(key), label, source.line(place), n, len(conditions)))
    found += (_entry(source, at, "checks", check, data["checks"]) for at, check in _items(data, ("checks",)))
    return found


def _items(data: Any, at: Location, name: str | None = None) -> list[tuple[Location, dict[str, Any]]]:
    items = data.get(name or at[-1]) if isinstance(data, dict) else None
    listed = enumerate(items) if isinstance(items, list) else ()
    return [((*at, i), item) for i, item in listed if isinstance(item, dict)]


def _entry(source: Source, at: Location, sort: str, item: Mapping[str, Any], siblings: Any) -> Entry:
    key = str(item.get("key", item.get("id", "")))
    label = str(item.get("label") or item.get("rule") or item.get("message") or item.get("text") or key)
    return Entry(at, sort, key, label, source.line(at), int(at[-1]), len(siblings))


def value(data: Any, at: Location) -> Any:
    """Return what stands at a place of the form; None where nothing does."""
    for step in at:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def parsed(text: str) -> dict[str, Any]:
    """Return what a text says; `CannotEdit` while it is no YAML."""
    found: dict[str, Any] = _sound(text).data
    return found


# ---- changes -------------------------------------------------------------------------------------------------------


def move(text: str, at: Location, by: int) -> str:
    """Return the text with an item of a list and its neighbour (`by` -1: the one above, 1: the one below) in each other's place."""
    source, index = _sound(text), _index(at)
    first, second = sorted((index, index + by))
    wanted = copy.deepcopy(source.data)
    listed = value(wanted, at[:-1])
    if not isinstance(listed, list) or first < 0 or second >= len(listed):
        raise CannotEdit("不能再移动，已在最前或最后")
    listed[first], listed[second] = listed[second], listed[first]
    items = _node(source, at[:-1])
    one, other = _extent(text, items, first), _extent(text, items, second)
    made = text[: one[0]] + text[slice(*other)] + text[one[1] : other[0]] + text[slice(*one)] + text[other[1] :]
    return _meant(made, wanted)


def remove(text: str, at: Location) -> str:
    """Return the text without an item of a list, its comments included; a list that would be empty goes with it."""
    source, index = _sound(text), _index(at)
    wanted = copy.deepcopy(source.data)
    listed = value(wanted, at[:-1])
    if not isinstance(listed, list) or not 0 <= index < len(listed):
        raise CannotEdit(_GONE)
    if len(listed) == 1:
        del value(wanted, at[:-2])[at[-2]]
        return _meant(_taken(text, _node(source, at[:-2]), str(at[-2])), wanted)
    del listed[index]
    items = _node(source, at[:-1])
    begin, end = _extent(text, items, index)
    if items.flow_style:
        # The comma goes, too.
        begin, end = (begin, _extent(text, items, index + 1)[0]) if index == 0 else (_extent(text, items, index - 1)[1], end)  # fmt: skip
    return _meant(text[:begin] + text[end:], wanted)


def add(text: str, at: Location, item: Mapping[str, Any]) -> str:
    """Return the text with an item more at the end of a list, which is begun where there is none."""
    source = _sound(text)
    wanted = copy.deepcopy(source.data)
    holder = value(wanted, at[:-1])
    if not isinstance(holder, dict):
        raise CannotEdit(_GONE)
    listed = holder.setdefault(str(at[-1]), [])
    if not isinstance(listed, list):
        raise CannotEdit(f"“{at[-1]}”不是列表，请在文本里改")
    listed.append(dict(item))
    if len(listed) == 1:
        inside = _node(source, at[:-1])
        if inside.flow_style or any(k.value == at[-1] for k, _ in inside.value):
            return _meant(_put(text, inside, str(at[-1]), f"[{written(dict(item))}]"), wanted)
        indent = inside.value[0][0].start_mark.column
        end = _line_end(text, _end(inside))
        lines = f"{' ' * indent}{at[-1]}:\n{' ' * (indent + 2)}- {written(dict(item))}\n"
        return _meant(_broken(text, end) + lines + text[end:], wanted)
    items = _node(source, at)
    _, end = _extent(text, items, len(listed) - 2)
    if items.flow_style:
        return _meant(f"{text[:end]}, {written(dict(item))}{text[end:]}", wanted)
    line = f"{' ' * items.start_mark.column}- {written(dict(item))}\n"
    return _meant(_broken(text, end) + line + text[end:], wanted)


def put(text: str, at: Location, name: str, new: Any) -> str:
    """Return the text in which a part has `name: new`; None takes the line away."""
    source = _sound(text)
    wanted = copy.deepcopy(source.data)
    part, node = value(wanted, at), _node(source, at)
    if not isinstance(part, dict):
        raise CannotEdit(_GONE)
    if new is None:
        if name not in part:
            return text
        del part[name]
        _no_comment(text, next(pair for pair in node.value if pair[0].value == name))
        return _meant(_taken(text, node, name), wanted)
    if name in part and part[name] == new and type(part[name]) is type(new):
        return text
    part[name] = new
    return _meant(_put(text, node, name, written(new)), wanted)


def _put(text: str, node: Any, name: str, written: str) -> str:
    for key, old in node.value:
        if key.value == name:
            begin, end = key.end_mark.index, _end(old)
            _no_comment(text, (key, old))
            return f"{text[:begin]}: {written}{'' if text[end - 1 : end] != chr(10) else chr(10)}{text[end:]}"
    if node.flow_style:
        end = _end(node.value[-1][1])
        return f"{text[:end]}, {name}: {written}{text[end:]}"
    # Below its name, where people look for what a part is.
    beside = next((pair for pair in node.value if pair[0].value in ("label", "message")), node.value[0])
    end = _line_end(text, _end(beside[1]))
    return f"{_broken(text, end)}{' ' * node.value[0][0].start_mark.column}{name}: {written}\n{text[end:]}"


def _taken(text: str, node: Any, name: str) -> str:
    index = next(i for i, (key, _) in enumerate(node.value) if key.value == name)
    key, old = node.value[index]
    begin, end = key.start_mark.index, _end(old)
    if len(node.value) == 1:
        raise CannotEdit("删去后这里没有内容了，请在文本里改")
    if node.flow_style:
        if index:
            begin = _end(node.value[index - 1][1])
        else:
            end = node.value[1][0].start_mark.index
        return text[:begin] + text[end:]
    begin = text.rfind("\n", 0, begin) + 1
    if text[begin : key.start_mark.index].strip():
        # The first key of an item stands behind its “-”.
        return text[: key.start_mark.index] + text[node.value[1][0].start_mark.index :]
    return text[:begin] + text[_line_end(text, end) :]


def _no_comment(text: str, pair: tuple[Any, Any]) -> None:
    key, old = pair
    if "#" in text[key.end_mark.index : _end(old)] and not isinstance(old, yaml.ScalarNode):
        raise CannotEdit("这里写有注释，改动会丢掉注释，请在文本里改")


def written(new: Any) -> str:
    """Return a value as it is written on one line, inside brackets too."""
    if isinstance(new, bool):
        return str(new).lower()
    if isinstance(new, dict):
        return "{" + ", ".join(f"{name}: {written(part)}" for name, part in new.items()) + "}"
    if isinstance(new, list | tuple):
        return "[" + ", ".join(map(written, new)) + "]"
    text = str(new)
    if isinstance(new, str) and not (_PLAIN.fullmatch(text) and Source(f"[{text}]").data == [text]):
        return json.dumps(text, ensure_ascii=False)
    return text


def _index(at: Location) -> int:
    """Return which item of its list a place is."""
    if len(at) > 1 and isinstance(at[-1], int) and isinstance(at[-2], str):
        return at[-1]
    raise CannotEdit(_GONE)


def _sound(text: str) -> Source:
    source = Source(text)
    if source.faults or not isinstance(source.data, dict):
        raise CannotEdit("文本还不是正确的 YAML，请先按提示改正")
    return source


def _meant(text: str, wanted: Any) -> str:
    """Return the text, unless it says something else than was meant, as where “*” would come before its “&”."""
    found = Source(text)
    if found.faults or found.data != wanted:
        raise CannotEdit("这一处写法特别（如“&”“*”或一行多项），不能自动改动，请在文本里改")
    return text


def _node(source: Source, at: Location) -> Any:
    node = source.tree
    for step in at:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == step), None)
        else:
            node = None
        if node is None:
            raise CannotEdit(_GONE)
    return node


def _end(node: Any) -> int:
    """Return where a node's text ends. The marks of block collections stand where the next one begins."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _extent(text: str, items: Any, index: int) -> tuple[int, int]:
    """Return from where to where an item stands: in brackets its own characters, else whole lines with the comments right above."""
    item = items.value[index]
    if items.flow_style:
        return item.start_mark.index, _end(item)
    begin = text.rfind("\n", 0, item.start_mark.index) + 1
    if text[begin : item.start_mark.index].strip() != "-":
        # Some write the dash on a line of its own, with a comment behind.
        raise CannotEdit("这一项的“-”后面没有紧跟内容，请在文本里改")
    while begin and (above := text[text.rfind("\n", 0, begin - 1) + 1 : begin]).lstrip().startswith("#"):
        begin -= len(above)
    return begin, _line_end(text, _end(item))


def _line_end(text: str, at: int) -> int:
    """Return where the line ends on which something ends; what ends with its line ends there."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _broken(text: str, end: int) -> str:
    """Return what stands before a place, with an end to its last line."""
    return text[:end] if text[:end].endswith("\n") else text[:end] + "\n"

"""Join the changes that two people made in one text of a form, place by place: sections, fields, columns, checks and their properties.

A text is cut along its YAML into places whose pieces make up the whole text again, comments with what stands below them. A place that one
of them changed is as that one has it; only what both changed, each differently, is asked about. What the joined text says is compared with what
was meant, so that no merge says a third thing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import yaml

from services.applications.forms.authoring.source import Source

Side = Literal["mine", "theirs"]
# What an item of a list is known by, in the order of preference.
_NAMES = ("key", "id", "label", "value")
# The name of the whole text as a place.
WHOLE = ""


@dataclass(frozen=True)
class Question:
    """A place that both changed, each differently: its address, and the three texts; empty where it is not there."""

    place: str
    before: str
    mine: str
    theirs: str


@dataclass(frozen=True)
class Joined:
    """What came of a merge: the text, in which `questions` are answered as was chosen, else as mine has them."""

    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class _Piece:
    """A part of the text: `lead` before its parts (an item's dash, a key's name), and the parts by name; a leaf has none."""

    name: str
    lead: str
    parts: tuple["_Piece", ...] = ()
    tail: str = ""
    sort: str = "leaf"
    # In brackets parts are set apart by commas; `written` is how its author did so.
    flow: bool = False
    written: str | None = None

    @property
    def text(self) -> str:
        if self.written is not None:
            return self.written
        return f"{self.lead}{(', ' if self.flow else '').join(p.text for p in self.parts)}{self.tail}"

    @property
    def shape(self) -> tuple[Any, ...]:
        """What stands where, whatever it says."""
        return self.name, self.sort, tuple(part.shape for part in self.parts)

    @property
    def by_name(self) -> Mapping[str, "_Piece"]:
        return {part.name: part for part in self.parts}


def join(before: str, mine: str, theirs: str, choices: Mapping[str, Side] | None = None) -> Joined:
    """Return the text with the changes of both. `choices` answer questions by their places."""
    merge = _Merge(choices or {})
    if mine in (theirs, before):
        return Joined(theirs, ())
    if theirs == before:
        return Joined(mine, ())
    pieces = [_pieces(text) for text in (before, mine, theirs)]
    if None in pieces:
        return _whole(before, mine, theirs, choices or {})
    made = merge.piece((), *pieces)
    again = None if made is None else _pieces(made.text)
    if made is None or again is None or again.shape != made.shape:
        return _whole(before, mine, theirs, choices or {})
    return Joined(made.text, tuple(merge.questions))


def _whole(before: str, mine: str, theirs: str, choices: Mapping[str, Side]) -> Joined:
    """Ask about the texts as wholes: at least one is no YAML, or they cannot be cut alike."""
    return Joined(theirs if choices.get(WHOLE) == "theirs" else mine, (Question(WHOLE, before, mine, theirs),))


# ---- cutting -------------------------------------------------------------------------------------------------------


def _pieces(text: str) -> _Piece | None:
    """Return the text cut into its places; None while it is no form's YAML, or names something with “&”."""
    source = Source(text)
    if source.faults or not isinstance(source.tree, yaml.MappingNode) or source.tree.flow_style:
        return None
    if _shared(source.tree, set()):
        return None
    made = _cut(text, source.tree, "", 0, len(text), "")
    return made if made.text == text else None


def _shared(node: Any, seen: set[int]) -> bool:
    """Tell whether a part stands in two places by an alias."""
    if id(node) in seen:
        return True
    seen.add(id(node))
    inner: Iterable[Any] = ()
    if isinstance(node, yaml.MappingNode):
        inner = (part for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    return any(_shared(part, seen) for part in inner)


def _cut(text: str, node: Any, name: str, begin: int, end: int, lead: str) -> _Piece:
    """Return the piece between two characters, which holds `node`; `lead` is what stands before `begin` and belongs to it."""
    leaf = _Piece(name, lead + text[begin:end])
    if isinstance(node, yaml.ScalarNode) or not node.value:
        return leaf
    mapping = isinstance(node, yaml.MappingNode)
    names = [key.value for key, _ in node.value] if mapping else _names(node.value)
    if len(set(names)) != len(names) or (
        mapping and not all(isinstance(k, yaml.ScalarNode) for k, _ in node.value)
    ):
        return leaf
    sort = "mapping" if mapping else "sequence"
    starts = [(pair[0] if mapping else pair).start_mark.index for pair in node.value]
    if node.flow_style:
        return _cut_flow(text, node, name, begin, end, lead, starts, names, sort) or leaf
    # Each part begins behind the one before, so that comments stand with what is below them.
    ends = [_line_end(text, _end(pair[1] if mapping else pair)) for pair in node.value]
    if any(b < a for a, b in pairwise(ends)) or ends[-1] > end:
        return leaf
    inside = _line_begin(text, starts[0], begin)
    bounds = [inside, *ends[:-1], end]
    parts = []
    for i, item in enumerate(node.value):
        value = item[1] if mapping else item
        a, b = bounds[i], bounds[i + 1]
        parts.append(_part(text, value, names[i], a, b, starts[i], mapping))
    return _Piece(name, lead + text[begin:inside], tuple(parts), sort=sort)


def _part(text: str, value: Any, name: str, a: int, b: int, start: int, mapping: bool) -> _Piece:
    """Return a property or an item. Its own parts begin where its value does: behind the dash, or on the line below its key."""
    if isinstance(value, yaml.ScalarNode):
        return _Piece(name, text[a:b])
    inner = value.start_mark.index
    if not mapping and not value.flow_style and isinstance(value, yaml.MappingNode):
        # The first property stands behind the dash.
        return _cut(text, value, name, inner, b, text[a:inner])
    if value.flow_style:
        return _cut(text, value, name, inner, b, text[a:inner])
    first = value.value[0]
    line = _line_begin(text, (first[0] if isinstance(first, tuple) else first).start_mark.index, a)
    return _cut(text, value, name, line, b, text[a:line]) if line > start else _Piece(name, text[a:b])


def _cut_flow(
    text: str,
    node: Any,
    name: str,
    begin: int,
    end: int,
    lead: str,
    starts: list[int],
    names: list[str],
    sort: str,
) -> _Piece | None:
    """Return a list in brackets as its items; None where something else than commas stands between them."""
    parts, at = [], begin
    for i, item in enumerate(node.value):
        stop = _end(item[1] if isinstance(item, tuple) else item)
        gap = text[at : starts[i]]
        if i and gap.strip() != ",":
            return None
        parts.append(_Piece(names[i], text[starts[i] : stop]))
        at = stop
    written = lead + text[begin:end]
    return _Piece(name, lead + text[begin : starts[0]], tuple(parts), text[at:end], sort, True, written)


def _names(items: list[Any]) -> list[str]:
    """Return what the items of a list are known by: what names them, else what they say."""
    found = []
    for item in items:
        named = {}
        if isinstance(item, yaml.MappingNode):
            named = {
                k.value: v.value
                for k, v in item.value
                if isinstance(k, yaml.ScalarNode) and isinstance(v, yaml.ScalarNode)
            }
        known = next((f"{named[n]}" for n in _NAMES if n in named), None)
        found.append(known or (item.value if isinstance(item, yaml.ScalarNode) else yaml.serialize(item)))
    return found


def _end(node: Any) -> int:
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, at: int) -> int:
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _line_begin(text: str, at: int, least: int) -> int:
    """Return where the line of a place begins, with the comments right above, unless something else stands on it before."""
    begin = max(text.rfind("\n", 0, at) + 1, least)
    if text[begin:at].strip() not in ("", "-"):
        return at
    while begin > least and (above := text[text.rfind("\n", 0, begin - 1) + 1 : begin]).lstrip().startswith("#"):
        begin = max(begin - len(above), least)
    return begin


# ---- merging -------------------------------------------------------------------------------------------------------


@dataclass
class _Merge:
    choices: Mapping[str, Side]
    questions: list[Question] = field(default_factory=list)

    def piece(
        self, at: tuple[str, ...], before: _Piece | None, mine: _Piece | None, theirs: _Piece | None
    ) -> _Piece | None:
        """Return one place with the changes of both; None where it is gone."""
        was, ours, others = (p.text if p else None for p in (before, mine, theirs))
        if ours in (others, was):
            return theirs
        if others == was:
            return mine
        if before and mine and theirs and (found := self._parts(at, before, mine, theirs)) is not None:
            return found
        return self._asked(at, before, mine, theirs)

    def _asked(
        self, at: tuple[str, ...], before: _Piece | None, mine: _Piece | None, theirs: _Piece | None
    ) -> _Piece | None:
        place = "/".join(at)
        self.questions.append(Question(place, *(p.text if p else "" for p in (before, mine, theirs))))
        return theirs if self.choices.get(place) == "theirs" else mine

    def _parts(self, at: tuple[str, ...], before: _Piece, mine: _Piece, theirs: _Piece) -> _Piece | None:
        """Return a list or a group of properties, part by part; None where what stands around them was changed by both, or their order
        in ways that contradict each other, or where there are no parts."""
        if not before.sort == mine.sort == theirs.sort != "leaf":
            return None
        around = []
        for side in ("lead", "tail", "flow"):
            three = [getattr(p, side) for p in (before, mine, theirs)]
            if len(set(three)) == 3:
                return None
            around.append(three[2] if three[1] == three[0] else three[1])
        asked = len(self.questions)
        kept: dict[str, _Piece] = {}
        for name in dict.fromkeys(p.name for side in (before, theirs, mine) for p in side.parts):
            found = self.piece((*at, name), *(side.by_name.get(name) for side in (before, mine, theirs)))
            if found is not None:
                kept[name] = found
        was, ours, others = ([p.name for p in side.parts] for side in (before, mine, theirs))
        order = _order(was, ours, others, set(kept))
        if order is None or not kept:
            del self.questions[asked:]
            return None
        lead, tail, flow = around
        return _Piece(theirs.name, lead, tuple(kept[name] for name in order), tail, theirs.sort, flow)


def _order(before: list[str], mine: list[str], theirs: list[str], kept: set[str]) -> list[str] | None:
    """Return the parts in an order that has every pair as whoever changed it has it; None where the two contradict each other. What is
    new stands behind what it stood behind, theirs first."""
    old = [name for name in before if name in kept]
    places = [{name: i for i, name in enumerate(side)} for side in (before, mine, theirs)]
    was, ours, others = places

    def first(a: str, b: str) -> bool:
        then = was[a] < was[b]
        for side in (ours, others):
            if a in side and b in side and (side[a] < side[b]) != then:
                return not then
        return then

    if [n for n in mine if n in was and n in kept] == [n for n in before if n in ours and n in kept]:
        found = _as_in(theirs, old, others)
    elif [n for n in theirs if n in was and n in kept] == [n for n in before if n in others and n in kept]:
        found = _as_in(mine, old, ours)
    else:
        found = sorted(old, key=lambda a: sum(first(b, a) for b in old if b != a))
        ranks = [sum(first(b, a) for b in old if b != a) for a in found]
        if ranks != list(range(len(old))):
            return None
    for side in (theirs, mine):
        _insert(found, [n for n in side if n not in was and n in kept], side)
    return found


def _as_in(side: list[str], old: list[str], known: Mapping[str, int]) -> list[str]:
    """Return old parts in a side's order; what the side took out and somebody keeps stands where it was."""
    found = [name for name in side if name in old]
    _insert(found, [name for name in old if name not in known], old)
    return found


def _insert(found: list[str], new: list[str], side: list[str]) -> None:
    """Put parts of a side among those found: behind what they stand behind there, and behind what somebody else has put there; the
    last of a list is the last."""
    for name in (n for n in new if n not in found):
        index = side.index(name)
        above = next((n for n in reversed(side[:index]) if n in found), None)
        at = len(found) if found and not any(n in found for n in side[index:]) else 0
        if not at and above is not None:
            at = found.index(above) + 1
        while at < len(found) and found[at] not in side:
            at += 1
        found.insert(at, name)

"""Merge two copies of a section that were edited at the same time: list what differs and who changed it, and make one copy.

A place is `f.<field>`, `s.<slot>` or `t.<table>.<row id>`. `fingerprint` remembers what a page was opened with,
so that a place only one side has touched is told from one that both have.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from services.gateway.form.form_parts import Typed
from services.gateway.form.form_view import shown
from shared.contract.forms import SectionDefinition

MISSING = ""


@dataclass(frozen=True)
class Difference:
    """One place with both values as people read them. `changed`: by whom since the page was opened."""

    place: str
    label: str
    mine: str
    theirs: str
    changed: Literal["mine", "theirs", "both"]


def _places(section: SectionDefinition, values: Typed) -> dict[str, tuple[str, str, Any]]:
    """Place → label, text for people, value."""
    found: dict[str, tuple[str, str, Any]] = {}
    for field in section.fields:
        value = values.get(field.key)
        # An untouched box and a missing value are one and the same to the person.
        value = None if value in ("", [], False) else value
        found[f"f.{field.key}"] = (field.label, shown(field, value), value)
    for slot in section.slots:
        value = values.get(slot.key) or None
        found[f"s.{slot.key}"] = (slot.label, f"{len(value or [])} 个文件", value)
    for table in section.tables:
        names = {row.key: row.label for row in table.fixed_rows}
        rows = values.get(table.key) or []
        for n, row in enumerate(row for row in rows if isinstance(row, dict)):
            cells = {c.key: row.get(c.key) for c in table.columns if row.get(c.key) not in (None, "")}
            if not cells:
                continue
            text = "\n".join(f"{c.label}：{shown(c, row.get(c.key))}" for c in table.columns)
            key = (row.get("row") if names else row.get("id")) or str(n)
            label = f"{table.label} · {names.get(key) or f'第 {n + 1} 行'}"
            found[f"t.{table.key}.{key}"] = (label, text, cells)
    return found


def _mark(value: Any) -> str:
    if value is None:
        return MISSING
    raw = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2s(raw.encode(), digest_size=4).hexdigest()


def fingerprint(section: SectionDefinition, values: Typed) -> str:
    """What every filled place held, short enough to travel with the form."""
    marks = {place: _mark(value) for place, (_, _, value) in _places(section, values).items()}
    return " ".join(f"{place}={mark}" for place, mark in marks.items() if mark)


def differences(section: SectionDefinition, mine: Typed, theirs: Typed, base: str) -> list[Difference]:
    """Every place where the two copies differ, in the order of the form."""
    before = dict(part.split("=", 1) for part in base.split(" ") if "=" in part)
    ours, others = _places(section, mine), _places(section, theirs)
    found = []
    for place in [*ours, *(others.keys() - ours.keys())]:
        my_mark = _mark(ours[place][2]) if place in ours else MISSING
        their_mark = _mark(others[place][2]) if place in others else MISSING
        if my_mark == their_mark:
            continue
        was = before.get(place, MISSING)
        changed: Literal["mine", "theirs", "both"] = "both"
        if their_mark == was:
            changed = "mine"
        elif my_mark == was:
            changed = "theirs"
        label = (ours.get(place) or others[place])[0]
        found.append(
            Difference(
                place,
                label,
                ours[place][1] if place in ours else "（没有此行）",
                others[place][1] if place in others else "（没有此行）",
                changed,
            )
        )
    return found


def merged(section: SectionDefinition, mine: Typed, theirs: Typed, picks: dict[str, str]) -> Typed:
    """My copy, with theirs at every place where `picks` says `theirs`."""
    result = dict(mine)
    places = {f"f.{field.key}": field.key for field in section.fields}
    places |= {f"s.{slot.key}": slot.key for slot in section.slots}
    for place, key in places.items():
        if picks.get(place) == "theirs":
            result[key] = theirs.get(key)
    for table in section.tables:
        result[table.key] = _rows(table.key, mine, theirs, picks)
    return {key: value for key, value in result.items() if value is not None}


def _rows(table: str, mine: Typed, theirs: Typed, picks: dict[str, str]) -> list[Typed]:
    def by_key(values: Typed) -> dict[str, Typed]:
        return {str(row.get("row") or row.get("id")): row for row in values.get(table) or []}

    ours, others = by_key(mine), by_key(theirs)
    rows = []
    for key in [*ours, *(key for key in others if key not in ours)]:
        source = others if picks.get(f"t.{table}.{key}") == "theirs" else ours
        if key in source:
            rows.append(source[key])
    return rows

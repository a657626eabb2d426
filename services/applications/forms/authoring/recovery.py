"""Set aside what is broken in a form's shape: a stand-in takes its place, so that the rest can be checked in the same run.

Nothing of this is ever served. It only finds more faults at once; what might be a fault because of a stand-in is left
out, and shows when the first ones are mended.
"""

import copy
import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.applications.forms.definition import Form
from services.applications.forms.formulas.rule import Location, Problem

ROUNDS = 8
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9_]+")


class SetAside:
    """`form` without its broken parts, or None where too much is broken; `concerns` tells what not to believe."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.form: Form | None = None
        self._data = copy.deepcopy(data)
        self._places: set[Location] = set()
        self._words: set[str] = set()
        for _ in range(ROUNDS):
            try:
                self.form = Form.model_validate(self._data)
            except ValidationError as error:
                for found in faults_of(error):
                    self._mend(found["loc"], found["type"])
            else:
                break

    def concerns(self, problem: Problem) -> bool:
        """Tell whether a problem may only be there because something was set aside."""
        inside = any(problem.at[: len(place)] == place for place in self._places)
        return inside or bool(self._words & set(_WORD.findall(problem.message)))

    def _mend(self, loc: tuple[str | int, ...], error: str) -> None:
        path: list[str | int] = []
        part: Any = self._data
        for step in loc:
            # Steps that are not in the file are pydantic's names for alternatives.
            inside = isinstance(part, dict) and step in part
            if inside or (isinstance(part, list) and isinstance(step, int) and step < len(part)):
                part = _at(part, [step])
                path.append(step)
        if error == "missing":
            return self._fill(path, str(loc[-1]))
        if path and isinstance(path[-1], str) and len(path) > 1 and path[-1] not in ("key", "id", "kind"):
            return self._without(path, harmless=error == "extra_forbidden")
        if len(path) == 1:
            return self._top(str(path[0]))
        return self._replace(path)

    def _fill(self, path: list[str | int], name: str) -> None:
        part = _at(self._data, path)
        if isinstance(part, dict) and name in ("label", "title", "document_title", "message"):
            part[name] = "—"
        elif not path and isinstance(part, dict):
            self._top(name)
        else:
            self._replace(path)

    def _without(self, path: list[str | int], *, harmless: bool) -> None:
        """The part without one of its attributes."""
        owner = _at(self._data, path[:-1])
        self._places.add(tuple(path))
        if not harmless:
            self._remember(path, owner)
        if isinstance(owner, dict):
            owner.pop(path[-1], None)

    def _top(self, name: str) -> None:
        """The form's own attributes."""
        self._places.add((name,))
        here = self._a_section()
        fitting = {"version": 1, "project_name": f"{here}.{here}", "fund_type": "set_aside"}
        self._data[name] = fitting.get(name, "—")

    def _a_section(self) -> str:
        sections = self._data.get("sections")
        keys = (s.get("key") for s in sections if isinstance(s, dict)) if isinstance(sections, list) else ()
        return next((key for key in keys if isinstance(key, str)), "a")

    def _replace(self, path: list[str | int]) -> None:
        """A stand-in for the innermost item of a list."""
        while path and not isinstance(path[-1], int):
            path = path[:-1]
        if not path:
            return
        items = _at(self._data, path[:-1])
        index = int(path[-1])
        old = items[index]
        self._remember(path, old)
        named = old.get("key", old.get("id")) if isinstance(old, dict) else None
        key = named if isinstance(named, str) and _KEY.fullmatch(named) else f"set_aside_{index}"
        items[index] = self._stand_in(str(path[-2]), key, old if isinstance(old, dict) else {})

    def _stand_in(self, kind: str, key: str, old: dict[str, Any]) -> Any:
        named = {"key": key, "label": "—"}
        text = {**named, "kind": "text"}
        simple: dict[str, Any] = {
            "fields": text,
            "columns": text,
            "slots": named,
            "fixed_rows": named,
            "levels": {"label": "—", "within": [named]},
            "within": named,
            "groups": {"label": f"— {key}"},
            "bounds": {"op": "==", "than": "today", "message": "—"},
            "checks": {"id": key, "holds": "true", "message": "—", "section": self._a_section()},
        }
        match kind:
            case "sections":
                inner = {
                    name: old[name] for name in ("fields", "tables", "slots") if isinstance(old.get(name), list)
                }
                return {**named, "title": "—", **inner}
            case "tables":
                columns = old["columns"] if isinstance(old.get("columns"), list) and old["columns"] else [text]
                return {**named, "columns": columns}
        return simple.get(kind, f"— {key}")

    def _remember(self, path: list[str | int], part: Any) -> None:
        self._places.add(tuple(path))
        if path[:1] == ["sections"] and len(path) <= 3:
            return  # a section's own attributes say nothing about what stands in it
        for name in ("key", "id"):
            if isinstance(part, dict) and isinstance(word := part.get(name), str):
                self._words.add(word)


def faults_of(error: ValidationError) -> list[ErrorDetails]:
    """Return what is wrong with a shape, without the lists that are only too short because of what is wrong in them, and of an
    option, which may be written in two ways, only what is wrong with the way it was written."""
    return [found for found in error.errors(include_url=False) if not _follows(found)]


def _follows(found: ErrorDetails) -> bool:
    match found["type"], found["loc"]:
        case "too_short", _:
            return bool(len(found["input"]) >= found["ctx"]["min_length"])
        case _, (*_, "constrained-str"):
            return isinstance(found["input"], dict)
        case "model_type", (*_, "Option"):
            return True
    return False


def _at(data: Any, path: list[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data

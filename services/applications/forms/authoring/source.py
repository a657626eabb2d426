"""Read a form from its file, and say on which line each fault stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.applications.forms.authoring import library_messages
from services.applications.forms.authoring.name_checks import problems
from services.applications.forms.authoring.recovery import SetAside, faults_of
from services.applications.forms.definition import Form
from services.applications.forms.formulas.rule import Location, Problem
from services.applications.forms.formulas.rules import rules_of

MAX_BYTES = 4_000_000
# Aliases make much of little: what a text comes to once every “*” stands for what it names.
MAX_NODES = 400_000
_ENDLESS = "“&”定义的内容里用“*”引用了它自己"
_TOO_MUCH = "内容太多：用“*”反复引用同一段内容，展开后过大"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML 1.2's plain values: `true`, `null`, plain numbers. `on`, `no`, `2026-05-31`, `010` and `12:30` are the texts
    that somebody wrote."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in (
    ("bool", "true|True|false|False", "tTfF"),
    ("null", "~|null|Null|", "~nN\0"),
    ("int", "[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", "[-+]?(0|[1-9][0-9]*)[.][0-9]+", "-+0123456789"),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), ["" if c == "\0" else c for c in _first]
    )


@dataclass(frozen=True)
class Fault:
    """One fault of a file; `severity` is `error`, `warning` or `note`."""

    line: int
    message: str
    severity: str = "error"


class Source:
    """A parsed file: `data`, and the lines its parts stand on."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self.data: Any = None
        # The nodes of the text, with where each begins and ends.
        self.tree: Any = None
        # Where the shape has faults: the form without what is broken, for judging the rest.
        self.rest: SetAside | None = None
        self._lines: dict[Location, int] = {}
        self._nodes = 0
        if len(text.encode()) > MAX_BYTES:
            self.faults.append(Fault(1, f"文件太大，不能超过 {MAX_BYTES // 1_000_000} MB"))
            return
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                self._walk(node, (), set())
                self.data = loader.construct_document(node)
                self.tree = node
        except yaml.YAMLError as error:
            self.faults.append(_no_yaml(error))
        except RecursionError:
            self.faults.append(Fault(1, "嵌套太深，无法读取"))
        except ValueError:
            self.faults.append(Fault(1, "有无法读取的内容，例如过长的数"))
        finally:
            loader.dispose()

    def _walk(self, node: Any, at: Location, above: set[int]) -> None:
        self._lines[at] = node.start_mark.line + 1
        self._nodes += 1
        if id(node) in above or self._nodes > MAX_NODES:
            problem = _ENDLESS if id(node) in above else _TOO_MUCH
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        inner = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else "?"
                if name in seen:
                    self.faults.append(Fault(key.start_mark.line + 1, f"“{name}”在这里写了两次，请删去一个"))
                seen.add(name)
                self._walk(value, (*at, name), inner)
                # A long value begins below its key; the key is what people look for.
                self._lines[*at, name] = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                self._walk(item, (*at, i), inner)

    def line(self, at: Iterable[str | int]) -> int:
        """Return the line of a part, or of the nearest thing around it that stands in the file."""
        path = tuple(at)
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def fault(self, problem: Problem) -> Fault:
        return Fault(self.line(problem.at), problem.message, problem.severity)

    def shape(self, error: ErrorDetails) -> Fault:
        """Return what pydantic found, where it found it; the names it gives to alternatives are none of the file's."""
        path: list[str | int] = []
        for step in error["loc"]:
            if (*path, step) in self._lines:
                path.append(step)
        return Fault(self.line(path), library_messages.of_shape(error, tuple(path)))


def read_form(text: str) -> tuple[Form | None, list[Fault], Source]:
    """Return a form from the text of its file, with every fault of its shape, names and formulas at once."""
    source = Source(text)
    faults = list(source.faults)
    if source.data is None:
        return None, faults or [Fault(1, "文件是空的")], source
    if not isinstance(source.data, dict):
        return None, [*faults, Fault(1, "表单应是一组“名称: 内容”，如 fund_type: craft_fair")], source
    try:
        form = Form.model_validate(source.data)
    except ValidationError as error:
        faults += [source.shape(e) for e in faults_of(error)]
        rest = source.rest = SetAside(source.data)
        if rest.form is not None:
            found = (*problems(rest.form), *rules_of(rest.form).problems)
            faults += [source.fault(p) for p in found if p.severity == "error" and not rest.concerns(p)]
        return None, _sorted(faults), source
    faults += [source.fault(p) for p in (*problems(form), *rules_of(form).problems)]
    return form, _sorted(faults), source


def _sorted(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda f: (f.line, f.severity, f.message))


def _no_yaml(error: yaml.YAMLError) -> Fault:
    mark, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    line, start = ((m.line + 1 if m else None) for m in (mark or began, began))
    problem, context = getattr(error, "problem", None) or str(error), getattr(error, "context", None) or ""
    said = (
        problem
        if problem in (_ENDLESS, _TOO_MUCH)
        else library_messages.of_yaml(problem, context, start if start != line else None)
    )
    return Fault(line or 1, said)


def read_file(path: Path) -> tuple[Form | None, list[Fault], Source]:
    """Return the same, from a file; what is not UTF-8 is a fault of its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Fault(line, "文件不是 UTF-8 编码，请另存为 UTF-8")], Source("")
    except OSError:
        return None, [Fault(1, "文件打不开，请核对它的名字和权限")], Source("")
    form, faults, source = read_form(text)
    return form, faults, source

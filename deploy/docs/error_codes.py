"""List every error code that the services give, collected by reading their source; the codes stand in `shared/codes.py`."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from deploy.docs.tables import table
from deploy.embedded.system import ROOT
from shared.http.problem import STATUS

TEXT = """# Errors

A refused call answers `application/problem+json` (RFC 9457): `type` is the code, `title` and `detail` are Chinese sentences for people, `request_id`
is the reference shown on error pages and kept in the log. Codes are stable; sentences may change. Mistakes in single fields stand in `errors`, each with
`section`, `field`, `row`, `column`, `code` and `message`. Where a body does not fit its model, `malformed` carries the codes of pydantic.
`field`: the code of one place, in an answer that lists them: 422, or 200 where they are only asked for or reported. Put together when it is given and not listed:
`check.` with the id of a form's check. Which operation answers which code stands in `/api/v1/openapi.json`.
"""
CODE = re.compile(r"[a-z][a-z0-9_]+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# What is called with a code and a sentence and is no error's class: the status it ends up with.
FIELD = "field"
CALLED = {
    **dict.fromkeys(
        ("FieldError", "Wrong", "Converted", "Fault", "_error", "_say", "_leave", "_number", "_wrong"), FIELD
    ),
    "Obstacle": FIELD,
    "refuse": FIELD,
    "Refusal": "409",
    "storable": "400",
    "_id": "400",
    "_flag": "400",
    "_first": "403",  # `services.gateway.web.access`: what a session has to do before anything else
}


def page() -> str:
    """Return one table of all codes: status, sentences, where they are raised."""
    statuses: dict[str, set[str]] = defaultdict(set)
    texts: dict[str, dict[str, None]] = defaultdict(dict)
    places: dict[str, set[str]] = defaultdict(set)
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in _files()}
    errors = _Errors(list(trees.values()))
    for file, tree in trees.items():
        for code, status, text in errors.in_module(tree):
            statuses[code].add(status)
            if text:
                texts[code][text] = None
            places[code].add(".".join(file.relative_to(ROOT).parts[:3]).removesuffix(".py"))
    rows = [
        (
            f"`{code}`",
            " ".join(sorted(statuses[code])),
            "<br>".join(list(texts[code])[:3]),
            ", ".join(sorted(places[code])),
        )
        for code in sorted(statuses)
    ]
    return f"{TEXT}\n{table(('code', 'status', 'what people are told', 'from'), rows)}\n"


def _files() -> list[Path]:
    return [
        file
        for folder in ("shared", "services")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in file.parts
    ]


class _Errors:
    """The classes of errors in all modules, and what calls of them say."""

    def __init__(self, trees: list[ast.Module]) -> None:
        classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        self._bases = {c.name: [_name(base) for base in c.bases] for c in classes}
        self._docs = {c.name: (ast.get_docstring(c) or "") for c in classes}
        # Codes that are named constants.
        self._constants = {
            target.id: node.value.value
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            # A text for people may have the name of a code elsewhere.
            if isinstance(target, ast.Name)
            and isinstance(node.value.value, str)
            and CODE.fullmatch(node.value.value)
        }
        # The base of all errors is never raised itself.
        self._codes = {c.name: code for c in classes if c.name != "DomainError" and (code := self._class_code(c))}
        self._statuses = {kind.__name__: str(int(status)) for kind, status in STATUS.items()}

    def in_module(self, tree: ast.Module) -> Iterator[tuple[str, str, str]]:
        """Code, status and sentence of every error that a module defines or raises."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in self._codes:
                status = self._status(node.name)
                yield self._codes[node.name], status or FIELD, _chinese(self._docs[node.name]) if status else ""
            elif isinstance(node, ast.FunctionDef):
                yield from self._by_default(node)
            elif isinstance(node, ast.ClassDef):
                for call in ast.walk(node):
                    if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                        yield from self._in_call(call, node.name)
            elif isinstance(node, ast.Call) and _name(node.func) != "__init__":
                yield from self._in_call(node)

    def _by_default(self, function: ast.FunctionDef) -> Iterator[tuple[str, str, str]]:
        """Yield the code that a function raises unless it is called with another one."""
        for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            if argument.arg == "code" and default is not None and (code := self._constant(default)):
                calls = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
                for call in calls:
                    if isinstance(call, ast.Call):
                        yield code, self._status(_name(call.func)) or FIELD, _chinese(_text(call.args[0]))

    def _in_call(self, call: ast.Call, of: str = "") -> Iterator[tuple[str, str, str]]:
        """Yield what a call says; `of`: the class, when it is the call of its base's constructor."""
        name = of or _name(call.func)
        status = CALLED.get(name) or self._status(name)
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if "code" in given:
            if (code := self._constant(given["code"])) and CODE.fullmatch(code):
                texts = [*call.args, *([given["message"]] if "message" in given else [])]
                sentence = next(filter(None, map(_text, texts)), "")
                yield code, status or FIELD, _chinese(sentence) or _chinese(self._docs.get(name, ""))
        elif status:
            # `Wrong("too_large", "不能大于 …")`: the code, then the sentence.
            for first, second in zip(call.args, call.args[1:], strict=False):
                if (code := self._constant(first)) and CODE.fullmatch(code):
                    yield code, status, _chinese(_text(second))

    def _class_code(self, definition: ast.ClassDef) -> str:
        """Return the code that a class of errors has for itself."""
        for node in definition.body:
            if isinstance(node, ast.Assign):
                names = {target.id for target in node.targets if isinstance(target, ast.Name)}
                if names & {"code", "_code"} and (code := self._constant(node.value)):
                    return code
        return ""

    def _constant(self, node: ast.expr) -> str:
        """Return a literal, or a constant by its name."""
        if isinstance(node, ast.Name | ast.Attribute) and (name := _name(node)).isupper():
            return self._constants.get(name, "")
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

    def _status(self, name: str) -> str:
        """Return the status of an error's class, its own or its nearest base's."""
        if name in self._statuses:
            return self._statuses[name]
        return next((found for base in self._bases.get(name, []) if (found := self._status(base))), "")


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    """Return a literal text, with “…” for whatever is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def _chinese(text: str) -> str:
    return " ".join(text.split()) if CHINESE.search(text) else ""

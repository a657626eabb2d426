"""What templates read of the services' answers is there: mypy does not look into them.

A name that no model of the contract and no class of the gateway has any more is found where it stands.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

from jinja2 import nodes
from pydantic import BaseModel

import services.gateway
import shared.contract
from services.gateway.review.case_list import FILTERS as QUEUE
from services.gateway.web.rendering import TEMPLATES
from shared import errors, messages
from shared.overload.crowd import Crowd
from shared.text import formatted

ROOT = Path(__file__).resolve().parents[2]
# Of texts, instants and mappings.
METHODS = {"get", "grant_in", "isoformat", "may", "rpartition", "startswith"}
# What people typed, by the names of the inputs.
TYPED = {*QUEUE, "year", "change_reason", "close_reason", "in_words"}
# Shows the OpenAPI document, which is plain JSON.
PLAIN = {"api/operations.html"}


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def names_of(kind: type) -> set[str]:
    """What a model or a dataclass has to be read."""
    own = {name for name, value in inspect.getmembers(kind) if isinstance(value, property)}
    if issubclass(kind, BaseModel):
        return own | set(kind.model_fields)
    return own | {f.name for f in fields(kind)} if is_dataclass(kind) else set()


def test_templates_read_what_there_is() -> None:
    places = [*modules(shared.contract), *modules(services.gateway), messages, formatted]
    known = METHODS | TYPED | {"extra"} | set(inspect.signature(errors.FieldError).parameters)
    # Who is let in is told by an object that is no model.
    known |= {name for name in dir(Crowd()) if not name.startswith("_")}
    for place in places:
        for _, kind in inspect.getmembers(place, inspect.isclass):
            known |= names_of(kind)
    for template in TEMPLATES.list_templates():
        if template in PLAIN:
            continue
        assert TEMPLATES.loader is not None
        tree = TEMPLATES.parse(TEMPLATES.loader.get_source(TEMPLATES, template)[0])
        macros = {found.target for found in tree.find_all(nodes.Import)} | {"loop"}
        read = {
            found.attr
            for found in tree.find_all(nodes.Getattr)
            if not (isinstance(found.node, nodes.Name) and found.node.name in macros)
        }
        assert read <= known, f"{template}: {sorted(read - known)}"


def test_one_word_for_each_thing() -> None:
    """What the glossary retired stands on no page, in no mail and in no sentence of the services."""
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    table = glossary[glossary.index("| say | not |") :]
    retired = {
        word
        for row in re.findall(r"^\| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)[1:]
        for word in row.split("、")
    }
    assert len(retired) > 10
    files = [
        path for path in (ROOT / "services").rglob("*") if path.suffix in {".html", ".txt", ".py", ".xhtml", ".js"}
    ]
    said = {path: path.read_text(encoding="utf-8") for path in files}
    assert [(word, str(path)) for word in sorted(retired) for path, text in said.items() if word in text] == []

"""An image has what it imports: each holds the libraries of its own extra and no others (`deploy/Dockerfile`)."""

import ast
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = packages_distributions()


def named(file: Path) -> set[str]:
    """Every module that a file may import, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def ours(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


def third_parties(service: str) -> set[str]:
    """What the service's code, and all of `shared` that it reaches, imports from outside."""
    return imported(ROOT / "services" / service)


def imported(folder: Path) -> set[str]:
    waiting = list(folder.rglob("*.py"))
    seen, outside = set(waiting), set[str]()
    while waiting:
        for module in named(waiting.pop()):
            if module.partition(".")[0] in {"services", "shared", "deploy"}:
                file = ours(module)
                if file is not None and file not in seen:
                    seen.add(file)
                    waiting.append(file)
            else:
                outside.add(module.partition(".")[0])
    return outside - set(sys.stdlib_module_names)


@cache
def brought(wanted: str) -> frozenset[str]:
    """A requirement and all that it needs, by name."""
    found: set[str] = set()
    waiting = [(Requirement(wanted), frozenset[str]())]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}
        ):
            continue
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        try:
            listed = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [(Requirement(text), frozenset(requirement.extras)) for text in listed]
    return frozenset(found)


@pytest.mark.parametrize("service", ["gateway", "applications", "documents", "notify"])
def test_image_has_the_libraries_that_its_code_imports(service: str) -> None:
    assert not missing(third_parties(service), service)


def test_whoever_runs_the_system_needs_no_tools_of_tests() -> None:
    """`deploy/bootstrap.sh run` brings the extras and nothing else."""
    assert not missing(imported(ROOT / "deploy"), *PROJECT["optional-dependencies"])


def missing(modules: set[str], *extras: str) -> set[str]:
    """Those that the libraries of these extras do not bring."""
    listed = [
        *PROJECT["dependencies"],
        *(text for extra in extras for text in PROJECT["optional-dependencies"][extra]),
    ]
    there = set().union(*(brought(text) for text in listed))
    return {
        module
        for module in modules
        if not {canonicalize_name(name) for name in DISTRIBUTIONS.get(module, ())} & there
    }

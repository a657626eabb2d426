"""A program that somebody else writes: a common generator makes a client of the API's description, and the demo's story is told through it."""

import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.demo.client import Note, Person, authorities
from deploy.demo.story import Story, Teller
from tests.system.running import RunningSystem

PACKAGE = "generated_client"
# Of these, what the generator says is that it gives bytes for them.
NOT_JSON = re.compile(r"image/webp|application/pdf|text/csv|application/vnd|application/octet-stream|image/")


# The client writes UTC in the other of the two ways that ISO 8601 has.
INSTANT = re.compile(rb'(?<=")(\d{4}-\d\d-\d\dT[\d:.]+)Z(?=")')


@pytest.fixture(scope="module")
def description(system: RunningSystem) -> dict[str, Any]:
    return dict(system.person("qiye1").call("GET", "/openapi.json").json())


@pytest.fixture(scope="module")
def generated(description: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(description), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", "openapi.json",
        "--meta", "none", "--output-path", PACKAGE,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    warned = [block for block in done.stdout.split("\n\n") if "WARNING" in block and not NOT_JSON.search(block)]
    assert warned == []
    sys.path.insert(0, str(folder))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder))


class Program(Person):
    """Somebody whose every call goes through the generated client. What it answers must come back from the client's models as it was."""

    # By method and path: where the client has the operation.
    operations: list[tuple[str, re.Pattern[str], str]]

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        [(module, groups)] = [
            (name, found.groupdict())
            for verb, pattern, name in self.operations
            if verb == method and (found := pattern.fullmatch(f"/api/v1{path}"))
        ][:1]
        operation = importlib.import_module(module)
        made = importlib.import_module(f"{PACKAGE}.client").Client(
            base_url=str(self._http.base_url),
            cookies=dict(self._http.cookies),
            headers={"X-CSRF-Token": self.csrf_token},
            httpx_args={"trust_env": False},
            verify_ssl=authorities(),
        )
        with made as client:
            answer = operation.sync_detailed(client=client, **self._arguments(operation, groups, options))
        content = bytes(answer.content)
        if answer.headers.get("content-type", "").startswith("application/"):
            assert answer.parsed is not None or answer.headers["content-type"] == "application/pdf"
        if hasattr(answer.parsed, "to_dict"):
            assert json.dumps(answer.parsed.to_dict(), sort_keys=True) == json.dumps(
                json.loads(INSTANT.sub(rb"\1+00:00", content)), sort_keys=True
            )
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-encoding"}
        return httpx.Response(int(answer.status_code), content=content, headers=headers)

    def _arguments(self, operation: ModuleType, groups: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
        """Return what the operation takes, in the client's own types."""
        takes = inspect.signature(operation.sync_detailed).parameters
        found: dict[str, Any] = {
            name: UUID(value) if takes[name].annotation is UUID else takes[name].annotation(value)
            for name, value in groups.items()
        }
        found |= options.get("params") or {}
        headers = options.get("headers") or {}
        for header, name in (("If-Match", "if_match"), ("Idempotency-Key", "idempotency_key")):
            if name in takes:
                found[name] = headers[header]
        if "body" in takes:
            model = takes["body"].annotation
            if "files" in options:
                name, content = options["files"]["file"]
                types = importlib.import_module(f"{PACKAGE}.types")
                found["body"] = model(file=types.File(payload=content, file_name=name))
            else:
                found["body"] = model.from_dict(options.get("json") or {})
        return found


@pytest.fixture
def program(description: dict[str, Any], generated: ModuleType) -> type[Program]:
    operations = []
    for path, each in description["paths"].items():
        pattern = re.compile(re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", path))
        for verb, operation in each.items():
            name = f"{PACKAGE}.api.{operation['tags'][0]}.{operation['operationId']}"
            operations.append((verb.upper(), pattern, name))
    # What has no parameter is meant before what has one.
    Program.operations = sorted(operations, key=lambda found: found[1].pattern.count("("))
    return Program


@pytest.mark.slow
def test_the_story_is_told_through_a_generated_client(
    system: RunningSystem, program: type[Program], tmp_path: Path
) -> None:
    said: list[str] = []
    calls: list[str] = []

    def person(url: str, username: str, note: Note) -> Person:
        return program(url, username, calls.append)

    Story(system.url, system.mail_page, Teller(said.append, lambda _: None, tmp_path), person).tell()
    assert len(calls) > 50
    assert said[-1] == "the second submission has its own PDF"


@pytest.mark.slow
def test_every_operation_has_its_function(description: dict[str, Any], program: type[Program]) -> None:
    """The generator drops what it does not understand: here nothing."""
    assert len(program.operations) == sum(len(each) for each in description["paths"].values())
    for _, _, name in program.operations:
        assert importlib.import_module(name).sync_detailed

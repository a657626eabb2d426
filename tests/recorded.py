"""Hold the answers of the services against the recorded contract; write it anew with `--record`.

`shared/contract/recorded.json` has for each operation of the API (`METHOD path`) the codes with which it refuses, by status, and for each
status of success one body and one answer as they were seen. OpenAPI shows them. A test that meets a refusal which is not recorded fails.
"""

import json
from collections.abc import Generator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import TypeAdapter, ValidationError

import shared.http.app
from deploy.embedded.system import ROOT
from services.applications.routes import ROUTES as APPLICATIONS
from services.notify.routes import ROUTES as NOTIFY
from shared.contract.recorded import EVERYWHERE, PREFIX, Operation, known
from shared.http.app import EDGE, Route
from shared.http.openapi import plain

FILE = ROOT / "shared" / "contract" / "recorded.json"
# What is played by chance may meet what no test was written for.
BY_CHANCE = frozenset({"test_contract.py", "test_nothing_breaks.py", "test_framing.py"})
OPERATIONS = {
    f"{route.method} {plain(route.path)}": route
    for route in [*APPLICATIONS, *NOTIFY]
    if route.path.startswith(PREFIX)
}
# An answer of which little stands on a page of documentation.
USUAL_BYTES = 900
LARGEST_BYTES = 80_000


class Recorder:
    """What was seen in this process."""

    def __init__(self, *, recording: bool) -> None:
        self.recording = recording
        self.known = known()
        self.found: dict[str, Operation] = {}
        self.unknown: list[str] = []

    def take(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Note an answer of the API."""
        if not request.path.startswith(PREFIX) or not isinstance(answer, web.Response) or not answer.body:
            return
        resource = request.match_info.route.resource
        # What the gateway answers by itself belongs to any operation.
        name = f"{request.method} {resource.canonical}" if resource and not request.app[EDGE] else EVERYWHERE
        if name not in OPERATIONS and name != EVERYWHERE:
            return
        assert isinstance(answer.body, bytes)
        if answer.content_type == "application/problem+json":
            self._refusal(name, str(answer.status), json.loads(answer.body))
        elif self.recording and answer.content_type == "application/json" and answer.status < 300:
            self._success(name, str(answer.status), request, answer.body)

    def _refusal(self, name: str, status: str, problem: dict[str, Any]) -> None:
        code = problem["type"]
        if status == "500" or code in self.known.get(EVERYWHERE, Operation()).refusals.get(status, ()):
            return
        if code not in self.known.get(name, Operation()).refusals.get(status, ()):
            self.unknown.append(f"{name}: {status} {code}")
        codes = self.found.setdefault(name, Operation()).refusals.setdefault(status, [])
        if code not in codes:
            codes.append(code)

    def _success(self, name: str, status: str, request: web.Request, answer: bytes) -> None:
        if name == EVERYWHERE or len(answer) > LARGEST_BYTES:
            return
        sent = request._read_bytes if request.content_type == "application/json" else None
        example = {"answer": json.loads(answer), **({"body": json.loads(sent)} if sent else {})}
        examples = self.found.setdefault(name, Operation()).examples
        if status not in examples or _rank(example) < _rank(examples[status]):
            examples[status] = example

    def write(self) -> None:
        """Write what is known and what was found; an example that is known stays while its models hold."""
        for name, operation in self.known.items():
            if name != EVERYWHERE and name not in OPERATIONS:
                continue
            found = self.found.setdefault(name, Operation())
            found.examples |= {
                status: example
                for status, example in operation.examples.items()
                if fits(OPERATIONS[name], status, example)
            }
            for status, codes in operation.refusals.items():
                found.refusals[status] = [*found.refusals.get(status, []), *codes]
        FILE.write_text(written(self.found), encoding="utf-8")


def fits(route: Route, status: str, example: dict[str, Any]) -> bool:
    """Tell whether a recorded body fits its model, and a recorded answer comes back from its model unchanged."""
    adapter: TypeAdapter[object] = TypeAdapter(route.answer if status == str(route.status) else route.waits)
    try:
        if route.body is not None:
            route.body.model_validate_json(json.dumps(example.get("body", {})))
        answer = adapter.dump_json(adapter.validate_json(json.dumps(example["answer"])))
    except ValidationError:
        return False
    return bool(json.loads(answer) == example["answer"])


def written(operations: dict[str, Operation]) -> str:
    """Return the file's text: a line for each status, so that a change shows where it is."""
    parts = []
    for name, operation in sorted(operations.items()):
        refusals = {status: sorted(set(codes)) for status, codes in operation.refusals.items()}
        members = [
            f' "{title}": {{' + ",".join(f"\n  {_line(k)}: {_line(v)}" for k, v in sorted(found.items())) + "}"
            for title, found in (("refusals", refusals), ("examples", operation.examples))
        ]
        parts.append(f"{_line(name)}: {{\n" + ",\n".join(members) + "}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rank(example: dict[str, Any]) -> tuple[bool, int]:
    """Prefer what shows something, and what is as long as a page likes."""
    answer = example["answer"]
    empty = not answer or (isinstance(answer, dict) and any(value == [] for value in answer.values()))
    return empty, abs(len(json.dumps(example)) - USUAL_BYTES)


RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="add what is answered to shared/contract/recorded.json")


def pytest_configure(config: pytest.Config) -> None:
    recorder = config.stash[RECORDER] = Recorder(recording=config.getoption("record"))
    answering = shared.http.app._answer

    async def noted(
        request: web.Request, handler: Handler, request_id: str, busy: tuple[type[Exception], ...]
    ) -> web.StreamResponse:
        refused = False

        async def asked(request: web.Request) -> web.StreamResponse:
            nonlocal refused
            try:
                return await handler(request)
            except Exception:
                refused = True
                raise

        answer = await answering(request, asked, request_id, busy)
        # What another service refused is noted there.
        if refused or answer.status < 300:
            recorder.take(request, answer)
        return answer

    shared.http.app._answer = noted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    yield
    recorder = item.config.stash[RECORDER]
    unknown, recorder.unknown = recorder.unknown, []
    inside = item.path.relative_to(ROOT).parts
    if not recorder.recording and inside[:2] == ("tests", "integration") and item.path.name not in BY_CHANCE:
        assert not unknown, f"not in {FILE.name} (`make record` adds it): {', '.join(sorted(set(unknown)))}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (recorder := session.config.stash[RECORDER]).recording:
        recorder.write()

"""The gateway's own OpenAPI document, played against it as each role: no 5xx, no answer outside the contract.

The cases are made by schemathesis out of the document; their places are filled with things that exist, so that more
than "not found" is asked.
"""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis
import pytest
import requests
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, strategies

from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_route_by_role import PEOPLE

# Loaded by the test itself: every worker collects this file, and one plays it.
if TYPE_CHECKING:
    from schemathesis import APIOperation, Case

# Words of the inside.
INSIDE = (b"Traceback", b"sqlalchemy", b"psycopg", b"pydantic", b".py", b"postgresql://")
# Never ends by itself.
STREAMS = frozenset({"/api/v1/events"})
ENTERPRISES = {"qiye1": factories.ENTERPRISE_1, "qiye2": factories.ENTERPRISE_2}

# What a place of a path or a query may be filled with.
World = dict[str, list[str]]


@pytest.fixture
async def world(gateway: TestServer, applications: TestServer) -> World:
    """Applications of two enterprises: drafts, submitted, returned; what is in them, and the rounds."""
    found: World = {"n": ["1", "2"], "version": ["1"], "fund_type": ["reward"], "id": [], "attachment": []}
    found |= {"opinion": [], "masked": ["1"], "since": ["1"], "limit": ["1", "100"]}
    async with ClientSession() as http:
        api = Api(http, applications)
        rounds = await (await api.call("GET", "/api/v1/rounds", factories.applicant())).json()
        reviewer = factories.staff(Role.REVIEWER)
        for enterprise in ENTERPRISES.values():
            who = factories.applicant(enterprise)
            for steps in range(4):
                made = await api.create(who, next(r["id"] for r in rounds if r["is_open"]))
                found["id"].append(made["id"])
                found["key"] = [section["key"] for section in made["sections"]]
                if steps == 0:
                    continue
                await api.fill(who, made["id"])
                if steps > 1:
                    assert (await api.submit(who, made["id"])).status == 200
                if steps > 2:
                    opinion = {"section": "contact", "field": "mobile", "text": "请核对手机号码"}
                    due = {"correct_by": "2099-01-01T00:00:00+08:00", "opinions": [opinion], "unlock": []}
                    returned = await api.act(reviewer, made["id"], "return", **due)
                    assert returned.status == 200, await returned.text()
                    listed = await api.call("GET", f"/api/v1/applications/{made['id']}/opinions", who)
                    found["opinion"] += [o["id"] for o in await listed.json()]
        found["id"] += [r["id"] for r in rounds]
    return found


async def sign_in(gateway: TestServer, username: str) -> tuple[str, str]:
    """The cookie and the token of somebody's session."""
    browser = Browser(gateway)
    try:
        await browser.send_form(await browser.to_form("/welcome"), username)
        token = (await (await browser.call("GET", "/me")).json())["csrf_token"]
        return browser.cookie(), token
    finally:
        await browser.http.close()


def roles_of(operation: "APIOperation") -> list[Role]:
    """Who may call an operation; one that names nobody asks for a session only."""
    return [Role(name) for name in operation.definition.raw["x-roles"]] or list(PEOPLE)


def checks() -> list[Any]:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]


class Player:
    """Sends cases as one of several people, and looks at every answer."""

    def __init__(self, url: str, people: dict[Role, tuple[str, str]], world: World) -> None:
        self.url = url
        self.world = world
        self.people = people
        self.checks = checks()
        self.http = requests.Session()
        self.http.trust_env = False
        self.played: Counter[tuple[str, Role]] = Counter()
        self.statuses: Counter[int] = Counter()

    def play(self, case: "Case", role: Role, draw: Any) -> None:
        """One case: real things at most of its places, then sent and judged."""
        for places in (case.path_parameters, case.query):
            for name in list(places or {}):
                if self.world.get(name) and draw(strategies.integers(0, 3)):
                    places[name] = draw(strategies.sampled_from(self.world[name]))
        cookie, token = self.people[role]
        headers: dict[str, str] = {"X-CSRF-Token": token}
        if "If-Match" in (case.headers or {}):
            headers["If-Match"] = draw(strategies.sampled_from(['"1"', '"2"', '"3"', 'W/"5"', "*"]))
        if "Idempotency-Key" in (case.headers or {}):
            headers["Idempotency-Key"] = uuid4().hex
        answer = case.call(
            base_url=self.url, session=self.http, headers=headers, cookies={"gm_session": cookie}, timeout=30
        )
        self.played[case.operation.label, role] += 1
        self.statuses[answer.status_code] += 1
        case.validate_response(answer, checks=self.checks)
        assert not any(word in answer.content for word in INSIDE) or answer.status_code < 400
        if role not in roles_of(case.operation):
            told = f"{role} got {answer.status_code} of {case.operation.label}"
            assert answer.status_code in {400, 403, 404, 413, 415}, told


def play_all(document: dict[str, Any], player: Player, cases: int) -> None:
    """As many cases as asked, each operation its share, mostly by those who may call it."""
    import schemathesis
    from schemathesis import GenerationMode

    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [operation for operation in operations if operation.path not in STREAMS]
    share = -(-cases // len(operations))
    for operation in operations:
        allowed = roles_of(operation)
        modes = strategies.one_of(
            *(
                operation.as_strategy(generation_mode=mode)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            )
        )

        @hypothesis.settings(
            max_examples=share,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(
            case=modes, role=strategies.sampled_from([*PEOPLE, *allowed * 12]), data=strategies.data()
        )
        def plays(case: "Case", role: Role, data: Any) -> None:
            player.play(case, role, data.draw)

        plays()


@pytest.mark.parametrize(
    "cases",
    [
        300,
        pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
        pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
async def test_every_answer_is_within_the_contract(gateway: TestServer, world: World, cases: int) -> None:
    people = {role: await sign_in(gateway, username) for role, username in PEOPLE.items()}
    async with ClientSession() as http, http.get(gateway.make_url("/api/v1/openapi.json")) as answer:
        document = await answer.json()
    player = Player(str(gateway.make_url("/")).rstrip("/"), people, world)
    try:
        await asyncio.to_thread(play_all, document, player, cases)
    finally:
        player.http.close()
    # Enough of it was let in for the answers to mean something.
    assert player.statuses[200] > cases / 10, player.statuses
    assert sum(player.played.values()) >= cases
    operations = {label for label, _ in player.played}
    described = sum(1 for path, item in document["paths"].items() for _ in item if path not in STREAMS)
    assert len(operations) == described
    assert {role for _, role in player.played} == set(PEOPLE)

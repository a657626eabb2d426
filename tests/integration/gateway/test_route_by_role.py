"""Every route × every role, in both directions: who has the role gets past the gate, nobody else does."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from services.applications.app import create_app as create_applications
from services.applications.routes import ROUTES as APPLICATIONS
from services.gateway import routes
from services.gateway.app import create_app
from services.gateway.web.context import DATABASE
from services.notify.app import create_app as create_notify
from services.notify.routes import ROUTES as NOTIFY
from shared.http.app import Route
from shared.identity import Actor, Role, Signer
from tests import factories
from tests.integration.applications.conftest import make_settings as applications_settings
from tests.integration.gateway.conftest import Browser, make_settings, seed_people
from tests.integration.notify.conftest import make_settings as notify_settings

PEOPLE = {
    Role.APPLICANT: "qiye1",
    Role.REVIEWER: "shencha",
    Role.EXPERT: "zhuanjia1",
    Role.DIRECTOR: "shending",
    Role.OFFICER: "yewu",
    Role.FORM_EDITOR: "bianzhi",
    Role.OPERATOR: "yunwei",
    Role.AUDITOR: "shenji",
}


def concrete(path: str) -> str:
    """The path of a route with something in each of its places."""
    path = path.replace("{rest:.+}", "applications").replace("{n}", "1").replace("{version}", "1")
    return re.sub(
        r"\{(id|account|attachment|link|opinion|item|objection|event|letter|request|invitation|note|file|inquiry)\}",
        str(uuid4()),
        re.sub(r"\{(key|fund_type|token|secret)[^}]*\}", "x", path),
    )


@pytest.fixture(scope="module")
async def alone(database_url: str, redis_url: str) -> AsyncIterator[TestServer]:
    """The gateway with nothing behind it: whoever passes the gate meets 503 there, or the page."""
    settings = make_settings(database_url, redis_url, signins_per_minute=10_000, calls_per_minute=100_000)
    async with TestServer(create_app(settings), port=settings.gateway_port) as running:
        async with running.app[DATABASE].begin() as session:
            await seed_people(session)
        yield running


@pytest.mark.parametrize("role", PEOPLE, ids=str)
async def test_public_port(alone: TestServer, role: Role) -> None:
    browser = Browser(alone)
    faults = []
    session = await _session(alone, role)

    async def token() -> str:
        """What the session's forms carry, from the cookie alone."""
        browser.http.cookie_jar.clear()
        browser.http.cookie_jar.update_cookies({"gm_session": session}, alone.make_url("/"))
        return str((await (await browser.call("GET", "/me")).json())["csrf_token"])

    try:
        csrf_token = await token()
        for page in routes.table(development=False):
            if page.path in {"/logout", "/account/sessions/end-all", "/api/v1/events"} and role in page.roles:
                continue  # these end what the others need; they have tests of their own
            browser.http.cookie_jar.clear()
            browser.http.cookie_jar.update_cookies({"gm_session": session}, alone.make_url("/"))
            answer = await browser.go(
                page.method,
                concrete(page.path),
                headers={"X-CSRF-Token": csrf_token, "Accept": "application/json"},
                data={"csrf_token": csrf_token} if page.form else None,
                allow_redirects=False,
            )
            refused = answer.status == 403 and (await answer.json())["type"] == "not_allowed"
            if refused == (not page.roles or role in page.roles):
                faults.append(f"{page.method} {page.path} {role}: {answer.status}")
        # The session that all were asked with stands: a token is masked anew each time, but for the account it ends with.
        assert (await token()).rpartition(".")[2] == csrf_token.rpartition(".")[2]
    finally:
        await browser.http.close()
    assert not faults


_SESSIONS: dict[tuple[int, Role], str] = {}


async def _session(server: TestServer, role: Role) -> str:
    key = (server.port or 0, role)
    if key not in _SESSIONS:
        browser = Browser(server)
        await browser.send_form(await browser.to_form("/welcome"), PEOPLE[role])
        _SESSIONS[key] = browser.cookie()
        await browser.http.close()
    return _SESSIONS[key]


async def test_public_port_without_a_session(alone: TestServer) -> None:
    faults = []
    async with ClientSession() as http:
        for page in routes.table(development=False):
            answer = await http.request(
                page.method,
                alone.make_url(concrete(page.path)),
                headers={"Accept": "application/json"},
                data={"a": "b"} if page.form else None,
                allow_redirects=False,
            )
            to_login = answer.status == 303 and answer.headers["Location"].startswith("/login?next=")
            if page.roles and not to_login and answer.status != 401:
                faults.append(f"{page.method} {page.path}: {answer.status}")
    assert not faults


@pytest.fixture(scope="module")
async def behind(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, TestServer]]:
    applications = create_applications(applications_settings(database_url, tmp_path_factory.mktemp("store")))
    notify = create_notify(notify_settings(database_url, "smtp://127.0.0.1:9"))
    async with TestServer(applications) as first, TestServer(notify) as second:
        yield {"applications": first, "notify": second}


@pytest.mark.parametrize(
    ("service", "table"), [("applications", APPLICATIONS), ("notify", NOTIFY)], ids=["applications", "notify"]
)
async def test_services_behind(behind: dict[str, TestServer], service: str, table: list[Route]) -> None:
    faults = []
    signers = {name: Signer(name, factories.private_key(name)) for name in factories.SERVICES}
    forged = Signer("gateway", b"f" * 32)
    async with ClientSession() as http:

        async def ask(
            route: Route, signer: Signer | None, who: Actor | None = None, audience: str = service, **headers: str
        ) -> tuple[int, str]:
            url = behind[service].make_url(concrete(route.path))
            asked = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex, **headers}
            if signer is not None:
                asked |= signer.headers(audience, route.method, url.raw_path_qs, who)
            body = {} if route.body is not None else None
            async with http.request(route.method, url, headers=asked, json=body) as answer:
                problem = "problem" in answer.content_type
                return answer.status, (await answer.json(content_type=None))["type"] if problem else ""

        for route in table:
            if not route.callers:
                continue
            for caller, signer in signers.items():
                if caller == "gateway" and caller in route.callers:
                    # Asked below, as everybody.
                    continue
                status, code = await ask(route, signer, factories.applicant())
                if (code == "caller_not_trusted") != (caller not in route.callers):
                    faults.append(f"{route.method} {route.path} called by {caller}: {status} {code}")
            for status, code in (
                await ask(route, None),
                await ask(route, None, Authorization="Bearer x"),
                await ask(route, forged, factories.applicant()),
            ):
                if status != 401:
                    faults.append(f"{route.method} {route.path} without a right token: {status} {code}")
            # A token for another service opens nothing here.
            other = "notify" if service == "applications" else "applications"
            if (await ask(route, signers["gateway"], factories.applicant(), other))[0] != 401:
                faults.append(f"{route.method} {route.path} with a token for {other}")
            if "gateway" not in route.callers:
                continue
            for role in PEOPLE:
                who = factories.applicant() if role is Role.APPLICANT else factories.staff(role)
                status, code = await ask(route, signers["gateway"], who)
                refused = (status, code) == (403, "not_allowed")
                if code == "caller_not_trusted" or refused == (not route.roles or role in route.roles):
                    faults.append(f"{route.method} {route.path} {role}: {status} {code}")
    assert not faults

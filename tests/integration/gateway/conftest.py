"""The gateway before the real applications and notify services, on one database and real sockets."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import pytest
import redis
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher, profiles
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from deploy.embedded.ports import free_port
from services.applications.app import create_app as create_applications
from services.applications.core.context import SESSIONS
from services.applications.rounds.seed import seed as seed_rounds
from services.gateway import routes
from services.gateway.accounts.demo_staff import seed as seed_staff
from services.gateway.accounts.models import SessionRow
from services.gateway.accounts.sessions import Arrival, digest
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.gateway.stub_idp import passwords, people
from services.gateway.stub_idp.people import seed as seed_stub
from services.gateway.stub_idp.routes import ROUTES as STUB_ROUTES
from services.gateway.web import backend
from services.gateway.web.access import ANYBODY, Page
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE
from services.gateway.web.limits import LIMITS
from services.notify.app import create_app as create_notify
from shared.overload import admission
from tests import factories
from tests.integration.applications.conftest import make_settings as applications_settings
from tests.integration.notify.conftest import make_settings as notify_settings


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Let a sign-in cost a millisecond: a real hash is a fifth of a second of one core, and hundreds sign in here."""
    cheap = PasswordHasher.from_parameters(profiles.CHEAPEST)
    with pytest.MonkeyPatch.context() as patch:
        for module in (passwords, people):
            patch.setattr(module, "HASHER", cheap)
        patch.setattr(passwords, "NOBODYS_HASH", cheap.hash("nobody's password"))
        yield


@pytest.fixture(scope="package", autouse=True)
def _time_enough() -> Iterator[None]:
    """Let a call connect, and a request be worth its answer, ten times as long: here three services share one loop, and while one of
    them computes on a busy machine the other two stand still."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "CONNECT", 10 * backend.CONNECT)
        patch.setattr(admission, "WORTH", {rank: 10 * seconds for rank, seconds in admission.WORTH.items()})
        yield


def make_settings(database_url: str, redis_url: str, **changes: Any) -> GatewaySettings:
    port = changes.pop("gateway_port", None) or free_port()
    if changes.get("stub_idp", True):
        registry = {
            "registry_url": f"http://127.0.0.1:{port}/stub-idp/registry",
            "registry_key": "the registry's key",
        }
        changes = registry | changes
    values = {
        "database_url": database_url,
        "redis_url": redis_url,
        "gateway_port": port,
        "gateway_internal_port": changes.pop("gateway_internal_port", None) or free_port(),
        "public_url": f"http://127.0.0.1:{port}",
        "applications_url": "http://127.0.0.1:9",
        "notify_url": "http://127.0.0.1:9",
        "idp_url": f"http://127.0.0.1:{port}/stub-idp",
        "idp_client_id": "gongmei",
        "idp_client_secret": "a secret of the client",
        "stub_idp": True,
        "audit_key": b"a" * 32,
        "personal_keys": factories.b64(b"p" * 32),
        "allowed_addresses": "127.0.0.1",
        "signing_key": factories.private_key("gateway"),
        "trusted_keys": factories.trusted_keys(),
        **changes,
    }
    return GatewaySettings(**values)


@pytest.fixture(scope="module")
def gateway(house: tuple[TestServer, TestServer]) -> TestServer:
    return house[0]


@pytest.fixture(scope="module")
def applications(house: tuple[TestServer, TestServer]) -> TestServer:
    """The service behind the gateway."""
    return house[1]


@pytest.fixture(scope="module")
async def house(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[TestServer, TestServer]]:
    async with standing(database_url, redis_url, tmp_path_factory.mktemp("store")) as servers:
        yield servers


@asynccontextmanager
async def standing(
    database_url: str,
    redis_url: str,
    store: Path,
    *,
    rounds_by_two: bool = False,
    forms_by_two: bool = False,
    extensions_by_two: bool = False,
    **changes: Any,
) -> AsyncIterator[tuple[TestServer, TestServer]]:
    """A gateway and the services behind it, with demo accounts and rounds; `changes` to the gateway's settings. `rounds_by_two`,
    `forms_by_two`: who wrote a round or a form does not publish it; `extensions_by_two`: who proposed one does not make it."""
    async with AsyncExitStack() as stack:
        ports = {"applications": free_port(), "notify": free_port()}
        settings = make_settings(
            database_url,
            redis_url,
            applications_url=f"http://127.0.0.1:{ports['applications']}",
            notify_url=f"http://127.0.0.1:{ports['notify']}",
            signins_per_minute=10_000,
            **changes,
        )
        behind = create_applications(
            applications_settings(
                database_url,
                store,
                gateway_url=f"http://127.0.0.1:{settings.gateway_internal_port}",
                notify_url=f"http://127.0.0.1:{ports['notify']}",
                rounds_by_two=rounds_by_two,
                forms_by_two=forms_by_two,
                extensions_by_two=extensions_by_two,
            )
        )
        notify = create_notify(notify_settings(database_url, "smtp://127.0.0.1:9"))
        served = await stack.enter_async_context(TestServer(behind, port=ports["applications"]))
        await stack.enter_async_context(TestServer(notify, port=ports["notify"]))
        app = create_app(settings)
        running = await stack.enter_async_context(TestServer(app, port=settings.gateway_port))
        async with app[DATABASE].begin() as session:
            await seed_people(session)
        async with behind[SESSIONS].begin() as session:
            await seed_rounds(session)
        yield running, served


async def seed_people(session: AsyncSession) -> None:
    """The stub's demo accounts, and the portal's demo staff."""
    await seed_stub(session)
    await seed_staff(session)


def whole_table() -> list[Page]:
    """Every route of the public port with the stub mounted, as the gateway guards them."""
    limits = {limit.name: limit for limit in LIMITS}
    stub = [Page(r.method, r.path, r.handler, ANYBODY, limit=limits[r.limit], files=r.files) for r in STUB_ROUTES]
    return [*routes.table(development=True), *stub]


def forget_sessions(server: TestServer) -> None:
    """Make a gateway forget the sessions that it read, as if their seconds had passed."""
    server.app[BROWSER_SESSIONS]._remembered.clear()


def flush_cache(redis_url: str) -> None:
    """Empty Redis: what was counted, and the forms that wait to be sent again."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


# Who has signed in by the form, by server: their accounts.
_ACCOUNTS: WeakKeyDictionary[TestServer, dict[str, UUID]] = WeakKeyDictionary()
ARRIVAL = Arrival("127.0.0.1", "a browser without a screen")


class Browser:
    """A browser without a screen: keeps cookies, fills forms."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.http = ClientSession(cookie_jar=CookieJar(unsafe=True))
        self.csrf_token = ""

    async def go(self, method: str, path: str, **options: Any) -> ClientResponse:
        options.setdefault("headers", {})
        options["headers"].setdefault("Accept", "text/html")
        answer = await self.http.request(method, self.server.make_url(path), **options)
        await answer.read()
        return answer

    async def call(self, method: str, path: str, **options: Any) -> ClientResponse:
        """A call of the API, with the token."""
        headers = {"X-CSRF-Token": self.csrf_token, **options.pop("headers", {})}
        answer = await self.http.request(
            method, self.server.make_url(f"/api/v1{path}"), headers=headers, **options
        )
        await answer.read()
        return answer

    async def to_form(self, next: str = "/") -> dict[str, str]:
        """Open the platform's form; its hidden fields."""
        page = await self.go("GET", f"/login?next={next}")
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', await page.text())
        return {name: unescape(value) for name, value in hidden}

    async def send_form(self, hidden: dict[str, str], username: str, **changes: Any) -> ClientResponse:
        fields = {**hidden, "username": username, "password": "Demo#2024", "captcha": "8888"}
        options = {key: changes.pop(key) for key in ("allow_redirects",) if key in changes}
        return await self.go("POST", "/stub-idp/am/oauth2/authorize", data={**fields, **changes}, **options)

    async def sign_in(self, username: str, *, anew: bool = False) -> "Browser":
        """Begin a session. Somebody who came through the form before gets the next one from the gateway's own function, which is a
        tenth of the way by the provider; a test about signing in says `anew`."""
        known = _ACCOUNTS.setdefault(self.server, {})
        if anew or username not in known:
            answer = await self.send_form(await self.to_form(), username)
            assert answer.status == 200, await answer.text()
            async with self.server.app[DATABASE]() as session:
                query = select(SessionRow.account_id).where(SessionRow.id_sha256 == digest(self.cookie()))
                known[username] = (await session.scalars(query)).one()
        else:
            before = next((c.value for c in self.http.cookie_jar if c.key == "gm_session"), None)
            begun = self.server.app[BROWSER_SESSIONS].begin(known[username], ARRIVAL, replaces=before)
            self.http.cookie_jar.update_cookies({"gm_session": await begun}, self.server.make_url("/"))
        self.csrf_token = (await (await self.call("GET", "/me")).json())["csrf_token"]
        return self

    def cookie(self, name: str = "gm_session") -> str:
        return next(c.value for c in self.http.cookie_jar if c.key == name)


@pytest.fixture
async def browser(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield made
    await made.http.close()


@pytest.fixture
async def other(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield made
    await made.http.close()

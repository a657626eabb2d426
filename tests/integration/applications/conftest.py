"""The applications service on a real database and a real socket, and a client that signs like the gateway."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, ClientSession, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.app import create_app
from services.applications.core.context import SESSIONS, SETTINGS, STORE
from services.applications.forms import catalogue
from services.applications.rounds.seed import seed
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.identity import Actor, Signer
from tests import factories
from tests.attached import attach


def make_settings(database_url: str, folder: Path, **changes: Any) -> ApplicationsSettings:
    values = {
        "database_url": database_url,
        "redis_url": "redis://127.0.0.1:1/0",
        "broker_url": "redis://127.0.0.1:1/0",
        "store_url": f"file://{folder}/store",
        "gateway_url": "http://127.0.0.1:9",
        "notify_url": "http://127.0.0.1:9",
        "signing_key": factories.private_key("applications"),
        "trusted_keys": factories.trusted_keys(),
        "master_key": b"m" * 32,
        "receipt_key": b"r" * 32,
        "audit_key": b"a" * 32,
        "public_url": "http://127.0.0.1:8080",
        **changes,
    }
    return ApplicationsSettings(**values)


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    return make_settings(database_url, tmp_path_factory.mktemp("applications"))


@pytest.fixture(scope="module")
def published_here() -> Iterator[None]:
    """For modules that publish forms: the catalogue of this process forgets them afterwards. Named before `server`, it ends after it."""
    catalogue.forms.cache_clear()
    yield
    catalogue.forms.cache_clear()


@pytest.fixture(scope="module")
async def server(settings: ApplicationsSettings) -> AsyncIterator[TestServer]:
    app = create_app(settings)
    async with TestServer(app) as running:
        async with app[SESSIONS].begin() as session:
            await seed(session)
        yield running


@pytest.fixture
def sessions(server: TestServer) -> async_sessionmaker[AsyncSession]:
    return server.app[SESSIONS]


class Api:
    """Calls the service as the gateway would, for one person or for a service itself."""

    def __init__(self, http: ClientSession, server: TestServer) -> None:
        self._http = http
        self._server = server
        self._signers = {name: Signer(name, factories.private_key(name)) for name in factories.SERVICES}

    async def call(
        self,
        method: str,
        path: str,
        actor: Actor | None = None,
        *,
        service: str = "gateway",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> ClientResponse:
        if actor is not None and "received_at" not in options:
            actor = actor.model_copy(update={"received_at": clock.now()})
        if (at := options.pop("received_at", None)) and actor is not None:
            actor = actor.model_copy(update={"received_at": at})
        url = self._server.make_url(path).update_query(options.pop("params", None) or {})
        signed = self._signers[service].headers("applications", method, url.raw_path_qs, actor)
        answer = await self._http.request(method, url, headers={**signed, **(headers or {})}, **options)
        await answer.read()
        return answer

    async def create(self, actor: Actor, round_id: str) -> dict[str, Any]:
        answer = await self.call(
            "POST",
            "/api/v1/applications",
            actor,
            json={"round_id": round_id},
            headers={"Idempotency-Key": uuid4().hex},
        )
        assert answer.status == 201, await answer.text()
        return await answer.json()

    async def upload(self, actor: Actor, id: str, section: str, slot: str) -> str:
        name, content = factories.file_for(slot)
        form = FormData()
        form.add_field("file", content, filename=name)
        path = f"/api/v1/applications/{id}/attachments?section={section}&slot={slot}"
        answer = await self.call("POST", path, actor, data=form)
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])

    async def save(self, actor: Actor, id: str, key: str, values: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/v1/applications/{id}/sections/{key}"
        # What nobody has written yet stands at 1.
        answer = await self.call("PUT", path, actor, json={"values": values}, headers={"If-Match": '"1"'})
        if answer.status == 412:
            etag = (await self.call("GET", path, actor)).headers["ETag"]
            answer = await self.call("PUT", path, actor, json={"values": values}, headers={"If-Match": etag})
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def fill(self, actor: Actor, id: str, **changes: Any) -> dict[str, Any]:
        """Every section saved, with attachments; the values as they are kept."""
        app = self._server.app
        async with app[SESSIONS].begin() as session:
            files = await attach(session, app[STORE], app[SETTINGS], actor, UUID(id), factories.REWARD_SLOTS)
        values = factories.reward_values(files, **changes)
        if actor.enterprise != values["company"]["uscc"]:
            values["company"] |= {"uscc": actor.enterprise, "org_name": actor.enterprise_name}
        return {key: (await self.save(actor, id, key, section))["values"] for key, section in values.items()}

    async def etag(self, actor: Actor, id: str) -> str:
        answer = await self.call("GET", f"/api/v1/applications/{id}", actor)
        assert answer.status == 200, await answer.text()
        return answer.headers["ETag"]

    async def submit(self, actor: Actor, id: str, key: str | None = None, **options: Any) -> ClientResponse:
        headers = {"If-Match": await self.etag(actor, id), "Idempotency-Key": key or uuid4().hex}
        return await self.call(
            "POST", f"/api/v1/applications/{id}/submit", actor, json={}, headers=headers, **options
        )

    async def act(self, actor: Actor, id: str, action: str, **body: Any) -> ClientResponse:
        """A reviewer's action, under a lease."""
        await self.call("POST", f"/api/v1/review/applications/{id}/lease", actor)
        headers = {"If-Match": await self.etag(actor, id)}
        return await self.call(
            "POST", f"/api/v1/review/applications/{id}/{action}", actor, json=body, headers=headers
        )


@pytest.fixture
async def api(server: TestServer) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        yield Api(http, server)


@pytest.fixture
async def round_id(api: Api) -> str:
    rounds = await (await api.call("GET", "/api/v1/rounds", factories.applicant())).json()
    return next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")


@pytest.fixture
async def submitted(api: Api, round_id: str) -> str:
    """An application that was just submitted; its id."""
    who = factories.applicant()
    created = await api.create(who, round_id)
    await api.fill(who, created["id"])
    answer = await api.submit(who, created["id"])
    assert answer.status == 200, await answer.text()
    return str(created["id"])

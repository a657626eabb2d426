"""What is brought along from the registry: with its source and time, while the registry is well, slow and away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from deploy.demo.values import ENTERPRISE_1, REWARD_SLOTS, file_for, reward_values
from services.applications.core.peers import Profiles
from services.gateway.registry import REGISTRY
from services.gateway.web import profiles
from services.gateway.web.context import DATABASE
from shared.errors import Unavailable
from tests.integration.gateway.conftest import Browser

Json = dict[str, Any]


@pytest.fixture
async def person(gateway: TestServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    """An applicant whose every question reaches the registry, as if a minute had passed since the last."""
    of = Profiles.of
    monkeypatch.setattr(Profiles, "of", lambda self, peers, actor, anew=True: of(self, peers, actor, anew=True))
    header = profiles.Profiles.header
    monkeypatch.setattr(profiles.Profiles, "header", lambda self, id, anew=True: header(self, id, anew=True))
    browser = Browser(gateway)
    yield await browser.sign_in("qiye1", anew=True)
    await browser.http.close()


async def sql(gateway: TestServer, statement: str, **values: Any) -> None:
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(text(statement), values)


async def answers_again(gateway: TestServer) -> None:
    """Wait until the gateway's breaker has found out that the registry answers."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Unavailable):
                await gateway.app[REGISTRY].entry(ENTERPRISE_1[0])
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def slow(gateway: TestServer) -> AsyncIterator[None]:
    """The registry takes questions and does not answer them."""
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(text("LOCK TABLE stub_idp.registry IN ACCESS EXCLUSIVE MODE"))
        yield
    await answers_again(gateway)


@asynccontextmanager
async def failing(gateway: TestServer) -> AsyncIterator[None]:
    """The registry refuses every question at once."""
    await sql(gateway, "ALTER TABLE stub_idp.registry RENAME TO registry_away")
    try:
        yield
    finally:
        await sql(gateway, "ALTER TABLE stub_idp.registry_away RENAME TO registry")
        await answers_again(gateway)


@asynccontextmanager
async def registered(gateway: TestServer, **entries: str | None) -> AsyncIterator[None]:
    """The registry says something else about the enterprise for a while; nothing at all for None."""
    async with gateway.app[DATABASE].begin() as session:
        query = text("SELECT attributes FROM stub_idp.registry WHERE uscc = :uscc")
        before = await session.scalar(query, {"uscc": ENTERPRISE_1[0]})
    import json

    put = "UPDATE stub_idp.registry SET attributes = CAST(:entry AS jsonb) WHERE uscc = :uscc"
    # What the platform said at sign-in goes after the registry, so it has to be overruled.
    after = {**before, **{key: value if value is not None else "null" for key, value in entries.items()}}
    await sql(gateway, put, uscc=ENTERPRISE_1[0], entry=json.dumps(after))
    try:
        yield
    finally:
        await sql(gateway, put, uscc=ENTERPRISE_1[0], entry=json.dumps(before))


async def start(person: Browser) -> Json:
    rounds = await (await person.call("GET", "/rounds")).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await person.call("POST", "/applications", json={"round_id": round_id}, headers=headers)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def section(person: Browser, id: str, key: str) -> Json:
    answer = await person.call("GET", f"/applications/{id}/sections/{key}")
    assert answer.status == 200
    return await answer.json()


async def write(
    person: Browser, id: str, key: str, values: Json, *, draft: bool = False, status: int = 200
) -> Json:
    etag = (await section(person, id, key))["etag"]
    path = f"/applications/{id}/sections/{key}{'/draft' if draft else ''}"
    answer = await person.call("PUT", path, json={"values": values}, headers={"If-Match": f'"{etag}"'})
    assert answer.status == status, await answer.text()
    return await answer.json()


async def refresh(person: Browser, id: str, *adopt: str, status: int = 200) -> Json:
    body = {"adopt": [dict(zip(("section", "field"), path.split("."), strict=True)) for path in adopt]}
    answer = await person.call("POST", f"/applications/{id}/prefill", json=body)
    assert answer.status == status, await answer.text()
    return await answer.json()


def fields(places: list[Json]) -> set[str]:
    return {f"{p['section']}.{p['field']}" for p in places}


async def fill(person: Browser, id: str) -> Json:
    """Everything saved; the values as they were brought along where the registry has them."""
    files: dict[str, list[str]] = {}
    for slot, key in REWARD_SLOTS.items():
        from aiohttp import FormData

        name, content = file_for(slot)
        form = FormData()
        form.add_field("file", content, filename=name)
        made = await person.call("POST", f"/applications/{id}/attachments?section={key}&slot={slot}", data=form)
        files[slot] = [(await made.json())["id"]]
    values = reward_values(files)
    for key, content in values.items():
        brought = {k: v["value"] for k, v in (await section(person, id, key))["prefill"].items()}
        await write(person, id, key, {**content, **brought})
    return values


async def submit(person: Browser, id: str) -> Json:
    version = (await (await person.call("GET", f"/applications/{id}")).json())["version"]
    headers = {"If-Match": f'"{version}"', "Idempotency-Key": uuid4().hex}
    answer = await person.call("POST", f"/applications/{id}/submit", json={}, headers=headers)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_every_value_says_where_it_came_from_and_when(person: Browser) -> None:
    made = await start(person)
    assert made["registry"]["answered"] is True
    assert made["registry"]["waiting"] == []
    company = await section(person, made["id"], "company")
    assert company["prefill"]["org_name"]["value"] == ENTERPRISE_1[1]
    assert all(item["source"] == "法人库" and item["fetched_at"] for item in company["prefill"].values())
    contact = await section(person, made["id"], "contact")
    assert contact["prefill"]["contact_name"]["source"] == "统一身份认证平台"
    # An identity field cannot be typed over; what is no identity can be corrected.
    values = {k: v["value"] for k, v in company["prefill"].items()}
    errors = (await write(person, made["id"], "company", {**values, "org_name": "别的企业"}, status=422))["errors"]
    assert ("org_name", "readonly") in {(e["field"], e["code"]) for e in errors}
    errors = (
        await write(person, made["id"], "company", {**values, "office_address": "北京市东城区1号"}, status=422)
    )["errors"]
    assert "office_address" not in {e["field"] for e in errors}


@pytest.mark.parametrize("fault", [slow, failing])
async def test_without_the_registry_one_starts_and_is_told_what_waits(
    gateway: TestServer, person: Browser, fault: Any
) -> None:
    async with fault(gateway):
        began = time.monotonic()
        made = await start(person)
        assert time.monotonic() - began < 4
        id = made["id"]
        assert made["registry"]["answered"] is False
        waiting = fields(made["registry"]["waiting"])
        assert "company.business_scope" in waiting
        # What the platform itself passed on at sign-in is there all the same, with the time of the sign-in.
        assert "company.org_name" not in waiting
        company = await section(person, id, "company")
        assert "business_scope" not in company["prefill"]
        page = await (await person.go("GET", f"/applications/{id}/sections/company")).text()
        assert "经营范围" in page.split("法人库暂时没有响应")[1].split("</div>")[0]
        # One goes on typing.
        await write(person, id, "company", {"business_scope": "本单位自己填写的经营范围"}, draft=True)
        report = await refresh(person, id)
        assert report["answered"] is False
        assert report["filled"] == []
    report = await refresh(person, id)
    assert report["answered"] is True
    assert report["waiting"] == []
    assert "company.registered_address" in fields(report["filled"])
    company = await section(person, id, "company")
    # Filled where it was empty, never over what was typed; and what differs is said.
    assert company["draft"]["business_scope"] == "本单位自己填写的经营范围"
    assert company["draft"]["registered_address"] == company["prefill"]["registered_address"]["value"]
    assert "business_scope" not in company["prefill"]
    assert "company.business_scope" in fields(report["changed"])
    assert "business_scope" in company["registry"]
    page = await (await person.go("GET", f"/applications/{id}/sections/company")).text()
    assert "法人库暂时没有响应" not in page
    assert (await (await person.call("GET", f"/applications/{id}")).json())["registry"]["answered"] is True


async def test_an_open_page_asks_again_by_itself(gateway: TestServer, person: Browser) -> None:
    async with failing(gateway):
        id = (await start(person))["id"]
    await sql(gateway, "UPDATE applications.applications SET registry_asked_at = now() - interval '1 minute'")
    page = await (await person.go("GET", f"/applications/{id}/sections/company")).text()
    assert "法人库暂时没有响应" not in page
    assert (await section(person, id, "company"))["prefill"]["business_scope"]["source"] == "法人库"


async def test_what_the_registry_changed_is_a_warning_before_and_at_submission(
    gateway: TestServer, person: Browser
) -> None:
    id = (await start(person))["id"]
    await fill(person, id)

    async def warnings() -> dict[str, Json]:
        found = await (await person.call("GET", f"/applications/{id}/checks")).json()
        return {o["id"]: o for o in found if o["id"].startswith("registry.")}

    assert await warnings() == {}
    async with registered(gateway, LEGAL_PERSON="赵新", ZIP_CODE=None):
        found = await warnings()
        changed = found["registry.company.legal_rep_name"]
        assert (changed["holds"], changed["severity"], changed["right"]) == (False, "warning", "赵新")
        assert "与法人库现在的登记不一致" in changed["message"]
        assert (changed["section"], changed["field"]) == ("company", "legal_rep_name")
        assert found["registry.company.zip_code"]["right"] is None
        page = await (await person.go("GET", f"/applications/{id}/submit")).text()
        assert "赵新" in page
        submitted = await submit(person, id)
        told = {o["id"] for o in submitted["warnings"]}
        assert {"registry.company.legal_rep_name", "registry.company.zip_code"} <= told
    # Who reviews sees what was known when it was handed in.
    reviewer = await Browser(gateway).sign_in("shencha", anew=True)
    seen = await (await reviewer.call("GET", f"/applications/{id}/checks")).json()
    assert "registry.company.legal_rep_name" in {o["id"] for o in seen}
    await reviewer.http.close()


@pytest.mark.parametrize("fault", [slow, failing])
async def test_submission_does_not_wait_for_the_registry(gateway: TestServer, person: Browser, fault: Any) -> None:
    id = (await start(person))["id"]
    await fill(person, id)
    async with fault(gateway):
        began = time.monotonic()
        told = {o["id"] for o in (await submit(person, id))["warnings"]}
        assert not {name for name in told if name.startswith("registry.")}
        assert time.monotonic() - began < 5


async def test_an_identity_field_is_taken_over_as_it_is_registered_now(
    gateway: TestServer, person: Browser
) -> None:
    id = (await start(person))["id"]
    await fill(person, id)
    async with registered(gateway, LEGAL_PERSON="赵新"):
        report = await refresh(person, id, "company.legal_rep_name")
        assert fields(report["adopted"]) == {"company.legal_rep_name"}
        company = await section(person, id, "company")
        # A 暂存, which counts once it is saved; what is saved is as it was.
        assert company["draft"]["legal_rep_name"] == "赵新"
        assert company["saved"]["legal_rep_name"] != "赵新"
        assert company["prefill"]["legal_rep_name"]["value"] == "赵新"
        assert company["registry"] == {}
        await write(person, id, "company", company["draft"])
        found = await (await person.call("GET", f"/applications/{id}/checks")).json()
        assert not [o for o in found if o["id"] == "registry.company.legal_rep_name"]
    # Only what comes from the registry can be taken over from it.
    await refresh(person, id, "company.org_profile", status=422)
    await refresh(person, id, "nowhere.org_name", status=422)


async def test_nobody_elses_application_is_filled(gateway: TestServer, person: Browser) -> None:
    id = (await start(person))["id"]
    other = await Browser(gateway).sign_in("qiye2", anew=True)
    await refresh(other, id, status=404)
    await other.http.close()


async def test_after_submission_nothing_is_brought_along(person: Browser) -> None:
    id = (await start(person))["id"]
    await fill(person, id)
    await submit(person, id)
    await refresh(person, id, status=409)

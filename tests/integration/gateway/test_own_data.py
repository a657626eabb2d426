"""Consent with version and time, one's own data, what is sealed at rest, and what is forgotten."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text, update

from services.gateway.accounts import attributes, retention
from services.gateway.accounts.models import Account, Audit, Consent
from services.gateway.accounts.sessions import CONSENT_VERSION
from services.gateway.app import create_app
from services.gateway.web.context import DATABASE, KEYS, SETTINGS
from shared import clock
from shared.sealing import Keyring
from tests.integration.gateway.conftest import Browser, forget_sessions, make_settings, seed_people


async def test_attributes_are_sealed_and_keys_change(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    old, new = gateway.app[SETTINGS].personal_keys[0], b"N" * 32
    async with gateway.app[DATABASE].begin() as session:
        rows = await session.execute(text("SELECT to_jsonb(a)::text FROM identity.accounts a"))
        assert "13800138000" not in "".join(rows.scalars())
        account = await session.scalar(select(Account).where(Account.subject == "stub-qiye1"))
        assert account is not None
        assert attributes.attributes(gateway.app[KEYS], account)["BLR_MOBILE"] == "13800138000"
        assert await retention.rotate(session, Keyring([new, old])) >= 1
        assert attributes.attributes(Keyring([new]), account)["BLR_MOBILE"] == "13800138000"
        assert attributes.attributes(Keyring([old]), account) == {}
        assert await retention.rotate(session, Keyring([old, new])) >= 1


async def test_pages_mask_until_a_click_that_is_recorded(browser: Browser) -> None:
    await browser.sign_in("qiye1", anew=True)
    page = await (await browser.go("GET", "/account/data")).text()
    assert "138****8000" in page
    assert "13800138000" not in page


async def test_export_is_ones_own_and_recorded(browser: Browser, other: Browser, gateway: TestServer) -> None:
    await other.sign_in("qiye2", anew=True)
    await browser.sign_in("qiye1", anew=True)
    answer = await browser.go("POST", "/account/data", data={"csrf_token": browser.csrf_token})
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    found = json.loads(await answer.text())
    assert found["account"]["attributes"]["BLR_MOBILE"] == "13800138000"
    assert {a["enterprise"] for a in found["applications"]} <= {"91110105MA00TE5T2T"}
    assert "周敏" not in await answer.text()
    assert found["sessions"]
    async with gateway.app[DATABASE].begin() as session:
        last = await session.scalar(select(Audit).order_by(Audit.id.desc()).limit(1))
    assert last is not None
    assert (last.action, last.subject) == ("own_data_exported", "stub-qiye1")


@pytest.fixture(scope="module")
async def asking(database_url: str, redis_url: str) -> AsyncIterator[TestServer]:
    settings = make_settings(database_url, redis_url, consent_required=True, signins_per_minute=10_000)
    async with TestServer(create_app(settings), port=settings.gateway_port) as running:
        async with running.app[DATABASE].begin() as session:
            await seed_people(session)
        yield running


async def test_consent_comes_first_with_version_and_time(asking: TestServer) -> None:
    browser = Browser(asking)
    try:
        notice = await browser.send_form(await browser.to_form("/account/sessions"), "qiye1")
        assert notice.url.path == "/account/consent"
        text_ = await notice.text()
        assert "个人信息处理告知" in text_
        refused = await browser.call("GET", "/me")
        assert (refused.status, (await refused.json())["type"]) == (403, "consent_required")
        token = text_.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "version": CONSENT_VERSION, "next": "/account/sessions"}
        silent = await browser.go("POST", "/account/consent", data=form)
        assert (silent.status, "勾选同意" in await silent.text()) == (422, True)
        stale = await browser.go("POST", "/account/consent", data={**form, "agree": "1", "version": "2000-01"})
        assert stale.status == 422
        done = await browser.go("POST", "/account/consent", data={**form, "agree": "1"})
        assert (done.status, done.url.path) == (200, "/account/sessions")
        async with asking.app[DATABASE].begin() as session:
            [given] = (await session.scalars(select(Consent))).all()
            assert given.version == CONSENT_VERSION
            assert abs(clock.now() - given.at) < timedelta(minutes=1)
            # A new text asks again.
            given.version = "2000-01"
        forget_sessions(asking)
        assert (await browser.call("GET", "/me")).status == 403
    finally:
        await browser.http.close()


async def test_staff_are_not_asked(asking: TestServer) -> None:
    browser = Browser(asking)
    try:
        await browser.send_form(await browser.to_form("/welcome"), "shencha")
        assert (await browser.call("GET", "/me")).status == 200
    finally:
        await browser.http.close()


async def test_retention_shows_then_forgets(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye2", anew=True)
    settings = gateway.app[SETTINGS]
    async with gateway.app[DATABASE].begin() as session:
        assert not await retention.due(session, settings)
        long_ago = clock.now() - timedelta(days=settings.retention_account_days + 1)
        await session.execute(
            update(Account).where(Account.subject == "stub-qiye2").values(attributes_at=long_ago)
        )
    async with gateway.app[DATABASE].begin() as session:
        found = await retention.due(session, settings)
        assert [a.subject for a in found] == ["stub-qiye2"]
        assert await retention.forget(session, found) == 1
    async with gateway.app[DATABASE].begin() as session:
        account = await session.scalar(select(Account).where(Account.subject == "stub-qiye2"))
        assert account is not None
        assert (account.sealed_attributes, account.name) == (None, "（已删除）")
        account.disabled_at = None

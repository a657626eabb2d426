"""Sensitive values: sealed in the database, masked for the bureau, revealed on record, keys changed and forgotten."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.core.context import SETTINGS
from services.applications.operations import retention
from services.applications.tables.applications import Application, Audit, Revision, Round, Section
from shared import clock
from shared.identity import Role
from shared.sealing import CannotOpen
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
REVEAL = "/api/v1/applications/{}/revisions/1/reveal"


async def sections(api: Api, id: str, actor: Any, query: str = "") -> dict[str, Any]:
    answer = await api.call("GET", f"/api/v1/applications/{id}/revisions/1{query}", actor)
    assert answer.status == 200, await answer.text()
    return dict((await answer.json())["content"]["sections"])


async def test_bureau_sees_masks_until_it_asks_on_record(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    own = await sections(api, submitted, WHO)
    mobile, account = own["contact"]["mobile"], own["fund_plan"]["bank_account"]
    masked = await sections(api, submitted, REVIEWER)
    assert masked["contact"]["mobile"] == f"{mobile[:3]}****{mobile[-4:]}"
    assert masked["fund_plan"]["bank_account"] == f"****{account[-4:]}"
    assert await sections(api, submitted, WHO, "?masked=1") == masked
    # `masked=0` opens nothing for the bureau.
    assert await sections(api, submitted, REVIEWER, "?masked=0") == masked
    shown = await api.call("POST", REVEAL.format(submitted), REVIEWER, json={})
    assert (await shown.json())["content"]["sections"]["contact"]["mobile"] == mobile
    async with sessions.begin() as session:
        row = await session.scalar(
            select(Audit).where(Audit.application_id == submitted, Audit.action == "reveal")  # type: ignore[arg-type]
        )
    assert row is not None
    assert (row.actor, row.role) == (REVIEWER.account, "reviewer")


async def test_others_reveal_nothing(api: Api, submitted: str) -> None:
    other = factories.applicant(factories.ENTERPRISE_2)
    assert (await api.call("POST", REVEAL.format(submitted), other, json={})).status == 404
    for role in (Role.EXPERT, Role.OPERATOR, Role.AUDITOR):
        refused = await api.call("POST", REVEAL.format(submitted), factories.staff(role), json={})
        assert refused.status == 403


async def test_changes_are_masked_for_the_bureau(api: Api, submitted: str) -> None:
    back = await api.act(
        REVIEWER, submitted, "return",
        correct_by=(clock.now() + timedelta(days=3)).isoformat(),
        opinions=[{"section": "contact", "field": "mobile", "text": "请核对手机"}],
    )  # fmt: skip
    assert back.status == 200, await back.text()
    section = await (await api.call("GET", f"/api/v1/applications/{submitted}/sections/contact", WHO)).json()
    await api.save(WHO, submitted, "contact", {**section["saved"], "mobile": "13700137000"})
    listed = await (await api.call("GET", f"/api/v1/applications/{submitted}/opinions", WHO)).json()
    path = f"/api/v1/applications/{submitted}/opinions/{listed[0]['id']}"
    await api.call("PUT", path, WHO, json={"reply": "已改"})
    again = await api.submit(WHO, submitted)
    assert again.status == 200, await again.text()
    path = f"/api/v1/applications/{submitted}/revisions/2/changes"
    [seen] = [c for c in await (await api.call("GET", path, REVIEWER)).json() if c["field"] == "mobile"]
    assert (seen["before"], seen["after"]) == ("138****8000", "137****7000")
    [own] = [c for c in await (await api.call("GET", path, WHO)).json() if c["field"] == "mobile"]
    assert own["after"] == "13700137000"


async def test_nothing_sensitive_lies_open_in_the_database(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    own = await sections(api, submitted, WHO)
    async with sessions.begin() as session:
        dump = ""
        for table in ("sections", "revisions", "documents", "idempotency_keys", "audit"):
            rows = await session.execute(text(f"SELECT to_jsonb(t)::text FROM applications.{table} t"))
            dump += "".join(rows.scalars())
    for value in (own["contact"]["mobile"], own["fund_plan"]["bank_account"]):
        assert value not in dump


async def test_master_key_is_changed(
    api: Api, server: TestServer, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    old = server.app[SETTINGS].master_key
    new = Codec(b"n" * 32, old)
    async with sessions.begin() as session:
        before = (await session.get_one(Application, submitted)).wrapped_key
        assert await retention.rotate(session, new) > 0
        assert await retention.rotate(session, new) == 0
    async with sessions.begin() as session:
        after = (await session.get_one(Application, submitted)).wrapped_key
        id = (await session.get_one(Application, submitted)).id
        assert after != before
        assert Codec(b"n" * 32)._unwrap(id, after) == Codec(old)._unwrap(id, before)
        with pytest.raises(CannotOpen):
            Codec(old)._unwrap(id, after)
        # And back, as a second rotation would.
        assert await retention.rotate(session, Codec(old, b"n" * 32)) > 0
    assert (await sections(api, submitted, WHO))["contact"]["mobile"]


async def test_wrapping_from_before_keys_had_names_still_opens() -> None:
    import os
    from uuid import uuid4

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    id, nonce = uuid4(), os.urandom(12)
    wrapped = nonce + AESGCM(b"m" * 32).encrypt(nonce, b"k" * 32, id.bytes)
    codec = Codec(b"n" * 32, b"m" * 32)
    assert codec._unwrap(id, wrapped) == b"k" * 32
    again = codec.rewrap(id, wrapped)
    assert again is not None
    assert codec.rewrap(id, again) is None


async def test_retention_shows_then_carries_out(
    api: Api, server: TestServer, round_id: str, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    settings = server.app[SETTINGS]
    draft = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, draft)
    kept = (await api.create(WHO, round_id))["id"]
    etag = await api.etag(WHO, draft)
    assert (
        await api.call("DELETE", f"/api/v1/applications/{draft}", WHO, json={}, headers={"If-Match": etag})
    ).status == 204
    long_ago = clock.now() - timedelta(days=11 * 365)
    async with sessions.begin() as session:
        assert not any(one.applications for one in await retention.due(session, settings))
        await session.execute(update(Application).where(Application.id == draft).values(deleted_at=long_ago))
        await session.execute(
            update(Application).where(Application.id == submitted).values(state="rejected", submitted_at=long_ago)
        )
    async with sessions.begin() as session:
        found = await retention.due(session, settings)
        assert [[str(a.id) for a in one.applications] for one in found] == [[draft], [], [submitted]]
    # Shown only: everything is still there.
    assert (await sections(api, submitted, WHO))["contact"]["mobile"]
    async with sessions.begin() as session:
        assert await retention.forget(session, await retention.due(session, settings)) == 2
    async with sessions.begin() as session:
        assert not any(one.applications for one in await retention.due(session, settings))
        rows = (await session.scalars(select(Section).where(Section.application_id == draft))).all()  # type: ignore[arg-type]
        assert all(row.saved is None and row.draft is None for row in rows)
        assert await session.get(Revision, (submitted, 1)) is not None
        entries = select(Audit.action).where(Audit.application_id == draft).order_by(Audit.id)
        actions = (await session.scalars(entries)).all()
        assert actions[-1] == "retention"
        assert (await session.get_one(Round, round_id)) is not None
    # The application stands, its numbers are gone for good.
    after = await sections(api, submitted, WHO)
    assert after["contact"]["mobile"] is None
    persons = {"mobile", "contact_name", "email"}
    assert not any(after["contact"][name] for name in persons)
    assert all(after["contact"][name] for name in after["contact"].keys() - persons)
    assert (await api.call("GET", f"/api/v1/applications/{kept}/sections/contact", WHO)).status == 200

"""卷宗 as people ask for it and the relay makes it: all that belongs to a case, of a round, whole or not at all, and not for everybody."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import SETTINGS, STORE
from services.applications.dossiers import queries
from services.applications.dossiers.worker import Dossiers
from services.applications.operations.lapse import system_actor
from services.applications.tables.applications import Application, Attachment, Audit, Document
from services.applications.tables.dossiers import Dossier
from services.applications.tables.switches import Switches
from shared import clock
from shared import store as stores
from shared.errors import Unavailable
from shared.identity import Role
from shared.messages import Delivery
from shared.store import Store, attachment_key, pdf_key
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
REVIEWER, DIRECTOR = factories.staff(Role.REVIEWER), factories.staff(Role.DIRECTOR)
D = "/api/v1/review/dossiers"
NEVER = asyncio.Event()


async def told(id: UUID) -> list[Delivery]:
    return [
        Delivery(
            event_id=uuid4(), kind="submission_received", application_id=id, state="sent", attempts=1,
            sent_at=clock.now(), message_id="<x>", address="l@example.com", answer="250 ok", last_error=None,
        )
    ]  # fmt: skip


def worker(server: TestServer, sessions: Sessions, mails: Any = told) -> Dossiers:
    return Dossiers(sessions, server.app[STORE], mails, system_actor)


async def ask(api: Api, **what: str) -> dict[str, Any]:
    answer = await api.call("POST", D, REVIEWER, json=what)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def state(api: Api, id: str) -> dict[str, Any]:
    items = (await (await api.call("GET", D, DIRECTOR)).json())["items"]
    return next(one for one in items if one["id"] == id)


async def alone(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(delete(Dossier))


async def stored(store: Store) -> set[str]:
    return {key async for page in store.list(queries.FOLDER) for key in page}


async def test_a_case_is_taken_whole(api: Api, submitted: str, sessions: Sessions, server: TestServer) -> None:
    await alone(sessions)
    opinion = {"section": "contact", "field": "email", "text": "=请核对"}
    assert (await api.act(REVIEWER, submitted, "return", opinions=[opinion], working_days=5)).status == 200
    store = server.app[STORE]
    async with sessions.begin() as session:
        files = list(await session.scalars(select(Attachment).where(Attachment.application_id == UUID(submitted))))
        files[0].name, files[1].name = 'CON:"?.png', "CON__.png" * 3 + "💎" * 90 + ".pdf"
        lost = files[2]
        paper = b"%PDF-1.7 paper"
        document = (
            await session.scalars(
                select(Document).where(Document.application_id == UUID(submitted), Document.kind == "revision")
            )
        ).one()
        document.sha256, document.size, document.pages = "a" * 64, len(paper), 1
        store.put(pdf_key("a" * 64), paper)
    await store.delete(attachment_key(lost.sha256))
    asked = await ask(api, application=submitted)
    # Two presses are one.
    assert (await ask(api, application=submitted))["id"] == asked["id"]
    taken = await api.call("GET", f"{D}/{asked['id']}/file", REVIEWER)
    assert (taken.status, (await taken.json())["type"]) == (409, "wrong_state")
    assert await worker(server, sessions).work(NEVER)
    made = await state(api, asked["id"])
    same = sum(one.sha256 == lost.sha256 for one in files)
    assert (made["state"], made["done"], made["total"]) == ("done", 1, 1)
    assert made["missing"] >= same >= 1
    answer = await api.call("GET", f"{D}/{asked['id']}/file", DIRECTOR)
    body = await answer.read()
    assert (answer.status, len(body)) == (200, made["size"])
    with zipfile.ZipFile(io.BytesIO(body)) as whole:
        assert whole.testzip() is None
        names = whole.namelist()
        manifest = json.loads(whole.read("manifest.json"))
        [opinions] = [whole.read(name).decode("utf-8-sig") for name in names if name.endswith("3 退回意见.csv")]
        [audit] = [whole.read(name).decode("utf-8-sig") for name in names if name.endswith("6 审计记录.csv")]
        [notices] = [whole.read(name).decode("utf-8-sig") for name in names if name.endswith("5 通知.csv")]
        [pdf] = [whole.read(name) for name in names if name.endswith("第1版 申报书.pdf")]
    assert pdf == paper
    assert "'=请核对" in opinions  # a spreadsheet runs nothing
    assert "退回补正" in audit
    assert "250 ok" in notices
    originals = [name for name in names if "/2 附件/" in name]
    assert len(originals) == len(files) - same
    assert any(name.endswith("/CON___.png") for name in originals)
    assert {one["path"] for one in manifest["files"]} == set(names) - {"manifest.json"}
    assert {one["reason"] for one in manifest["missing"]} >= {"存储中没有这份文件"}
    # Who may not, and what is no case file.
    for who in (factories.applicant(), factories.staff(Role.EXPERT), factories.staff(Role.AUDITOR)):
        assert (await api.call("GET", f"{D}/{asked['id']}/file", who)).status == 403
        assert (await api.call("POST", D, who, json={"application": submitted})).status == 403
    for what, status in (
        ({}, 400),
        ({"application": str(uuid4())}, 404),
        ({"round": str(uuid4())}, 404),
        ({"application": submitted, "round": submitted}, 400),
    ):
        assert (await api.call("POST", D, REVIEWER, json=what)).status == status
    # While operators have exports off, nobody begins one.
    async with sessions.begin() as session:
        session.add(Switches(id=1, autosave_seconds=2, previews=True, exports=False, announcement=""))
    off = await api.call("POST", D, REVIEWER, json={"application": submitted})
    assert (off.status, (await off.json())["type"]) == (503, "switched_off")
    async with sessions.begin() as session:
        await session.execute(delete(Switches))
    async with sessions() as session:
        of = select(Audit.action, Audit.actor).where(Audit.application_id == UUID(submitted))
        kept = {(action, actor) for action, actor in await session.execute(of)}
    assert {("ask_dossier", REVIEWER.account), ("take_dossier", DIRECTOR.account)} <= kept
    # Its week over, it goes, and so does what nobody names.
    async with sessions.begin() as session:
        await session.execute(update(Dossier).values(expires_at=clock.now() - timedelta(seconds=1)))
    store.put(f"{queries.FOLDER}{uuid4()}.zip", b"left")
    folder = Path(urlsplit(server.app[SETTINGS].store_url).path) / queries.FOLDER
    (folder / f"{uuid4()}.zip#1").write_bytes(b"of a process that died")
    await worker(server, sessions).tidy()
    assert await stored(store) == set()
    assert not list(folder.glob("*"))
    assert (await state(api, asked["id"]))["state"] == "expired"
    assert (await api.call("GET", f"{D}/{asked['id']}/file", REVIEWER)).status == 409


async def test_what_breaks_off_leaves_nothing_that_looks_whole(
    api: Api, submitted: str, sessions: Sessions, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alone(sessions)
    store = server.app[STORE]
    asked = (await ask(api, application=submitted))["id"]

    async def away(id: UUID) -> None:
        return None

    # notify away: it waits, and nobody's attempt is counted.
    with pytest.raises(Unavailable):
        await worker(server, sessions, away).work(NEVER)
    assert ((await state(api, asked))["state"], await stored(store)) == ("waiting", set())
    # This process ends, or somebody presses 停止 meanwhile.
    stop = asyncio.Event()
    stop.set()
    assert not await worker(server, sessions).work(stop)
    assert ((await state(api, asked))["state"], await stored(store)) == ("waiting", set())

    async def pressed(id: UUID) -> list[Delivery]:
        assert (await api.call("POST", f"{D}/{asked}/stop", DIRECTOR, json={})).status == 200
        return []

    assert await worker(server, sessions, pressed).work(NEVER)
    assert ((await state(api, asked))["state"], await stored(store)) == ("stopped", set())
    assert (await api.call("POST", f"{D}/{asked}/stop", DIRECTOR, json={})).status == 409
    # What raises anything is tried three times; so small that parts of the file are in the store already.
    again = (await ask(api, application=submitted))["id"]
    monkeypatch.setattr(stores, "WRITTEN", 1024)

    async def dies(id: UUID) -> list[Delivery]:
        return cast(list[Delivery], [None] * 3)

    for n in range(queries.ATTEMPTS):
        assert not await worker(server, sessions, dies).work(NEVER)
        shown = await state(api, again)
        assert (shown["state"], shown["done"], "出错" in shown["fault"]) == ("waiting", 0, True)
        # A process that died leaves its lease: until then nobody else begins.
        left = {"state": "running", "attempt": uuid4(), "attempt_until": clock.now() + timedelta(minutes=1 - n)}
        async with sessions.begin() as session:
            await session.execute(update(Dossier).where(Dossier.id == UUID(again)).values(left))
        assert n or not await worker(server, sessions).work(NEVER)
        async with sessions.begin() as session:
            await session.execute(update(Dossier).values(attempt_until=clock.now() - timedelta(minutes=1)))
    assert await worker(server, sessions).work(NEVER)
    failed = await state(api, again)
    assert (failed["state"], await stored(store)) == ("failed", set())
    folder = Path(urlsplit(server.app[SETTINGS].store_url).path)
    assert not list((folder / queries.FOLDER).glob("*"))
    assert "中断次数过多" in failed["fault"]


async def test_a_round_is_one_case_file_and_says_what_was_forgotten(
    api: Api, submitted: str, round_id: str, sessions: Sessions, server: TestServer
) -> None:
    await alone(sessions)
    async with sessions.begin() as session:
        await session.execute(
            update(Application)
            .where(Application.id == UUID(submitted))
            .values(wrapped_key=b"", project_name="甲/乙")
        )
    asked = (await ask(api, round=round_id))["id"]
    assert await worker(server, sessions).work(NEVER, of_rounds=True)
    made = await state(api, asked)
    assert made["state"] == "done"
    body = await (await api.call("GET", f"{D}/{asked}/file", REVIEWER)).read()
    async with sessions() as session:
        number = await session.scalar(select(Application.number).where(Application.id == UUID(submitted)))
        listed = select(Application.id).where(
            Application.round_id == UUID(round_id),
            Application.submitted_at.is_not(None),
            Application.deleted_at.is_(None),
        )
        assert made["total"] == len(list(await session.scalars(listed)))
    with zipfile.ZipFile(io.BytesIO(body)) as whole:
        mine = [name for name in whole.namelist() if name.startswith(f"{number} ")]
        assert f"{number} 甲_乙/已删除.txt" in mine
        assert not [name for name in mine if "/2 附件/" in name or "/1 申报书/" in name]
        assert len({name.partition("/")[0] for name in whole.namelist() if "/" in name}) == made["total"]
    # What is forgotten meanwhile takes the file along.
    async with sessions.begin() as session:
        await queries.forget(session, await session.get_one(Application, UUID(submitted)))
    await worker(server, sessions).tidy()
    assert ((await state(api, asked))["state"], await stored(server.app[STORE])) == ("expired", set())
    # A finished one is taken away by a press.
    asked = (await ask(api, round=round_id))["id"]
    assert await worker(server, sessions).work(NEVER, of_rounds=True)
    assert (await api.call("POST", f"{D}/{asked}/stop", REVIEWER, json={})).status == 200
    assert await stored(server.app[STORE]) == set()

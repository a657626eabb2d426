"""政策沙盘 over a real database: asked for by those who may, one at a time, worked on in the background, stopped half way."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import CODEC
from services.applications.forms.catalogue import forms
from services.applications.sandbox import worker
from services.applications.sandbox.worker import Sandbox
from services.applications.tables.applications import Application
from services.applications.tables.forms import FormDraft, SandboxRun
from shared import clock, codes
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

EDITOR = factories.staff(Role.FORM_EDITOR, "编制员")
DIRECTOR = factories.staff(Role.DIRECTOR, "任审定")
PATH = "/api/v1/sandbox/reward"
CHECK = """
  - id: sandbox_cap
    left: fund_plan.applied_total_wan
    op: "<="
    right: "20"
    rule: 申请金额不超过二十万元
    message: 申请金额超过二十万元
    section: fund_plan
"""


@pytest.fixture(scope="module")
async def cases(server: TestServer) -> list[UUID]:
    """Two applications handed in to the open round of 奖励类: of 22 and of 18 万元."""
    from aiohttp import ClientSession

    made = []
    async with ClientSession() as http:
        api = Api(http, server)
        for who, amount in (
            (factories.applicant(), "22.00"),
            (factories.applicant(factories.ENTERPRISE_2), "18.00"),
        ):
            id = (await api.create(who, await _round(api)))["id"]
            await api.fill(who, id, amount=amount)
            assert (await api.submit(who, id)).status == 200
            made.append(UUID(id))
    return made


async def _round(api: Api) -> str:
    rounds = await (await api.call("GET", "/api/v1/rounds", factories.applicant())).json()
    return str(next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward"))


@pytest.fixture
async def draft(sessions: async_sessionmaker[AsyncSession], round_id: str, api: Api) -> str:
    """A draft that refuses more than 20 万元; its tag."""
    version = max(version for key, version in forms() if key == "reward")
    text_ = forms().text(("reward", version)).replace(f"\nversion: {version}\n", f"\nversion: {version + 1}\n")
    async with sessions.begin() as session:
        await session.execute(delete(FormDraft))
        await session.execute(delete(SandboxRun))
        session.add(
            FormDraft(
                fund_type="reward",
                text=text_.rstrip() + CHECK,
                version=3,
                based_on=version,
                changed_by="a",
                changed_by_name="编制员",
            )
        )
    return "3"


async def ask(api: Api, who: Any = EDITOR, **body: Any) -> ClientResponse:
    return await api.call("POST", f"{PATH}/runs", who, json=body)


async def run_of(api: Api, id: str) -> dict[str, Any]:
    return dict(await (await api.call("GET", f"{PATH}/runs/{id}", DIRECTOR)).json())


def sandbox(server: TestServer, sessions: async_sessionmaker[AsyncSession], **options: Any) -> Sandbox:
    return Sandbox(sessions, server.app[CODEC], **{"pause": 0.0, **options})


async def test_a_run_from_asking_to_its_result(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
) -> None:
    shown = await (await api.call("GET", PATH, DIRECTOR)).json()
    assert (shown["draft"], shown["draft_fault"]) == (draft, None)
    assert {r["id"]: r["cases"] for r in shown["rounds"]}[round_id] == 2
    made = await ask(api, rounds=[round_id], draft=draft)
    assert made.status == 201, await made.text()
    id = (await made.json())["id"]
    assert (await run_of(api, id))["state"] == "waiting"
    # Two at once are one too many; another type is another matter.
    second = await ask(api, DIRECTOR, rounds=[round_id], draft=draft)
    assert (second.status, (await second.json())["type"]) == (409, codes.SANDBOX_RUNNING)
    assert await sandbox(server, sessions).work(asyncio.Event())
    assert not await sandbox(server, sessions).work(asyncio.Event())
    run = await run_of(api, id)
    assert (run["state"], run["done"], run["total"], run["forgotten"]) == ("done", 2, 2, 0)
    result = run["result"]
    assert result["passed"] == 1
    [reason] = result["reasons"]
    assert (reason["words"], reason["count"]) == ("申请金额不超过二十万元", 1)
    assert [c["id"] for c in reason["cases"]] == [str(cases[0])]
    everything = {name: result["all"][name] for name in ("cases", "wan", "left", "wan_left")}
    assert everything == {"cases": 2, "wan": "40.00", "left": 1, "wan_left": "18.00"}
    assert sum(d["cases"] for d in result["districts"]) == 2
    # Nothing that somebody typed stands in the row: no name, no account.
    async with sessions.begin() as session:
        [kept] = await session.scalars(text("SELECT result::text FROM applications.sandbox_runs"))
    assert not any(typed in kept for typed in ("622202", "景泰蓝", "张"))


async def test_the_limits_of_a_round_are_tried_too(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
) -> None:
    version = max(version for key, version in forms() if key == "reward")
    given = {"rounds": [round_id], "version": version, "parameters": {"directions": ["谁也没有选的方向"]}}
    id = (await (await ask(api, DIRECTOR, **given)).json())["id"]
    await sandbox(server, sessions).work(asyncio.Event())
    result = (await run_of(api, id))["result"]
    assert (result["passed"], result["reasons"][0]["count"]) == (0, 2)
    wrong = await ask(api, DIRECTOR, **{**given, "parameters": {"per_item_wan": "五十"}})
    assert [e["field"] for e in (await wrong.json())["errors"]] == ["parameters.per_item_wan"]


async def test_what_cannot_be_asked_for(
    api: Api, sessions: async_sessionmaker[AsyncSession], cases: list[UUID], draft: str, round_id: str
) -> None:
    for who in (factories.applicant(), *map(factories.staff, (Role.REVIEWER, Role.OFFICER, Role.OPERATOR))):
        assert (await ask(api, who, rounds=[round_id], draft=draft)).status == 403
    nothing = await ask(api)
    assert nothing.status == 422
    assert {e["field"] for e in (await nothing.json())["errors"]} == {"rounds", "form"}
    assert (await ask(api, rounds=[round_id], draft=draft, version=1)).status == 422
    assert (await ask(api, rounds=[str(uuid4())], draft=draft)).status == 422
    assert (await ask(api, rounds=[round_id], version=99)).status == 404
    old = await ask(api, rounds=[round_id], draft="2")
    assert (old.status, "草稿刚刚被修改" in await old.text()) == (412, True)
    async with sessions.begin() as session:
        await session.execute(update(FormDraft).values(text="fund_type: ["))
    faulty = await ask(api, rounds=[round_id], draft=draft)
    assert (faulty.status, (await faulty.json())["type"]) == (409, codes.BAD_FORM)
    assert (await (await api.call("GET", PATH, EDITOR)).json())[
        "draft_fault"
    ] == "草稿还有错误，改正并保存后才能推演。"
    async with sessions.begin() as session:
        await session.execute(delete(FormDraft))
    gone = await ask(api, rounds=[round_id], draft=draft)
    assert (gone.status, "草稿已不在" in await gone.text()) == (409, True)
    assert (await api.call("GET", "/api/v1/sandbox/nothing", EDITOR)).status == 404
    assert (await api.call("GET", f"{PATH}/runs/{uuid4()}", EDITOR)).status == 404


async def test_one_is_stopped_half_way_and_what_was_judged_stays(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
) -> None:
    id = (await (await ask(api, rounds=[round_id], draft=draft)).json())["id"]
    # Documents are owed here: between one case and the next it lets them go first.
    working = asyncio.create_task(sandbox(server, sessions, few=1, pause=2.0).work(asyncio.Event()))
    while (await run_of(api, id))["done"] < 1:
        await asyncio.sleep(0.05)
    stopped = await api.call("DELETE", f"{PATH}/runs/{id}", DIRECTOR)
    assert (await stopped.json())["state"] == "stopped"
    await working
    run = await run_of(api, id)
    assert (run["state"], run["done"], run["result"]["all"]["cases"]) == ("stopped", 1, 1)
    # Stopped is stopped; the next may be asked for, and a draft that was saved since is said to be another.
    assert (await (await api.call("DELETE", f"{PATH}/runs/{id}", EDITOR)).json())["state"] == "stopped"
    async with sessions.begin() as session:
        await session.execute(update(FormDraft).values(version=4))
    assert (await run_of(api, id))["outdated"] is True
    assert (await ask(api, rounds=[round_id], draft="4")).status == 201


async def test_a_case_that_nobody_thought_of_ends_its_run_and_not_the_worker(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def odd(*_: object) -> None:
        raise KeyError("13800138000")

    id = (await (await ask(api, rounds=[round_id], draft=draft)).json())["id"]
    with monkeypatch.context() as patched:
        patched.setattr(worker, "_ask", odd)
        assert await sandbox(server, sessions).work(asyncio.Event())
    assert (await run_of(api, id))["state"] == "failed"
    assert "13800138000" not in caplog.text
    # The next run is worked on; one that only the database keeps waiting is none that failed.
    id = (await (await ask(api, rounds=[round_id], draft=draft)).json())["id"]

    async def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(worker, "_ask", away)
        with pytest.raises(OperationalError):
            await sandbox(server, sessions).work(asyncio.Event())
    async with sessions.begin() as session:
        await session.execute(update(SandboxRun).values(attempt_until=clock.now() - timedelta(seconds=1)))
    assert await sandbox(server, sessions).work(asyncio.Event())
    assert (await run_of(api, id))["state"] == "done"


async def test_a_worker_that_went_away_is_followed_by_another(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
) -> None:
    id = (await (await ask(api, rounds=[round_id], draft=draft)).json())["id"]
    # A relay that is told to end gives it back.
    ending = asyncio.Event()
    ending.set()
    await sandbox(server, sessions).work(ending)
    assert (await run_of(api, id))["state"] == "waiting"
    lost = {"state": "running", "attempt": uuid4(), "attempt_until": clock.now() + timedelta(minutes=1), "done": 7}
    async with sessions.begin() as session:
        await session.execute(update(SandboxRun).values(**lost))
    assert not await sandbox(server, sessions).work(asyncio.Event())
    async with sessions.begin() as session:
        await session.execute(update(SandboxRun).values(attempt_until=clock.now() - timedelta(seconds=1)))
    # Of two that look at once one has it.
    both = await asyncio.gather(*(sandbox(server, sessions).work(asyncio.Event()) for _ in range(2)))
    assert sorted(both) == [False, True]
    assert (await run_of(api, id))["done"] == 2


async def test_forgotten_applications_are_left_out_and_counted(
    api: Api,
    server: TestServer,
    sessions: async_sessionmaker[AsyncSession],
    cases: list[UUID],
    draft: str,
    round_id: str,
) -> None:
    """The last test of the module: what is forgotten stays so."""
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == cases[0]).values(wrapped_key=b""))
    id = (await (await ask(api, rounds=[round_id], draft=draft)).json())["id"]
    await sandbox(server, sessions).work(asyncio.Event())
    run = await run_of(api, id)
    assert (run["state"], run["done"], run["total"], run["forgotten"]) == ("done", 1, 1, 1)
    async with sessions.begin() as session:
        await session.execute(update(Application).values(wrapped_key=b""))
        assert len((await session.scalars(select(SandboxRun))).all()) == 1
    none = await ask(api, rounds=[round_id], draft=draft)
    assert (none.status, "资料已按期删除" in await none.text()) == (422, True)

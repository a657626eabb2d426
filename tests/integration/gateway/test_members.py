"""Several people of one enterprise: what each may do, who administers, and people who are invited by a link."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update

from services.applications.core.context import SESSIONS
from services.applications.rounds.parameters import CONFIRMATION, CONFIRMATION_ASKED
from services.applications.tables.applications import Application, Round
from services.applications.tables.applications import Audit as Done
from services.gateway.accounts.accounts import enter
from services.gateway.accounts.models import Account, Audit, Invitation
from services.gateway.accounts.person import Person
from services.gateway.form import presence
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, KEYS
from shared import clock
from tests import factories
from tests.conftest import ValkeyServer
from tests.integration.gateway.conftest import ARRIVAL, Browser, forget_sessions
from tests.integration.gateway.test_calls_of_applicants_pages import begun

OURS, THEIRS = factories.ENTERPRISE_1, factories.ENTERPRISE_2


class People:
    """Signs in people whom the identity platform says belong to an enterprise."""

    def __init__(self, gateway: TestServer) -> None:
        self.gateway = gateway
        self.browsers: list[Browser] = []

    async def account(self, subject: str, enterprise: tuple[str, str], name: str = "", legal: str = "") -> UUID:
        person = Person(subject, name or subject, *enterprise, attributes={"LEGAL_PERSON": legal})
        async with self.gateway.app[DATABASE].begin() as session:
            return (await enter(session, self.gateway.app[KEYS], person)).id

    async def sign_in(self, subject: str, enterprise: tuple[str, str], name: str = "") -> Browser:
        id = await self.account(subject, enterprise, name)
        browser = Browser(self.gateway)
        self.browsers.append(browser)
        begun = await self.gateway.app[BROWSER_SESSIONS].begin(id, ARRIVAL, replaces=None)
        browser.http.cookie_jar.update_cookies({"gm_session": begun}, self.gateway.make_url("/"))
        browser.csrf_token = (await (await browser.call("GET", "/me")).json())["csrf_token"]
        return browser

    async def row(self, subject: str) -> Account:
        async with self.gateway.app[DATABASE].begin() as session:
            return (await session.scalars(select(Account).where(Account.subject == subject))).one()


@pytest.fixture
async def people(gateway: TestServer) -> AsyncIterator[People]:
    found = People(gateway)
    yield found
    for browser in found.browsers:
        await browser.http.close()


async def send(browser: Browser, path: str, **fields: str | list[str]) -> ClientResponse:
    pairs = [("csrf_token", browser.csrf_token)]
    for name, value in fields.items():
        pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
    return await browser.go("POST", path, data=pairs)


async def limit(browser: Browser, people: People, subject: str, *duties: str) -> None:
    """Let somebody who administers narrow what a colleague may do."""
    id = (await people.row(subject)).id
    changed = await send(browser, f"/account/unit/members/{id}", duty=list(duties))
    assert "权限已更新" in await changed.text()
    forget_sessions(people.gateway)


async def invited(browser: Browser, path: str, **fields: str | list[str]) -> str:
    """The path of a link that was just made."""
    text = await (await send(browser, path, key=uuid4().hex, **fields)).text()
    return re.search(r"(/invitations/[\w-]{43})<", text)[1]  # type: ignore[index]


async def refusal(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, unescape(re.search(r'role="alert">([^<]+)<', await answer.text())[1])  # type: ignore[index]


async def me(browser: Browser) -> UUID:
    return UUID((await (await browser.call("GET", "/me")).json())["account"])


async def test_a_member_does_what_it_was_given(browser: Browser, people: People) -> None:
    here = await begun(browser)
    colleague = await people.sign_in("colleague-1", OURS, "王芳")
    section = f"{here}/sections/contact"
    etag = {"If-Match": (await colleague.call("GET", section)).headers["ETag"]}
    body = {"values": {"contact_name": "王芳"}}
    # Whom nobody has limited may do everything, as ever.
    assert (await colleague.call("PUT", f"{section}/draft", json=body, headers=etag)).status == 200
    await limit(browser, people, "colleague-1", "check")
    etag = {"If-Match": (await colleague.call("GET", section)).headers["ETag"]}
    refused = await colleague.call("PUT", f"{section}/draft", json=body, headers=etag)
    assert (refused.status, (await refused.json())["type"]) == (403, "not_your_duty")
    headers = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex}
    for method, path in (("POST", f"{here}/submit"), ("DELETE", here)):
        refused = await colleague.call(method, path, headers=headers, json={})
        assert (refused.status, (await refused.json())["type"]) == (403, "not_your_duty")
    # What may not be done is not offered; what was typed is there to be read.
    seen = await (await colleague.call("GET", here)).json()
    assert seen["actions"] == ["read"]
    page = await (await colleague.go("GET", here)).text()
    assert "没有填报权限" in page
    assert "王芳" in page
    assert 'value="save"' not in page
    assert "查看材料" in await (await colleague.go("GET", "/projects")).text()
    await limit(browser, people, "colleague-1", "sign")
    assert (await (await colleague.call("GET", here)).json())["actions"] == ["read", "submit", "delete"]
    await limit(browser, people, "colleague-1", "fill", "check", "sign")
    assert (await people.row("colleague-1")).duties is None
    assert (await colleague.call("PUT", f"{section}/draft", json=body, headers=etag)).status == 200


async def test_only_administrators_change_rights(browser: Browser, other: Browser, people: People) -> None:
    await browser.sign_in("qiye1")
    await other.sign_in("qiye2")
    colleague = await people.sign_in("colleague-2", OURS)
    mine, own = (await people.row("colleague-2")).id, await me(browser)
    assert "邀请同事" not in await (await colleague.go("GET", "/account/unit")).text()
    for path in (f"/account/unit/members/{own}", "/account/unit/invitations"):
        refused = await send(colleague, path, duty="fill", administers="1", key=uuid4().hex)
        assert refused.status == 403
    # Another enterprise's people are found by nobody, and a member is not asked for by a forged token.
    assert (await send(other, f"/account/unit/members/{mine}", duty="fill")).status == 404
    forged = await browser.go("POST", f"/account/unit/members/{mine}", data={"csrf_token": "x", "duty": "fill"})
    assert forged.status == 403
    assert (await send(browser, f"/account/unit/members/{mine}", duty="everything")).status == 400
    status, said = await refusal(await send(browser, f"/account/unit/members/{own}", duty="fill"))
    assert (status, "至少要有一名管理员" in said) == (409, True)
    # Handed over, it can be laid down.
    await send(browser, f"/account/unit/members/{mine}", duty="fill", administers="1")
    await send(browser, f"/account/unit/members/{own}", duty=["fill", "check", "sign"])
    forget_sessions(people.gateway)
    assert (await send(browser, f"/account/unit/members/{mine}", duty="fill")).status == 403
    assert "邀请同事" in await (await colleague.go("GET", "/account/unit")).text()
    await send(colleague, f"/account/unit/members/{own}", administers="1")


async def test_who_administers(people: People, gateway: TestServer) -> None:
    unit, elsewhere = ("91110105MA00UN1T0A", "甲单位"), ("91110105MA00UN1T0B", "乙单位")
    await people.account("first", unit)
    await people.account("second", unit)
    assert [(await people.row(name)).administers for name in ("first", "second")] == [True, False]
    await people.account("boss", unit, name="何玉", legal="何玉")
    assert (await people.row("boss")).administers
    # Whoever administers may do everything, whatever the row says besides.
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(Account).where(Account.subject == "first").values(duties=["fill"]))
    assert (await people.row("first")).all_duties is None
    # Somebody who comes back from another enterprise brings nothing along.
    await people.account("first", elsewhere)
    await people.account("first", unit)
    moved = await people.row("first")
    assert (moved.administers, moved.duties) == (False, None)
    async with gateway.app[DATABASE].begin() as session:
        long_ago = clock.now() - timedelta(days=91)
        await session.execute(update(Account).where(Account.subject == "boss").values(attributes_at=long_ago))
    await people.account("second", unit)
    assert (await people.row("second")).administers
    async with gateway.app[DATABASE].begin() as session:
        done = select(Audit.subject).where(Audit.action == "administration_begun").order_by(Audit.id)
        begun = [subject for subject in await session.scalars(done) if subject in {"first", "boss", "second"}]
    assert begun == ["first", "boss", "first", "second"]


async def test_a_colleague_is_invited_once(browser: Browser, other: Browser, people: People) -> None:
    await browser.sign_in("qiye1")
    await other.sign_in("qiye2")
    colleague, third = await people.sign_in("colleague-3", OURS), await people.sign_in("colleague-4", OURS)
    link = await invited(browser, "/account/unit/invitations", duty="check")
    secret = link.rpartition("/")[2]
    assert (await refusal(await browser.go("GET", link)))[0] == 409
    status, said = await refusal(await other.go("GET", link))
    assert (status, "不属于该单位" in said) == (403, True)
    assert (await send(other, link)).status == 403
    # Looking binds nobody: a mail's scanner may open it first.
    for one in (third, colleague):
        assert "接受邀请" in await (await one.go("GET", link)).text()
    assert "您已接受此邀请" in await (await send(colleague, link)).text()
    assert (await people.row("colleague-3")).duties == ["check"]
    # A second click of the same person finds it accepted; whoever it was passed on to is told.
    assert (await send(colleague, link)).status == 200
    status, said = await refusal(await send(third, link))
    assert (status, "已由他人接受" in said) == (409, True)
    assert (await people.row("colleague-4")).duties is None
    for wrong in (f"{link}x", "/invitations/x", "/invitations/" + "é" * 43):
        assert (await third.go("GET", wrong)).status == 404
    async with people.gateway.app[DATABASE].begin() as session:
        rows = (await session.scalars(select(Invitation))).all()
        assert all(secret not in str(vars(row)) for row in rows)
        done = (await session.scalars(select(Audit.details).where(Audit.action.startswith("invitation_")))).all()
        assert all(secret not in str(details) for details in done)


async def test_of_two_at_once_one_accepts(browser: Browser, people: People) -> None:
    await browser.sign_in("qiye1")
    pair = [await people.sign_in(f"racer-{n}", OURS) for n in range(2)]
    link = await invited(browser, "/account/unit/invitations", duty="check")
    answers = await asyncio.gather(*(send(one, link) for one in pair))
    assert sorted(answer.status for answer in answers) == [200, 409]
    rows = [await people.row(f"racer-{n}") for n in range(2)]
    assert sorted(row.duties or [] for row in rows) == [[], ["check"]]


async def test_a_link_ends(browser: Browser, people: People) -> None:
    await browser.sign_in("qiye1")
    colleague = await people.sign_in("colleague-5", OURS)
    key = uuid4().hex
    first, second = [
        re.search(
            r"(/invitations/[\w-]{43})<", await (await send(browser, "/account/unit/invitations", key=key)).text()
        )[1]  # type: ignore[index]
        for _ in range(2)
    ]
    # The page reloaded is the same invitation, under a new link.
    assert [(await colleague.go("GET", link)).status for link in (first, second)] == [404, 200]
    async with people.gateway.app[DATABASE].begin() as session:
        await session.execute(update(Invitation).where(Invitation.id == UUID(key)).values(expires_at=clock.now()))
    status, said = await refusal(await send(colleague, second))
    assert (status, "过期" in said) == (409, True)
    link = await invited(browser, "/account/unit/invitations", duty="fill")
    id = re.search(
        r"/account/unit/invitations/([0-9a-f-]{36})/end", await (await browser.go("GET", "/account/unit")).text()
    )[1]  # type: ignore[index]
    assert (await send(colleague, f"/account/unit/invitations/{id}/end")).status == 403
    assert "已收回" in await (await send(browser, f"/account/unit/invitations/{id}/end")).text()
    status, said = await refusal(await send(colleague, link))
    assert (status, "收回" in said) == (409, True)
    assert (await people.row("colleague-5")).duties is None


async def test_an_agent_sees_one_application_until_taken_back(
    browser: Browser, people: People, applications: TestServer
) -> None:
    here = await begun(browser)
    id = here.rpartition("/")[2]
    agent = await people.sign_in("agent-1", THEIRS, "赵敏")
    own, ours = f"{here}/agents", f"{here}/sections/contact"
    assert (await agent.call("GET", here)).status == 404
    for typed, told in (("", "18 位"), ("91110105MA00TE5T2X", "校验"), (OURS[0], "本单位")):
        wrong = await send(browser, own, company=typed, key=uuid4().hex)
        assert (wrong.status, told in await wrong.text()) == (422, True), typed
    link = await invited(browser, own, company=f" {THEIRS[0].lower()}\u200b ")
    colleague = await people.sign_in("colleague-6", OURS)
    assert (await colleague.go("GET", link)).status == 403
    assert f"{here}" in await (await send(agent, link)).text()
    # It fills in as the enterprise, and is told for whom.
    page = await (await agent.go("GET", here)).text()
    assert f"您受{OURS[1]}委托填报本项目" in page
    assert "委托填报</a>" not in page
    assert OURS[1] in await (await agent.go("GET", "/projects")).text()
    answer = await agent.call("GET", ours)
    values = {"values": {"contact_name": "赵敏"}}
    etag = {"If-Match": answer.headers["ETag"]}
    assert (await agent.call("PUT", f"{ours}/draft", json=values, headers=etag)).status == 200
    brought = await agent.call("POST", f"{here}/prefill", json={"adopt": []})
    assert brought.status == 200
    text = await (await agent.call("GET", f"{here}/sections/company")).text()
    assert OURS[1] in text
    assert THEIRS[1] not in text
    # Nothing else of the enterprise, and nothing that its own people answer for.
    listed = await (await agent.call("GET", "/applications")).json()
    assert id not in {one["id"] for one in listed["items"]}
    headers = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex}
    for method, path in (("POST", f"{here}/submit"), ("DELETE", here), ("POST", f"{here}/withdraw")):
        refused = await agent.call(method, path, headers=headers, json={})
        assert (refused.status, (await refused.json())["type"]) == (403, "not_your_duty")
    assert (await agent.go("GET", own)).status == 404
    assert (await send(agent, own, company=THEIRS[0], key=uuid4().hex)).status == 404
    # In the audit it stands with its company.
    answer = await agent.call("GET", ours)
    assert (
        await agent.call("DELETE", f"{ours}/draft", headers={"If-Match": answer.headers["ETag"]})
    ).status == 200
    async with applications.app[SESSIONS].begin() as session:
        query = select(Done).where(Done.application_id == UUID(id)).order_by(Done.id.desc()).limit(1)
        row = (await session.scalars(query)).one()
    assert row.actor_name == f"赵敏（{THEIRS[1]}，受托填报）"
    assert row.details["agent"] == THEIRS[0]
    # Taken back: the link and the right end together.
    listed_page = await (await browser.go("GET", own)).text()
    assert "赵敏" in listed_page
    assert THEIRS[1] in listed_page
    end = re.search(rf"{own}/[0-9a-f-]{{36}}/end", listed_page)[0]  # type: ignore[index]
    assert "立即不能再打开" in await (await send(browser, end)).text()
    # The gateway that remembers the session hears of it by the watch.
    until = asyncio.get_running_loop().time() + 20
    while (await agent.call("GET", here)).status != 404:
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.1)
    assert (await refusal(await agent.go("GET", link)))[0] == 409


async def test_who_else_has_a_material_open_is_said_and_never_waited_for(
    browser: Browser,
    people: People,
    gateway: TestServer,
    valkey_server: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = f"{await begun(browser)}/sections/fund_plan"
    colleague = await people.sign_in("colleague", OURS, "周会计")
    said = "周会计刚才也打开了本项材料"
    # Nobody is told of themselves, and nobody is there before they come.
    assert "刚才也打开了" not in await (await browser.go("GET", here)).text()
    assert "刚才也打开了" in await (await colleague.go("GET", here)).text()
    page = await (await browser.go("GET", here)).text()
    assert said in page
    assert said not in await (await browser.go("GET", here.replace("fund_plan", "company"))).text()
    # While people wait in line nothing is asked.
    monkeypatch.setattr(presence, "line_stands", lambda _: True)
    assert said not in await (await browser.go("GET", here)).text()
    monkeypatch.undo()
    valkey_server.stop()
    try:
        gone = await browser.go("GET", here)
        assert gone.status == 200
        assert said not in await gone.text()
    finally:
        valkey_server.start()


async def test_the_call_is_as_it_was(browser: Browser, people: People) -> None:
    """Whoever may do everything sends the same token as before there were duties."""
    await browser.sign_in("qiye1")
    session = await people.gateway.app[BROWSER_SESSIONS].find(browser.cookie())
    assert session is not None
    actor = session.actor(clock.now(), "-", "-")
    assert not {"duties", "agent"} & actor.model_dump(mode="json", exclude_none=True).keys()


async def test_a_unit_confirms_on_the_page_of_submission(
    browser: Browser, people: People, applications: TestServer
) -> None:
    here = await begun(browser)
    asked = {CONFIRMATION: [CONFIRMATION_ASKED]}
    async with applications.app[SESSIONS].begin() as session:
        of = select(Application.round_id).where(Application.id == UUID(here.rpartition("/")[2])).scalar_subquery()
        change = update(Round).where(Round.id == of).values(parameters=Round.parameters.concat(asked))
        await session.execute(change)
    checker = await people.sign_in("checker", OURS, "孙会计")
    page, post = f"{here}/submit", f"{here}/confirmation"

    async def tag() -> str:
        return str((await (await browser.call("GET", here)).json())["version"])

    assert "本批次要求提交前由本单位确认" in await (await browser.go("GET", page)).text()
    assert "送审，等待确认" in await (await send(browser, post, etag=await tag(), action="ask")).text()
    for fields, told in (
        ({"text.0": ""}, "请填写退回修改的意见"),
        ({"text.0": "长" * 2001}, "不超过 2000 字"),
        ({"text.1": "有误", "place.1": "contact|nowhere"}, "没有此项"),
    ):
        wrong = await send(checker, post, etag=await tag(), action="returned", **fields)
        assert (wrong.status, told in await wrong.text()) == (422, True), told
    # What was typed stands there still.
    assert ">\n有误<" in await wrong.text()
    stale = await send(checker, post, etag="999", action="confirmed")
    assert (stale.status, "又有修改" in await stale.text()) == (409, True)
    opinion = {"text.0": "手机<b>停用</b>", "place.0": "contact|mobile"}
    returned = await send(checker, post, etag=await tag(), action="returned", **opinion)
    assert "已退回修改" in await returned.text()
    form = await (await browser.go("GET", f"{here}/sections/contact")).text()
    assert form.count("手机&lt;b&gt;停用&lt;/b&gt;") == 2
    confirmed = await send(checker, post, etag=await tag(), action="confirmed")
    assert "孙会计　已确认" in await confirmed.text()
    assert "本批次要求提交前由本单位确认：" not in await confirmed.text()

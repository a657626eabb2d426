"""申报批次 as officers meet it: from preparing to closing, and what was typed comes back with what is wrong."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
from aiohttp import ClientResponse, ClientSession, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import update

from services.applications.core.context import CODEC, SESSIONS
from services.applications.sandbox.worker import Sandbox
from services.gateway.accounts.models import Account
from services.gateway.web.context import DATABASE
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser, forget_sessions, standing

DAYS = {"opens_at": "2020-01-01T09:00:00", "closes_at": "2099-12-31T17:30:59"}


async def send(browser: Browser, path: str, **fields: str) -> ClientResponse:
    data = {"csrf_token": browser.csrf_token, **fields}
    return await browser.go("POST", path, data=data, allow_redirects=False)


@pytest.fixture(scope="module")
async def house(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[TestServer, TestServer]]:
    """An office where a second person publishes."""
    async with standing(
        database_url, redis_url, tmp_path_factory.mktemp("store"), rounds_by_two=True, extensions_by_two=True
    ) as servers:
        yield servers


@pytest.fixture
async def officer(browser: Browser) -> Browser:
    return await browser.sign_in("yewu")


@pytest.fixture
async def director(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield await made.sign_in("shending")
    await made.http.close()


async def prepared(officer: Browser) -> str:
    made = await send(officer, "/rounds/new", form="reward/1", title="演练批次", **DAYS)
    assert made.status == 303, await made.text()
    return made.headers["Location"].partition("?")[0]


async def etag(browser: Browser, path: str) -> str:
    text = await (await browser.go("GET", path)).text()
    found = re.search(r'name="etag" value="([^"]+)"', text)
    assert found
    return found[1]


async def test_a_rounds_way(officer: Browser, director: Browser, other: Browser) -> None:
    path = await prepared(officer)
    text = unescape(await (await officer.go("GET", path)).text())
    assert "未发布" in text
    assert "单件（套）奖励标准" in text
    assert "缺少时申报单位无法选择" in text
    assert 'value="2099-12-31T17:30:59"' in text

    published = await send(director, path, action="publish", etag=await etag(director, path))
    assert published.status == 422
    fields = {
        "title": "走完全程的批次",
        **DAYS,
        "p.0.name": "directions",
        "p.0.kind": "options",
        "p.0.value": "甲\r\n乙\r\n",
    }
    fields |= {"p.1.name": "per_item_wan", "p.1.kind": "number", "p.1.value": "五十"}
    fields |= {"p.2.name": "org_year_cap_wan", "p.2.kind": "number", "p.2.value": "300"}
    wrong = await send(officer, path, action="change", etag=await etag(officer, path), **fields)
    text = unescape(await wrong.text())
    assert wrong.status == 422
    assert "应为不小于 0 的数值" in text
    assert 'value="五十"' in text
    assert "甲\n乙" in text
    fields["p.1.value"] = "50"
    saved = await send(officer, path, action="change", etag=await etag(officer, path), **fields)
    assert saved.status == 303, await saved.text()
    own = await send(officer, path, action="publish", etag=await etag(officer, path))
    assert own.status == 409
    assert "批次由您拟定或最后修改" in await own.text()
    read = await etag(director, path)
    published = await send(director, path, action="publish", etag=read)
    assert published.status == 303, await published.text()
    # The second of two presses, and the press of whoever goes back to the page.
    again = await send(director, path, action="publish", etag=read)
    assert (again.status, again.headers["Location"]) == (303, f"{path}?done=before")

    await other.sign_in("qiye1")
    assert "走完全程的批次" in await (await other.go("GET", "/projects/new")).text()

    refused = await send(officer, path, action="extend", enterprise="91110105MA00TE5T20", until="", reason="停电")
    assert refused.status == 422
    assert 'value="91110105MA00TE5T20"' in await refused.text()
    assert (await send(officer, path, action="close", etag=await etag(officer, path))).status == 422
    closed = await send(officer, path, action="close", close_reason="演练结束", etag=await etag(officer, path))
    assert closed.status == 303
    assert "走完全程的批次" not in await (await other.go("GET", "/projects/new")).text()
    extended = await send(
        officer, path, action="extend",
        enterprise="91110105MA00TE5T2T", until="2099-12-31T18:00", reason="停电",
    )  # fmt: skip
    assert extended.headers["Location"].endswith("?done=extension_proposed"), await extended.text()
    # Its proposer sees it wait, and has nothing to confirm it by; the director does.
    own = unescape(await (await officer.go("GET", "/confirmations")).text())
    assert ("我提出的，等待他人确认" in own, 'value="confirm"' in own) == (True, False)
    assert "尚未确认" in await (await officer.go("GET", path)).text()
    waits = unescape(await (await director.go("GET", "/confirmations")).text())
    [proposal] = re.findall(r'action="(/confirmations/[0-9a-f-]{36})"', waits)
    assert (await send(officer, proposal, action="confirm")).status == 409
    silent = await send(director, proposal, action="refuse", reason="  ")
    assert (silent.status, "请填写退回的理由" in await silent.text()) == (409, True)
    # The ranking, with which a director begins, has the number in its menu.
    assert '<span class="count">1</span>' in await (await director.go("GET", "/review/ranking")).text()
    assert (await send(director, proposal, action="confirm")).headers["Location"].endswith("done=confirmed")
    report = unescape(await (await director.go("GET", "/confirmations/report")).text())
    for said in ("单独延期", "两人办理", "立即截止", "例外", "杨业务"):
        assert said in report, said
    assert (await director.go("GET", "/confirmations/report?year=二〇二六")).status == 400
    text = unescape(await (await officer.go("GET", path)).text())
    for said in (
        "新建批次",
        "修改批次",
        "发布批次",
        "立即截止",
        "单独延期",
        "理由：演练结束",
        "2099-12-31 18:00:00",
    ):
        assert said in text
    assert "走完全程的批次" in await (await officer.go("GET", "/rounds")).text()


async def test_a_change_of_a_published_round_waits_for_somebody_else(
    officer: Browser, director: Browser, other: Browser
) -> None:
    path = await prepared(officer)
    fields = {
        "title": "两人的批次", **DAYS, "p.0.name": "directions", "p.0.kind": "options", "p.0.value": "甲\r\n乙\r\n",
        "p.1.name": "per_item_wan", "p.1.kind": "number", "p.1.value": "50",
        "p.2.name": "org_year_cap_wan", "p.2.kind": "number", "p.2.value": "300",
    }  # fmt: skip

    async def save(**changes: str) -> str:
        tag = await etag(officer, path)
        saved = await send(officer, path, action="change", etag=tag, **fields | changes)
        assert saved.status == 303, await saved.text()
        return unescape(await (await officer.go("GET", saved.headers["Location"])).text())

    async def act(who: Browser, action: str, status: int) -> str:
        # The officer's page has the tag also where nothing is left to confirm.
        answer = await send(who, path, action=action, etag=await etag(officer, path))
        assert answer.status == status, await answer.text()
        if status == 303:
            answer = await who.go("GET", answer.headers["Location"])
        return unescape(await answer.text())

    await save()
    await act(director, "publish", 303)
    text = await save(**{"p.1.value": "500", "change_reason": "追加资金"})
    for said in ("由另一位业务管理人员或审定人员确认后生效", "待确认的修改", "杨业务", "追加资金", "修改由您提出"):
        assert said in text
    assert "确认修改" not in text
    assert "有待确认的修改" in await (await director.go("GET", "/rounds")).text()
    await other.sign_in("yunwei")
    text = unescape(await (await other.go("GET", path)).text())
    assert ("待确认的修改" in text, "撤回修改" in text) == (True, False)
    assert "修改由您提出" in await act(officer, "confirm", 409)
    assert "确认修改" in unescape(await (await director.go("GET", path)).text())
    text = await act(director, "confirm", 303)
    assert ("修改即时生效" in text, "杨业务 提出" in text, "待确认的修改" in text) == (True, True, False)
    # Twice, or after it was given up: said, and the page stands.
    assert "没有待确认的修改" in await act(director, "confirm", 409)
    await save(**{"p.1.value": "500", "title": "另一个名称"})
    assert "批次保持原样" in await act(officer, "withdraw", 303)


async def test_what_was_typed_comes_back(officer: Browser) -> None:
    answer = await send(officer, "/rounds/new", form="", title="只有名称", opens_at="昨天", closes_at="")
    text = unescape(await answer.text())
    assert answer.status == 422
    assert 'value="只有名称"' in text
    for said in ("请选择表单", "请填写开始时间", "请填写截止时间"):
        assert said in text
    backwards = {"opens_at": DAYS["closes_at"], "closes_at": DAYS["opens_at"]}
    answer = await send(officer, "/rounds/new", form="reward/1", title="倒过来", **backwards)
    assert (answer.status, "截止时间应晚于开始时间" in await answer.text()) == (422, True)


async def test_a_budget_is_read_once_and_shown_in_words(officer: Browser) -> None:
    path = await prepared(officer)
    fields = {"action": "change", "title": "演练批次", **DAYS, "etag": await etag(officer, path)}
    answer = await send(officer, path, **fields, budget_wan="1,5")
    text = unescape(await answer.text())
    assert (answer.status, "可读作 15 或 1.5" in text, 'value="1,5"' in text) == (422, True, True)
    assert (await send(officer, path, **fields, budget_wan="1,500")).status == 303
    text = unescape(await (await officer.go("GET", path)).text())
    assert "1,500.00 万元，大写：人民币壹仟伍佰万元整" in text
    # 不设则留空: an emptied budget is none any more.
    fields["etag"] = await etag(officer, path)
    assert (await send(officer, path, **fields, budget_wan="")).status == 303
    assert "1,500.00 万元，大写" not in unescape(await (await officer.go("GET", path)).text())


async def test_options_are_kept_as_applicants_choose_them(officer: Browser) -> None:
    path = await prepared(officer)
    fields = {"action": "change", "title": "演练批次", **DAYS, "etag": await etag(officer, path)}
    fields |= {"p.0.name": "directions", "p.0.kind": "options"}
    answer = await send(officer, path, **fields, **{"p.0.value": "雕漆\r\n玉雕\U0001f9ff"})
    text = unescape(await answer.text())
    assert (answer.status, "第 3 个字符" in text, "玉雕\U0001f9ff" in text) == (422, True, True)
    assert (await send(officer, path, **fields, **{"p.0.value": "\u202a雕漆\u200b\r\n玉雕"})).status == 303
    assert ">\n雕漆\n玉雕</textarea>" in unescape(await (await officer.go("GET", path)).text())


async def test_a_title_that_cannot_be_printed_is_marked_at_its_place(officer: Browser) -> None:
    path = await prepared(officer)
    fields = {"action": "change", **DAYS, "etag": await etag(officer, path)}
    answer = await send(officer, path, **fields, title="演练\U0001f9ff批次")
    text = unescape(await answer.text())
    assert (answer.status, text.count("第 3 个字符“\U0001f9ff”")) == (422, 2)


async def test_a_round_follows_the_last_one_and_is_published_as_it_is_seen(
    officer: Browser, director: Browser
) -> None:
    """Subsets are ticked; what has no limit says so; the page shows what differs and what each direction is asked for."""
    listed = unescape(await (await officer.go("GET", "/rounds")).text())
    last = re.search(r'<form method="post" action="(/rounds/[^"]+)">(?:(?!</form>).)*补助', listed, re.S)
    assert last
    made = await send(officer, last[1], action="succeed")
    assert made.status == 303, await made.text()
    path = made.headers["Location"].partition("?")[0]
    text = unescape(await (await officer.go("GET", made.headers["Location"])).text())
    for said in (
        "已沿用上一批次建立",
        "与上一批次的不同",
        "项目最早开始日期",
        "发布前预览",
        "支持比例不超过 30%",
        "适用的核对",
    ):
        assert said in text, said
    # A day is a day.
    assert re.search(r"2022-01-01</span>.*20\d\d-01-01</span>", text)
    assert "2022-01-01 0" not in text
    platform = re.search(r'name="p\.(\d+)\.name" value="platform_directions"', text)
    assert platform
    boxes = re.findall(
        rf'<input type="checkbox"[^>]* name="p\.{platform[1]}\.value" value="([^"]*)"( checked)?', text
    )
    assert [bool(ticked) for _, ticked in boxes] == [False, True, False, False]

    # Every control of the form as it stands, but for one value that is no option and one limit that is none and set.
    form = text[text.index("名称、时间和参数") : text.index('name="action" value="change"')]
    data = [("csrf_token", officer.csrf_token), ("action", "change"), ("etag", await etag(officer, path))]
    for tag in re.findall(r'<input type="(?:text|hidden|datetime-local|checkbox)"[^>]*>', form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if (
            name
            and value
            and name[1].startswith(("p.", "title", "opens", "closes"))
            and ("checkbox" not in tag or " checked" in tag)
        ):
            data.append((name[1], value[1]))
    for name, value in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>\n([^<]*)</textarea>', form):
        data.append((name, value))
    cap = next(name for name, value in data if value == "platform_cap_wan").replace("name", "none")
    wrong = [*data, (f"p.{platform[1]}.value", "平台建设"), (cap, "1")]
    answer = await officer.go("POST", path, data=wrong, allow_redirects=False)
    said = unescape(await answer.text())
    assert (answer.status, "又填写了内容" in said) == (422, True)
    answer = await officer.go("POST", path, data=wrong[:-1], allow_redirects=False)
    said = unescape(await answer.text())
    assert (answer.status, "“平台建设”不是“支持方向”的选项" in said) == (422, True)
    unlimited = [(n, "" if n == cap.replace("none", "value") else v) for n, v in data] + [(cap, "1")]
    answer = await officer.go("POST", path, data=unlimited, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    text = unescape(await (await officer.go("GET", path)).text())
    assert "未设 单个服务平台支持上限" in text
    assert "不设限" in text[text.index("与上一批次的不同") :]
    # Whoever publishes reads the same round, without its controls.
    read = unescape(await (await director.go("GET", path)).text())
    assert 'name="p.0.value"' not in read
    for said in ("杨业务 拟定或最后修改", "与上一批次的不同", "发布前预览", "不设限", "发布批次"):
        assert said in read, said
    assert (await send(director, path, action="publish", etag=await etag(director, path))).status == 303


async def test_a_code_in_groups_is_the_code(officer: Browser, director: Browser) -> None:
    path = await prepared(officer)
    fields = {"p.0.name": "directions", "p.0.kind": "options", "p.0.value": "甲"}
    fields |= {"p.1.name": "per_item_wan", "p.1.none": "1", "p.2.name": "org_year_cap_wan", "p.2.none": "1"}
    await send(officer, path, action="change", title="演练批次", **DAYS, etag=await etag(officer, path), **fields)
    await send(director, path, action="publish", etag=await etag(director, path))
    extended = await send(
        officer, path, action="extend",
        enterprise="91110105 MA00TE5T 2T\u200b", until="2100-01-01T18:00", reason="停电",
    )  # fmt: skip
    assert extended.status == 303, await extended.text()


async def test_stale_page_overwrites_nothing(officer: Browser) -> None:
    path = await prepared(officer)
    old = await etag(officer, path)
    assert (await send(officer, path, etag=old, title="甲改的", **DAYS)).status == 303
    answer = await send(officer, path, etag=old, title="乙改的", **DAYS)
    text = await answer.text()
    assert answer.status == 409
    assert "批次刚刚被其他人修改" in text
    assert "乙改的" in text


@pytest.mark.parametrize("who", ["qiye1", "shencha", "shenji"])
async def test_pages_are_for_those_who_make_rounds(browser: Browser, who: str) -> None:
    await browser.sign_in(who)
    for path in ("/rounds", "/rounds/new", "/ops/rounds", "/ops/rounds/new"):
        assert (await browser.go("GET", path)).status == 403
    assert (await send(browser, "/rounds/new", form="reward/1", title="x", **DAYS)).status == 403


async def test_operators_read_and_write_nothing(officer: Browser, director: Browser, other: Browser) -> None:
    """Also not by the addresses where they wrote before, nor by the API."""
    path = await prepared(officer)
    operator = await other.sign_in("yunwei")
    text = unescape(await (await operator.go("GET", f"/ops{path}")).text())
    assert "演练批次" in text
    for control in ('name="action"', 'name="title"', "发布批次"):
        assert control not in text
    listed = await (await operator.go("GET", "/rounds")).text()
    assert ("沿用此批次" in listed, "新建批次" in listed) == (False, False)
    fields = {"csrf_token": operator.csrf_token, "title": "伪造的批次", "form": "reward/1", **DAYS}
    tag = await etag(officer, path)
    for forged in (path, f"/ops{path}", "/rounds/new", "/ops/rounds/new"):
        for action in ("change", "publish", "succeed"):
            answer = await operator.go("POST", forged, data={**fields, "action": action, "etag": tag})
            assert answer.status == 403, forged
    body = {"title": "伪造的批次"}
    assert (await operator.call("PATCH", path, json=body, headers={"If-Match": tag})).status == 403
    assert (await operator.call("POST", f"{path}/publish", json={})).status == 403
    # Who publishes writes none either.
    for action, typed in (
        ("change", {}),
        ("close", {"close_reason": "伪造"}),
        ("extend", {"enterprise": "91110105MA00TE5T2T", "until": "2100-01-01T18:00", "reason": "伪造"}),
        ("succeed", {}),
    ):
        forged = {**fields, **typed, "csrf_token": director.csrf_token, "etag": tag, "action": action}
        assert (await director.go("POST", path, data=forged)).status == 403, action
    assert "伪造的批次" not in unescape(await (await officer.go("GET", path)).text())


async def test_a_page_of_before_goes_on_with_what_was_typed(officer: Browser) -> None:
    path = await prepared(officer)
    fields = {"csrf_token": officer.csrf_token, "title": "旧地址上填的", "etag": await etag(officer, path), **DAYS}
    moved = await officer.go("POST", f"/ops{path}", data=fields, allow_redirects=False)
    assert (moved.status, moved.headers["Location"]) == (308, path)
    saved = await officer.go("POST", f"/ops{path}", data=fields)
    assert saved.status == 200
    assert "旧地址上填的" in unescape(await (await officer.go("GET", f"/ops{path}?done=changed")).text())


async def test_a_role_taken_away_counts_at_once(gateway: TestServer, officer: Browser) -> None:
    path = await prepared(officer)
    tag = await etag(officer, path)
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(Account).where(Account.subject == "stub-yewu").values(roles=["reviewer"]))
    try:
        forget_sessions(gateway)
        answer = await send(officer, path, etag=tag, title="角色已取消", **DAYS)
        assert answer.status == 403
    finally:
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(update(Account).where(Account.subject == "stub-yewu").values(roles=["officer"]))
        forget_sessions(gateway)
    assert "角色已取消" not in await (await officer.go("GET", path)).text()


NOTICE = "# 申报要求\n\n- 见 [办法](https://jxj.beijing.gov.cn/x)\n\n<script>alert(1)</script>"
QUESTIONS = """\
fields:
  - {key: here, kind: radio, label: 是否在本市登记, options: [是, 否]}
  - {key: staff, kind: integer, label: 职工人数, visible_if: here == "是"}
checks:
  - {holds: here == "是", message: 只受理在本市登记的单位}
"""


async def post(
    browser: Browser, path: str, *files: tuple[str, bytes], **fields: str | list[str]
) -> ClientResponse:
    """Send a form with files, as a browser does."""
    form = FormData()
    form.add_field("csrf_token", browser.csrf_token)
    for name, value in fields.items():
        for each in [value] if isinstance(value, str) else value:
            form.add_field(name.replace("__", "."), each)
    for name, content in files:
        form.add_field("upload", content, filename=name)
    return await browser.go("POST", path, data=form, allow_redirects=False)


async def test_a_notice_is_written_read_and_asks(officer: Browser, director: Browser, other: Browser) -> None:
    round_ = await prepared(officer)
    path = f"{round_}/notice"
    assert "还没有申报通知" in await (await officer.go("GET", path)).text()
    # A file comes along whatever the button, what is wrong is said beside it, and nothing that was typed is lost.
    typed = {"text": NOTICE, "questions": QUESTIONS.replace("integer", "text")}
    name, content = factories.file_for("project_introduction")
    looked = await post(
        officer, path, (name, content), ("宏.docx", b"x"), action="look", etag=await etag(officer, path), **typed
    )
    text = unescape(await looked.text())
    assert looked.status == 422
    assert "宏.docx：此处只接受" in text
    assert "<script>alert(1)</script>" in text[: text.index("预览</h2>")]
    assert '<a href="https://jxj.beijing.gov.cn/x" rel="noopener noreferrer nofollow">办法</a>' in text
    assert "只问选择、数和日期" in text
    [file] = re.findall(r'name="file" value="([0-9a-f-]{36})"', text)
    fields = {"file": file, "keep": file, f"name.{file}": name, "text": NOTICE, "questions": QUESTIONS}
    tried = await post(officer, path, action="try", etag=await etag(officer, path), f__here="否", **fields)
    assert "这样回答的不能申报" in await tried.text()
    bad = await post(
        officer, path, action="save", etag=await etag(officer, path), **{**fields, "text": "[坏](javascript:x)"}
    )
    assert bad.status == 422
    assert "链接应写成" in await bad.text()
    assert "[坏](javascript:x)" in await bad.text()
    stale = await post(officer, path, action="save", etag="9", **fields)
    assert stale.status == 409
    saved = await post(officer, path, action="save", etag=await etag(officer, path), **fields)
    assert saved.headers["Location"] == f"{round_}?done=notice", await saved.text()

    # Until it is published nobody else reads it.
    id = round_.rpartition("/")[2]
    assert (await other.go("GET", f"/notices/{id}")).status == 404
    options = {"p.0.name": "directions", "p.0.kind": "options", "p.0.value": "甲"}
    limits = {"p.1.name": "per_item_wan", "p.1.value": "50", "p.2.name": "org_year_cap_wan", "p.2.value": "300"}
    title = {"title": "有申报通知的批次", **DAYS}
    await send(officer, round_, action="change", etag=await etag(officer, round_), **title, **options, **limits)
    published = await send(director, round_, action="publish", etag=await etag(director, round_))
    assert published.status == 303, await published.text()
    # Nobody is signed in.
    entrance = unescape(await (await other.go("GET", "/")).text())
    assert f'href="/notices/{id}"' in entrance
    shown = await (await other.go("GET", f"/notices/{id}")).text()
    assert "<h3>申报要求</h3>" in shown
    assert "&lt;script&gt;" in shown
    assert "只受理在本市登记的单位" in shown
    assert "空白表（PDF）" in shown
    got = await other.go("GET", f"/notices/{id}/files/{file}")
    assert (got.status, await got.read()) == (200, content)
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert (await other.go("GET", f"/notices/{id}/files/{id}")).status == 404
    assert (await other.go("GET", path, allow_redirects=False)).status == 303

    # Somebody applies: the questions come first, by whole pages, and what was answered stays on the page.
    await other.sign_in("qiye1")
    assert f'href="/notices/{id}"' in await (await other.go("GET", "/projects/new")).text()
    begun = await send(other, "/projects/new", round_id=id, key="k" * 12)
    questions = begun.headers["Location"]
    assert questions.startswith("/projects/eligibility?")
    assert "是否在本市登记" in await (await other.go("GET", questions)).text()
    answers = {"round_id": id, "copy_from": "", "key": "k" * 12}
    empty = await send(other, "/projects/eligibility", **answers)
    assert empty.status == 422
    refused = await send(other, "/projects/eligibility", **answers, **{"f.here": "否"})
    assert refused.status == 409
    assert "只受理在本市登记的单位" in await refused.text()
    further = await send(other, "/projects/eligibility", **answers, **{"f.here": "是"})
    assert further.status == 422
    assert "职工人数" in await further.text()
    made = await send(other, "/projects/eligibility", **answers, **{"f.here": "是", "f.staff": "五"})
    assert made.status == 422
    assert 'value="五"' in await made.text()
    made = await send(other, "/projects/eligibility", **answers, **{"f.here": "是", "f.staff": "5"})
    assert re.fullmatch("/applications/[0-9a-f-]{36}/sections/.*", made.headers["Location"])
    # The back button, and the same press again: the same application.
    again = await send(other, "/projects/eligibility", **answers, **{"f.here": "是", "f.staff": "5"})
    assert again.headers["Location"] == made.headers["Location"]
    for wrong in (
        "/projects/eligibility",
        "/projects/eligibility?round=x",
        f"/projects/eligibility?round={id}&copy_from=../x",
    ):
        assert (await other.go("GET", wrong)).status == 404

    # A published notice waits for the second person, who reads it before.
    changed = await post(
        officer, path, action="save", etag=await etag(officer, path), **{**fields, "text": "改过的正文"}
    )
    assert changed.headers["Location"] == f"{round_}?done=notice_proposed", await changed.text()
    assert "改过的正文" in await (await director.go("GET", path)).text()
    assert "第 1 稿" in unescape(await (await director.go("GET", round_)).text())
    confirmed = await send(director, round_, action="confirm", etag=await etag(director, round_))
    assert confirmed.status == 303, await confirmed.text()
    stricter = QUESTIONS + "  - {holds: staff > 3, message: 不足}\n"
    kept = await post(
        officer, path, action="save", etag=await etag(officer, path), **{**fields, "questions": stricter}
    )
    assert kept.status == 409
    assert "申报条件的问题不能改" in await kept.text()
    assert "holds: staff > 3" in unescape(await kept.text())


async def test_a_policy_is_tried_on_what_was_handed_in(
    officer: Browser, director: Browser, applications: TestServer
) -> None:
    path = "/rounds/sandbox/reward"
    assert (await officer.go("GET", path)).status == 403
    shown = unescape(await (await director.go("GET", path)).text())
    assert "还没有推演过" in shown
    parameters = {
        f"p.{n}.{part}": value
        for n, line in enumerate((("directions", "options", "甲\r\n乙"), ("per_item_wan", "number", "50")))
        for part, value in zip(("name", "kind", "value"), line, strict=True)
    }
    empty = await send(director, path, form="", **parameters)
    assert empty.status == 422
    assert "请至少选择一个批次" in await empty.text()
    async with ClientSession() as http:
        api = Api(http, applications)
        who = factories.applicant()
        rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
        round_ = next(
            r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward" and r["form_version"] == 2
        )
        id = (await api.create(who, round_))["id"]
        await api.fill(who, id)
        assert (await api.submit(who, id)).status == 200
    asked = {"rounds": round_, "form": "2", **parameters}
    wrong = await send(director, path, **{**asked, "p.1.value": "五十"})
    assert wrong.status == 422
    assert 'value="五十"' in await wrong.text()
    begun = await send(director, path, **asked)
    run = begun.headers["Location"]
    assert run.startswith(f"{path}/"), await begun.text()
    waits = unescape(await (await director.go("GET", run)).text())
    assert ("等候中" in waits, "停止" in waits, 'http-equiv="refresh"' in waits) == (True, True, True)
    second = await send(director, path, **asked)
    assert second.status == 409
    assert "已有一次推演在进行" in await second.text()
    assert (await send(director, run)).headers["Location"] == run
    assert "还没有核对过申请" in await (await director.go("GET", run)).text()
    again = (await send(director, path, **asked)).headers["Location"]
    assert await Sandbox(applications.app[SESSIONS], applications.app[CODEC], pause=0.0).work(asyncio.Event())
    result = unescape(await (await director.go("GET", again)).text())
    assert "支持方向：缺填或不合要求" in result
    assert f'<a href="/review/{id}">' in result
    assert '<svg class="chart"' in result
    assert 'http-equiv="refresh"' not in result
    for nowhere in (f"{path}/{id}", "/rounds/sandbox/nothing", "/rounds/sandbox/a-b"):
        assert (await director.go("GET", nowhere)).status == 404

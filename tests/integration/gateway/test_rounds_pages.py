"""申报批次 as operators meet it: from preparing to closing, and what was typed comes back with what is wrong."""

import re
from html import unescape

import pytest
from aiohttp import ClientResponse

from tests.integration.gateway.conftest import Browser

DAYS = {"opens_at": "2020-01-01T09:00:00", "closes_at": "2099-12-31T17:30:59"}


async def send(browser: Browser, path: str, **fields: str) -> ClientResponse:
    data = {"csrf_token": browser.csrf_token, **fields}
    return await browser.go("POST", path, data=data, allow_redirects=False)


@pytest.fixture
async def operator(browser: Browser) -> Browser:
    return await browser.sign_in("yunwei")


async def prepared(operator: Browser) -> str:
    made = await send(operator, "/ops/rounds/new", form="reward/1", title="演练批次", **DAYS)
    assert made.status == 303, await made.text()
    return made.headers["Location"].partition("?")[0]


async def etag(browser: Browser, path: str) -> str:
    text = await (await browser.go("GET", path)).text()
    found = re.search(r'name="etag" value="([^"]+)"', text)
    assert found
    return found[1]


async def test_a_rounds_way(operator: Browser, other: Browser) -> None:
    path = await prepared(operator)
    text = unescape(await (await operator.go("GET", path)).text())
    assert "未发布" in text
    assert "per_item_wan" in text
    assert "缺少时申报单位无法选择" in text
    assert 'value="2099-12-31T17:30:59"' in text

    published = await send(operator, path, action="publish", etag=await etag(operator, path))
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
    wrong = await send(operator, path, action="change", etag=await etag(operator, path), **fields)
    text = unescape(await wrong.text())
    assert wrong.status == 422
    assert "应为不小于 0 的数值" in text
    assert 'value="五十"' in text
    assert "甲\n乙" in text
    fields["p.1.value"] = "50"
    saved = await send(operator, path, action="change", etag=await etag(operator, path), **fields)
    assert saved.status == 303, await saved.text()
    published = await send(operator, path, action="publish", etag=await etag(operator, path))
    assert published.status == 303, await published.text()

    await other.sign_in("qiye1")
    assert "走完全程的批次" in await (await other.go("GET", "/projects/new")).text()

    refused = await send(operator, path, action="extend", enterprise="91110105MA00TE5T20", until="", reason="停电")
    assert refused.status == 422
    assert 'value="91110105MA00TE5T20"' in await refused.text()
    assert (await send(operator, path, action="close", etag=await etag(operator, path))).status == 422
    closed = await send(operator, path, action="close", close_reason="演练结束", etag=await etag(operator, path))
    assert closed.status == 303
    assert "走完全程的批次" not in await (await other.go("GET", "/projects/new")).text()
    extended = await send(
        operator, path, action="extend",
        enterprise="91110105MA00TE5T2T", until="2099-12-31T18:00", reason="停电",
    )  # fmt: skip
    assert extended.status == 303, await extended.text()
    text = unescape(await (await operator.go("GET", path)).text())
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
    assert "走完全程的批次" in await (await operator.go("GET", "/ops/rounds")).text()


async def test_what_was_typed_comes_back(operator: Browser) -> None:
    answer = await send(operator, "/ops/rounds/new", form="", title="只有名称", opens_at="昨天", closes_at="")
    text = unescape(await answer.text())
    assert answer.status == 422
    assert 'value="只有名称"' in text
    for said in ("请选择表单", "请填写开始时间", "请填写截止时间"):
        assert said in text
    backwards = {"opens_at": DAYS["closes_at"], "closes_at": DAYS["opens_at"]}
    answer = await send(operator, "/ops/rounds/new", form="reward/1", title="倒过来", **backwards)
    assert (answer.status, "截止时间应晚于开始时间" in await answer.text()) == (422, True)


async def test_a_budget_is_read_once_and_shown_in_words(operator: Browser) -> None:
    path = await prepared(operator)
    fields = {"action": "change", "title": "演练批次", **DAYS, "etag": await etag(operator, path)}
    answer = await send(operator, path, **fields, budget_wan="1,5")
    text = unescape(await answer.text())
    assert (answer.status, "可读作 15 或 1.5" in text, 'value="1,5"' in text) == (422, True, True)
    assert (await send(operator, path, **fields, budget_wan="1,500")).status == 303
    text = unescape(await (await operator.go("GET", path)).text())
    assert "1,500.00 万元，大写：人民币壹仟伍佰万元整" in text
    # 不设则留空: an emptied budget is none any more.
    fields["etag"] = await etag(operator, path)
    assert (await send(operator, path, **fields, budget_wan="")).status == 303
    assert "1,500.00 万元，大写" not in unescape(await (await operator.go("GET", path)).text())


async def test_options_are_kept_as_applicants_choose_them(operator: Browser) -> None:
    path = await prepared(operator)
    fields = {"action": "change", "title": "演练批次", **DAYS, "etag": await etag(operator, path)}
    fields |= {"p.0.name": "directions", "p.0.kind": "options"}
    answer = await send(operator, path, **fields, **{"p.0.value": "雕漆\r\n玉雕\U0001f9ff"})
    text = unescape(await answer.text())
    assert (answer.status, "第 3 个字符" in text, "玉雕\U0001f9ff" in text) == (422, True, True)
    assert (await send(operator, path, **fields, **{"p.0.value": "\u202a雕漆\u200b\r\n玉雕"})).status == 303
    assert ">\n雕漆\n玉雕</textarea>" in unescape(await (await operator.go("GET", path)).text())


async def test_a_title_that_cannot_be_printed_is_marked_at_its_place(operator: Browser) -> None:
    path = await prepared(operator)
    fields = {"action": "change", **DAYS, "etag": await etag(operator, path)}
    answer = await send(operator, path, **fields, title="演练\U0001f9ff批次")
    text = unescape(await answer.text())
    assert (answer.status, text.count("第 3 个字符“\U0001f9ff”")) == (422, 2)


async def test_a_round_follows_the_last_one_and_is_published_as_it_is_seen(operator: Browser) -> None:
    """Subsets are ticked; what has no limit says so; the page shows what differs and what each direction is asked for."""
    listed = unescape(await (await operator.go("GET", "/ops/rounds")).text())
    last = re.search(r'<form method="post" action="(/ops/rounds/[^"]+)">(?:(?!</form>).)*补助', listed, re.S)
    assert last
    made = await send(operator, last[1], action="succeed")
    assert made.status == 303, await made.text()
    path = made.headers["Location"].partition("?")[0]
    text = unescape(await (await operator.go("GET", made.headers["Location"])).text())
    for said in (
        "已沿用上一批次建立",
        "与上一批次的不同",
        "earliest_start",
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
    data = [("csrf_token", operator.csrf_token), ("action", "change"), ("etag", await etag(operator, path))]
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
    answer = await operator.go("POST", path, data=wrong, allow_redirects=False)
    said = unescape(await answer.text())
    assert (answer.status, "又填写了内容" in said) == (422, True)
    answer = await operator.go("POST", path, data=wrong[:-1], allow_redirects=False)
    said = unescape(await answer.text())
    assert (answer.status, "“平台建设”不是“支持方向”的选项" in said) == (422, True)
    unlimited = [(n, "" if n == cap.replace("none", "value") else v) for n, v in data] + [(cap, "1")]
    answer = await operator.go("POST", path, data=unlimited, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    text = unescape(await (await operator.go("GET", path)).text())
    assert "未设 platform_cap_wan" in text
    assert "不设限" in text[text.index("与上一批次的不同") :]
    assert (await send(operator, path, action="publish", etag=await etag(operator, path))).status == 303


async def test_a_code_in_groups_is_the_code(operator: Browser) -> None:
    path = await prepared(operator)
    fields = {"p.0.name": "directions", "p.0.kind": "options", "p.0.value": "甲"}
    fields |= {"p.1.name": "per_item_wan", "p.1.none": "1", "p.2.name": "org_year_cap_wan", "p.2.none": "1"}
    await send(
        operator, path, action="change", title="演练批次", **DAYS, etag=await etag(operator, path), **fields
    )
    await send(operator, path, action="publish", etag=await etag(operator, path))
    extended = await send(
        operator, path, action="extend",
        enterprise="91110105 MA00TE5T 2T\u200b", until="2100-01-01T18:00", reason="停电",
    )  # fmt: skip
    assert extended.status == 303, await extended.text()


async def test_stale_page_overwrites_nothing(operator: Browser) -> None:
    path = await prepared(operator)
    old = await etag(operator, path)
    assert (await send(operator, path, etag=old, title="甲改的", **DAYS)).status == 303
    answer = await send(operator, path, etag=old, title="乙改的", **DAYS)
    text = await answer.text()
    assert answer.status == 409
    assert "批次刚刚被其他人修改" in text
    assert "乙改的" in text


@pytest.mark.parametrize("who", ["qiye1", "shencha", "shenji"])
async def test_pages_are_for_operators(browser: Browser, who: str) -> None:
    await browser.sign_in(who)
    for path in ("/ops/rounds", "/ops/rounds/new"):
        assert (await browser.go("GET", path)).status == 403
    assert (await send(browser, "/ops/rounds/new", form="reward/1", title="x", **DAYS)).status == 403

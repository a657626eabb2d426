"""表单工作台 as form editors meet it, by whole pages: what was typed is never lost, and what is wrong is told at its place."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer

from services.applications.forms.catalogue import FOLDER
from tests.integration.applications.conftest import published_here
from tests.integration.gateway.conftest import Browser, standing

__all__ = ["published_here"]
pytestmark = pytest.mark.usefixtures("published_here")
EDIT = "/forms/subsidy/edit"
SUBSIDY = (FOLDER / "subsidy" / "2.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
async def house(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[TestServer, TestServer]]:
    """An office where a second person publishes."""
    async with standing(database_url, redis_url, tmp_path_factory.mktemp("store"), forms_by_two=True) as servers:
        yield servers


@pytest.fixture
async def editor(browser: Browser) -> Browser:
    return await browser.sign_in("bianzhi")


@pytest.fixture
async def colleague(other: Browser) -> Browser:
    return await other.sign_in("bianzhi2")


async def page(browser: Browser, path: str = EDIT) -> str:
    answer = await browser.go("GET", path)
    assert answer.status == 200, await answer.text()
    return unescape(await answer.text())


async def tag(browser: Browser, path: str = EDIT) -> str:
    found = re.search(r'name="etag" value="([^"]+)"', await page(browser, path))
    assert found
    return found[1]


async def send(browser: Browser, path: str, **fields: str) -> ClientResponse:
    data = {"csrf_token": browser.csrf_token, **fields}
    return await browser.go("POST", path, data=data, allow_redirects=False)


def text_of(shown: str) -> str:
    found = re.search(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', shown, re.DOTALL)
    assert found
    return found[1]


async def test_a_versions_way_without_scripts(editor: Browser, colleague: Browser) -> None:
    shown = await page(editor, "/forms")
    assert "以此版为底稿" in shown
    assert "随系统提供" in shown
    begun = await send(editor, "/forms", fund_type="subsidy", based_on="2")
    assert (begun.status, begun.headers["Location"]) == (303, EDIT)
    assert text_of(await page(editor)) == SUBSIDY.replace("\nversion: 2\n", "\nversion: 3\n")
    again = await send(editor, "/forms", fund_type="subsidy", based_on="1")
    assert again.status == 409
    assert "已有一份草稿" in await again.text()

    # A fault stands at its line, and the text stays as it was typed.
    text = text_of(await page(editor))
    wrong = text.replace("kind: textarea", "kind: essay", 1)
    saved = await send(editor, EDIT, etag=await tag(editor), action="save", text=wrong)
    assert saved.status == 303
    shown = await page(editor)
    line = wrong[: wrong.index("kind: essay")].count("\n") + 1
    assert f'<li id="l{line}" class="error">' in shown
    assert f'data-line="{line}">第 {line} 行</a> <b>错误</b>　没有“essay”这种字段' in shown
    assert text_of(shown) == wrong
    refused = await send(editor, EDIT, etag=await tag(editor), action="propose", text=wrong)
    assert refused.status == 422
    assert "不能发布，请先改正" in await refused.text()

    # By the outline: a part is moved, set, added, and its page says what may be written.
    back = await send(editor, EDIT, etag=await tag(editor), action="down:sections.0", text=text)
    assert back.headers["Location"] == f"{EDIT}?done=saved#e-sections.1"
    moved = text_of(await page(editor))
    assert sorted(moved.splitlines()) == sorted(text.splitlines())
    assert moved != text
    to_part = await send(editor, EDIT, etag=await tag(editor), action="part:sections.1", text=text)
    assert to_part.headers["Location"] == f"{EDIT}/part?at=sections.1"
    part = await page(editor, to_part.headers["Location"])
    assert "什么情况下才显示" in part
    bad = await send(editor, EDIT, etag=await tag(editor), action="put:sections.99", **{"v.label": "甲"})
    assert bad.status == 303
    put = await send(
        editor,
        EDIT,
        etag=await tag(editor),
        action="put:sections.1",
        **{"v.label": "项目单位", "v.help": "一行\r\n二行"},
    )
    assert put.headers["Location"] == f"{EDIT}?done=saved#e-sections.1"
    shown = await page(editor)
    assert "label: 项目单位" in text_of(shown)
    assert r'help: "一行\n二行"' in text_of(shown)
    assert "填写说明改变" in shown or "项目单位" in shown
    for action in ("add:sections.0:slots", "add::checks"):
        added = await send(editor, EDIT, etag=await tag(editor), action=action, text=text_of(await page(editor)))
        assert added.status == 303, await added.text()
        assert "#e-" in added.headers["Location"]

    # Proposed by the one, published by the other, who cannot be the one.
    text = text_of(await page(editor))
    proposed = await send(editor, EDIT, etag=await tag(editor), action="propose", text=text, note="请核对附件")
    assert proposed.headers["Location"] == f"{EDIT}?done=proposed", await proposed.text()
    assert "须由另一位表单编制人员核对后发布" in await page(editor)
    shown = await page(colleague)
    assert "请核对附件" in shown
    own = await send(editor, EDIT, etag=await tag(editor), action="publish")
    assert own.status == 409
    published = await send(colleague, EDIT, etag=await tag(colleague), action="publish")
    assert published.headers["Location"] == "/forms/subsidy/3?done=published", await published.text()
    shown = await page(colleague, "/forms/subsidy/3?done=published")
    assert "秦编制 提出，尤编制 于" in shown
    assert "新附件</b>：新增附件" in shown
    # The second of two presses, and a page that was open.
    gone = await send(colleague, EDIT, etag="9", action="publish")
    assert gone.headers["Location"] == "/forms?done=gone"
    assert (await editor.go("GET", EDIT)).status == 404

    # Retired for new rounds, with a reason, and taken into use again.
    unsaid = await send(editor, "/forms/subsidy/3", action="retire", note=" ")
    assert unsaid.status == 422
    assert "请填写停用的理由" in await unsaid.text()
    assert (await send(editor, "/forms/subsidy/3", action="retire", note="有误")).status == 303
    officer = Browser(editor.server)
    await officer.sign_in("yewu")
    offered = await page(officer, "/rounds/new")
    assert 'value="subsidy/2"' in offered
    assert 'value="subsidy/3"' not in offered
    assert (await send(editor, "/forms/subsidy/3", action="resume")).status == 303
    assert 'value="subsidy/3"' in await page(officer, "/rounds/new")
    await officer.http.close()


async def test_two_editors_are_joined_and_asked_only_where_both_changed(
    editor: Browser, colleague: Browser
) -> None:
    path = "/forms/both/edit"
    assert (await send(editor, "/forms", fund_type="both", label="双人")).headers["Location"] == path
    etag, text = await tag(editor, path), text_of(await page(editor, path))
    theirs, mine = (text.replace("label: 项目名称", f"label: {n}") for n in ("乙的名称", "甲的名称"))
    theirs = theirs.replace("max: 20", "max: 30")
    assert (await send(colleague, path, etag=etag, action="save", text=theirs)).status == 303
    # One place that both changed is asked about; the other one is joined already.
    both = await send(editor, path, etag=etag, action="save", text=mine)
    shown = unescape(await both.text())
    assert both.status == 412
    assert text_of(shown) == mine.replace("max: 20", "max: 30")
    assert "您编辑时，尤编制保存了另一份文本" in shown
    assert "两人都改了的地方（1 处）" in shown
    assert "材料 · 项目基本情况 · 字段 · 项目名称 · 名称" in shown
    place = re.search(r'name="place.0" value="([^"]+)"', shown)
    assert place
    sent = {"action": "merge", "seen": etag, "text": mine, "place.0": place[1], "choice.0": "theirs"}
    chosen = await send(editor, path, **sent)
    assert chosen.headers["Location"] == f"{path}?done=joined", await chosen.text()
    assert text_of(await page(editor, path)) == theirs

    # What does not touch is joined without a question: by the text, by the outline, by the properties of a part.
    etag = await tag(editor, path)
    part = await page(editor, f"{path}/part?at=sections.0.fields.1")
    assert 'name="b.label" value="所属区"' in part
    said = theirs.replace("label: 项目基本情况", "label: 基本情况")
    assert (await send(colleague, path, etag=etag, action="save", text=said)).status == 303
    put = await send(
        editor, path, etag=etag, action="put:sections.0.fields.1", **{"b.label": "所属区", "v.label": "所在区"}
    )
    assert put.headers["Location"] == f"{path}?done=joined"
    moved = await send(editor, path, etag=etag, action="down:sections.0.fields.0", text=theirs)
    assert moved.headers["Location"] == f"{path}?done=joined"
    shown = text_of(await page(editor, path))
    assert shown.index("label: 所在区") < shown.index("label: 乙的名称")
    assert "label: 基本情况" in shown
    # The other one's text is among the saves, and can be taken back to.
    assert (await send(colleague, path, etag=await tag(editor, path), action="restore:1")).status == 303
    assert text_of(await page(editor, path)) == text
    # A tag that nobody ever had, and acts that are no text: nothing is done.
    for sent in ({"etag": "x", "action": "save", "text": mine}, {"etag": "1", "action": "discard"}):
        stale = await send(editor, path, **sent)
        assert stale.status == 412, sent
        assert "其他人" in await stale.text() or "不再保留" in unescape(await stale.text())
    assert (await send(editor, path, etag=await tag(editor, path), action="discard")).headers[
        "Location"
    ] == "/forms?done=discarded"


async def test_bad_input_comes_back_as_it_was_typed(editor: Browser) -> None:
    path = "/forms/bad/edit"
    for fields, said in (
        ({"fund_type": "1x", "label": "甲"}, "代号以英文字母开头"),
        # Of which no other test of this file begins a draft.
        ({"fund_type": "innovation_cluster", "label": "甲"}, "这个代号已有表单"),
        ({"fund_type": "unnamed", "label": ""}, "请填写类型名称"),
    ):
        answer = await send(editor, "/forms", **fields)
        assert answer.status == 422
        shown = unescape(await answer.text())
        assert said in shown
        assert f'value="{fields["fund_type"]}"' in shown
    await send(editor, "/forms", fund_type="bad", label="坏输入")
    for text in ("", " ", "x" * 160_000, "a: &a [*a]", "- 一列", "a: [", "\ufeff%YAML"):
        answer = await send(editor, path, etag=await tag(editor, path), action="save", text=text)
        assert answer.status in (303, 422), (text[:20], answer.status)
        if answer.status == 422:
            assert text_of(unescape(await answer.text())).strip() == text.strip()
        assert (await editor.go("GET", path)).status == 200
    for action in (
        "fly",
        "up:x",
        "add:sections.0:nothing",
        "restore:x",
        "restore:999",
        "part:sections.9",
        "put:",
        "down:",
    ):
        answer = await send(editor, path, etag=await tag(editor, path), action=action, text="sections: []")
        assert answer.status in (303, 404, 409, 422, 400), (action, answer.status)
        assert answer.status < 500
    for address in (
        "/forms/1x/edit",
        "/forms/none/edit",
        "/forms/reward/99",
        "/forms/reward/x",
        f"{path}/part?at=sections.7",
        f"{path}/part",
    ):
        assert (await editor.go("GET", address)).status == 404, address


async def test_formulas_are_tried_and_more_properties_set(editor: Browser) -> None:
    path = "/forms/tried/edit"
    await send(editor, "/forms", fund_type="tried", label="试算")
    text = (
        text_of(await page(editor, path)).rstrip("\n")
        + """
      - {key: sort, kind: radio, label: 门类, options: [雕塑, 织绣]}
      - {key: craft, kind: select, label: 品种, follows: sort, options_for: {雕塑: [玉雕]}, visible_if: "sort == '雕塑'"}
    tables:
      - key: people
        label: 成员
        columns: [{key: org, kind: text, label: 单位}]
    slots:
      - {key: deed, label: 协议}
"""
    )
    await send(editor, path, etag=await tag(editor, path), action="save", text=text)
    part = await page(editor, f"{path}/part?at=sections.0.fields.3")
    assert (
        'href="/forms/tried/edit/try?formula=sort%20%3D%3D%20%27%E9%9B%95%E5%A1%91%27&section=project&table="'
        in part
    )
    assert "雕塑\n- 玉雕</textarea>" in part
    tried = await page(editor, f"{path}/try?formula=sort%20%3D%3D%20'雕塑'&section=project")
    assert "“门类”等于“雕塑”" in tried
    assert "结果：<b>不成立" in tried
    given = await send(
        editor, f"{path}/try", formula="sort == '雕塑'", home="project", **{"v.project.sort": "雕塑"}
    )
    assert "结果：<b>成立</b>" in unescape(await given.text())
    wrong = await send(editor, f"{path}/try", formula="nothing > 1", home="project.people")
    assert "找不到“nothing”" in unescape(await wrong.text())
    long = await send(editor, f"{path}/try", formula="x" * 1001)
    assert (long.status, "公式太长" in await long.text()) == (422, True)

    # What the language has got since: a choice's options by another, limits, rows that are fixed, a file for each row.
    for at, values, said in (
        ("sections.0.fields.3", {"options_for": "雕塑\r\n- 玉雕\r\n- 牙雕\r\n织绣\r\n- 京绣"}, "{雕塑: [玉雕, 牙雕], 织绣: [京绣]}"),
        ("sections.0.fields.2", {"specify": "织绣 = name"}, "specify: {织绣: name}"),
        ("sections.0.fields.1", {"bounds": "!= name | 不能与名称相同"}, 'bounds: [{op: "!=", than: name, message: 不能与名称相同}]'),
        ("sections.0.tables.0", {"fixed_rows": "own 自筹\r\nloan 银行 贷款"}, "fixed_rows: [{key: own, label: 自筹}, {key: loan, label: 银行 贷款}]"),
        ("sections.0.slots.0", {"each_row": "people"}, "each_row: people"),
    ):  # fmt: skip
        shown = await page(editor, f"{path}/part?at={at}")
        fields = {f"v.{n}": v for n, v in values.items()}
        fields |= {f"b.{n}": b for n in values if (b := before(shown, n)) is not None}
        put = await send(editor, path, etag=await tag(editor, path), action=f"put:{at}", **fields)
        assert put.status == 303, unescape(await put.text())
        assert said in text_of(await page(editor, path)), said
    assert 'value="own 自筹' in await page(editor, f"{path}/part?at=sections.0.tables.0")
    for at, name, typed in (
        ("sections.0.fields.3", "options_for", "- 玉雕"),
        ("sections.0.fields.1", "bounds", "不小于 10"),
        ("sections.0.tables.0", "fixed_rows", "自筹"),
        ("sections.0.fields.2", "specify", "织绣"),
    ):
        refused = await send(
            editor, path, etag=await tag(editor, path), action=f"put:{at}", **{f"v.{name}": typed}
        )
        shown = unescape(await refused.text())
        assert (refused.status, f"这一行看不懂：{typed}" in shown) == (422, True)
        assert f">\n{typed}</textarea>" in shown


async def test_examples_are_made_changed_and_removed(editor: Browser) -> None:
    path = "/forms/exampled/edit"
    await send(editor, "/forms", fund_type="exampled", label="样例")
    shown = await page(editor, f"{path}/examples")
    assert "还没有样例" in shown
    etag = await tag(editor, path)
    bad = await send(editor, f"{path}/examples", etag=etag, name=" ", must="pass", number="")
    assert (bad.status, "请填写样例的名称" in await bad.text()) == (422, True)
    taken = await send(editor, f"{path}/examples", etag=etag, name="真实", number="2026-1")
    assert (taken.status, "须同时有查看申请的权限" in await taken.text()) == (403, True)
    made = await send(editor, f"{path}/examples", etag=etag, name="通过<b>", must="pass", number="")
    assert made.headers["Location"] == f"{path}/examples/0?done=saved"
    shown = await page(editor, f"{path}/examples")
    assert "相符" in shown
    raw = await (await editor.go("GET", f"{path}/examples")).text()
    assert "通过&lt;b&gt;" in raw
    etag = await tag(editor, path)
    sent = {"etag": etag, "name": "太长", "must": "pass", "text": "project: {name: " + "甲" * 61 + "}"}
    assert (await send(editor, f"{path}/examples/0", action="save", **sent)).status == 303
    one_ = await page(editor, f"{path}/examples/0")
    assert "应当通过，却不能提交：项目基本情况：最多 60 字，现为 61 字" in one_
    stale = await send(editor, f"{path}/examples/0", action="save", **(sent | {"name": "又改"}))
    assert (stale.status, 'value="又改"' in unescape(await stale.text())) == (412, True)
    shown = await page(editor, path)
    assert "样例“太长”应当通过，却不能提交" in shown
    assert "样例（1）" in shown
    text = text_of(shown)
    refused = await send(editor, path, etag=await tag(editor, path), action="propose", text=text)
    assert (refused.status, "有 1 个样例与表单不符" in unescape(await refused.text())) == (422, True)
    gone = await send(editor, f"{path}/examples/0", etag=await tag(editor, path), action="remove")
    assert gone.headers["Location"] == f"{path}/examples?done=removed"
    for address in (f"{path}/examples/0", f"{path}/examples/x", "/forms/none/edit/examples"):
        assert (await editor.go("GET", address)).status == 404
    officer = Browser(editor.server)
    await officer.sign_in("yewu")
    assert (await officer.go("GET", f"{path}/examples")).status in (403, 404)
    await officer.http.close()


def before(shown: str, name: str) -> str | None:
    """Return what a page of properties says was there."""
    found = re.search(rf'name="b.{name}" value="([^"]*)"', shown)
    return found and found[1]


async def test_the_preview_is_the_applicants_own_page(editor: Browser) -> None:
    path = "/forms/reward/edit"
    await send(editor, "/forms", fund_type="reward", based_on="2")
    holder = await editor.go("GET", f"{path}?section=fund_plan&width=768&filled=1")
    shown = unescape(await holder.text())
    assert "frame-src 'self'" in holder.headers["Content-Security-Policy"]
    assert holder.headers["X-Frame-Options"] == "DENY"
    assert 'class="preview w768"' in shown
    held = await editor.go("GET", f"{path}/preview?section=fund_plan&filled=1")
    assert held.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in held.headers["Content-Security-Policy"]
    inside = await held.text()
    assert "保护发展资金使用规划" in inside
    # Links lead nowhere, and say so; within the page they lead.
    assert 'aria-disabled="true" title="预览中不能打开"' in inside
    assert not re.search(r"<a[^>]* href=\"[^#]", inside)
    assert '<a href="#' in inside
    assert "链接和按钮在这里不起作用" in inside
    assert "<script" not in inside
    # While somebody types: faults and preview of what is not kept.
    text = text_of(shown)
    sent = {
        "csrf_token": editor.csrf_token,
        "section": "fund_plan",
        "text": text.replace("title: 保护发展资金使用规划", "title: 资金怎样使用"),
    }
    looked = await (await editor.go("POST", f"{path}/look", data=sent)).json()
    assert "资金怎样使用" in looked["preview"]
    looked = await (await editor.go("POST", f"{path}/look", data=sent | {"text": "a: ["})).json()
    assert looked["preview"] is None
    assert "不是正确的 YAML" in looked["faults"]
    assert text_of(await page(editor, path)) == text
    await send(editor, path, etag=await tag(editor, path), action="save", text="a: [")
    assert "表单还有错误，改正后才能预览" in await (await editor.go("GET", f"{path}/preview")).text()
    waits = await editor.go("GET", f"{path}/pdf", headers={"Accept": "text/html"})
    assert waits.status == 409
    await send(editor, path, etag=await tag(editor, path), action="save", text=text)
    waits = await editor.go("GET", f"{path}/pdf", headers={"Accept": "application/json"})
    assert (await waits.json())["status"] == "queued"


async def test_named_conditions_are_added_set_used_and_removed(editor: Browser) -> None:
    path = "/forms/named/edit"
    await send(editor, "/forms", fund_type="named", label="条件")

    async def act(action: str, **fields: str) -> str:
        done = await send(editor, path, etag=await tag(editor, path), action=action, **fields)
        assert done.status == 303, unescape(await done.text())
        return text_of(await page(editor, path))

    before_it = text_of(await page(editor, path))
    text = await act("add::conditions", text=before_it)
    assert "conditions: {new1: {label: 新条件, holds: filled(project.name)}}" in text
    shown = await page(editor, path)
    assert "条件（1）" in shown
    # A condition has no neighbours to be moved among.
    assert "up:conditions.new1" not in shown
    part = await page(editor, f"{path}/part?at=conditions.new1")
    assert "什么情况下成立：" in part
    assert "/try?formula=filled%28project.name%29&section=&table=" in part
    changed = {"v.label": "在城区", "b.label": "新条件", "v.holds": "project.district == '东城区'"}
    text = await act("put:conditions.new1", **changed, **{"b.holds": "filled(project.name)"})
    assert "{label: 在城区, holds:" in text
    # Used, and a second one made of it, which can be taken away again; the first is asked for and cannot be missed.
    used = text.replace("label: 项目名称, max: 60", "label: 项目名称, max: 60, visible_if: condition.new1")
    text = await act("save", text=used)
    text = await act("add::conditions", text=text)
    assert "new2: {label: 新条件" in text
    text = await act("remove:conditions.new2", text=text)
    assert "new2" not in text
    text = await act("remove:conditions.new1", text=text)
    assert "conditions:" not in text
    assert "new1" in unescape(await page(editor, path)).partition("查错")[2]
    moved = await send(editor, path, etag=await tag(editor, path), action="up:conditions.new1", text=text)
    assert moved.status == 422
    assert "这一项已经不在文本里" in unescape(await moved.text())

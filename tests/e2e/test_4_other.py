"""四. 企业申报 (2) 其他操作: 提交成功后进入“待纳批”；【生成pdf】【查看申请】【撤销申请】；“退回补正”时【材料补正】
【退回意见】。All of it without JavaScript: every essential step must work so."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from shared import clock
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import (
    accessible,
    files,
    fill_field,
    fill_section,
    fits,
    new_project,
    open_section,
    path,
    save,
    sign_in,
    values,
)
from tests.system.running import RunningSystem, create, fill, submit


@pytest.mark.slow
def test_the_whole_way_without_a_script(open_page: OpenPage, tmp_path: Path) -> None:
    page, desk = open_page(script=False), open_page(script=False)
    sign_in(page, "qiye1")
    id = new_project(page)
    for key, section in values(name="不用脚本的项目").items():
        open_section(page, id, key)
        if "direction" in section:
            # What hangs on an answer is asked for once the answer has been kept.
            fill_field(page, "direction", "select", section["direction"])
            page.get_by_role("button", name="暂存", exact=True).click()
        fill_section(page, key, section, files(tmp_path, key))
        save(page)
    page.get_by_role("link", name="提交申请").click()
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()
    number = page.locator("tr", has_text="申报编号").locator("td").inner_text()

    # 撤销申请 asks first; then it is submitted again under the same number.
    page.goto("/projects")
    row = page.locator("tbody tr", has_text=number)
    expect(row).to_contain_text("待纳批")
    assert row.locator("td.actions > *").all_inner_texts() == ["生成PDF", "查看申请", "撤销申请"]
    row.get_by_role("link", name="撤销申请").click()
    page.get_by_role("button", name="确认撤销").click()
    row = page.locator("tbody tr", has_text=number)
    expect(row).to_contain_text("待提交")
    assert row.locator("td").nth(4).inner_text() == ""
    # By the state table, whatever was submitted before; so do the pages that are opened by their addresses.
    assert row.locator("td.actions > *").all_inner_texts() == ["继续申报", "删除申请"]
    for address in (f"/applications/{id}/view", f"/applications/{id}/receipt/1"):
        page.goto(address)
        expect(page.get_by_text("第 1 版").first).to_be_visible()
        expect(page.locator("form[action$=pdf], a[href$=pdf]")).to_have_count(0)
    page.goto("/projects")
    row.get_by_role("link", name="继续申报").click()
    page.get_by_role("link", name="提交申请").click()
    page.get_by_role("button", name="确认提交").click()
    expect(page.locator("tr", has_text="申报编号").locator("td")).to_have_text(number)

    send_back(desk, number, "fund_plan.bank_name", "开户银行请填写全称")

    page.goto("/projects")
    row = page.locator("tbody tr", has_text=number)
    expect(row).to_contain_text("退回补正")
    assert row.locator("td.actions > *").all_inner_texts() == ["生成PDF", "材料补正", "退回意见"]
    row.get_by_role("link", name="退回意见").click()
    expect(page.get_by_text("开户银行请填写全称")).to_be_visible()
    expect(page.locator(".unsent")).to_contain_text("补正期限")
    page.get_by_role("link", name="修改“保护发展资金使用规划”").click()
    # At the field itself, in the list, and in the list of materials.
    expect(page.locator("#f-bank_name-said-1")).to_contain_text("开户银行请填写全称")
    expect(page.get_by_role("navigation", name="项目申报材料")).to_contain_text("退回意见")
    page.get_by_label("开户银行").fill("中国工商银行股份有限公司北京朝阳支行")
    save(page)
    # What is left to do before it can be submitted is said, with the way there.
    expect(page.get_by_role("status").first).to_contain_text("还有 1 条退回意见待答复")
    page.get_by_role("link", name="去答复").first.click()
    page.get_by_label("答复：").fill("已改为全称")
    page.get_by_role("button", name="保存答复").click()
    expect(page.get_by_text("已保存答复。")).to_be_visible()
    page.get_by_role("link", name="材料补正").click()
    page.get_by_role("link", name="6.诚信承诺").click()
    expect(page.get_by_text("本项材料当前不可修改。")).to_be_visible()
    expect(page.locator("table.values")).to_contain_text("王㙍")
    # More can be asked for; what is asked is said to the reviewer, and the answer here.
    page.get_by_role("button", name="申请开放本项材料").click()
    expect(page.get_by_text("请说明需要修改的内容和原因").first).to_be_visible()
    page.get_by_label("需要修改的内容和原因").fill("承诺日期填写有误")
    page.get_by_role("button", name="申请开放本项材料").click()
    expect(page.get_by_text("等待审核人员处理")).to_be_visible()
    # Submitting now would leave the question without an answer: said, with the way back, and not forbidden.
    page.goto(f"/applications/{id}/submit")
    asked = page.locator(".notice", has_text="有 1 项开放申请还没有答复")
    expect(asked).to_contain_text("承诺日期填写有误")
    expect(page.get_by_role("button", name="确认提交")).to_be_visible()
    asked.get_by_role("link", name="诚信承诺").click()
    expect(page.get_by_text("等待审核人员处理")).to_be_visible()
    desk.goto("/review")
    desk.get_by_role("navigation", name="常用视图").get_by_role("link", name="申请开放材料").click()
    desk.locator("tbody tr", has_text=number).get_by_role("link", name="申请开放材料").click()
    desk.get_by_role("button", name="同意开放").click()
    expect(desk.get_by_text("已开放该项材料。")).to_be_visible()
    page.goto(f"/applications/{id}/submit")
    expect(asked).to_have_count(0)
    page.goto(f"/applications/{id}/sections/commitment")
    page.reload()
    expect(page.get_by_text("本项材料当前不可修改。")).to_have_count(0)
    expect(page.get_by_role("button", name="保存表单")).to_be_visible()
    page.get_by_role("link", name="提交申请").click()
    changes = page.get_by_role("region", name="与上次提交相比的改动")
    expect(changes.locator("tbody tr")).to_have_count(1)
    expect(changes).to_contain_text("中国工商银行股份有限公司北京朝阳支行")
    expect(changes).to_contain_text("涉及")
    page.get_by_role("button", name="确认提交").click()
    expect(page.locator("tr", has_text="版本").locator("td")).to_have_text("第 3 版")

    page.goto("/notifications")
    expect(page.get_by_role("heading", name="退回补正").first).to_be_visible()
    # 站内信 is no mail, its way to the project is a link, and following it is reading it.
    expect(page.locator("main")).not_to_contain_text("本邮件")
    expect(page.locator("main p.text a").first).to_have_attribute("href", re.compile("^http.*/applications/"))
    letter = page.locator("section.card", has_text="“不用脚本的项目”已退回补正").first
    expect(letter).to_contain_text("未读")
    letter.get_by_role("button", name="查看项目").click()
    assert path(page) == f"/applications/{id}/opinions"
    page.goto("/notifications")
    expect(letter).not_to_contain_text("未读")
    page.get_by_role("button", name="标为已读").first.click()
    page.goto(f"/applications/{id}/view")
    expect(page.get_by_role("region", name="历次提交").locator("table").first.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name=re.compile(r"查看\s*第 1 版")).click()
    expect(page.get_by_text("这是第 1 版，不是最新的一版")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("退回补正")
    page.get_by_role("button", name="退出").click()
    page.goto("/projects")
    expect(page.get_by_label("用户名")).to_be_visible()


def send_back(desk: Page, number: str, place: str, text: str) -> None:
    """A reviewer returns it."""
    sign_in(desk, "shencha", "/review")
    desk.get_by_label("项目、企业或编号").fill(number)
    desk.get_by_role("button", name="查询").click()
    desk.get_by_role("link", name="查看", exact=True).click()
    desk.get_by_role("button", name="领取办理").click()
    desk.get_by_role("link", name="退回补正").click()
    desk.get_by_role("button", name="确认退回").click()
    expect(desk.get_by_role("alert")).to_contain_text("须至少填写一条意见")
    # The round proposes working days; a day that is chosen counts.
    desk.get_by_label("指定日期").fill((clock.today() + timedelta(days=7)).isoformat())
    desk.locator("#place-1").select_option(place)
    desk.locator("#text-1").fill(text)
    desk.get_by_role("button", name="添加一条意见").click()
    expect(desk.locator("#text-1")).to_have_value(text)
    desk.get_by_role("button", name="确认退回").click()
    expect(desk.get_by_role("status").first).to_contain_text("已退回补正")


def test_pdf_is_there_without_reloading(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="等待PDF")
    page.goto(f"/applications/{id}/preview")
    expect(page.get_by_role("heading", name="预览PDF")).to_be_visible()
    accessible(page)
    link = page.get_by_role("link", name="打开PDF")
    expect(link).to_be_visible(timeout=30_000)
    target = link.get_attribute("href") or ""
    answer = page.context.request.get(target)
    assert answer.body().startswith(b"%PDF")
    submit(person, id)
    person.wait_for(f"/applications/{id}/revisions/1/pdf", 60)
    page.goto("/projects")
    # It opens beside the list, which stays where it was; a second click of a double one opens nothing more.
    asked: list[str] = []
    page.context.on("request", lambda made: asked.append(f"{made.method} {urlsplit(made.url).path}"))
    button = page.locator("tbody tr", has_text="等待PDF").get_by_role("button", name="生成PDF")
    expect(button).to_have_accessible_description("在新标签页打开")
    with page.context.expect_event("request", lambda made: re.search("/api/v1/.*/pdf$", made.url) is not None):
        button.dblclick()
    assert path(page) == "/projects"
    assert [one for one in asked if one.endswith("/pdf")] == [
        f"POST /applications/{id}/revisions/1/pdf",
        f"GET /api/v1/applications/{id}/revisions/1/pdf",
    ]


def test_reading_and_the_inbox(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="查看的项目")
    submit(person, id)
    page.goto(f"/applications/{id}/view")
    for section in ("1. 项目联系人", "6. 诚信承诺", "办理记录"):
        expect(page.get_by_role("heading", name=section)).to_be_visible()
    accessible(page)
    page.goto(f"/applications/{id}/receipt/1")
    accessible(page)
    page.goto("/notifications")
    accessible(page)
    # Filter and search keep what was asked for.
    page.goto("/projects")
    page.get_by_label("状态").select_option("pending_acceptance")
    page.get_by_label("项目名称或编号").fill("查看的")
    page.get_by_role("button", name="查询").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("状态")).to_have_value("pending_acceptance")
    page.get_by_label("项目名称或编号").fill("没有这样的")
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_text("没有符合条件的项目")).to_be_visible()


def test_pages_of_the_list(open_page: OpenPage, system: RunningSystem) -> None:
    person = system.person("qiye2")
    ids = [create(person) for _ in range(21)]
    page = open_page(script=False)
    sign_in(page, "qiye2", "/projects")
    expect(page.locator("tbody tr")).to_have_count(20)
    page.get_by_role("link", name="下一页").click()
    expect(page.locator("tbody tr").first.locator("td").first).to_have_text("21")
    for id in ids:
        person.call("DELETE", f"/applications/{id}", etag="1", json={})
    assert path(page) == "/projects"


def test_live_notice_reaches_every_tab(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="闪信的项目")
    second = page.context.new_page()
    second.goto("/projects")
    page.set_viewport_size({"width": 390, "height": 800})
    open_section(page, create(person), "contact")
    desk = open_page()
    sign_in(desk, "shencha", "/review")
    for window in (page, desk):
        window.wait_for_function("navigator.locks.query().then((l) => l.held.length === 1)")
    # One stream for both, however many tabs there are.
    submit(person, id)
    for tab in (page, second):
        expect(tab.locator(".flash").first).to_contain_text("“闪信的项目”状态：待纳批")
    # The bureau's people are led to the case.
    expect(desk.locator(".flash a").first).to_have_attribute("href", f"/review/{id}")
    # On a phone one is shown, all of it is on the screen, and what the form is saved with stays free wherever the page is scrolled.
    expect(page.locator(".flash:not([data-idle])")).to_have_count(1)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    box, bar = (page.locator(place).bounding_box() for place in ("[data-flashes]", ".save-bar"))
    assert box
    assert bar
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert 0 <= box["y"] <= box["y"] + box["height"] <= bar["y"]
    accessible(page)
    fits(page)
    # The form comes before the panel, and what 保存表单 says is there to be read.
    expect(page.locator("[data-checks] details")).not_to_have_attribute("open", "")
    page.get_by_label("项目名称").fill("手机上填写的项目")
    page.get_by_label("联系电话").fill("010-58511090")
    save(page)
    expect(page.locator("#done")).to_be_in_viewport()
    expect(page.locator("#done")).to_be_focused()
    # Whoever has written here knows the page: on a phone the fields begin on the first screen, all materials are one press away.
    page.goto(path(page))
    listed = page.locator("nav.materials li:visible")
    expect(listed).to_have_count(1)
    field = page.get_by_label("项目名称").bounding_box()
    assert field
    assert field["y"] < 700
    page.get_by_role("link", name=re.compile("^全部材料")).click()
    expect(listed).to_have_count(6)
    # On a desk the head takes little of the screen, and nothing scrolls beside the page.
    page.set_viewport_size({"width": 1366, "height": 640})
    expect(listed).to_have_count(6)
    sheet = page.locator("#form").bounding_box()
    assert sheet
    assert sheet["y"] < 200
    assert page.locator(".side").evaluate("side => side.scrollHeight <= side.clientHeight")
    page.set_viewport_size({"width": 390, "height": 800})
    expect(second.locator("tbody tr", has_text="闪信的项目")).to_contain_text("待纳批")
    # Switched off: nothing is shown any more, in any tab.
    page.get_by_role("link", name="账号").click()
    page.get_by_role("switch", name="闪信").click()
    expect(second.get_by_role("switch", name="闪信")).to_have_attribute("aria-checked", "false")

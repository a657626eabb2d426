"""点击【暂存】可临时存储页面已录入的信息: bad luck of every kind, and nothing that was typed is lost."""

import re
import signal
from datetime import timedelta

from playwright.sync_api import Page, Route, expect

from deploy.demo.client import Person
from shared import clock
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, new_project, open_section, path, save, sign_in
from tests.system.running import RunningSystem, create, fill, publish_round, version, withdraw

TEXT = "带动二十名青年学艺。"


def kept(page: Page) -> None:
    expect(page.locator("[data-kept]")).to_have_text(re.compile(r"\d\d:\d\d:\d\d 已暂存，尚未提交"))


def writing(open_page: OpenPage, system: RunningSystem, *, script: bool = True) -> tuple[Page, str]:
    """Somebody who has just typed a sentence; the application's id."""
    page = open_page(script=script)
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    open_section(page, id, "social_benefit")
    page.get_by_label("社会效益").fill(TEXT)
    return page, id


def test_what_is_typed_is_kept_by_itself(open_page: OpenPage, system: RunningSystem) -> None:
    page, _ = writing(open_page, system)
    kept(page)
    page.reload()
    expect(page.get_by_label("社会效益")).to_have_value(TEXT)
    expect(page.get_by_text("已暂存，尚未提交").first).to_be_visible()


def test_a_script_that_did_not_come_is_asked_for_again(open_page: OpenPage, system: RunningSystem) -> None:
    """A gateway that is just replaced while a page opens: what is typed before the scripts are there is kept, too."""
    page = open_page()
    page.route(re.compile(r"/js/form\.js$"), lambda route: route.abort())
    # What never comes holds up nothing else, and what a script itself needs is asked for again with it.
    page.route(re.compile(r"/js/(live|idle)\.js"), lambda route: route.abort())
    needed = iter(range(2))
    page.route(
        re.compile(r"/js/keeper\.js"),
        lambda route: route.continue_() if next(needed, None) is None else route.abort(),
    )
    sign_in(page, "qiye1")
    open_section(page, create(system.person("qiye1")), "social_benefit")
    page.get_by_label("社会效益").fill(TEXT)
    # Kept by itself: nothing is pressed.
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交", timeout=20_000)


def test_scripts_that_never_come_are_said(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    page.route(re.compile(r"/js/form\.js"), lambda route: route.abort())
    sign_in(page, "qiye1")
    open_section(page, create(system.person("qiye1")), "social_benefit")
    page.get_by_label("社会效益").fill(TEXT)
    expect(page.locator("[data-kept]")).to_contain_text("自动暂存未能启动", timeout=15_000)
    # As in a browser without scripts.
    page.get_by_role("button", name="暂存", exact=True).click()
    expect(page.get_by_label("社会效益")).to_have_value(TEXT)
    expect(page.get_by_text("已暂存，尚未提交").first).to_be_visible()


def test_leaving_with_something_unsaved_asks(open_page: OpenPage, system: RunningSystem) -> None:
    page, _ = writing(open_page, system)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.route("**/sections/social_benefit", lambda route: route.abort())
    page.get_by_label("社会效益").press_sequentially("再")
    page.get_by_role("link", name="返回").click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(page.get_by_label("社会效益")).to_have_value(TEXT + "再")


def test_a_broken_line_is_said_and_tried_again(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    open_section(page, id, "social_benefit")
    page.route("**/sections/social_benefit", lambda route: route.abort())
    page.get_by_label("社会效益").fill(TEXT)
    expect(page.locator("[data-kept]")).to_contain_text("连接不上，尚未暂存。内容仍在本页")
    page.unroute("**/sections/social_benefit")
    kept(page)
    # In the middle of 保存表单: it had arrived, only the answer was lost. Pressing again is no second act.
    page.get_by_label("社会效益").fill(TEXT + "续")
    kept(page)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/sections/social_benefit", lose_the_answer)
    page.get_by_role("button", name="保存表单").click()
    expect(page.locator("[data-kept]")).to_contain_text("网络中断，尚未保存。内容仍在本页")
    expect(page.get_by_label("社会效益")).to_have_value(TEXT + "续")
    page.unroute("**/sections/social_benefit")
    # The first one counted: the two copies are the same, and merging says so.
    page.get_by_role("button", name="保存表单").click()
    page.get_by_role("button", name="比较并合并").click()
    expect(page.get_by_text("两处的内容相同")).to_be_visible()
    page.get_by_role("button", name="合并并暂存").click()
    save(page)
    expect(page.get_by_label("社会效益")).to_have_value(TEXT + "续")


def test_typed_values_survive_signing_in_again(open_page: OpenPage, system: RunningSystem) -> None:
    page, _ = writing(open_page, system)
    kept(page)
    page.context.clear_cookies()
    page.get_by_label("社会效益").fill(TEXT + "又")
    expect(page.locator("[data-kept]")).to_contain_text("登录已过期，尚未暂存。内容仍在本页")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="在新窗口登录").click()
    other = opened.value
    other.get_by_label("用户名").fill("qiye1")
    other.get_by_label("密码").fill("Demo#2024")
    other.get_by_role("textbox", name="验证码").fill("8888")
    other.get_by_role("button", name="登录", exact=True).click()
    expect(other.get_by_text("您已重新登录")).to_be_visible()
    kept(page)
    save(page)
    expect(page.get_by_label("社会效益")).to_have_value(TEXT + "又")


def test_the_same_without_a_script(open_page: OpenPage, system: RunningSystem) -> None:
    page, _ = writing(open_page, system, script=False)
    page.context.clear_cookies()
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("您填写的内容没有丢失")).to_be_visible()
    expect(page.get_by_text("技术咨询 010-55521190")).to_be_visible()
    sign_in(page.context.new_page(), "qiye1", anew=True)
    # The new session's token is not the old one's: the page says so, and one more confirmation does it.
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_role("heading", name="页面已失效")).to_be_visible()
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_text("已保存表单。")).to_be_visible()
    expect(page.get_by_label("社会效益")).to_have_value(TEXT)


def test_two_windows_are_merged_field_by_field(open_page: OpenPage, system: RunningSystem) -> None:
    for script in (True, False):
        page = open_page(script=script)
        sign_in(page, "qiye1")
        id = new_project(page)
        other = page.context.new_page()
        for tab in (page, other):
            open_section(tab, id, "social_benefit")
        other.get_by_label("社会效益").fill("另一页写的")
        other.get_by_label("经济效益").fill("另一页的经济效益")
        save(other)
        page.get_by_label("社会效益").fill("这一页写的")
        if script:
            page.get_by_role("button", name="比较并合并").click()
        else:
            page.get_by_role("button", name="保存表单").click()
        expect(page.get_by_role("heading", name="在另一处也被修改了")).to_be_visible()
        # Both touched the first; only the other one touched the second, so that is chosen already.
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_contain_text("两处都改过")
        expect(rows.nth(0).get_by_label("本页填写的")).to_be_checked()
        expect(rows.nth(1).get_by_label("另一处保存的")).to_be_checked()
        if script:
            accessible(page)
        page.get_by_role("button", name="合并并暂存").click()
        expect(page.get_by_label("社会效益")).to_have_value("这一页写的")
        expect(page.get_by_label("经济效益")).to_have_value("另一页的经济效益")
        save(page)


def test_double_click_and_back_button(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page(script=False)
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="双击提交")
    page.goto(f"/applications/{id}/submit")
    page.get_by_role("button", name="确认提交").dblclick()
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()
    assert person.call("GET", f"/applications/{id}").json()["revision"] == 1
    # The old page again by the back button, from the browser's memory or not: it leads to what was submitted.
    page.go_back()
    expect(page.get_by_role("heading", name="提交申请")).to_be_visible()
    if (confirm := page.get_by_role("button", name="确认提交")).count():
        confirm.click()
        assert path(page) in {f"/applications/{id}/view", f"/applications/{id}/receipt/1"}
    assert person.call("GET", f"/applications/{id}").json()["revision"] == 1
    withdraw(person, id)
    page.goto(f"/applications/{id}/submit")
    stale = version(person, id)
    person.call("POST", f"/applications/{id}/submit", json={}, etag=stale, key=True)
    page.get_by_role("button", name="确认提交").click()
    assert path(page) == f"/applications/{id}/view"
    assert person.call("GET", f"/applications/{id}").json()["revision"] == 2
    # And an old form page: its 暂存 is refused, what it holds stays on the screen.
    other = create(person)
    open_section(page, other, "social_benefit")
    page.get_by_label("社会效益").fill(TEXT)
    fill(person, other, name="另一窗口提交")
    person.call("POST", f"/applications/{other}/submit", json={}, etag=version(person, other), key=True)
    page.get_by_role("button", name="暂存", exact=True).last.click()
    expect(page.get_by_text(re.compile("在另一处也被修改了|不能修改申报材料")).first).to_be_visible()
    assert TEXT in page.content()


def test_only_the_draft_that_was_seen_is_given_up(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page(script=False)
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="放弃修改的项目")
    keep_total(person, id, "21")
    page.goto(f"/applications/{id}/submit")
    draft = page.get_by_role("region", name="比已保存内容更新的暂存")
    draft.get_by_label("放弃修改").check()
    # Meanwhile somebody goes on typing in another window.
    keep_total(person, id, "20")
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("alert").first).to_contain_text("之后又有新的暂存，请核对后再选择")
    expect(draft.locator("tbody tr")).to_have_text(re.compile(r"20(\.00)? 万元\s*22(\.00)? 万元"))
    expect(draft.get_by_label("放弃修改")).not_to_be_checked()
    draft.get_by_label("放弃修改").check()
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()


def keep_total(person: Person, id: str, amount: str) -> None:
    """暂存 of another 申请保护发展资金合计."""
    path = f"/applications/{id}/sections/fund_plan"
    opened = person.call("GET", path).json()
    values = (opened["draft"] or opened["saved"]) | {"applied_total_wan": amount}
    person.call("PUT", f"{path}/draft", json={"values": values}, etag=opened["etag"])


def test_closing_time_passes_while_the_page_is_open(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    person = system.person("qiye2")
    now = clock.now()
    round_id = publish_round(
        system,
        {
            "fund_type": "reward",
            "form_version": 1,
            "title": "即将截止的批次",
            "opens_at": (now - timedelta(days=1)).isoformat(),
            "closes_at": (now + timedelta(seconds=9)).isoformat(),
            "parameters": {
                "per_item_wan": "50",
                "org_year_cap_wan": "300",
                "directions": ["挖掘抢救保护品种技艺"],
            },
        },
    )
    id = person.call("POST", "/applications", json={"round_id": round_id}, key=True).json()["id"]
    sign_in(page, "qiye2")
    open_section(page, id, "social_benefit")
    expect(page.locator(".unsent")).to_contain_text(re.compile(r"还有 0 分 \d+ 秒"))
    page.get_by_label("社会效益").fill(TEXT)
    kept(page)
    expect(page.locator(".unsent [role=alert]")).to_contain_text("时间已到，现在不能提交", timeout=20_000)
    page.wait_for_timeout(500)
    page.goto(f"/applications/{id}/submit")
    expect(page.locator(".notice.fault")).to_contain_text("本批次申报已截止")
    open_section(page, id, "social_benefit")
    expect(page.get_by_label("社会效益")).to_have_value(TEXT)


def test_a_service_that_is_away(open_page: OpenPage, system: RunningSystem) -> None:
    page, id = writing(open_page, system, script=False)
    scripted = open_page()
    sign_in(scripted, "qiye1")
    system.kill("applications", signal.SIGKILL)
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("您填写的内容没有丢失")).to_be_visible()
    scripted.goto("/projects")
    # It comes back by itself, for the page that waits and for the one whose person presses 重试.
    expect(scripted.get_by_role("heading", name="我的项目")).to_be_visible(timeout=60_000)
    while page.get_by_role("button", name="重试").count():
        page.get_by_role("button", name="重试").click()
    expect(page.get_by_text("已保存表单。")).to_be_visible()
    open_section(page, id, "social_benefit")
    expect(page.get_by_label("社会效益")).to_have_value(TEXT)


def test_error_pages_say_whom_to_call(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    page.goto("/projects/nowhere")
    expect(page.get_by_role("heading", name="未找到页面")).to_be_visible()
    expect(page.get_by_text("请拨打技术咨询 010-55521190")).to_be_visible()
    expect(page.locator("main b")).to_have_text(re.compile(r"[0-9A-F]{8}"))
    accessible(page)

"""一. 办事入口: 点击“政务服务”-“办事入口”，登录企业账号。  三. 企业登录: 在“我要办理”栏目下选择“资金申报(工美)”，
点击右侧的“开始申报”；或查看“事项申请”栏目下是否有“资金申报(工美)”字样，点击右侧的“申请”。  五. 联系方式。"""

import re

import httpx
from playwright.sync_api import expect

from deploy.demo.client import authorities
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, new_project, open_section, path, sign_in
from tests.system.running import RunningSystem


def test_entrance_shows_what_is_open_to_everybody(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    page.goto("/")
    expect(page.get_by_role("navigation", name="当前位置")).to_contain_text("政务服务")
    expect(page.get_by_role("heading", name="我要办理")).to_be_visible()
    expect(page.get_by_role("link", name="企业登录")).to_be_visible()
    rounds = page.get_by_role("region", name="正在申报的批次")
    expect(rounds).to_contain_text("第一批")
    expect(rounds.locator("[data-until]").first).to_contain_text("还有 ")
    for contact in ("010-55521190", "010-55521199", "010-85235981", "010-58511090", "010-55520600"):
        expect(page.get_by_text(contact).first).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 800})
    fits(page)


def test_both_ways_lead_to_my_projects(open_page: OpenPage) -> None:
    for region, name in (("我要办理", "开始申报"), ("事项申请", "申请")):
        page = open_page(script=False)
        page.goto("/")
        page.get_by_role("region", name=region).get_by_role("link", name=name).click()
        page.get_by_label("用户名").fill("qiye2")
        page.get_by_label("密码").fill("Demo#2024")
        page.get_by_role("textbox", name="验证码").fill("8888")
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", name="我的项目")).to_be_visible()
        page.goto("/")
        page.get_by_role("region", name=region).get_by_role("link", name=name).click()
        assert path(page) == "/projects"


def test_everything_a_page_loads_is_kept_for_a_year_and_small(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    loaded: dict[str, int] = {}
    page.on("requestfinished", lambda r: loaded.update({r.url: r.sizes()["responseBodySize"]}))
    page.goto("/", wait_until="networkidle")
    assert all(url.startswith(system.url) for url in loaded), "a page must not ask anybody else"
    static = [url for url in loaded if "/static/" in url]
    assert static
    with httpx.Client(trust_env=False, verify=authorities()) as http:
        for url in static:
            answer = http.get(url, headers={"Accept-Encoding": "br"})
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers.get("Content-Encoding") == "br"
        # A page of yesterday asks under yesterday's name: it gets today's file, and does not keep it.
        old = http.get(f"{system.url}/static/0123456789abcdef/portal.css")
        assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")
        assert http.get(f"{system.url}/static/0123456789abcdef/../routes.py").status_code == 404
    assert sum(loaded.values()) <= 150 * 1024, loaded


def test_a_browser_that_is_too_old_for_the_scripts_works_as_without(open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script("delete SubmitEvent.prototype.submitter")
    sign_in(page, "qiye1")
    id = new_project(page)
    open_section(page, id, "fund_plan")
    page.locator("[name='t.plan_items.0.subject_name']").fill("材料费")
    page.locator("#plan_items").get_by_role("button", name="添加一行").click()
    page.wait_for_url(re.compile(r"\?done=draft#t-plan_items-"))
    expect(page.locator("#plan_items tr[data-row]")).to_have_count(2)
    expect(page.locator("[name='t.plan_items.0.subject_name']")).to_have_value("材料费")


def test_contacts_and_help(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/help")
    for chapter in ("一. 办事入口", "二. 企业注册", "三. 企业登录", "四. 企业申报", "五. 联系方式"):
        expect(page.get_by_role("heading", name=chapter)).to_be_visible()


def test_staff_go_on_to_their_desk(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "shencha", "/help")
    page.goto("/")
    assert path(page) == "/review"


def test_the_end_of_a_session_is_said_before_it_comes(open_page: OpenPage) -> None:
    """Thirty minutes without a call: told five minutes before, put off by one click, and said when over."""
    page = open_page()
    page.clock.install()
    sign_in(page, "qiye2", anew=True)
    # The scripts are there, and the one call that they make of themselves is over: it keeps the session alive too.
    with page.expect_response("**/api/v1/notifications") as asked:
        page.reload()
    asked.value.finished()
    expect(page.get_by_role("switch", name="闪信")).to_be_visible()
    warning = page.get_by_role("alert").filter(has_text="自动退出")
    page.clock.fast_forward("24:30")
    expect(warning).to_have_count(0)
    page.clock.fast_forward("01:00")
    expect(warning).to_contain_text("约 5 分钟后将自动退出登录")
    accessible(page)
    warning.get_by_role("button", name="继续使用").click()
    expect(warning).to_have_count(0)
    page.clock.fast_forward("31:00")
    over = page.get_by_role("alert").filter(has_text="登录已自动结束")
    expect(over.get_by_role("button", name="在新窗口登录")).to_be_visible()

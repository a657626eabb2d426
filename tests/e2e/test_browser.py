"""The pages in a real browser, without a script: an applicant and a reviewer on an application's way."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared import clock
from tests import factories
from tests.system.running import RunningSystem, create, fill

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def pages(browser: Browser, system: RunningSystem) -> Iterator[list[Page]]:
    """Two people's browsers. Scripts are off: every page must work without."""
    contexts = [
        browser.new_context(
            base_url=system.url, locale="zh-CN", java_script_enabled=False, viewport={"width": 1280, "height": 900}
        )
        for _ in range(2)
    ]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def sign_in(page: Page, username: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="开始申报").click()
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill("Demo#2024")
    page.get_by_role("textbox", name="验证码").fill("8888")
    page.get_by_role("button", name="登录").click()


def test_an_application_goes_its_way(pages: list[Page], system: RunningSystem, pictures: Path) -> None:
    page, desk = pages
    sign_in(page, "qiye1")
    expect(page.get_by_role("heading", name="我的项目")).to_be_visible()
    page.get_by_role("link", name="新增项目").click()
    page.get_by_role("button", name="开始申报").first.click()
    expect(page.get_by_role("heading", name="您正在申报：工美资金（奖励）")).to_be_visible()
    id = page.url.split("/applications/")[1].split("/")[0]

    # 保存表单 with something missing: said at its place, and everything typed is still there.
    page.get_by_label("项目名称").fill("燕京八绝礼盒")
    page.get_by_role("button", name="保存表单").click()
    expect(page.locator(".wrong .error")).to_have_text("请填写“联系电话”")
    expect(page.get_by_label("项目名称")).to_have_value("燕京八绝礼盒")
    page.screenshot(path=pictures / "form-with-error.png", full_page=True)
    page.get_by_label("联系电话").fill("010-58511090")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_role("status")).to_have_text("已保存表单。")

    # A row and a file on the way keep what was typed.
    page.get_by_role("link", name="4.保护发展资金使用规划").click()
    page.locator("[name='t.plan_items.0.subject_name']").fill("材料费")
    page.locator("#plan_items").get_by_role("button", name="添加一行").click()
    expect(page.locator("[name='t.plan_items.0.subject_name']")).to_have_value("材料费")
    expect(page.locator("[name='t.plan_items.1.subject_name']")).to_have_value("")
    page.locator("[name='t.plan_items.1.subject_name']").fill("设备费")
    page.locator("#plan_items").get_by_role("button", name="删除").first.click()
    expect(page.locator("[name='t.plan_items.0.subject_name']")).to_have_value("设备费")
    page.get_by_role("link", name="2.企业基本情况").click()
    expect(page.get_by_label("企业名称")).to_have_value(factories.ENTERPRISE_1[1])
    page.get_by_label("从业人数").fill("86")
    page.locator("#file-business_license").set_input_files(
        {"name": "营业执照.pdf", "mimeType": "application/pdf", "buffer": factories.file_for("x")[1]}
    )
    page.get_by_role("button", name="暂存").last.click()
    expect(page.get_by_role("link", name="营业执照.pdf")).to_be_visible()
    expect(page.get_by_label("从业人数")).to_have_value("86")
    page.locator("#file-business_license").set_input_files(
        {"name": "照片.pdf", "mimeType": "application/pdf", "buffer": b"MZ no pdf"}
    )
    page.get_by_role("button", name="暂存").last.click()
    expect(page.get_by_role("alert")).to_contain_text("照片.pdf")
    expect(page.get_by_label("从业人数")).to_have_value("86")
    page.screenshot(path=pictures / "form-with-files.png", full_page=True)

    # What is missing is said before anything is submitted.
    page.get_by_role("link", name="提交申请").click()
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("alert")).to_contain_text("未能提交")
    page.screenshot(path=pictures / "submit-refused.png", full_page=True)

    person = system.person("qiye1")
    fill(person, id, name="燕京八绝礼盒")
    page.goto(f"/applications/{id}/submit")
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()
    number = page.locator("tr", has_text="申报编号").locator("td").inner_text()
    page.screenshot(path=pictures / "receipt.png", full_page=True)
    page.goto("/projects")
    row = page.locator("tbody tr", has_text=number)
    expect(row).to_contain_text("待纳批")
    expect(row.get_by_role("link", name="撤销申请")).to_be_visible()
    page.screenshot(path=pictures / "projects.png", full_page=True)

    sign_in(desk, "shencha")
    desk.get_by_label("项目、企业或编号").fill(number)
    desk.get_by_role("button", name="查询").click()
    desk.screenshot(path=pictures / "review-queue.png", full_page=True)
    desk.get_by_role("link", name="查看").click()
    desk.get_by_role("button", name="领取办理").click()
    expect(desk.get_by_text("由您办理至")).to_be_visible()
    desk.screenshot(path=pictures / "review.png", full_page=True)
    desk.get_by_role("link", name="退回补正").click()
    desk.get_by_role("button", name="确认退回").click()
    expect(desk.get_by_role("alert")).to_contain_text("请选择补正期限")
    desk.get_by_label("补正期限").fill((clock.today() + timedelta(days=7)).isoformat())
    desk.locator("#place-1").select_option("fund_plan.bank_name")
    desk.locator("#text-1").fill("开户银行请填写全称")
    desk.get_by_role("button", name="添加一条意见").click()
    expect(desk.locator("#text-1")).to_have_value("开户银行请填写全称")
    desk.screenshot(path=pictures / "review-return.png", full_page=True)
    desk.get_by_role("button", name="确认退回").click()
    expect(desk.get_by_role("status")).to_contain_text("已退回补正")

    page.goto("/projects")
    row = page.locator("tbody tr", has_text=number)
    expect(row).to_contain_text("退回补正")
    row.get_by_role("link", name="退回意见").click()
    expect(page.get_by_text("开户银行请填写全称")).to_be_visible()
    page.get_by_label("答复").fill("已改为全称")
    page.get_by_role("button", name="保存答复").click()
    expect(page.get_by_role("status")).to_have_text("已保存答复。")
    page.screenshot(path=pictures / "opinions.png", full_page=True)
    page.get_by_role("link", name="修改“保护发展资金使用规划”").click()
    page.get_by_label("开户银行").fill("中国工商银行股份有限公司北京朝阳支行")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_role("status")).to_have_text("已保存表单。")
    page.get_by_role("link", name="6.诚信承诺").click()
    expect(page.get_by_text("本项材料当前不可修改。")).to_be_visible()
    page.get_by_role("link", name="提交申请").click()
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()
    expect(page.locator("tr", has_text="版本").locator("td")).to_have_text("第 2 版")

    page.goto("/notifications")
    expect(page.get_by_role("heading", name="已退回补正").first).to_be_visible()
    page.screenshot(path=pictures / "inbox.png", full_page=True)
    page.get_by_role("button", name="标为已读").first.click()

    desk.goto("/review")
    desk.locator("tr", has_text=number).get_by_role("link", name="查看").click()
    desk.get_by_role("button", name="领取办理").click()
    desk.get_by_role("button", name="纳批").click()
    expect(desk.get_by_role("status")).to_contain_text("已纳批")
    page.goto(f"/applications/{id}/view")
    expect(page.locator("h1 + p")).to_contain_text("形式审查中")
    page.screenshot(path=pictures / "view.png", full_page=True)
    page.get_by_role("button", name="退出").click()
    page.goto("/projects")
    expect(page.get_by_label("用户名")).to_be_visible()


def test_what_was_typed_outlives_the_session(pages: list[Page], system: RunningSystem, pictures: Path) -> None:
    page, _ = pages
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    page.goto(f"/applications/{id}/sections/social_benefit")
    page.get_by_label("社会效益").fill("带动二十名青年学艺。")
    page.context.clear_cookies()
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("您填写的内容没有丢失")).to_be_visible()
    page.screenshot(path=pictures / "try-again.png", full_page=True)
    other = page.context.new_page()
    sign_in(other, "qiye1")
    # The new session's token is not the old one's: one more confirmation, nothing typed again.
    page.get_by_role("button", name="重试").click()
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_role("status")).to_have_text("已保存表单。")
    expect(page.get_by_label("社会效益")).to_have_value("带动二十名青年学艺。")


def test_two_tabs_cannot_overwrite_one_another(pages: list[Page], system: RunningSystem) -> None:
    page, _ = pages
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"/applications/{id}/sections/social_benefit")
    other.get_by_label("社会效益").fill("另一页写的")
    other.get_by_role("button", name="保存表单").click()
    page.get_by_label("社会效益").fill("这一页写的")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("社会效益：另一页写的")).to_be_visible()
    expect(page.get_by_label("社会效益")).to_have_value("这一页写的")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_role("status")).to_have_text("已保存表单。")


def test_documentation_lists_every_operation(pages: list[Page], system: RunningSystem) -> None:
    page, _ = pages
    page.goto("/api/v1/docs")
    for operation in ("POST /api/v1/applications/{id}/submit", "GET /api/v1/notifications", "GET /api/v1/me"):
        expect(page.get_by_role("heading", name=operation, exact=True)).to_be_visible()

"""二. 企业注册: 点击统一身份认证平台页面中的“点击注册”按钮，依次填写企业用户注册信息（法人身份鉴证、创建账号、注册完成）；使用护照的
需要审核，审核通过后才能登录。  三. 企业登录: 如提示需解绑，填报相关解绑信息审核完成后，可再次进入。"""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests import factories
from tests.e2e.conftest import OpenPage

PASSWORD = "Yanchi#2031"


def enter(page: Page, username: str, password: str = PASSWORD) -> None:
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(password)
    page.get_by_role("textbox", name="验证码").fill("8888")
    page.get_by_role("button", name="登录", exact=True).click()


def identify(page: Page, **told: str) -> None:
    """第一步 法人身份鉴证."""
    for label, value in told.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("textbox", name="验证码").fill("8888")
    page.get_by_role("button", name="下一步").click()


def account(page: Page, username: str, handler: str) -> None:
    """第二步 创建账号."""
    told = {
        "办事人姓名": "林小雨",
        "办事人身份证号": handler,
        "手机号码": "13812345678",
        "电子邮箱": "lin@example.com",
        "用户名": username,
    }
    for label, value in told.items():
        page.get_by_label(label).fill(value)
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.get_by_role("button", name="注册", exact=True).click()


def decide(desk: Page, username: str) -> None:
    """The platform's own reviewer says yes."""
    desk.goto("/stub-idp/review")
    if desk.get_by_label("密码").count():
        enter(desk, "pingtai", "Demo#2024")
    desk.locator("form.card", has_text=username).get_by_role("button", name="通过", exact=True).click()
    desk.get_by_role("button", name="确认通过").click()
    expect(desk.locator(".notice.done")).to_contain_text(f"“{username}”：已通过")


def test_registration_in_three_steps(open_page: OpenPage, tmp_path: Path) -> None:
    page, desk = open_page(script=False), open_page(script=False)
    page.goto("/")
    page.get_by_role("link", name="开始申报").click()
    page.get_by_role("link", name="点击注册").click()
    expect(page.get_by_role("heading", name="法人账号注册（使用一证通证书无需注册，可直接登录）")).to_be_visible()
    steps = page.locator(".steps")
    expect(steps.locator("[aria-current=step]")).to_have_text("法人身份鉴证")
    for words in ("系统预计需要1-2个工作日进行身份证件的审核", "只能注册一个口令账号", "yztyunwei@bjca.org.cn"):
        expect(page.get_by_text(words).first).to_be_visible()
    # What is missing is said at its place, and so is what a browser cannot keep.
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("有 5 处需要修改")
    expect(page.get_by_role("alert")).to_contain_text("验证码和扫描件每次都需要重新填写")
    expect(page.locator("#captcha-error")).to_have_text("请填写验证码")
    identify(
        page,
        企业名称="北京燕京景泰蓝工艺品有限公司",
        统一社会信用代码="91110105MA00TE5T2T",
        法定代表人姓名="王㙍",
        法定代表人身份证号="110105198001010016",
    )
    expect(steps.locator("[aria-current=step]")).to_have_text("创建账号")
    page.get_by_role("button", name="注册", exact=True).click()
    for id, said in (("username", "请填写用户名"), ("password", "请填写密码")):
        expect(page.locator(f"#{id}-error")).to_have_text(said)
    account(page, "linxiaoyu", "110108199003050023")
    expect(page.get_by_text("注册完成，现在可以登录。")).to_be_visible()
    page.get_by_role("link", name="去登录").click()
    enter(page, "linxiaoyu")
    expect(page.get_by_role("link", name="开始申报")).to_be_visible()
    page.get_by_role("button", name="退出").click()

    # 护照: the scan goes along, and the account waits for the platform's review.
    page.goto("/stub-idp/register")
    page.get_by_label("护照或其它有效身份证件").check()
    name, content = factories.file_for("business_license")
    (tmp_path / name).write_bytes(content)
    page.get_by_label("证件扫描件").set_input_files(tmp_path / name)
    identify(
        page,
        企业名称="北京和风漆艺有限公司",
        统一社会信用代码="91110106MA01ABCD2L",
        法定代表人姓名="TANAKA YUKI",
        法定代表人身份证号="TZ1234567",
    )
    account(page, "hefeng", "110108199003050023")
    expect(page.get_by_role("status").first).to_contain_text("1-2个工作日")
    page.get_by_role("link", name="去登录").click()
    enter(page, "hefeng")
    expect(page.get_by_role("alert")).to_contain_text("身份证件正在审核")
    decide(desk, "hefeng")
    enter(page, "hefeng")
    expect(page.get_by_role("link", name="开始申报")).to_be_visible()


def test_an_enterprise_that_is_bound_elsewhere(open_page: OpenPage, tmp_path: Path) -> None:
    page, desk = open_page(script=False), open_page(script=False)
    page.goto("/")
    page.get_by_role("link", name="申请", exact=True).click()
    enter(page, "qiye3", "Demo#2024")
    expect(page.get_by_role("status").first).to_contain_text("需解绑后才能申请")
    page.get_by_role("button", name="提交解绑申请").click()
    expect(page.get_by_role("alert")).to_contain_text("有 4 处需要修改")
    for label, value in (("申请人", "何青"), ("联系电话", "13700137000"), ("解绑原因", "原经办人已离职")):
        page.get_by_label(label).fill(value)
    name, content = factories.file_for("business_license")
    (tmp_path / name).write_bytes(content)
    page.get_by_label("解绑申请书").set_input_files(tmp_path / name)
    page.get_by_role("button", name="提交解绑申请").click()
    # While it waits there is nothing to go on with; the way back is there.
    expect(page.get_by_text("正在审核")).to_be_visible()
    expect(page.get_by_text("解绑服务审核热线：010-55520600")).to_be_visible()
    expect(page.get_by_role("link", name="返回办事入口")).to_be_visible()
    page.get_by_role("button", name="查看审核结果").click()
    expect(page.get_by_text("正在审核")).to_be_visible()
    decide(desk, "qiye3")
    page.get_by_role("button", name="查看审核结果").click()
    expect(page.get_by_role("heading", name="我的项目")).to_be_visible()

"""四. 企业申报 (1) 新增项目: 选择项目所属的工美资金类型；依次填写项目申报材料，标记*为必填项；点击【暂存】可临时存储，
点击【保存表单】如系统检测必填项无内容会自动提醒；所有表单填写完成并保存后点击【提交申请】；【返回】【继续申报】【删除申请】。"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import FORM, accessible, files, fits, new_project, open_section, path, save, sign_in, values
from tests.factories import PLATFORM
from tests.system.running import RunningSystem, create, delete_drafts, fill


def test_choosing_a_type(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    delete_drafts(system.person("qiye2"))
    sign_in(page, "qiye2", "/projects")
    accessible(page)
    page.get_by_role("link", name="新增项目").click()
    card = page.get_by_role("group", name="工美资金（奖励）").first
    for words in ("申报对象", "单项最高 50 万元", "截止时间", "还有 "):
        expect(card).to_contain_text(words)
    accessible(page)
    new_project(page)
    # A second one of the same round is not made by accident.
    page.get_by_role("link", name="返回").click()
    page.get_by_role("link", name="新增项目").click()
    first = page.get_by_role("group", name="工美资金（奖励）").first
    expect(first).to_contain_text("本批次已有 1 个未提交的项目")
    first.get_by_role("link", name="继续申报").click()
    expect(page.get_by_role("heading", name="您正在申报：工美资金（奖励）")).to_be_visible()
    # 未命名项目 with its type, and a delete that asks.
    page.goto("/projects")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("未命名项目（奖励类）")
    expect(row).to_contain_text("尚未提交")
    # Nothing has been saved yet, and nothing says so.
    expect(row).not_to_contain_text("已保存")
    row.get_by_role("link", name="删除申请").click()
    expect(page.get_by_text("不能恢复")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="返回").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="删除申请").click()
    page.get_by_role("button", name="确认删除").click()
    expect(page.get_by_role("status").first).to_contain_text("已删除申请")
    expect(page.locator("tbody tr")).to_have_count(0)


def test_an_old_page_offers_the_draft_too(open_page: OpenPage, system: RunningSystem) -> None:
    page, other = open_page(script=False), open_page(script=False)
    delete_drafts(system.person("qiye2"))
    for window in (page, other):
        sign_in(window, "qiye2")
        window.goto("/projects/new")
    page.get_by_role("button", name="开始申报").first.click()
    other.get_by_role("button", name="开始申报").first.click()
    expect(other.get_by_role("heading", name="本批次已有未提交的项目")).to_be_visible()
    other.get_by_role("link", name="继续申报").click()
    assert path(other) == path(page)
    other.goto("/projects")
    expect(other.locator("tbody tr")).to_have_count(1)
    other.get_by_role("link", name="删除申请").click()
    other.get_by_role("button", name="确认删除").click()


def test_the_form_page_speaks_the_manual(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = new_project(page)
    expect(page.get_by_text("请按照要求认真填写并核对各项材料信息，项目一经提交将不允许修改。")).to_be_visible()
    expect(page.get_by_text("注：保存表单后数据才能生效！")).to_be_visible()
    materials = page.get_by_role("navigation", name="项目申报材料").get_by_role("listitem")
    assert [re.sub(r"\s+", "", text) for text in materials.all_inner_texts()] == [
        f"*{n}.{section.label}未填写" for n, section in enumerate(FORM.sections, 1)
    ]
    # The others are looked at with every page.
    for key in ("contact", "social_benefit", "commitment"):
        open_section(page, id, key)
        accessible(page)
    open_section(page, id, "contact")
    # 保存表单 with something missing: said at the top and at its place, and everything typed is still there.
    page.get_by_label("项目名称").fill("燕京八绝新礼盒")
    page.get_by_label("Email").fill("nobody")
    page.get_by_role("button", name="保存表单").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_label("项目名称")).to_have_value("燕京八绝新礼盒")
    expect(page.get_by_label("联系电话")).to_have_attribute("aria-invalid", "true")
    accessible(page)
    summary.get_by_role("link", name="请填写“联系电话”").click()
    expect(page.get_by_label("联系电话")).to_be_focused()
    expect(materials.first).to_contain_text("有错误")
    page.reload()
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(2)
    page.get_by_label("联系电话").fill("010-58511090")
    page.get_by_label("Email").fill("lixiang@example.com")
    save(page)
    expect(materials.first).to_contain_text("已保存")
    # 依次填写: the way to the next one is said.
    page.get_by_role("status").get_by_role("link", name="企业基本情况").click()
    expect(page.get_by_role("heading", name="企业基本情况")).to_be_visible()
    page.get_by_role("link", name="返回").click()
    assert path(page) == "/projects"
    page.locator("tbody tr", has_text="燕京八绝新礼盒").get_by_role("link", name="继续申报").click()
    expect(page.get_by_role("heading", name="企业基本情况")).to_be_visible()


def test_rows_totals_and_paste(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = new_project(page)
    open_section(page, id, "fund_plan")
    table = page.locator("#plan_items")
    cell = "[name='t.plan_items.{}.{}']"
    page.locator(cell.format(0, "subject_name")).fill("材料费")
    page.locator(cell.format(0, "amount_wan")).fill("0.1")
    table.get_by_role("button", name="添加一行").click()
    expect(page.locator(cell.format(1, "subject_name"))).to_be_focused()
    page.locator(cell.format(1, "amount_wan")).fill("0.2")
    # Exact: no 0.30000000000000004.
    expect(table.locator("[data-total=amount_wan]")).to_have_text("0.30")
    # From Excel: two columns, three rows, one cell in quotes; rows are added as needed.
    clip = '设备费\t1,000.50\r\n"人工\n费"\t20\r\n差旅费\t3\r\n'
    paste(page, cell.format(1, "subject_name"), clip)
    expect(page.locator(cell.format(3, "subject_name"))).to_have_value("差旅费")
    expect(page.locator(cell.format(1, "amount_wan"))).to_have_value("1,000.50")
    expect(table.locator("[data-total=amount_wan]")).to_have_text("1,023.60")
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    table.get_by_role("button", name=re.compile(r"删除\s*第1行")).click()
    expect(page.locator(cell.format(1, "subject_name"))).to_be_focused()
    expect(table.locator("[data-total=amount_wan]")).to_have_text("1,023.50")
    expect(page.locator("[data-kept]")).to_contain_text("稍后自动暂存")
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    page.reload()
    expect(table.locator("tr[data-row]")).to_have_count(3)
    expect(page.locator(cell.format(0, "subject_name"))).to_have_value("设备费")


def paste(page: Page, place: str, text: str) -> None:
    """What the clipboard of a spreadsheet sends."""
    page.locator(place).evaluate(
        """(input, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_attachments(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = new_project(page)
    open_section(page, id, "company")
    slot = page.locator("[data-slot=business_license]")
    good = files(tmp_path, "company")["business_license"]
    slot.locator("input[type=file]").set_input_files(good)
    expect(slot.get_by_role("link", name=good.name)).to_be_visible()
    (tmp_path / "照片.exe").write_bytes(b"MZ")
    slot.locator("input[type=file]").set_input_files(tmp_path / "照片.exe")
    expect(slot.get_by_role("alert")).to_contain_text("只支持 pdf")
    slot.get_by_role("button", name="知道了").click()
    (tmp_path / "大.pdf").write_bytes(b"%PDF-1.4" + b"0" * (21 * 1024 * 1024))
    slot.locator("input[type=file]").set_input_files(tmp_path / "大.pdf")
    expect(slot.get_by_role("alert")).to_contain_text("超过 20 MB")
    expect(slot.get_by_role("alert")).to_contain_text("重新扫描")
    slot.get_by_role("button", name="知道了").click()
    # A line that breaks, then another try.
    page.route("**/attachments?*", lambda route: route.abort())
    other = tmp_path / "审计报告.pdf"
    other.write_bytes(good.read_bytes())
    slot.locator("input[type=file]").set_input_files(other)
    expect(slot.get_by_role("alert")).to_contain_text("网络中断")
    page.unroute("**/attachments?*")
    slot.get_by_role("button", name="重试").click()
    expect(slot.get_by_role("link", name="审计报告.pdf")).to_be_visible()
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    slot.get_by_role("button", name="移除").first.click()
    expect(page.locator("[data-kept]")).to_contain_text("稍后自动暂存")
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    page.reload()
    expect(slot.locator(".file")).to_have_count(1)
    expect(slot.get_by_role("link", name="审计报告.pdf")).to_be_visible()


def test_what_is_missing_is_said_before_submission(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    page.goto(f"/applications/{id}/submit")
    expect(page.get_by_role("alert")).to_contain_text("还有 6 处需要处理")
    # No button that would only refuse.
    expect(page.get_by_role("button", name="确认提交")).to_have_count(0)
    accessible(page)
    fill(person, id, name="京绣屏风")
    open_section(page, id, "fund_plan")
    expect(page.get_by_role("region", name="勾稽关系核对").locator(".mark").first).to_have_text("符合")
    page.locator("[name='f.applied_total_wan']").fill("23")
    save(page)
    panel = page.get_by_role("region", name="勾稽关系核对")
    expect(panel).to_contain_text("22.00 与 23.00，相差 -1.00")
    expect(page.get_by_role("navigation", name="项目申报材料")).to_contain_text("有错误")
    # A 暂存 that is newer than what is saved: both are shown, and one of them is chosen.
    page.locator("[name='f.applied_total_wan']").fill("22")
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    page.get_by_role("link", name="提交申请").click()
    draft = page.get_by_role("region", name="比已保存内容更新的暂存")
    expect(draft.locator("tbody tr")).to_have_text(re.compile(r"22(\.00)? 万元\s*23(\.00)? 万元"))
    accessible(page)
    draft.get_by_role("link", name="去保存表单").click()
    save(page)
    page.get_by_role("link", name="提交申请").click()
    expect(page.get_by_text("核对无误，可以提交")).to_be_visible()


def test_a_material_by_keyboard_alone(open_page: OpenPage, tmp_path: Path) -> None:
    """No mouse: Tab, Space, Enter, arrows and what one types; a choice, rows, a file, and the way to the next material."""
    page = open_page()
    sign_in(page, "qiye1")
    open_section(page, new_project(page), "company")
    by_keyboard(page, tmp_path, "company")


@pytest.mark.slow
def test_a_whole_application_by_keyboard_alone(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    new_project(page)
    by_keyboard(page, tmp_path)
    tab_to(page, lambda at: at["href"].endswith("/submit"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("核对无误，可以提交")).to_be_visible()
    tab_to(page, lambda at: at["text"] == "确认提交")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()
    accessible(page)
    expect(page.get_by_role("img", name="回执二维码")).to_be_visible()
    fits(page)


def by_keyboard(page: Page, tmp_path: Path, *keys: str) -> None:
    """Fill and save these materials, or all, each reached from the one before."""
    filled = {key: section for key, section in values(name="键盘填写的项目").items() if not keys or key in keys}
    for key, section in filled.items():
        Keyboard(page).fill(key, section, files(tmp_path, key))
        tab_to(page, lambda at: at["value"] == "save")
        page.keyboard.press("Enter")
        expect(page.get_by_text("已保存表单。")).to_be_visible()
        following = [s.key for s in FORM.sections]
        at = following.index(key) + 1
        if at < len(following):
            tab_to(page, lambda at, k=following[at]: at["href"].endswith(f"/sections/{k}"))
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile(f"/sections/{following[at]}$"))


# What has the focus, asked at once. `seen`: of a long text its first line, above the bar that stays in view.
FOCUS = """() => {
    const at = document.activeElement, place = at.getBoundingClientRect();
    const bar = document.querySelector(".save-bar")?.getBoundingClientRect().top ?? innerHeight;
    return {
        name: at.name ?? "", value: at.value ?? "", href: at.href ?? "", text: at.textContent.trim(),
        computed: at.readOnly === true, seen: Math.min(place.bottom, place.top + 40) <= bar,
    };
}"""
Focus = dict[str, Any]


def tab_to(page: Page, there: Callable[[Focus], bool]) -> Focus:
    """Press Tab until the focus is there; what has it then."""
    for _ in range(150):
        if there(at := page.evaluate(FOCUS)):
            return at
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not get there on {page.url}")


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page
        # Once somebody listens, the browser hands every chooser over; to begin only with the key that opens it is too late
        # now and then.
        page.on("filechooser", lambda _: None)

    def fill(self, key: str, section: dict[str, object], chosen: dict[str, Path]) -> None:
        definition = FORM.section(key)
        assert definition is not None
        for field in definition.fields:
            if (value := section.get(field.key)) is not None and not field.group:
                self.put(f"f.{field.key}", field.kind, value)
        for table in definition.tables:
            rows = section.get(table.key, [])
            assert isinstance(rows, list)
            for n, row in enumerate(rows):
                if n and not table.fixed_rows:
                    tab_to(self.page, lambda at, k=table.key: at["value"] == f"add:{k}")
                    self.page.keyboard.press("Enter")
                for column in table.columns:
                    if (value := row.get(column.key)) is not None:
                        self.put(f"t.{table.key}.{n}.{column.key}", column.kind, value)
        for field in definition.fields:
            if (value := section.get(field.key)) is not None and field.group:
                self.put(f"f.{field.key}", field.kind, value)
        for slot, file in chosen.items():
            tab_to(self.page, lambda at, s=slot: at["name"] == f"file.{s}")
            with self.page.expect_file_chooser() as choosing:
                self.page.keyboard.press("Space")
            choosing.value.set_files(file)
            expect(self.page.locator(f"[data-slot={slot}] a")).to_be_visible()

    def put(self, name: str, kind: str, value: object) -> None:
        keyboard = self.page.keyboard
        at = tab_to(self.page, lambda at: at["name"] == name)
        assert at["seen"], name
        if kind == "checkbox":
            keyboard.press("Space")
        elif kind == "multiselect":
            assert isinstance(value, list)
            for option in value:
                tab_to(self.page, lambda at, o=option: at["value"] == o)
                keyboard.press("Space")
        elif kind == "select":
            for _ in range(30):
                if at["value"] == value:
                    break
                keyboard.press("ArrowDown")
                at = self.page.evaluate(FOCUS)
            assert at["value"] == value
            if name == "f.direction":
                expect(self.page.locator("[name='f.event_name']")).to_be_visible()
        elif kind == "date":
            year, month, day = str(value).split("-")
            keyboard.type(f"{month}{day}{year}")
            assert self.page.evaluate(FOCUS)["value"] == value
        elif not at["computed"]:
            keyboard.press("Control+A")
            # Chinese comes from an input method, a phrase at a time.
            (keyboard.type if str(value).isascii() else keyboard.insert_text)(str(value))


def test_what_an_answer_changes_is_seen_at_once(open_page: OpenPage, system: RunningSystem) -> None:
    """补助类: other things are asked for when the direction is a platform's, and the progress is computed."""
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"), "subsidy")
    open_section(page, id, "project_content")
    firms = page.locator("#f-served_firms")
    expect(firms).to_have_count(0)
    page.get_by_label("项目实施地点").fill("琉璃厂东街")
    page.locator("[name='f.invested_wan']").fill("50")
    page.locator("[name='t.funding_sources.0.amount_wan']").fill("200")
    page.locator("[name='f.direction']").focus()
    page.locator("[name='f.direction']").select_option(PLATFORM)
    expect(firms).to_be_visible()
    expect(page.locator("[name='f.direction']")).to_be_focused()
    expect(page.locator("[data-kept]")).to_contain_text("表单已按您的选择更新")
    expect(page.locator("output[name='f.progress_pct']")).to_have_text("25.00")
    expect(page.locator("[name='f.invested_wan']")).to_have_value("50")
    expect(page.get_by_label("项目实施地点")).to_have_value("琉璃厂东街")
    expect(page.get_by_label("经营服务场所证明")).to_have_count(1)
    # The form was made anew: its buttons still do what they did, once.
    firms.fill("12")
    page.evaluate("window.sameAsBefore = true")
    page.locator("[name='f.invested_wan']").fill("100")
    expect(page.locator("output[name='f.progress_pct']")).to_have_text("50.00")
    assert page.evaluate("window.sameAsBefore")
    # Typed and then not asked for any more: gone from the page, back with the answer.
    direction = page.locator("[name='f.direction']")
    direction.select_option(index=1)
    expect(firms).to_have_count(0)
    direction.select_option(PLATFORM)
    expect(firms).to_have_value("12")
    accessible(page)
    # Whoever is choosing a file keeps the place that it is for; what an answer changed comes when they go on.
    direction.select_option(index=1)
    page.locator("input[type=file]").first.focus()
    page.evaluate("document.activeElement.marked = true")
    expect(page.locator("[data-kept]")).to_have_text(re.compile(r"^[\d:]+ 已暂存，尚未提交$"))
    assert page.evaluate("document.activeElement.marked")
    expect(firms).to_have_count(1)
    page.get_by_label("项目实施地点").focus()
    expect(firms).to_have_count(0)
    expect(page.get_by_label("项目实施地点")).to_be_focused()


def test_the_panel_follows_what_is_typed(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="随填随核")
    open_section(page, id, "fund_plan")
    panel = page.get_by_role("region", name="勾稽关系核对")
    expect(panel).to_contain_text("22.00 与 22.00")
    page.locator("[name='f.applied_total_wan']").fill("23")
    expect(panel).to_contain_text("22.00 与 23.00，相差 -1.00")
    expect(page.get_by_role("navigation", name="项目申报材料")).to_contain_text("已暂存")
    # Each line leads to the place where it is mended.
    panel.get_by_role("link", name="使用计划金额合计等于").click()
    assert page.url.endswith("/sections/fund_plan#plan_items")
    # What the script kept can be given up without loading the page again.
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="放弃修改").click()
    expect(page.get_by_text("已放弃修改")).to_be_visible()
    expect(page.locator("[name='f.applied_total_wan']")).to_have_value("22.00")
    expect(panel).to_contain_text("22.00 与 22.00")

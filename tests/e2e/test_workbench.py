"""The workbench in a browser: what a slip and a preview show, and the whole way of next year's form, walked in `test_workbench_with_two_of_each`."""

import re
from datetime import timedelta

from playwright.sync_api import FrameLocator, Page, expect
from pypdfium2 import PdfDocument

from shared import clock
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, path, sign_in
from tests.system.running import RunningSystem, publish_round

EDIT = "/forms/subsidy/edit"


def opened(page: Page, label: str) -> None:
    """Open a part of the outline, unless the browser has for the place in the address."""
    part = page.locator(".outline details", has=page.locator("summary", has_text=label))
    if part.get_attribute("open") is None:
        part.locator("summary").click()


def set_properties(page: Page, values: dict[str, str]) -> None:
    for label, value in values.items():
        control = page.get_by_label(f"{label}：", exact=True)
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(label=value)
        else:
            control.fill(value)
    page.get_by_role("button", name="保存设置").click()
    expect(page.get_by_text("已保存。")).to_be_visible()


def slip(page: Page) -> None:
    """A slip while typing is told beside the text at once, with the way to its line."""
    text = page.get_by_role("textbox", name="文本", exact=True)
    typed = text.input_value()
    text.fill(typed.replace("kind: textarea", "kind: essay", 1))
    fault = page.locator("[data-faults] .error", has_text="没有“essay”这种字段")
    expect(fault).to_be_visible()
    fault.get_by_role("link").click()
    selected = text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert "kind: essay" in selected
    text.fill(typed)
    expect(page.locator("[data-faults] .error")).to_have_count(0)


def on_a_telephone(page: Page, material: str) -> FrameLocator:
    """The preview of a material as an applicant meets it, filled in by example."""
    preview = page.locator("#preview")
    preview.get_by_role("combobox", name="材料").select_option(label=material)
    preview.get_by_role("combobox", name="宽度").select_option("390")
    preview.get_by_role("checkbox", name="试填示例").check()
    page.get_by_role("button", name="预览", exact=True).click()
    return page.frame_locator("[data-preview]")


def test_a_slip_is_told_while_one_types_and_the_preview_is_a_telephone(
    open_page: OpenPage, system: RunningSystem
) -> None:
    # One draft a type: whoever came before may have begun it.
    draft = {"fund_type": "master_studio", "based_on": 2}
    system.person("bianzhi").call("POST", "/form-drafts", json=draft, expect=(201, 409))
    page = open_page(width=1366)
    sign_in(page, "bianzhi", "/forms/master_studio/edit")
    slip(page)
    shown = on_a_telephone(page, "项目主要内容")
    expect(shown.get_by_label("项目名称").or_(shown.locator("[name^='f.']")).first).to_be_visible()
    assert page.locator("[data-preview]").evaluate("f => f.contentDocument.documentElement.clientWidth") <= 390


def tried_on_last_year(open_page: OpenPage, applications: int) -> None:
    """政策沙盘 with the draft as it is saved: the new slot is not asked for, so that all still pass."""
    desk = open_page(width=1366)
    sign_in(desk, "bianzhi", "/rounds/sandbox/subsidy")
    desk.get_by_label("用哪份表单").select_option(label="正在编制的草稿")
    desk.get_by_role("checkbox", name=re.compile(f"已提交 {applications} 件")).check()
    desk.get_by_role("button", name="推演").click()
    expect(desk.get_by_text(re.compile(f"已核对 {applications} / {applications} 件"))).to_be_visible(
        timeout=60_000
    )
    expect(desk.get_by_role("region", name="不再符合的原因")).to_contain_text("核对过的申请都仍然符合")
    fits(desk)


def next_years_form(open_page: OpenPage, system: RunningSystem, *, tried_on: int = 0) -> None:
    """Walk the whole way; the draft is tried in 政策沙盘 where there are applications of last year to be tried on."""
    page = open_page(width=1366)
    sign_in(page, "bianzhi", "/forms")
    page.get_by_role("button", name=re.compile("以此版为底稿.*补助类 第 2 版")).click()
    page.wait_for_url(re.compile(re.escape(EDIT)))

    # A column, by the page of its table.
    opened(page, "项目主要内容")
    page.get_by_role("button", name="设置：项目投资与费用明细", exact=True).click()
    page.get_by_role("button", name="添加列").click()
    opened(page, "项目主要内容")
    page.get_by_role("button", name="设置：新列").click()
    set_properties(page, {"名称": "发票号码", "必填": "选填"})
    # A slot with a condition.
    opened(page, "项目主要内容")
    page.get_by_role("button", name=re.compile("添加附件.*项目主要内容")).click()
    opened(page, "项目主要内容")
    page.get_by_role("button", name="设置：新附件").click()
    set_properties(page, {"名称": "监理报告", "必填": "选填", "显示条件": "progress_pct >= 30"})
    # A check.
    opened(page, "核对（")
    page.get_by_role("button", name="添加核对").click()
    opened(page, "核对（")
    page.get_by_role("button", name="设置：新核对的规则").click()
    set_properties(
        page,
        {
            "规则": "项目有服务企业", "不符合时的提示": "没有填写服务企业数量", "必须成立的条件": "project_content.served_firms >= 0",
            "轻重": "只提示", "到哪项材料改": "project_content",
        },
    )  # fmt: skip

    slip(page)
    text = page.get_by_role("textbox", name="文本", exact=True)
    text.fill(text.input_value().replace("label: 发票号码", "label: 发票号码（没有的不填）"))
    expect(page.locator("[data-faults] .error")).to_have_count(0)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("已保存。")).to_be_visible()
    accessible(page)

    shown = on_a_telephone(page, "项目主要内容")
    expect(shown.get_by_text("发票号码（没有的不填）").first).to_be_visible()
    expect(shown.get_by_text("监理报告").first).to_be_visible()
    assert (
        page.locator("[data-preview]").evaluate("frame => frame.contentDocument.documentElement.clientWidth")
        <= 390
    )
    assert (
        page.locator("[data-preview]").evaluate("frame => getComputedStyle(frame.contentDocument.body).margin")
        == "0px"
    )

    # On paper, by the worker that prints applications.
    editor = system.person("bianzhi")
    with PdfDocument(editor.wait_for("/form-drafts/subsidy/pdf", 60).content) as printed:
        said = "".join("".join(sheet.get_textpage().get_text_range().split()) for sheet in printed)
    assert "发票号码（没有的不填）" in said
    if tried_on:
        tried_on_last_year(open_page, tried_on)
    page.get_by_label("给核对人的话").fill("下一年度用")
    page.get_by_role("button", name="保存并提出发布").click()
    expect(page.get_by_text("须由另一位表单编制人员核对后发布")).to_be_visible()
    fits(page)

    # A colleague reads what changes, and publishes.
    colleague = open_page(width=390, height=844)
    sign_in(colleague, "bianzhi2", "/forms")
    colleague.get_by_role("link", name=re.compile("核对并发布.*补助类")).click()
    changes = colleague.locator("#changes")
    for said in (
        "发票号码（没有的不填）：新增一列",
        "监理报告：新增附件（选填）",
        "新增核对：没有填写服务企业数量",
    ):
        expect(changes).to_contain_text(said)
    fits(colleague)
    colleague.get_by_role("button", name="发布", exact=True).click()
    expect(colleague.get_by_text("各处几秒内即可使用")).to_be_visible()
    assert path(colleague) == "/forms/subsidy/3"

    # A round opens with it, and an applicant fills it in.
    usual = next(r for r in system.person("qiye2").call("GET", "/rounds").json() if r["fund_type"] == "subsidy")
    now = clock.now()
    made = publish_round(
        system,
        {
            "fund_type": "subsidy", "form_version": 3, "title": "补助类新版表单批次", "parameters": usual["parameters"],
            "opens_at": (now - timedelta(hours=1)).isoformat(), "closes_at": (now + timedelta(days=400)).isoformat(),
        },
    )  # fmt: skip
    person = system.person("qiye2")
    id = person.call("POST", "/applications", json={"round_id": made}, key=True).json()["id"]
    applicant = open_page()
    sign_in(applicant, "qiye2", f"/applications/{id}/sections/project_content")
    cell = applicant.get_by_label("第1行 发票号码（没有的不填）")
    cell.fill("11223344")
    applicant.get_by_role("button", name="暂存", exact=True).click()
    expect(applicant.get_by_text(re.compile("已暂存")).first).to_be_visible()
    applicant.reload()
    expect(applicant.get_by_label("第1行 发票号码（没有的不填）")).to_have_value("11223344")
    kept = person.call("GET", f"/applications/{id}/sections/project_content").json()["draft"]
    assert kept["expenses"][0]["new1"] == "11223344"

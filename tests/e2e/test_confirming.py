"""What is unusual is confirmed with a reason before 提交申请: by keyboard, on a telephone, and read by the reviewer."""

from pathlib import Path

import pypdfium2
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, sign_in
from tests.system.running import RunningSystem, create, fill


def test_a_reason_is_asked_for_kept_and_shown(open_page: OpenPage, system: RunningSystem, pictures: Path) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="利润大于收入")
    path = f"/applications/{id}/sections/company"
    opened = person.call("GET", path).json()
    values = opened["saved"]
    values["finance"][0] |= {"revenue_wan": "100.00", "profit_wan": "50000.00"}
    person.call("PUT", path, json={"values": values}, etag=opened["etag"])

    page = open_page(width=390)
    sign_in(page, "qiye1", f"/applications/{id}/submit")
    expect(page.get_by_text("有 1 处需要说明后才能提交")).to_be_visible()
    accessible(page)
    fits(page)
    page.screenshot(path=pictures / "confirming.png", full_page=True)
    reason = page.get_by_label("利润总额大于主营业务收入")
    # The browser holds back an empty one; a blank one is refused at its place.
    page.get_by_role("button", name="确认提交").press("Enter")
    assert reason.evaluate("e => e.validity.valueMissing")
    reason.press_sequentially("　")
    page.get_by_role("button", name="确认提交").press("Enter")
    expect(page.get_by_text("请说明原因", exact=True)).to_be_visible()
    accessible(page)
    reason = page.get_by_label("利润总额大于主营业务收入")
    assert reason.get_attribute("aria-invalid") == "true"
    reason.fill("出让厂房的一次性收益")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="确认提交").press("Enter")
    expect(page.get_by_role("heading", name="提交成功")).to_be_visible()

    said = "申报单位说明：出让厂房的一次性收益"
    office = open_page(width=1366, height=768)
    sign_in(office, "shencha", f"/review/{id}")
    expect(office.locator("#checks").get_by_text(said)).to_be_visible()
    pdf = f"/applications/{id}/revisions/1/pdf"
    person.call("POST", pdf, expect=(200, 202))
    document = pypdfium2.PdfDocument(person.wait_for(pdf, 60).content)
    text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
    assert "核对提示及说明" in text
    assert "出让厂房的一次性收益" in text
    for number, sheet in enumerate(document):
        if "核对提示及说明" in sheet.get_textpage().get_text_range():
            sheet.render(scale=1).to_pil().save(pictures / f"confirming-{number}.png")

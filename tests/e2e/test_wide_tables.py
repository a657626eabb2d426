"""A table with more columns than a page is wide for: nothing in it is squeezed, and nothing needs a mouse."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import fits


def specimen(open_page: OpenPage, **how: int) -> Page:
    page = open_page(**how)
    page.goto("/styleguide")
    return page


def test_a_cell_shows_what_its_kind_holds(open_page: OpenPage) -> None:
    page = specimen(open_page)
    fits(page)
    table = page.locator("#payees")
    # 21 digits, the longest account there is, are read without scrolling in the field.
    account = page.get_by_label("第1行 收款账号")
    expect(account).to_have_value("622848001234567890123")
    assert account.evaluate("input => input.scrollWidth <= input.clientWidth")
    # What is said of a column stands once, at its head, and is heard in each of its cells.
    expect(table.get_by_text("对公账号")).to_have_count(1)
    expect(table.locator("thead").get_by_text("对公账号")).to_be_visible()
    expect(account).to_have_accessible_description("对公账号")
    # The rest is reached by keyboard, in a place that has a name; the row's beginning stays in view.
    region = page.get_by_role("group", name="列很多的表")
    region.focus()
    before = region.evaluate("place => place.scrollLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert region.evaluate("place => place.scrollLeft") > before
    page.get_by_label("第1行 用途").focus()
    expect(page.get_by_label("第1行 收款单位")).to_be_in_viewport(ratio=1)
    # Going back, what has the focus is not behind it.
    page.get_by_label("第1行 类别").focus()
    box, first = page.get_by_label("第1行 类别").bounding_box(), page.get_by_label("第1行 收款单位").bounding_box()
    assert box
    assert first
    assert box["x"] >= first["x"] + first["width"]


def test_on_a_phone_a_row_is_a_card(open_page: OpenPage) -> None:
    page = specimen(open_page, width=390, height=844)
    fits(page)
    region = page.get_by_role("group", name="列很多的表")
    assert region.evaluate("place => place.scrollWidth <= place.clientWidth")
    expect(region.get_by_text("对公账号")).to_have_count(1)
    expect(region.get_by_text("对公账号")).to_be_visible()
    # The sum says what it is the sum of, where there is no head above it.
    said = region.locator("tfoot td.number").evaluate("cell => getComputedStyle(cell, '::before').content")
    assert said == '"金额（万元）"'

"""拟支持金额 as a tired director decides it: read in words, changed at the last moment, on a page that is no longer true."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import fits, sign_in
from tests.system.running import RunningSystem, create, fill, submit, version

AMOUNT, ASK, CONFIRM = "拟支持金额（万元）", "拟支持，进入公示", "确认金额，进入公示"
Desk = Callable[[str], Page]


@pytest.fixture
def desk(open_page: OpenPage, system: RunningSystem) -> Desk:
    """Opens a case for the director."""

    def open_(id: str) -> Page:
        page = open_page(script=False, width=360)
        director = system.person("shending")
        page.context.add_cookies(
            [{"name": c.name, "value": c.value or "", "url": system.url} for c in director.cookies.jar]
        )
        page.goto(f"/review/{id}")
        return page

    return open_


def awaiting_decision(system: RunningSystem, name: str) -> str:
    """A case that its experts have scored."""
    applicant, reviewer = system.person("qiye1"), system.person("shencha")
    id = create(applicant)
    fill(applicant, id, name=name)
    submit(applicant, id)
    case = f"/review/applications/{id}"
    for action in ("accept", "pass"):
        reviewer.call("POST", f"{case}/lease", json={})
        reviewer.call("POST", f"{case}/{action}", json={}, etag=version(reviewer, id))
    known = reviewer.call("GET", f"{case}/experts").json()
    chosen = [expert["account"] for expert in known["choices"]][:2]
    reviewer.call("PUT", f"{case}/experts", json={"experts": chosen}, etag=version(reviewer, id))
    for username in ("zhuanjia1", "zhuanjia2"):
        expert, path = system.person(username), f"/expert/applications/{id}/sheet"
        criteria = [c["key"] for c in expert.call("GET", path).json()["sheet"]["criteria"]]
        given = {
            "scores": dict.fromkeys(criteria, "88"),
            "comments": dict.fromkeys(criteria, "好"),
            "opinion": "建议支持",
        }
        expert.call("POST", path, json=given)
    return id


def test_the_amount_that_counts_is_the_one_that_was_read_in_words(
    desk: Desk, open_page: OpenPage, system: RunningSystem
) -> None:
    id = awaiting_decision(system, "改口的金额")
    page = desk(id)
    for wrong in ("20.005", "0", "-3"):
        page.get_by_label(AMOUNT).fill(wrong)
        page.get_by_role("button", name=ASK).click()
        expect(page.get_by_role("alert")).to_contain_text("应为大于 0 的数值（万元），最多两位小数")
        expect(page.locator("#confirm-amount")).to_have_count(0)
    page.get_by_label(AMOUNT).fill("２０ 万元")
    page.get_by_role("button", name=ASK).click()
    expect(page.locator("#confirm-amount")).to_contain_text("人民币贰拾万元整")
    expect(page.locator("#confirm-amount")).to_be_in_viewport()
    page.get_by_label(AMOUNT).fill("12")
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.locator("#confirm-amount")).to_contain_text("人民币壹拾贰万元整")
    assert system.person("shending").call("GET", f"/applications/{id}").json()["state"] == "decision"
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.get_by_role("status").first).to_contain_text("进入公示")
    expect(page.locator("#stage")).to_contain_text("支持金额 12.00 万元")
    expect(page.locator("#decided")).to_contain_text("人民币壹拾贰万元整")
    # Whom it concerns reads the same where the case stands, on the first screen of a telephone.
    mine = open_page(script=False, width=390)
    sign_in(mine, "qiye1", f"/applications/{id}/view")
    expect(mine.locator("#decided")).to_contain_text("12.00 万元（人民币壹拾贰万元整）")
    expect(mine.locator("#decided-head")).to_be_in_viewport()
    fits(mine)
    with_until = mine.locator("#decided dd", has_text="公示页面")
    expect(with_until).to_contain_text(" 至 ")
    with_until.get_by_role("link").click()
    expect(mine.locator("tr:target")).to_contain_text("改口的金额")
    mine.goto("/projects?q=改口的金额")
    expect(mine.locator("tbody tr").first).to_contain_text("人民币壹拾贰万元整")
    fits(mine)


def test_an_amount_is_for_the_case_as_it_was_read(desk: Desk, system: RunningSystem) -> None:
    id = awaiting_decision(system, "两个窗口的审定")
    old, other = desk(id), desk(id)
    other.get_by_label("不予支持的理由").fill("与往年项目重复")
    other.get_by_role("button", name="不予支持").click()
    expect(other.get_by_role("status").first).to_contain_text("不予支持")
    expect(other.locator("#decided")).to_contain_text("理由与往年项目重复")
    expect(other.locator("#decided").get_by_role("link", name="不予支持通知书")).to_be_visible()
    old.get_by_label(AMOUNT).fill("20")
    old.get_by_role("button", name=ASK).click()
    expect(old.get_by_role("button", name=CONFIRM)).to_have_count(0)
    expect(old.get_by_role("alert")).to_contain_text("已于")

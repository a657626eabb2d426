"""What is known is filled in and says where it comes from; 其他 asks which: on a telephone, by keyboard."""

import re
from pathlib import Path

from playwright.sync_api import Route, expect

from shared import clock
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, open_section, sign_in
from tests.system.running import RunningSystem, create, fill


def test_defaults_and_which(open_page: OpenPage, system: RunningSystem, pictures: Path) -> None:
    id = create(system.person("qiye1"))
    page = open_page(width=390)
    # Whoever is faster than a slow line chooses before the script is there: what they chose is kept all the same.
    held: list[Route] = []
    page.route(re.compile(r"/js/form[^/]*\.js"), lambda route: held.append(route))
    sign_in(page, "qiye1", f"/applications/{id}/sections/company")
    year = clock.today().year
    years = page.locator("[name='t.finance.0.year'], [name='t.finance.1.year']")
    shown = [int(years.nth(n).input_value()) for n in range(2)]
    # Of the year in which the round closes.
    assert shown in ([year - 1, year - 2], [year, year - 1])
    expect(page.get_by_text("由系统填入：上一年度的年度")).to_be_visible()
    which = page.get_by_label("其他企业性质（请注明）")
    expect(which).to_be_hidden()
    page.locator("[name='f.economic_type']").select_option("其他")
    for script in held:
        script.continue_()
    expect(which).to_be_visible()
    assert which.get_attribute("aria-required") == "true"
    accessible(page)
    fits(page)
    page.screenshot(path=pictures / "known-company.png", full_page=True)
    page.locator("[name='f.economic_type']").press("Tab")
    page.keyboard.type("合作社")
    expect(which).to_have_value("合作社")

    open_section(page, id, "commitment")
    expect(page.locator("[name='f.signed_on']")).to_have_value(clock.today().isoformat())
    expect(page.get_by_text("由系统按当天填入，可以修改")).to_be_visible()


def seldom(route: Route) -> None:
    """A page that keeps by itself once a minute."""
    if route.request.method != "GET":
        return route.continue_()
    answer = route.fetch()
    text = answer.text()
    assert 'data-autosave="2"' in text
    return route.fulfill(response=answer, body=text.replace('data-autosave="2"', 'data-autosave="60"'))


def test_what_stands_elsewhere_is_taken_over(open_page: OpenPage, system: RunningSystem, pictures: Path) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="带出合计", amount="22.00")
    page = open_page(width=1366, height=768)
    page.route("**/sections/fund_plan", seldom)
    sign_in(page, "qiye1", f"/applications/{id}/sections/fund_plan")
    amount = page.locator("[name='f.applied_total_wan']")
    said = "项目主要内容·项目资金来源·申请保护发展资金·金额"
    expect(page.get_by_text(f"由系统按“{said}”填入，可以修改")).to_be_visible()
    # Another amount may be typed; what stands elsewhere is still said.
    amount.fill("21.00")
    # Whoever leaves a figure has typed it: it is kept now, and what follows from it is there.
    amount.press("Tab")
    expect(page.get_by_text("已暂存，尚未提交").last).to_be_visible()
    page.reload()
    expect(page.get_by_text(f"“{said}”：22.00 万元")).to_be_visible()
    page.screenshot(path=pictures / "known-plan.png")

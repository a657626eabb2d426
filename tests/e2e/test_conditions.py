"""What an answer changes is on the page a moment later, without a button: fields that come and go, computed values."""

from playwright.sync_api import expect

from tests import factories
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import sign_in
from tests.system.running import RunningSystem, create


def test_an_answer_brings_what_it_asks_for(system: RunningSystem, open_page: OpenPage) -> None:
    id = create(system.person("qiye1"), "subsidy")
    page = open_page()
    sign_in(page, "qiye1")
    page.goto(f"/applications/{id}/sections/project_content")
    firms = page.get_by_label("年服务工艺美术企业")
    expect(firms).to_have_count(0)
    page.get_by_label("项目实施地点").fill("琉璃厂东街")
    direction = page.get_by_label("支持方向")
    direction.focus()
    direction.select_option(factories.PLATFORM)
    expect(firms).to_be_visible(timeout=15_000)
    expect(direction).to_be_focused()
    expect(direction).to_have_value(factories.PLATFORM)
    expect(page.get_by_label("项目实施地点")).to_have_value("琉璃厂东街")
    expect(page.get_by_label("经营服务场所证明")).to_have_count(1)
    direction.select_option(factories.PRODUCTION)
    expect(firms).to_have_count(0, timeout=15_000)

    # Computed values come by themselves, and the page stays as it is.
    page.evaluate("window.sameAsBefore = true")
    page.get_by_label("已完成投资").fill("50")
    page.get_by_label("单位自筹 金额").fill("200")
    expect(page.locator("#f-progress_pct")).to_have_text("25.00", timeout=15_000)
    assert page.evaluate("window.sameAsBefore")

"""Nothing jumps while a page comes in: the place of what scripts show is kept from the first picture on."""

import pytest

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import sign_in

# Everything that moved since the page began, as the browser weighs it (Cumulative Layout Shift).
SHIFTED = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(e => { if (!e.hadRecentInput) sum += e.value; }))
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""


@pytest.mark.parametrize(
    ("width", "who", "path"), [(390, "qiye1", "/projects"), (390, "shencha", "/review"), (1366, "qiye1", "/")]
)
def test_a_page_does_not_jump(open_page: OpenPage, width: int, who: str, path: str) -> None:
    page = open_page(width=width)
    sign_in(page, who, path)
    page.goto(path)
    # Scripts are there; on a telephone the switch itself stands behind 账号.
    page.locator("[data-live]:not(.waiting)").wait_for(state="attached")
    assert page.evaluate(SHIFTED) <= 0.05


def test_a_telephone_has_one_line_of_menu(open_page: OpenPage) -> None:
    page = open_page(script=False, width=390)
    sign_in(page, "qiye1", "/projects")
    bar = page.locator(".bar").bounding_box()
    assert bar
    assert bar["y"] + bar["height"] <= 90
    page.get_by_role("link", name="账号").click()
    page.get_by_role("button", name="退出").click()
    assert page.locator("form.who").count() == 0


def test_the_switch_is_not_there_without_scripts(open_page: OpenPage) -> None:
    page = open_page(script=False, width=1366)
    sign_in(page, "qiye1", "/projects")
    assert not page.locator("[data-live]").is_visible()

"""Made for everyone: every page of the route table under axe-core, at 200 % zoom and on the narrowest phone."""

import pytest
from playwright.sync_api import APIResponse, Error, Page, Response, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.places import ACCOUNTS, PAGE, Place, places, prepare
from tests.e2e.portal import FORM, sign_in, violations
from tests.system.running import RunningSystem

# 1280 pixels at 200 %; the width at which WCAG 2.2 (1.4.10) lets nobody scroll sideways.
ZOOMED, NARROWEST = 640, 320
# How many pages are looked at as somebody, where they are many.
AT_LEAST = {None: 14, "qiye1": 30, "shencha": 7}


@pytest.fixture(scope="package")
def every(system: RunningSystem) -> list[Place]:
    return places(prepare(system), [section.key for section in FORM.sections])


# The applicant's thirty pages, most of them forms, take half a minute; `make test` looks at them one by one elsewhere.
MANY = [pytest.param(who, marks=pytest.mark.slow) if who == "qiye1" else who for who in ACCOUNTS.values()]


@pytest.mark.parametrize("who", [None, *MANY])
def test_every_page_is_for_everybody(who: str | None, open_page: OpenPage, every: list[Place]) -> None:
    """Every page of the route table as the first of these sees it who may."""
    faults: list[str] = []
    seen: set[str] = set()
    page = open_page()
    if who:
        sign_in(page, who, "/help")
    for place in (p for p in every if p.who == who):
        answer = _opened(page, place)
        if answer.status >= 500:
            faults.append(f"{place.path}: {answer.status}")
        # Some only lead to a page that has been looked at.
        if not answer.headers["content-type"].startswith("text/html") or answer.url in seen:
            continue
        seen.add(answer.url)
        faults += _faults(page, place)
    assert not faults, "\n".join(faults)
    assert len(seen) >= AT_LEAST.get(who, 1)


def _opened(page: Page, place: Place) -> Response | APIResponse:
    """The answer to opening a place; a file is not shown but saved, so it is asked for without opening it."""
    try:
        answer = page.goto(place.path)
    except Error:
        return page.request.get(place.path, max_redirects=10, headers=PAGE)
    assert answer is not None
    return answer


# Whether anything on the page scrolls in itself.
SCROLLS = """() => [...document.querySelectorAll("body *")].some(
    (e) => (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
        && /auto|scroll/.test(getComputedStyle(e).overflow))"""


def _faults(page: Page, place: Place) -> list[str]:
    said = [f"{place.path}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in violations(page)]
    if page.locator("h1").count() != 1:
        said.append(f"{place.path}: not one h1")
    for width in (ZOOMED, NARROWEST):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            said.append(f"{place.path}: sticks out at {width} pixels")
    # What scrolls sideways in itself, on a phone, does so by keyboard too.
    narrow = violations(page, "scrollable-region-focusable") if page.evaluate(SCROLLS) else []
    said += [f"{place.path}: at {NARROWEST} pixels: {n['html'][:200]}" for v in narrow for n in v["nodes"]]
    page.set_viewport_size({"width": 1280, "height": 900})
    return said


def test_every_page_can_be_skipped_to_its_content(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/help")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

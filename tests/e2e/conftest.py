"""One real system for all tests of this folder, and a real browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.system.running import RunningSystem
from tests.system.trace_collector import TraceCollector


@pytest.fixture(scope="package")
def collector() -> Iterator[TraceCollector]:
    running = TraceCollector()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory, collector: TraceCollector) -> Iterator[RunningSystem]:
    settings = {"GM_SIGNINS_PER_MINUTE": "600", "GM_TRACES_URL": collector.url}
    running = RunningSystem(tmp_path_factory.mktemp("system") / "var", **settings)
    running.start()
    yield running
    running.stop()


def chromium() -> str:
    """The browser's path: `GM_CHROMIUM`, or the system's. The one without windows costs less than half of the CPU."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    found = os.environ.get("GM_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert found, "no Chromium here; deploy/bootstrap.sh test installs it, or set GM_CHROMIUM"
    return found


def launch(playwright: Playwright) -> Browser:
    # A page is seldom looked at twice: compiling its scripts ahead of use costs more than running them as they are. There is no
    # screen to draw for. Root has no sandbox; CI runs as root on a machine of its own.
    options = [
        "--disable-gpu", "--in-process-gpu", "--js-flags=--no-opt --no-maglev --single-threaded",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]  # fmt: skip
    return playwright.chromium.launch(executable_path=chromium(), args=options)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


SCRIPTS = Path(__file__).resolve().parents[2] / "services" / "gateway" / "static" / "js"
OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, system: RunningSystem) -> Iterator[OpenPage]:
    """Opens somebody's browser: `script=False` is one without JavaScript. A script that fails fails the test."""
    contexts = []
    broken: list[str] = []

    def open(*, script: bool = True, width: int = 1280, height: int = 900) -> Page:
        context = browser.new_context(
            base_url=system.url,
            locale="zh-CN",
            java_script_enabled=script,
            viewport={"width": width, "height": height},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        return page

    yield open
    for context in contexts:
        context.close()
    assert not broken


@pytest.fixture(scope="package")
def pictures() -> Path:
    """Where documents go, to be looked at after a run."""
    folder = Path(__file__).resolve().parents[2] / "var" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def script_page(browser: Browser) -> Iterator[Page]:
    """An empty page that can import the portal's modules."""
    page = browser.new_page()
    page.route("http://scripts/**", lambda route: route.fulfill(**_file(route.request.url)))
    page.goto("http://scripts/")
    yield page
    page.close()


@pytest.fixture(scope="package")
def modules(script_page: Page) -> Any:
    """The page's own modules, called with values and answering with one."""

    def call(module: str, name: str, *values: Any) -> Any:
        return script_page.evaluate(
            "async ([module, name, ...values]) => (await import(`/${module}.js`))[name](...values)",
            [module, name, *values],
        )

    return call


def _file(url: str) -> dict[str, Any]:
    name = url.rpartition("/")[2]
    if not name:
        return {"content_type": "text/html", "body": "<!DOCTYPE html><title>scripts</title>"}
    return {"content_type": "text/javascript", "body": (SCRIPTS / name).read_text()}

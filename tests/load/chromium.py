"""A Chromium that stays open and prints pages, for comparison."""

import os
import shutil

import psutil
from playwright.sync_api import sync_playwright


def find_chromium() -> str | None:
    """Where it is, if anywhere; a whole one before the one without windows, which the tests prefer."""
    for name in (os.environ.get("GM_CHROMIUM"), "chromium", "google-chrome", "chromium-headless-shell"):
        if name and (found := shutil.which(name)):
            return found
    return None


class Chromium:
    """One browser, one page, kept."""

    def __init__(self) -> None:
        self._playwright = sync_playwright().start()
        before = set(self._children())
        self._browser = self._playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        self._page = self._browser.new_page()
        self._known = before

    def print(self, html: str) -> bytes:
        self._page.set_content(html)
        return self._page.pdf(prefer_css_page_size=True, print_background=True)

    def processes(self) -> list[int]:
        """The browser's own, without what drives it."""
        return [pid for pid in self._children() if pid not in self._known]

    @staticmethod
    def _children() -> list[int]:
        return [child.pid for child in psutil.Process().children(recursive=True)]

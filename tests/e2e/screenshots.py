"""`make screenshots`: every page at three widths, to be looked at. They stand in `var/screenshots`, not in git."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import launch
from tests.e2e.places import PAGE, places, prepare
from tests.e2e.portal import FORM, sign_in
from tests.system.running import RunningSystem

WIDTHS = (1280, 768, 390)
FOLDER = Path(__file__).resolve().parents[2] / "var" / "screenshots"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        system = RunningSystem(Path(folder) / "var", GM_SIGNINS_PER_MINUTE="600")
        system.start()
        browser = launch(playwright)
        try:
            every = places(prepare(system), [section.key for section in FORM.sections])
            for who in dict.fromkeys(place.who for place in every):
                page = browser.new_page(base_url=system.url, locale="zh-CN")
                if who:
                    sign_in(page, who, "/help")
                for place in (p for p in every if p.who == who):
                    _take(page, place.path, place.name)
                page.context.close()
        finally:
            browser.close()
            system.stop()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


def _take(page: Page, path: str, name: str) -> None:
    answer = page.request.get(path, max_redirects=10, headers=PAGE)
    if not answer.headers["content-type"].startswith("text/html"):
        return
    page.goto(path, wait_until="load")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page=True)


if __name__ == "__main__":
    main()

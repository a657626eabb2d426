"""What a person does in the browser, for all tests of the pages."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from services.applications.forms.catalogue import form as catalogue_form
from tests import factories

# What measures the norms, axe-core's own good practice included.
_AXE = Axe().axe_script
# What it finds in order is not told in full: that costs a sixth of its time.
_FAULTS_ONLY = {"resultTypes": ["violations"]}
FORM = catalogue_form("reward", 2)


# Whoever has signed in once comes back with the same session, as long as it stands: one form less a test.
_SESSIONS: dict[str, list[Any]] = {}


def sign_in(page: Page, username: str, next: str | None = None, *, anew: bool = False) -> None:
    """Be this person, and open `next` if it is named; `anew`: by the form whatever there was before, which ends at 我的项目."""
    if (known := _SESSIONS.get(username)) and not anew:
        page.context.add_cookies(known)
        if page.request.get("/api/v1/me").ok:
            if next:
                page.goto(next)
            return
    next = next or "/projects"
    page.goto(f"/login?next={next}")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill("Demo#2024")
    page.get_by_role("textbox", name="验证码").fill("8888")
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(re.compile(rf"{re.escape(next)}(\?.*)?$"))
    _SESSIONS[username] = [c for c in page.context.cookies() if c["name"].endswith("gm_session")]


def violations(page: Page, *rules: str) -> list[dict[str, Any]]:
    """What axe-core finds on this page, by all of its rules or by these."""
    options = _FAULTS_ONLY | ({"runOnly": list(rules)} if rules else {})
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    return list(page.evaluate("options => axe.run(options).then(found => found.violations)", options))


def accessible(page: Page) -> None:
    """No violation that axe-core finds on this page."""
    found = violations(page)
    said = [f"{v['id']}: {v['help']}\n  " + "\n  ".join(n["html"][:200] for n in v["nodes"][:3]) for v in found]
    assert not found, f"{page.url}\n" + "\n".join(said)


def fits(page: Page) -> None:
    """Nothing sticks out sideways: the page is as wide as the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def path(page: Page) -> str:
    return urlsplit(page.url).path


def new_project(page: Page) -> str:
    """新增项目 of 奖励类, whether or not there is a draft already; its id."""
    page.goto("/projects/new")
    another = page.get_by_role("button", name="另外新建一个")
    (another if another.count() else page.get_by_role("button", name="开始申报")).first.click()
    page.wait_for_url(re.compile("/sections/"))
    return page.url.split("/applications/")[1].split("/")[0]


def open_section(page: Page, id: str, key: str) -> None:
    page.goto(f"/applications/{id}/sections/{key}")


def save(page: Page) -> None:
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("已保存表单。")).to_be_visible()


def values(**changes: str) -> dict[str, dict[str, Any]]:
    """Values of every section, without attachments, which are chosen from the disk."""
    filled = factories.reward_values({slot: [] for slot in factories.REWARD_SLOTS}, **changes)
    return {
        key: {name: value for name, value in section.items() if name not in factories.REWARD_SLOTS}
        for key, section in filled.items()
    }


def files(folder: Path, section: str) -> dict[str, Path]:
    """Per slot of a section a small file on the disk."""
    found = {}
    for slot, its in factories.REWARD_SLOTS.items():
        if its == section:
            name, content = factories.file_for(slot)
            found[slot] = folder / name
            found[slot].write_bytes(content)
    return found


def fill_section(page: Page, key: str, section: dict[str, Any], chosen: dict[str, Path]) -> None:
    """Everything of one section, as a person would: rows are added with 添加一行."""
    definition = FORM.section(key)
    assert definition is not None
    # Fields first: which tables there are may depend on them.
    for field in definition.fields:
        if (value := section.get(field.key)) is not None:
            fill_field(page, field.key, field.kind, value)
    for table in definition.tables:
        rows = section.get(table.key, [])
        for n in range(len(rows)):
            if n and not table.fixed_rows and page.locator(f"[name^='t.{table.key}.{n}.']").count() == 0:
                page.locator(f"#{table.key}").get_by_role("button", name="添加一行").click()
                page.wait_for_selector(f"[name^='t.{table.key}.{n}.']", state="attached")
            for column in table.columns:
                if (value := rows[n].get(column.key)) is not None:
                    page.locator(f"[name='t.{table.key}.{n}.{column.key}']").fill(str(value))
    for slot, file in chosen.items():
        page.locator(f"#file-{slot}").set_input_files(file)


def fill_field(page: Page, key: str, kind: str, value: Any) -> None:
    place = page.locator(f"[name='f.{key}']")
    if kind == "multiselect":
        for option in value:
            page.locator(f"[name='f.{key}'][value='{option}']").check()
    elif kind == "checkbox":
        place.check()
    elif kind == "select":
        place.select_option(str(value))
    elif place.get_attribute("readonly") is None:
        place.fill(str(value))

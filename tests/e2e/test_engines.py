"""The applicant's way in engines that Playwright does not bring: sign-in, 暂存, totals, rows, upload, the clipboard, 保存表单, 提交申请, the
back button, in Debian's Firefox and WebKitGTK."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import factories
from tests.e2e.engine import CONTROL, Engine
from tests.e2e.marionette import FIREFOX, Firefox
from tests.e2e.webdriver import BROWSER, DISPLAY, DRIVER, WebKit
from tests.system.running import RunningSystem, create, fill

pytestmark = pytest.mark.slow
ENGINES = [
    pytest.param(
        Firefox,
        id="firefox",
        marks=pytest.mark.skipif(
            FIREFOX is None, reason="no Firefox here: the applicant's way is not tried in it"
        ),
    ),
    pytest.param(
        WebKit,
        id="webkit",
        marks=pytest.mark.skipif(
            not (BROWSER and DISPLAY and DRIVER),
            reason="no WebKitGTK with its driver and Xvfb here: the applicant's way is not tried in it",
        ),
    ),
]


@pytest.fixture(params=ENGINES)
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    running: Engine = request.param(tmp_path)
    yield running
    running.stop()


def test_the_applicants_way(engine: Engine, system: RunningSystem, tmp_path: Path) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="另一浏览器里的项目")
    at = f"{system.url}/applications/{id}"

    # Sign-in, by the form.
    engine.go(f"{system.url}/login?next=/projects")
    for name, typed in (("username", "qiye1"), ("password", "Demo#2024"), ("captcha", "8888")):
        engine.type(f"[name={name}]", typed)
    engine.click(engine.button("登录"))
    engine.until("location.pathname === '/projects'")

    # 暂存 keeps what was typed, and says so.
    engine.go(f"{at}/sections/contact")
    assert "已暂存" not in engine.text("main")
    engine.type("[name='f.contact_name']", "甲乙")
    engine.click(engine.button("暂存"))
    engine.until("document.body.textContent.includes('已暂存')")
    engine.go(f"{at}/sections/contact")
    assert engine.value("[name='f.contact_name']") == "甲乙"

    # Totals follow the keys; a row is added and taken away without the page being loaded.
    engine.go(f"{at}/sections/fund_plan")
    engine.run("window.still = true")
    amount = "[name^='t.plan_items.0.'][name$='.amount_wan']"
    before = engine.text("#plan_items [data-total]")
    engine.type(amount, "1234.5")
    engine.until("document.querySelector('#plan_items [data-total]').textContent !== arguments[0]", before)
    rows = engine.run("return document.querySelectorAll('#plan_items [data-row]').length")
    engine.click(engine.find("#plan_items button[value^='add:']"))
    engine.until("document.querySelectorAll('#plan_items [data-row]').length === arguments[0]", rows + 1)
    assert engine.run("return window.still") is True

    # The clipboard: copied by keys out of a text, pasted by keys into a cell of the new row.
    engine.run(
        "const area = document.createElement('textarea'); area.id = 'copied'; document.body.append(area);"
        "area.value = '材料费\\t10\\n人工费\\t20\\n'; area.focus(); area.select()"
    )
    engine.keys(CONTROL, "c")
    engine.run("document.querySelector('#copied').remove()")
    engine.click(engine.find(f"[name^='t.plan_items.{rows}.']:not([type=hidden])"))
    engine.keys(CONTROL, "v")
    engine.until("document.querySelectorAll('#plan_items [data-row]').length === arguments[0]", rows + 2)
    pasted = engine.run(
        "return [...document.querySelectorAll('#plan_items [data-row] input, #plan_items [data-row] textarea')]"
        ".map(control => control.value)"
    )
    assert {"材料费", "人工费"} <= set(pasted)

    # A file from the disk stands there when it has arrived.
    engine.go(f"{at}/sections/project_content")
    name, content = factories.file_for("photos")
    (tmp_path / f"附件{name}").write_bytes(content)
    engine.choose_file("#file-photos", tmp_path / f"附件{name}")
    engine.until(
        "document.querySelector('#photos [data-files]').textContent.includes(arguments[0])", f"附件{name}"
    )

    # 保存表单, then back: the page is as it was, with what was saved.
    engine.go(f"{at}/sections/contact")
    engine.click(engine.button("保存表单"))
    engine.until("document.body.textContent.includes('已保存表单')")
    engine.click(engine.button("返回"))
    engine.until("location.pathname === '/projects'")
    engine.back()
    engine.until("location.pathname.endsWith('/sections/contact')")
    assert engine.value("[name='f.contact_name']") == "甲乙"

    # 提交申请: what was only typed in the browser is not part of it, so the draft is thrown away by the API first.
    fill(person, id, name="另一浏览器里的项目")
    engine.go(f"{at}/submit")
    engine.click(engine.find("main form button.primary, form button.primary"))
    engine.until("/receipt/.test(location.pathname)", seconds=60)
    assert person.call("GET", f"/applications/{id}").json()["state"] == "pending_acceptance"

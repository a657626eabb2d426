"""The applicant's way in Firefox: sign-in, 暂存, totals, rows, upload, the clipboard, 保存表单, 提交申请, the back button."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import factories
from tests.e2e.marionette import CONTROL, FIREFOX, Firefox
from tests.system.running import RunningSystem, create, fill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FIREFOX is None, reason="no Firefox here: the applicant's way is not tried in it"),
]


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    running = Firefox(tmp_path)
    yield running
    running.stop()


def test_the_applicants_way(firefox: Firefox, system: RunningSystem, tmp_path: Path) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="火狐里的项目")
    at = f"{system.url}/applications/{id}"

    # Sign-in, by the form.
    firefox.go(f"{system.url}/login?next=/projects")
    for name, typed in (("username", "qiye1"), ("password", "Demo#2024"), ("captcha", "8888")):
        firefox.type(f"[name={name}]", typed)
    firefox.click(firefox.button("登录"))
    firefox.until("location.pathname === '/projects'")

    # 暂存 keeps what was typed, and says so.
    firefox.go(f"{at}/sections/contact")
    assert "已暂存" not in firefox.text("main")
    firefox.type("[name='f.contact_name']", "火狐")
    firefox.click(firefox.button("暂存"))
    firefox.until("document.body.textContent.includes('已暂存')")
    firefox.go(f"{at}/sections/contact")
    assert firefox.value("[name='f.contact_name']") == "火狐"

    # Totals follow the keys; a row is added and taken away without the page being loaded.
    firefox.go(f"{at}/sections/fund_plan")
    firefox.run("window.still = true")
    amount = "[name^='t.plan_items.0.'][name$='.amount_wan']"
    before = firefox.text("#plan_items [data-total]")
    firefox.type(amount, "1234.5")
    firefox.until("document.querySelector('#plan_items [data-total]').textContent !== arguments[0]", before)
    rows = firefox.run("return document.querySelectorAll('#plan_items [data-row]').length")
    firefox.click(firefox.find("#plan_items button[value^='add:']"))
    firefox.until("document.querySelectorAll('#plan_items [data-row]').length === arguments[0]", rows + 1)
    assert firefox.run("return window.still") is True

    # The clipboard: copied by keys out of a text, pasted by keys into a cell of the new row.
    firefox.run(
        "const area = document.createElement('textarea'); area.id = 'copied'; document.body.append(area);"
        "area.value = '材料费\\t10\\n人工费\\t20\\n'; area.focus(); area.select()"
    )
    firefox.keys(CONTROL, "c")
    firefox.run("document.querySelector('#copied').remove()")
    firefox.click(firefox.find(f"[name^='t.plan_items.{rows}.']:not([type=hidden])"))
    firefox.keys(CONTROL, "v")
    firefox.until("document.querySelectorAll('#plan_items [data-row]').length === arguments[0]", rows + 2)
    pasted = firefox.run(
        "return [...document.querySelectorAll('#plan_items [data-row] input, #plan_items [data-row] textarea')]"
        ".map(control => control.value)"
    )
    assert {"材料费", "人工费"} <= set(pasted)

    # A file from the disk stands there when it has arrived.
    firefox.go(f"{at}/sections/project_content")
    name, content = factories.file_for("photos")
    (tmp_path / f"火狐{name}").write_bytes(content)
    firefox.choose_file("#file-photos", tmp_path / f"火狐{name}")
    firefox.until(
        "document.querySelector('#photos [data-files]').textContent.includes(arguments[0])", f"火狐{name}"
    )

    # 保存表单, then back: the page is as it was, with what was saved.
    firefox.go(f"{at}/sections/contact")
    firefox.click(firefox.button("保存表单"))
    firefox.until("document.body.textContent.includes('已保存表单')")
    firefox.click(firefox.button("返回"))
    firefox.until("location.pathname === '/projects'")
    firefox.back()
    firefox.until("location.pathname.endsWith('/sections/contact')")
    assert firefox.value("[name='f.contact_name']") == "火狐"

    # 提交申请: what was only typed in Firefox is not part of it, so the draft is thrown away by the API first.
    fill(person, id, name="火狐里的项目")
    firefox.go(f"{at}/submit")
    firefox.click(firefox.find("main form button.primary, form button.primary"))
    firefox.until("/receipt/.test(location.pathname)", seconds=60)
    assert person.call("GET", f"/applications/{id}").json()["state"] == "pending_acceptance"

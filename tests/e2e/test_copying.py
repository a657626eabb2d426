"""复制往年申报 in a browser, with and without a script; its pages are accessible."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from shared import clock
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, new_project, open_section, save, sign_in, values
from tests.system.running import RunningSystem, publish_round


def another_round(system: RunningSystem) -> str:
    """An open round with other directions than the demo's; its id."""
    now = clock.now()
    body = {
        "fund_type": "reward", "form_version": 1, "title": "另一批次",
        "opens_at": (now - timedelta(days=1)).isoformat(), "closes_at": (now + timedelta(days=200)).isoformat(),
        "parameters": {"per_item_wan": "50", "org_year_cap_wan": "300", "directions": ["今年的方向"]},
    }  # fmt: skip
    return publish_round(system, body)


def test_an_earlier_application_is_copied_without_a_script(open_page: OpenPage) -> None:
    page = open_page(script=False)
    sign_in(page, "qiye2")
    id = new_project(page)
    open_section(page, id, "social_benefit")
    page.locator("[name='f.social_benefit']").fill(values()["social_benefit"]["social_benefit"])
    save(page)

    page.goto("/projects/new")
    # The round has this very draft: it is offered, and another can be begun from it all the same.
    expect(page.get_by_role("link", name=re.compile("继续申报")).first).to_be_visible()
    page.get_by_role("link", name=re.compile("复制往年申报")).first.click()
    expect(page.get_by_role("heading", name="本批次已有未提交的项目")).to_be_visible()


def test_the_pages_of_a_copy(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye2")
    id = new_project(page)
    round_id = another_round(system)
    token = {"X-CSRF-Token": page.request.get("/api/v1/me").json()["csrf_token"]}
    path = f"/api/v1/applications/{id}/sections/project_content"
    tag = page.request.get(path).headers["etag"]
    typed = {"values": {"direction": "国家级重大活动礼品设计开发"}}
    kept = page.request.put(f"{path}/draft", data=typed, headers={**token, "If-Match": tag})
    assert kept.status == 200
    open_section(page, id, "social_benefit")
    page.locator("[name='f.social_benefit']").fill("去年的社会效益")
    save(page)
    page.goto(f"/projects/copy?round={round_id}")
    accessible(page)
    made = page.request.post(
        "/api/v1/applications",
        data={"round_id": round_id, "copy_from": id},
        headers={**token, "Idempotency-Key": f"copy-{id}"},
    )
    assert made.status == 201
    page.goto(f"/applications/{made.json()['id']}/report")
    expect(page.get_by_role("heading", name=re.compile("已复制往年申报"))).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="继续填写").click()
    page.wait_for_url(re.compile("/sections/"))
    open_section(page, made.json()["id"], "social_benefit")
    expect(page.locator("[name='f.social_benefit']")).to_have_value("去年的社会效益")
    accessible(page)

    # What has no place stands beside the form; taking it away there loses nothing that is being typed.
    open_section(page, made.json()["id"], "project_content")
    expect(page.locator("#left-over")).to_contain_text("国家级重大活动礼品设计开发")
    accessible(page)
    page.locator("[name='f.event_name']").fill("正在填写的活动")
    page.get_by_role("button", name=re.compile("移除.*支持方向")).click()
    expect(page.locator("#left-over")).to_have_count(0)
    expect(page.locator("[name='f.event_name']")).to_have_value("正在填写的活动")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (f"/projects/copy?round={round_id}", f"/applications/{made.json()['id']}/report"):
        page.goto(path)
        fits(page)

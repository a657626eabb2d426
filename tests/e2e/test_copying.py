"""复制往年申报 in a browser, with and without a script; its pages are accessible."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, new_project, open_section, save, sign_in, values


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


def test_the_pages_of_a_copy(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "qiye2")
    id = new_project(page)
    csrf = page.request.get("/api/v1/me").json()["csrf_token"]
    rounds = page.request.get("/api/v1/rounds").json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    open_section(page, id, "social_benefit")
    page.locator("[name='f.social_benefit']").fill("去年的社会效益")
    save(page)
    page.goto(f"/projects/copy?round={round_id}")
    accessible(page)
    made = page.request.post(
        "/api/v1/applications",
        data={"round_id": round_id, "copy_from": id},
        headers={"X-CSRF-Token": csrf, "Idempotency-Key": f"copy-{id}"},
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
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (f"/projects/copy?round={round_id}", f"/applications/{made.json()['id']}/report"):
        page.goto(path)
        fits(page)

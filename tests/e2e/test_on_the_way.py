"""What is under way is not torn: files that are being sent, a word that an input method has not finished, and what is typed
while 保存表单 is being answered."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import CDPSession, Dialog, Page, Request, Route, expect

from deploy.demo.files import pdf, png
from tests import factories
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import open_section, path, sign_in
from tests.system.running import RunningSystem, create

FILE: Any = {"name": "营业执照.pdf", "mimeType": "application/pdf", "buffer": pdf()}
SLOT = "[data-slot=business_license]"


def held_upload(page: Page) -> list[Route]:
    """Choose a file; its upload goes on when the route in the answer is told to."""
    held: list[Route] = []
    page.route("**/attachments?*", lambda route: held.append(route))
    with page.expect_request("**/attachments?*"):
        page.locator(f"{SLOT} input[type=file]").set_input_files(FILE)
    expect(page.locator(f"{SLOT} progress")).to_be_visible()
    return held


def company(open_page: OpenPage, system: RunningSystem) -> tuple[Page, str]:
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    open_section(page, id, "company")
    # The scripts are there: files are sent as they are chosen.
    expect(page.locator(f"{SLOT} button[value^=upload]")).to_be_hidden()
    return page, id


def files_saved(system: RunningSystem, id: str) -> list[str]:
    opened = system.person("qiye1").call("GET", f"/applications/{id}/sections/company").json()
    return list((opened["saved"] or opened["draft"])["business_license"])


def test_saving_waits_for_a_file(open_page: OpenPage, system: RunningSystem) -> None:
    page, id = company(open_page, system)
    held = held_upload(page)
    page.get_by_role("button", name="保存表单").click()
    expect(page.locator("[data-kept]")).to_contain_text("还有 1 个文件正在上传")
    held[0].continue_()
    # What else is missing is said, and the file is there.
    expect(page.get_by_text("所填内容已为您暂存")).to_be_visible()
    expect(page.locator(SLOT).get_by_role("link", name="营业执照.pdf")).to_be_visible()
    assert len(files_saved(system, id)) == 1


def test_a_file_chosen_before_the_script_came_is_sent(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    held: list[Route] = []
    page.route("**/js/upload.js", lambda route: held.append(route))
    id = create(system.person("qiye1"))
    page.goto(f"/applications/{id}/sections/company", wait_until="commit")
    page.locator(f"{SLOT} input[type=file]").set_input_files(FILE)
    while not held:
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    expect(page.locator(SLOT).get_by_role("link", name="营业执照.pdf")).to_be_visible()


def test_leaving_asks_while_a_file_is_sent(open_page: OpenPage, system: RunningSystem) -> None:
    page, id = company(open_page, system)
    here = path(page)
    # A browser asks only somebody who has done something on the page.
    page.locator(".sheet-head").click()
    held = held_upload(page)
    ways: list[Callable[[], None]] = [
        lambda: page.locator("nav.materials a").nth(2).click(no_wait_after=True),
        lambda: page.get_by_role("link", name="提交申请").click(no_wait_after=True),
        lambda: page.close(run_before_unload=True),
    ]
    for leave in ways:
        with page.expect_event("dialog") as asked:
            page.once("dialog", lambda dialog: dialog.dismiss())
            leave()
        assert asked.value.type == "beforeunload"
        assert path(page) == here
    held[0].continue_()
    expect(page.locator(SLOT).get_by_role("link", name="营业执照.pdf")).to_be_visible()
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    assert len(files_saved(system, id)) == 1


def test_a_file_that_failed_is_not_passed_over(open_page: OpenPage, system: RunningSystem) -> None:
    page, id = company(open_page, system)
    held = held_upload(page)
    held[0].abort()
    expect(page.locator(SLOT)).to_contain_text("网络中断，未能上传")
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_role("button", name="保存表单").click()
    expect(page.locator("[data-kept]")).to_contain_text("有文件没有上传成功")
    assert asked
    assert "有 1 个文件没有上传成功" in asked[0]
    page.unroute("**/attachments?*")
    page.locator(SLOT).get_by_role("button", name="重试").click()
    expect(page.locator(SLOT).get_by_role("link", name="营业执照.pdf")).to_be_visible()
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("所填内容已为您暂存")).to_be_visible()
    assert len(files_saved(system, id)) == 1


def test_many_files_go_a_few_at_a_time(open_page: OpenPage, system: RunningSystem) -> None:
    """The server refuses what one person sends beyond a few at once."""
    page = open_page()
    sign_in(page, "qiye1")
    open_section(page, create(system.person("qiye1")), "project_content")
    slot = page.locator("[data-slot=photos]")
    expect(slot.locator("button[value^=upload]")).to_be_hidden()
    held: list[Route] = []
    page.route("**/attachments?*", lambda route: held.append(route))
    files: Any = [{"name": f"照片{n}.png", "mimeType": "image/png", "buffer": png(40 + n)} for n in range(8)]
    slot.locator("input[type=file]").set_input_files(files)
    expect(slot.locator("progress")).to_have_count(8)
    page.wait_for_timeout(500)
    assert len(held) == 3
    # One that waits is taken back, the others follow as those before them are through.
    slot.locator(".file", has_text="照片7").get_by_role("button", name="取消").click()
    expect(slot.locator(".file")).to_have_count(7)
    for n in range(7):
        held[n].continue_()
        expect(slot.get_by_role("link", name=re.compile("照片"))).to_have_count(n + 1)
        assert len(held) == min(7, n + 4)


def test_what_is_typed_while_saving_is_kept(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    open_section(page, id, "social_benefit")
    box = page.get_by_label("社会效益")
    box.fill("先写的")
    page.get_by_label("经济效益").fill("经济效益")
    # The scripts are there.
    expect(page.locator("[data-kept]")).not_to_be_empty()
    held: list[Route] = []
    page.route(
        "**/sections/social_benefit",
        lambda route: held.append(route) if "save" in (route.request.post_data or "") else route.continue_(),
    )
    with page.expect_request(lambda request: "save" in (request.post_data or "")):
        page.get_by_role("button", name="保存表单").click()
    box.press_sequentially("，后写的")
    held[0].continue_()
    expect(page.get_by_role("status").filter(has_text="已保存表单")).to_be_visible()
    expect(box).to_have_value("先写的，后写的")


@contextmanager
def composing(page: Page, *words: str, into: str = "社会效益") -> Iterator[CDPSession]:
    """An input method in the middle of a word, which ends as the last of `words`."""
    page.get_by_label(into).focus()
    method = page.context.new_cdp_session(page)
    for word in words[:-1]:
        method.send(
            "Input.imeSetComposition", {"text": word, "selectionStart": len(word), "selectionEnd": len(word)}
        )
    yield method
    method.send("Input.insertText", {"text": words[-1]})


def test_a_composition_is_not_kept_half(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"))
    open_section(page, id, "social_benefit")
    expect(page.locator("[data-count]").first).to_be_visible()
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.post_data or "")

    page.on("request", note)
    with composing(page, "g", "gong", "gong mei", "工美"):
        # Longer than the longest pause before 暂存.
        page.wait_for_timeout(3500)
        assert sent == []
        expect(page.get_by_label("社会效益")).to_have_value("gong mei")
    expect(page.locator("[data-kept]")).to_contain_text("已暂存，尚未提交")
    assert all("gong" not in body for body in sent)
    expect(page.get_by_label("社会效益")).to_have_value("工美")
    page.reload()
    expect(page.get_by_label("社会效益")).to_have_value("工美")


def test_no_form_is_made_anew_under_a_composition(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    id = create(system.person("qiye1"), "subsidy")
    open_section(page, id, "project_content")
    page.evaluate(
        "document.querySelector('form[data-form]').querySelectorAll('textarea, input').forEach((i) => { i.same = true; })"
    )
    held: list[Route] = []
    page.route(
        "**/sections/project_content",
        # Only the first 暂存 is held.
        lambda route: held.append(route) if route.request.method == "POST" and not held else route.continue_(),
    )
    place = page.get_by_label("项目背景与必要性")
    # The choice asks for other fields; its 暂存 is on its way when the composition begins.
    with page.expect_request(lambda request: request.method == "POST"):
        page.locator("[name='f.direction']").select_option(factories.PLATFORM)
    with composing(page, "gong", "工", into="项目背景与必要性"):
        held[0].continue_()
        expect(page.locator("[data-kept]")).to_contain_text("已暂存")
        page.wait_for_timeout(1500)
        assert place.evaluate("(element) => element.same === true")
    expect(page.locator("[data-kept]")).to_contain_text("表单已按您的选择更新")
    expect(place).to_have_value("工")

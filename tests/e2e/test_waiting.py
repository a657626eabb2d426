"""点击【生成pdf】可在项目申请填报完成后生成pdf文件: what is seen when it cannot be made, and where nothing comes live."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from deploy.demo.client import Person
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, sign_in
from tests.system.running import RunningSystem, create, fill, submit


@contextmanager
def paused(system: RunningSystem, name: str) -> Iterator[None]:
    """A process that does nothing for a while; what it had asked the broker for is over before it is missed."""
    pid = system.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_document_that_cannot_be_made_and_pages_without_the_stream(
    open_page: OpenPage, system: RunningSystem, tmp_path: Path
) -> None:
    page = open_page(width=390, height=800)
    page.route("**/api/v1/events", lambda route: route.abort())
    page.clock.install()
    person = system.person("qiye1")
    with paused(system, "documents"):
        sign_in(page, "qiye1")
        first, second = create(person), create(person)
        for id, name in ((first, "暂时生成不了的项目"), (second, "第二个项目")):
            fill(person, id, name=name)
        submit(person, first)
        page.goto(f"/applications/{first}/revisions/1/pdf")
        expect(page.get_by_text("正在排队")).to_be_visible()
        expect(page.get_by_text("生成后会在本页显示，不需要刷新")).to_be_visible()
        # A worker whose every child dies over it: after three the document is put aside, and the page says so.
        with system.worker("tests.faults.dying_worker", "fetching", "children", str(tmp_path)) as dying:
            said = page.get_by_role("alert")
            expect(said).to_contain_text("已停止尝试并提示值班人员处理", timeout=30_000)
            # A SIGTERM would have it wait for what it believes to have in hand.
            os.killpg(dying.pid, signal.SIGKILL)
            dying.wait(10)
        expect(said).to_be_focused()
        expect(said).to_contain_text("不需要重新提交")
        reference = page.locator("main b").inner_text()
        assert re.fullmatch("[0-9A-F]{8}", reference)
        accessible(page)
        fits(page)
        # Looking at it asks for nothing: it stays so until somebody wants it again.
        page.reload()
        expect(said).to_contain_text("已停止尝试")
        operator = open_page(script=False)
        sign_in(operator, "yunwei", "/ops")
        expect(operator.get_by_text(f"编号 {reference}")).to_be_visible()
        page.get_by_role("button", name="重新生成").click()
        expect(page.get_by_text("正在排队")).to_be_visible()
        page.evaluate("window.sameAsBefore = true")
    link = page.get_by_role("link", name="打开PDF")
    expect(link).to_be_visible(timeout=30_000)
    expect(page.get_by_text("不需要刷新")).to_have_count(0)
    assert page.context.request.get(link.get_attribute("href") or "").body().startswith(b"%PDF")

    # 站内信 too is counted without the stream, once a minute.
    before = unread(person)
    submit(person, second)
    while unread(person) == before:
        page.wait_for_timeout(100)
    page.clock.fast_forward(61_000)
    expect(page.locator("[data-unread] .count")).to_have_text(str(unread(person)))
    assert page.evaluate("window.sameAsBefore")
    page.get_by_role("link", name="返回").click()
    expect(page.get_by_role("heading", name="我的项目")).to_be_visible()


def unread(person: Person) -> int:
    """How many 站内信 the enterprise has not read."""
    return int(person.call("GET", "/notifications").json()["unread"])

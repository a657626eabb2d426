"""A page stays open while its session ends, begins anew, or becomes somebody else's in another tab: what was typed on it
arrives, or the page says that it has not and keeps it. Nothing typed under one account is saved under another."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy.demo.client import Person
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import open_section
from tests.system.running import RunningSystem, create, fill, submit, version


@dataclass(frozen=True)
class Place:
    """A page that people have open for long: whose it is, where one types, and what has arrived of it."""

    owner: str
    other: str
    path: str
    label: str
    button: str
    # What the service has of the text by now, as this account reads it.
    arrived: Callable[[Person], str]
    script: bool = True


@pytest.fixture(scope="module")
def places(system: RunningSystem) -> dict[str, Place]:
    applicant, reviewer = system.person("qiye1"), system.person("shencha")
    draft, returned, submitted, scored = (create(applicant) for _ in range(4))
    for id in (returned, submitted, scored):
        fill(applicant, id, name=f"长开的页面{id[:6]}")
        submit(applicant, id)
    for id in (returned, submitted):
        reviewer.call("POST", f"/review/applications/{id}/lease", json={})
    opinion = {"section": "social_benefit", "text": "请补充就业人数。"}
    body = {"correct_by": "2099-01-04T10:00:00+00:00", "opinions": [opinion]}
    case = f"/review/applications/{returned}"
    reviewer.call("POST", f"{case}/return", json=body, etag=version(reviewer, returned))
    case = f"/review/applications/{scored}"
    for action in ("accept", "pass"):
        etag = str(reviewer.call("POST", f"{case}/lease", json={}).json()["version"])
        reviewer.call("POST", f"{case}/{action}", json={}, etag=etag)
    experts = [system.person(name).call("GET", "/me").json()["account"] for name in ("zhuanjia1", "zhuanjia2")]
    reviewer.call("PUT", f"{case}/experts", json={"experts": experts}, etag=version(reviewer, scored))

    def typed(person: Person) -> str:
        answer = person.send("GET", f"/applications/{draft}/sections/social_benefit")
        kept = answer.json() if answer.status_code == 200 else {}
        return str((kept.get("draft") or kept.get("saved") or {}).get("social_benefit", ""))

    def reply(person: Person) -> str:
        answer = person.send("GET", f"/applications/{returned}/opinions")
        return str(answer.json()[0]["reply"] if answer.status_code == 200 else "")

    def sheet(person: Person) -> str:
        answer = person.send("GET", f"/expert/applications/{scored}/sheet").json()
        return str((answer["values"] or {}).get("opinion", ""))

    form = f"/applications/{draft}/sections/social_benefit"
    return {
        "form": Place("qiye1", "qiye2", form, "社会效益", "保存表单", typed),
        "form without scripts": Place("qiye1", "qiye2", form, "社会效益", "保存表单", typed, script=False),
        "replies": Place("qiye1", "qiye2", f"/applications/{returned}/opinions", "答复", "保存答复", reply),
        # Its preview is enough: what arrives comes back on the page.
        "return": Place("shencha", "shencha2", f"/review/{submitted}/return", "意见", "预览通知", lambda _: ""),
        "sheet": Place("zhuanjia1", "zhuanjia2", f"/expert/{scored}", "总体评审意见", "暂存", sheet),
    }


def be(page: Page, system: RunningSystem, username: str) -> Person:
    """Let another tab of the same browser have signed in as this account."""
    person = system.person(username, anew=True)
    cookie = next(c for c in person.cookies.jar if c.name.endswith("gm_session"))
    page.context.clear_cookies()
    page.context.add_cookies([{"name": cookie.name, "value": str(cookie.value), "url": system.url}])
    return person


def signed_out(page: Page, system: RunningSystem, place: Place) -> None:
    tab = page.context.new_page()
    tab.goto("/help")
    tab.get_by_role("button", name="退出").click()
    tab.wait_for_load_state()
    tab.close()


def ended(page: Page, system: RunningSystem, place: Place) -> None:
    """The cookie stays, the session behind it does not: as after its last hour."""
    cookie = next(c for c in page.context.cookies() if c["name"].endswith("gm_session"))  # type: ignore[typeddict-item]
    with httpx.Client(base_url=system.url, cookies={cookie["name"]: cookie["value"]}) as client:  # type: ignore[typeddict-item]
        token = client.get("/api/v1/me").json()["csrf_token"]
        client.post("/logout", data={"csrf_token": token})


def signed_in_again(page: Page, system: RunningSystem, place: Place) -> None:
    ended(page, system, place)
    be(page, system, place.owner)


def other_account(page: Page, system: RunningSystem, place: Place) -> None:
    be(page, system, place.other)


def restarted(page: Page, system: RunningSystem, place: Place) -> None:
    """The gateway signs with a key of its own process: a new one signs with a new key."""

    def times() -> int:
        return int(system.description()["processes"]["gateway"]["restarts"])

    before = times()
    system.kill("gateway")
    until = time.monotonic() + 60
    while times() == before or not _answers(system):
        assert time.monotonic() < until
        time.sleep(0.1)


def _answers(system: RunningSystem) -> bool:
    try:
        return httpx.get(f"{system.url}/", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


CASES = [signed_out, signed_in_again, ended, other_account, restarted]
# The quick core: both ways of saving, and the pages where another account could have saved.
QUICK = {("form", signed_in_again), ("form", other_account), ("sheet", other_account), ("return", signed_in_again)}


@pytest.mark.parametrize(
    ("name", "happens"),
    [
        pytest.param(
            name, case, id=f"{name}-{case.__name__}", marks=() if (name, case) in QUICK else pytest.mark.slow
        )
        for name in ("form", "form without scripts", "replies", "return", "sheet")
        for case in CASES
    ],
)
def test_what_was_typed_arrives_or_is_kept(
    open_page: OpenPage,
    system: RunningSystem,
    places: dict[str, Place],
    name: str,
    happens: Callable[[Page, RunningSystem, Place], None],
) -> None:
    place, text = places[name], f"带动二十名青年学艺{uuid4().hex}"
    page = open_page(script=place.script)
    be(page, system, place.owner)
    page.goto(place.path)
    box = page.get_by_label(place.label).last
    box.fill("先写一句")
    happens(page, system, place)
    if name == "form":
        _by_itself(page, system, place, text, away=happens not in (signed_in_again, restarted))
    else:
        _by_its_button(page, system, place, text, happens)
    me = be(page, system, place.owner)
    if name == "return":
        expect(page.get_by_label("意见", exact=True).last).to_have_value(text)
    else:
        assert place.arrived(me) == text
        assert text not in place.arrived(system.person(place.other))


def _by_itself(page: Page, system: RunningSystem, place: Place, text: str, *, away: bool) -> None:
    """The form page: its script keeps what is typed, or says why not, and goes on once its person is back."""
    line = page.locator("[data-kept]")
    box = page.get_by_label(place.label).last
    box.fill(text)
    if away:
        expect(line).to_contain_text("内容仍在本页")
        expect(line).to_contain_text("尚未暂存")
        assert text not in place.arrived(system.person(place.owner))
        be(page, system, place.owner)
        page.context.new_page().goto("/signed-in")
    expect(line).to_contain_text("已暂存，尚未提交", timeout=20_000)
    # And it goes on doing so.
    box.press_sequentially("再")
    box.press("Backspace")
    expect(line).to_contain_text("已暂存，尚未提交")
    expect(line).not_to_contain_text("正在填写")


def _by_its_button(
    page: Page,
    system: RunningSystem,
    place: Place,
    text: str,
    happens: Callable[[Page, RunningSystem, Place], None],
) -> None:
    page.get_by_label(place.label).last.fill(text)
    page.get_by_role("button", name=place.button, exact=True).last.click()
    if happens is restarted:
        return
    expect(page.get_by_text("您填写的内容没有丢失")).to_be_visible()
    if happens is other_account:
        expect(page.get_by_role("heading", name="已登录另一账号")).to_be_visible()
        _asks_before_leaving(page, place)
        # However often it is tried, it is not saved under the other account.
        for _ in range(2):
            page.get_by_role("button", name="重试").click()
            expect(page.get_by_role("heading", name="已登录另一账号")).to_be_visible()
        assert text not in place.arrived(system.person(place.other))
    if happens is not signed_in_again:
        be(page, system, place.owner)
    again = page.get_by_role("button", name="重试")
    again.click()
    # The new session's token is not the old one's: one more confirmation.
    expect(page.get_by_role("heading", name="页面已失效").or_(page.get_by_label(place.label).last)).to_be_visible()
    if again.count():
        again.click()
    expect(page.get_by_label(place.label).last).to_be_visible()


def _asks_before_leaving(page: Page, place: Place) -> None:
    """Only a page with scripts can: it is all there is of what was typed."""
    if not place.script:
        return
    page.get_by_role("heading", level=1).click()
    with page.expect_event("dialog") as asked:
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("link", name="工美资金管理系统").click(no_wait_after=True)
    assert asked.value.type == "beforeunload"


def test_a_file_chosen_meanwhile_is_sent(
    open_page: OpenPage, system: RunningSystem, places: dict[str, Place]
) -> None:
    page = open_page()
    person = be(page, system, "qiye1")
    id = create(person)
    open_section(page, id, "company")
    signed_in_again(page, system, places["form"])
    file = {"name": "营业执照.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    slot = page.locator("[data-slot]").first
    slot.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(slot.locator(".file")).to_have_count(1)
    expect(slot.locator("progress")).to_have_count(0)
    # The token was not the reason of whatever is said.
    expect(slot).not_to_contain_text("登录")
    expect(slot).not_to_contain_text("已失效")
    be(page, system, "qiye2")
    slot.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(slot).to_contain_text("浏览器中现在登录的是另一账号，未能上传")

"""拟支持金额 as a tired director decides it: read in words, changed at the last moment, on a page that is no longer true; then
公示 and 批复 of a list, by two people."""

import time
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, sign_in
from tests.system.running import RunningSystem, create, fill, submit, version

AMOUNT, ASK, CONFIRM = "拟支持金额（万元）", "拟支持", "确认金额，拟支持"
Desk = Callable[[str], Page]


def enter(page: Page, system: RunningSystem, username: str) -> None:
    """Give a page the session of somebody of the bureau who is signed in already."""
    jar = system.person(username).cookies.jar
    page.context.add_cookies([{"name": c.name, "value": c.value or "", "url": system.url} for c in jar])


@pytest.fixture
def desk(open_page: OpenPage, system: RunningSystem) -> Desk:
    """Opens a case for the director."""

    def open_(id: str) -> Page:
        page = open_page(script=False, width=360)
        enter(page, system, "shending")
        page.goto(f"/review/{id}")
        return page

    return open_


def awaiting_decision(system: RunningSystem, name: str) -> str:
    """A case that its experts have scored."""
    applicant, reviewer = system.person("qiye1"), system.person("shencha")
    id = create(applicant)
    fill(applicant, id, name=name)
    submit(applicant, id)
    case = f"/review/applications/{id}"
    for action in ("accept", "pass"):
        reviewer.call("POST", f"{case}/lease", json={})
        reviewer.call("POST", f"{case}/{action}", json={}, etag=version(reviewer, id))
    known = reviewer.call("GET", f"{case}/experts").json()
    chosen = [expert["account"] for expert in known["choices"]][:2]
    reviewer.call("PUT", f"{case}/experts", json={"experts": chosen}, etag=version(reviewer, id))
    for username in ("zhuanjia1", "zhuanjia2"):
        expert, path = system.person(username), f"/expert/applications/{id}/sheet"
        criteria = [c["key"] for c in expert.call("GET", path).json()["sheet"]["criteria"]]
        given = {
            "scores": dict.fromkeys(criteria, "88"),
            "comments": dict.fromkeys(criteria, "好"),
            "opinion": "建议支持",
        }
        expert.call("POST", path, json=given)
    return id


def publish(system: RunningSystem, id: str) -> None:
    """Draft the list of a case's round as a reviewer, and publish it as the director."""
    reviewer, director = system.person("shencha"), system.person("shending")
    round_ = reviewer.call("GET", f"/applications/{id}").json()["round_id"]
    draft = reviewer.call("POST", "/review/announcements", json={"round": round_, "kind": "publicity"}).json()
    path = f"/review/announcements/{draft['id']}"
    director.call("POST", f"{path}/publish", json={}, etag=director.call("GET", path).json()["etag"])


def test_the_amount_that_counts_is_the_one_that_was_read_in_words(
    desk: Desk, open_page: OpenPage, system: RunningSystem
) -> None:
    id = awaiting_decision(system, "改口的金额")
    page = desk(id)
    for wrong in ("20.005", "0", "-3"):
        page.get_by_label(AMOUNT).fill(wrong)
        page.get_by_role("button", name=ASK, exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("应为大于 0 的数值（万元），最多两位小数")
        expect(page.locator("#confirm-amount")).to_have_count(0)
    page.get_by_label(AMOUNT).fill("２０ 万元")
    page.get_by_role("button", name=ASK, exact=True).click()
    expect(page.locator("#confirm-amount")).to_contain_text("人民币贰拾万元整")
    expect(page.locator("#confirm-amount")).to_be_in_viewport()
    page.get_by_label(AMOUNT).fill("12")
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.locator("#confirm-amount")).to_contain_text("人民币壹拾贰万元整")
    assert system.person("shending").call("GET", f"/applications/{id}").json()["state"] == "decision"
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.get_by_role("status").first).to_contain_text("列入待公示名单")
    expect(page.locator("#stage")).to_contain_text("拟支持金额 12.00 万元")
    expect(page.locator("#decided")).to_contain_text("人民币壹拾贰万元整")
    publish(system, id)
    # Whom it concerns reads the same where the case stands, on the first screen of a telephone.
    mine = open_page(script=False, width=390)
    sign_in(mine, "qiye1", f"/applications/{id}/view")
    expect(mine.locator("#decided")).to_contain_text("12.00 万元（人民币壹拾贰万元整）")
    expect(mine.locator("#decided-head")).to_be_in_viewport()
    fits(mine)
    with_until = mine.locator("#decided dd", has_text="公示页面")
    expect(with_until).to_contain_text(" 至 ")
    with_until.get_by_role("link").click()
    expect(mine.locator("tr:target")).to_contain_text("改口的金额")
    mine.goto("/projects?q=改口的金额")
    expect(mine.locator("tbody tr").first).to_contain_text("人民币壹拾贰万元整")
    fits(mine)


def test_an_amount_is_for_the_case_as_it_was_read(desk: Desk, system: RunningSystem) -> None:
    id = awaiting_decision(system, "两个窗口的审定")
    old, other = desk(id), desk(id)
    other.get_by_label("不予支持的理由").fill("与往年项目重复")
    other.get_by_role("button", name="不予支持").click()
    expect(other.get_by_role("status").first).to_contain_text("不予支持")
    expect(other.locator("#decided")).to_contain_text("理由与往年项目重复")
    expect(other.locator("#decided").get_by_role("link", name="不予支持通知书")).to_be_visible()
    old.get_by_label(AMOUNT).fill("20")
    old.get_by_role("button", name=ASK, exact=True).click()
    expect(old.get_by_role("button", name=CONFIRM)).to_have_count(0)
    expect(old.get_by_role("alert")).to_contain_text("已于")


def propose(system: RunningSystem, id: str, amount: str) -> None:
    director = system.person("shending")
    path = f"/review/applications/{id}/propose"
    director.call("POST", path, json={"amount_wan": amount}, etag=version(director, id))


@pytest.mark.slow
def test_a_list_goes_from_draft_to_letters(open_page: OpenPage, system: RunningSystem) -> None:
    kept, left = awaiting_decision(system, "名单留下"), awaiting_decision(system, "名单撤出")
    propose(system, kept, "11.00")
    propose(system, left, "7.00")
    # The bureau and whoever reads 公示 with scripts, the others without.
    drafter, public = open_page(width=1366), open_page(width=390)
    director, mine = open_page(script=False, width=1366), open_page(script=False, width=390)
    enter(drafter, system, "shencha")
    enter(director, system, "shending")
    drafter.goto("/review/announcements")
    round_ = system.person("shencha").call("GET", f"/applications/{kept}").json()["round_title"]
    accessible(drafter)
    drafter.locator("tr", has_text=round_).get_by_role("button", name="拟定公示").click()
    expect(drafter.locator("#whole + p")).to_contain_text("金额合计")
    expect(drafter.get_by_role("button", name="发布公示")).to_have_count(0)
    drafter.get_by_label("标题").fill("")
    drafter.get_by_label("公示期（工作日）").fill("七")
    drafter.get_by_role("button", name="保存草稿").click()
    expect(drafter.locator("#e-working_days")).to_contain_text("1 至 60 个工作日")
    drafter.get_by_label("标题").fill("第一批拟支持项目公示")
    drafter.get_by_label("公示期（工作日）").fill("7")
    drafter.get_by_role("button", name="保存草稿").click()
    expect(drafter.get_by_text("已保存草稿")).to_be_visible()
    accessible(drafter)
    fits(drafter)
    list_ = drafter.url.partition("?")[0]
    public.goto(list_.replace("/review/announcements/", "/publicity/"))
    expect(public.locator("main")).not_to_contain_text("第一批拟支持项目公示")

    # Two windows of the second person: the second press finds it done.
    director.goto(list_)
    other = director.context.new_page()
    other.goto(list_)
    director.get_by_role("button", name="发布公示").click()
    expect(director.get_by_role("status").first).to_contain_text("已发布公示")
    other.get_by_role("button", name="发布公示").click()
    expect(other.get_by_role("status").first).to_contain_text("没有重复发布")
    public.goto("/publicity")
    public.get_by_role("link", name="第一批拟支持项目公示").first.click()
    expect(public.locator("tr", has_text="名单留下")).to_contain_text("11.00")
    expect(public.locator("main")).to_contain_text("共 7 个工作日")
    fits(public)
    accessible(public)
    until = time.monotonic() + 40
    while not public.get_by_role("link", name="下载PDF").count():
        assert time.monotonic() < until, "no PDF of the list"
        time.sleep(0.3)
        public.reload()
    paper = public.request.get(public.get_by_role("link", name="下载PDF").get_attribute("href") or "")
    assert paper.body().startswith(b"%PDF-")

    # An objection names the list; the case is taken off it, and everybody reads so.
    director.goto(f"/review/{left}")
    expect(director.locator("#stage")).to_contain_text("《第一批拟支持项目公示》")
    director.get_by_text("登记异议", exact=True).first.click()
    for label, text in (("异议人", "王某"), ("联系方式", "010-12345678"), ("异议内容", "权属有争议")):
        director.get_by_label(label).fill(text)
    director.get_by_role("button", name="登记异议").click()
    expect(director.locator("#stage")).to_contain_text("权属有争议")
    director.get_by_text("撤出公示", exact=True).first.click()
    director.get_by_label("撤出公示的理由").fill("权属待查")
    director.get_by_role("button", name="撤出公示").click()
    expect(director.get_by_role("status").first).to_contain_text("已撤出公示")
    public.reload()
    expect(public.locator("tr", has_text="名单撤出")).to_contain_text("已撤出公示")
    expect(public.locator("main")).not_to_contain_text("权属待查")
    sign_in(mine, "qiye1", f"/applications/{left}/view")
    expect(mine.locator("#decided")).to_contain_text("权属待查")
    fits(mine)

    # The days pass; what is left is approved as one, with a letter for each.
    environment = system.description()["environments"]["applications"]
    with psycopg.connect(environment["GM_DATABASE_URL"].replace("+psycopg", "")) as database:
        database.execute(
            "UPDATE applications.applications SET publicity_until = now() - interval '1 second' WHERE id = %s",
            [kept],
        )
    drafter.goto("/review/announcements")
    drafter.locator("tr", has_text=round_).get_by_role("button", name="拟定批复").click()
    director.goto(drafter.url)
    director.get_by_role("button", name="发布批复").click()
    expect(director.get_by_role("status").first).to_contain_text("批复通知书已生成")
    director.goto("/review/letters")
    expect(director.locator("tbody tr", has_text="京工美发").first).to_be_visible()
    mine.goto(f"/applications/{kept}/view")
    expect(mine.locator("#decided").get_by_role("link", name="批复通知书")).to_be_visible()

    # The end: the enterprise says how it was served, once; what was typed stays where nothing was chosen.
    rating = mine.locator("#rating")
    rating.get_by_label("意见和建议").fill("补正意见写得清楚。")
    rating.get_by_role("button", name="提交评价").click()
    expect(rating).to_contain_text("请选择满意程度。")
    expect(rating.get_by_label("意见和建议")).to_have_value("补正意见写得清楚。")
    rating.get_by_label("满意", exact=True).check()
    fits(mine)
    rating.get_by_role("button", name="提交评价").click()
    expect(rating).to_contain_text("您的评价：满意")
    drafter.goto("/review/ratings")
    expect(drafter.locator("main")).to_contain_text("补正意见写得清楚。")
    accessible(drafter)

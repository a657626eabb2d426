"""The review desk in a real browser, without a script: three reviewers, one queue, a return from a noted opinion to the
applicant's answer."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import factories
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
Open = Callable[..., Page]


@pytest.fixture
def signed_in(browser: Browser, system: RunningSystem) -> Iterator[Open]:
    """Opens a page for somebody who has just signed in."""
    contexts = []

    def open_(username: str, *, scripts: bool = False) -> Page:
        person = system.person(username, anew=True)
        height = 768 if scripts else 900
        context = browser.new_context(
            base_url=system.url,
            locale="zh-CN",
            java_script_enabled=scripts,
            viewport={"width": 1366, "height": height},
        )
        context.set_default_timeout(15_000)
        context.add_cookies(
            [{"name": c.name, "value": c.value or "", "url": system.url} for c in person.cookies.jar]
        )
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()


def case(system: RunningSystem, name: str) -> tuple[str, str]:
    """A submitted application: its id and number."""
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name=name)
    return id, str(submit(person, id)["receipt"]["number"])


def test_three_reviewers_share_one_queue(signed_in: Open, system: RunningSystem) -> None:
    made = [case(system, f"轮流分配{n}") for n in range(3)]
    director, first, second = signed_in("shending"), signed_in("shencha"), signed_in("shencha2")
    director.goto("/review?q=轮流分配&assignee=none")
    director.get_by_role("button", name="分配", exact=True).click()
    expect(director.get_by_role("alert")).to_contain_text("请先勾选")
    for _, number in made:
        director.get_by_label(f"选择 {number}").check()
    director.get_by_label("将所选分配给").select_option("turn")
    director.get_by_role("button", name="分配", exact=True).click()
    expect(director.get_by_role("status").first).to_contain_text("已办理 3 件")
    # One each, whoever they are.
    director.goto("/review?q=轮流分配")
    for name in ("陈审查", "褚审查", "卫审查"):
        expect(director.locator("tbody td[data-label='办理人']", has_text=name)).to_have_count(1)
    # A filter that makes no sense keeps what was typed.
    director.get_by_text("更多筛选").click()
    director.get_by_label("申请金额自（万元）").fill("许多")
    director.get_by_role("button", name="筛选").click()
    expect(director.get_by_role("alert")).to_contain_text("金额应为")
    expect(director.get_by_label("申请金额自（万元）")).to_have_value("许多")
    # A view one keeps.
    first.goto("/review?q=轮流分配&order=newest")
    first.get_by_label("将当前筛选和排序保存为视图").fill("轮流")
    first.get_by_role("button", name="保存").click()
    first.get_by_role("link", name="轮流", exact=True).click()
    expect(first.get_by_label("项目、企业或编号")).to_have_value("轮流分配")

    id = made[0][0]
    first.goto(f"/review/{id}")
    second.goto(f"/review/{id}")
    first.get_by_role("button", name="领取办理").click()
    second.get_by_role("button", name="领取办理").click()
    expect(second.get_by_role("alert")).to_contain_text("该申请正由陈审查办理")
    second.get_by_role("button", name="接管办理").click()
    expect(second.get_by_text("请填写接管理由")).to_be_visible()
    second.get_by_label("接管理由").fill("陈审查外出")
    second.get_by_role("button", name="接管办理").click()
    expect(second.get_by_text("由您办理至")).to_be_visible()
    # The first one still has the old page, and hears who has the case.
    first.get_by_role("button", name="纳批").click()
    expect(first.get_by_role("alert")).to_contain_text("该申请正由褚审查办理")
    first.goto(f"/review/{id}")
    expect(first.locator("#timeline")).to_contain_text("原办理人陈审查；理由：陈审查外出")
    # A decision on an old page: who did what meanwhile.
    old = second.context.new_page()
    old.goto(f"/review/{id}")
    second.get_by_role("button", name="纳批").click()
    expect(second.get_by_role("status").first).to_contain_text("已纳批")
    old.get_by_role("button", name="纳批").click()
    expect(old.get_by_role("alert")).to_contain_text("褚审查已于")
    expect(old.get_by_role("alert")).to_contain_text("形式审查中")


def test_a_list_is_worked_through_by_keys_on_one_screen(signed_in: Open, system: RunningSystem) -> None:
    numbers = [case(system, f"逐件办理{n}")[1] for n in range(3)]
    desk = signed_in("shencha", scripts=True)
    # A key is one only once the page's scripts are there: then the button is, too.
    there = desk.get_by_role("button", name="快捷键")
    desk.goto("/review?q=逐件办理&order=newest")
    desk.get_by_role("link", name="申报时间").click()
    expect(desk.locator("th[aria-sort=ascending]")).to_contain_text("申报时间")
    rows = desk.locator("tbody tr")
    expect(rows).to_have_count(3)
    first, second = rows.nth(0).bounding_box(), rows.nth(1).bounding_box()
    assert first
    assert second
    # A page of the list has 20.
    assert first["y"] + 20 * (second["y"] - first["y"]) <= 768

    expect(there).to_be_visible()
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("x")
    expect(desk.get_by_label(f"选择 {numbers[1]}")).to_be_checked()
    desk.keyboard.press("j")
    desk.keyboard.press("k")
    desk.keyboard.press("Enter")
    expect(desk.locator(".head")).to_contain_text(numbers[1])
    expect(there).to_be_visible()
    desk.keyboard.press("l")
    expect(desk.get_by_text("由您办理至")).to_be_visible()
    expect(there).to_be_visible()
    # Materials are gone through as rows are; what is typed is typed.
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    expect(desk.locator("#m-company")).to_be_focused()
    desk.keyboard.press("r")
    expect(desk).to_have_url(re.compile(r"/return$"))
    desk.go_back()
    expect(there).to_be_visible()
    desk.keyboard.press("u")
    expect(desk).to_have_url(re.compile(r"/review\?state="))
    expect(there).to_be_visible()
    desk.keyboard.press("/")
    desk.keyboard.type("逐件办理0 jk?")
    expect(desk.get_by_label("项目、企业或编号")).to_have_value("逐件办理0 jk?")

    # Switched off, a key is a key; the button still tells.
    desk.get_by_role("button", name="快捷键").click()
    told = desk.get_by_role("dialog", name="快捷键")
    expect(told).to_contain_text("领取下一件")
    told.get_by_label("使用快捷键").uncheck()
    told.get_by_role("button", name="关闭").click()
    expect(told).to_have_count(0)
    desk.keyboard.press("?")
    desk.keyboard.press("j")
    expect(told).to_have_count(0)
    assert desk.evaluate("document.activeElement.closest('tr')") is None


def test_how_close_rows_stand_is_kept_without_scripts(signed_in: Open, system: RunningSystem) -> None:
    case(system, "行距")
    desk = signed_in("shencha")
    desk.goto("/review?q=行距&order=oldest")
    desk.get_by_role("link", name="宽松").click()
    expect(desk).to_have_url(re.compile(r"/review\?q=[^&]+&order=oldest$"))
    expect(desk.locator("table.dense")).to_have_count(0)
    desk.goto("/review?order=newest")
    desk.get_by_role("link", name="紧凑").click()
    expect(desk.locator("table.dense")).to_have_count(1)


def test_three_opinions_and_the_return_are_eight_clicks_on_one_page(
    signed_in: Open, system: RunningSystem
) -> None:
    id, _ = case(system, "一页退回")
    system.person("shencha").call("POST", f"/review/applications/{id}/lease", json={})
    desk = signed_in("shencha", scripts=True)
    desk.goto(f"/review/{id}")
    pages: list[str] = []
    desk.on("framenavigated", lambda frame: pages.append(frame.url))
    clicks = 0

    def click(place: Locator) -> None:
        nonlocal clicks
        clicks += 1
        place.click()

    for n, label in enumerate(("开户银行", "账号", "项目名称"), 1):
        click(desk.get_by_role("link", name=f"对“{label}”提意见").first)
        text = desk.locator("#opine-text")
        # Where one types next is where one is.
        expect(text).to_be_focused()
        text.fill(f"请核对{label}<script>alert({n})</script>")
        click(desk.get_by_role("button", name="记录意见"))
        expect(desk.locator(".draft ol li")).to_have_count(n)
        expect(desk.locator("#opine")).to_have_count(0)
    expect(desk.locator("#p-fund_plan-bank_name")).to_contain_text("待退回的意见：请核对开户银行<script>")
    # What was typed and not sent outlives an opinion that is begun and given up.
    desk.locator(".draft textarea").last.fill("请填写全称")
    desk.get_by_role("link", name="对“项目名称”提意见").first.click()
    desk.locator("#opine-text").fill("写到一半")
    desk.get_by_role("link", name="取消").click()
    expect(desk.locator("#opine")).to_have_count(0)
    expect(desk.locator(".draft textarea").last).to_have_value("请填写全称")
    # A word to colleagues goes beside it, and takes nothing of what is being written with it.
    desk.locator("#notes > summary").click()
    desk.get_by_label("备注内容").fill("发票待核<script>alert(0)</script>")
    desk.get_by_role("button", name="保存备注").click()
    expect(desk.locator("#notes .note")).to_contain_text("发票待核<script>")
    expect(desk.locator("#colleagues > [role=status]")).to_have_text("已保存备注。")
    desk.get_by_role("button", name="保存备注").click()
    expect(desk.locator("#colleagues [role=alert]")).to_have_text("请填写备注内容。")
    expect(desk.locator(".draft textarea").last).to_have_value("请填写全称")
    # What was noted is changed in the draft; the deadline is the round's, the mail is looked at.
    desk.locator(".draft textarea").first.fill("请填写支行全称")
    click(desk.get_by_role("button", name="预览通知"))
    expect(desk.get_by_role("heading", name="预览", exact=True)).to_be_visible()
    expect(desk.locator(".draft pre")).to_contain_text("请填写支行全称")
    click(desk.get_by_role("button", name="确认退回"))
    expect(desk.locator("main .notice.done")).to_contain_text("已退回补正")
    assert (clicks, pages) == (8, [])
    told = [o["text"] for o in system.person("shencha").call("GET", f"/applications/{id}/opinions").json()]
    assert (told[0], told[-1], len(told)) == ("请填写支行全称", "请填写全称", 3)


@pytest.mark.slow
def test_a_return_from_the_place_one_reads(signed_in: Open, system: RunningSystem) -> None:
    id, _ = case(system, "逐处意见")
    desk = signed_in("shencha")
    desk.goto(f"/review/{id}")
    gist = desk.locator(".gist")
    expect(gist).to_contain_text("22.00 万元按核对最高 50.00 万元")
    expect(gist.locator("div", has_text="形式审查表")).to_contain_text("0／10")
    # What holds is folded away; what does not stands there.
    expect(desk.locator("#checks details summary")).to_contain_text("符合的")
    # The first attachment is drawn beside the materials.
    picture = desk.locator(".pages img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 1240
    expect(desk.get_by_role("link", name="提意见")).to_have_count(0)
    desk.get_by_role("button", name="领取办理").click()
    desk.get_by_role("link", name="对“开户银行”提意见").click()
    desk.get_by_role("button", name="记录意见").click()
    expect(desk.get_by_role("alert")).to_contain_text("请填写意见内容")
    desk.get_by_label("常用语").select_option("开户银行请填写支行全称，户名应与申报单位一致。")
    desk.locator("#opine-text").fill("另附开户许可证。")
    desk.get_by_role("button", name="记录意见").click()
    expect(desk.locator("#p-fund_plan-bank_name")).to_contain_text("待退回的意见：开户银行请填写支行全称")
    desk.get_by_role("link", name="退回补正", exact=True).click()
    # What was noted goes out as it is; more is written only by whoever wants to, and what was noted by mistake is taken out here.
    expect(desk.locator("textarea[name=text]")).to_have_count(0)
    desk.get_by_role("button", name="添加一条意见").click()
    desk.locator("#text-1").fill("误记")
    desk.get_by_role("button", name=re.compile(r"删除\s*意见")).click()
    expect(desk.get_by_role("heading", name="已记录的意见")).to_have_count(0)
    expect(desk.locator("#text-1")).to_have_value("误记")
    desk.goto(f"/review/{id}?opine=fund_plan.bank_name#opine")
    desk.locator("#opine-text").fill("开户银行请填写支行全称，另附开户许可证。")
    desk.get_by_role("button", name="记录意见").click()
    desk.get_by_role("link", name="退回补正", exact=True).click()
    desk.get_by_role("button", name="添加一条意见").click()
    desk.locator("#place-1").select_option(label="附件：营业执照")
    desk.locator("#text-1").fill("请上传副本")
    # The round proposes a deadline; a noted opinion is changed where it is sent, and is never sent empty.
    days = desk.get_by_label("按工作日", exact=True)
    expect(days).to_have_value("10")
    noted = desk.get_by_role("textbox", name="意见", exact=True).first
    noted.fill(" ")
    desk.get_by_role("button", name="预览通知").click()
    expect(desk.get_by_role("alert")).to_contain_text("请填写已记录的意见")
    expect(desk.locator("#text-1")).to_have_value("请上传副本")
    noted.fill("开户银行请填写支行全称。")
    desk.get_by_role("button", name="保存修改").click()
    expect(desk.get_by_role("status").first).to_contain_text("已保存意见的修改")
    expect(noted).to_have_value("开户银行请填写支行全称。")
    days.select_option("")
    desk.get_by_role("button", name="预览通知").click()
    expect(desk.get_by_role("alert")).to_contain_text("请选择补正期限")
    expect(desk.locator("#text-1")).to_have_value("请上传副本")
    days.select_option("10")
    desk.get_by_role("checkbox", name="社会效益").check()
    desk.get_by_role("button", name="预览通知").click()
    preview = desk.get_by_role("status").first
    expect(preview).to_contain_text("【企业基本情况 · 营业执照】请上传副本")
    expect(preview).to_contain_text("开户银行请填写支行全称。")
    expect(preview).not_to_contain_text("另附开户许可证")
    expect(preview).to_contain_text("项目主要内容（与上述材料核对）")
    desk.get_by_role("button", name="确认退回").click()
    expect(desk.get_by_role("status").first).to_contain_text("已退回补正")
    # Taken back, returned again, prolonged.
    desk.get_by_role("button", name="撤回退回").click()
    expect(desk.get_by_role("status").first).to_contain_text("已撤回退回")
    # Its assignee need not take it again, neither now nor after the correction.
    expect(desk.get_by_text("您是办理人，可以直接办理")).to_be_visible()
    desk.get_by_role("link", name="退回补正", exact=True).click()
    desk.get_by_label("按工作日", exact=True).select_option("5")
    desk.get_by_role("button", name="确认退回").click()
    desk.get_by_role("link", name="延长补正期限").click()
    desk.get_by_label("自今日起", exact=True).select_option("20")
    desk.get_by_role("button", name="确认延长").click()
    expect(desk.get_by_role("alert")).to_contain_text("请填写理由")
    desk.get_by_label("理由").fill("材料仍在办理")
    desk.get_by_role("button", name="确认延长").click()
    expect(desk.get_by_role("status").first).to_contain_text("已提出延长补正期限")
    # Its proposer has nothing to confirm it by; another reviewer has.
    desk.goto("/confirmations")
    expect(desk.get_by_role("button", name=re.compile(r"确认\s*：.*逐处意见"))).to_have_count(0)
    second = signed_in("shencha2")
    second.goto("/confirmations")
    second.get_by_role("button", name=re.compile(r"确认\s*：.*逐处意见")).click()
    expect(second.get_by_role("status").first).to_contain_text("已确认")
    desk.goto(f"/review/{id}")
    expect(desk.locator("#timeline")).to_contain_text(re.compile(r"延长补正期限\s+褚审查"))

    person = system.person("qiye1")
    told = person.call("GET", f"/applications/{id}/opinions").json()
    assert [o["round_trip"] for o in told] == [1, 1]
    for opinion in told:
        person.call("PUT", f"/applications/{id}/opinions/{opinion['id']}", json={"reply": "已改"})
    section = person.call("GET", f"/applications/{id}/sections/fund_plan").json()
    values = section["saved"] | {
        "bank_name": "中国工商银行股份有限公司北京朝阳支行",
        "bank_account": "0200001009000000999",
    }
    person.call("PUT", f"/applications/{id}/sections/fund_plan", json={"values": values}, etag=section["etag"])
    submit(person, id)
    desk.goto(f"/review/{id}")
    expect(desk.locator("#changes")).to_contain_text("1 项未经要求")
    expect(desk.locator("#p-fund_plan-bank_account")).to_contain_text("未要求的修改")
    desk.get_by_role("button", name="采纳").first.click()
    expect(desk.get_by_role("status").first).to_contain_text("已采纳")
    desk.get_by_role("button", name="再次提出").click()
    expect(desk.get_by_role("alert")).to_contain_text("须填写内容")
    desk.get_by_label("再次提出的意见").fill("副本仍不清晰")
    desk.get_by_role("button", name="再次提出").click()
    expect(desk.locator("#opinions")).to_contain_text("副本仍不清晰")
    desk.get_by_role("button", name="纳批").click()
    expect(desk.get_by_text("由您办理至")).to_be_visible()
    expect(desk.get_by_role("link", name="退回补正", exact=True)).to_be_visible()
    colleague = signed_in("shencha2")
    colleague.goto(f"/review/{id}")
    expect(colleague.get_by_text("陈审查 正在办理")).to_be_visible()


def test_the_library_of_phrases(signed_in: Open) -> None:
    page = signed_in("shencha3")
    page.goto("/review/phrases")
    page.get_by_label("新常用语").fill("请补充检测报告。")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("status").first).to_have_text("已添加。")
    page.get_by_label("新常用语").fill("请补充检测报告。")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("alert")).to_contain_text("已有相同的常用语")
    expect(page.get_by_label("新常用语")).to_have_value("请补充检测报告。")


def test_what_the_applicant_never_saw_is_no_gap(signed_in: Open, system: RunningSystem) -> None:
    """补助类 asks for 经营服务场所证明 of platforms alone."""
    person, desk = system.person("qiye1"), signed_in("shencha")
    id = create(person, "subsidy")
    fill(person, id, "subsidy", direction=factories.PRODUCTION)
    submit(person, id)
    desk.goto(f"/review/{id}")
    desk.get_by_role("button", name="领取办理").click()
    materials = desk.locator("#materials")
    expect(materials).to_contain_text("项目实施方案")
    # At 1366 pixels no table of the left pane is cut, and no row has more than one stop for Tab.
    wide = (
        "pane => [...pane.querySelectorAll('.material .scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert materials.evaluate(wide) == 0
    assert (
        materials.evaluate(
            "pane => [...pane.querySelectorAll('tr')].filter(r => r.querySelectorAll('a').length > 1).length"
        )
        == 0
    )
    # An address that was made by hand opens no place either.
    desk.goto(f"/review/{id}?opine=project_content.site_proof#opine")
    expect(materials).not_to_contain_text("经营服务场所证明")
    desk.locator("#opine-text").fill("请补充")
    expect(desk.locator("#opine-place")).to_have_value("")


def test_the_list_of_formal_review_in_two_tabs(signed_in: Open, system: RunningSystem) -> None:
    id, _ = case(system, "形式审查表")
    page = signed_in("shencha")
    page.goto(f"/review/{id}")
    panel = page.locator("#checklist")
    expect(panel).to_contain_text("尚未填写。办理该申请的审核人")
    expect(panel.get_by_role("radio")).to_have_count(0)
    page.get_by_role("button", name="领取办理").first.click()
    other = page.context.new_page()
    other.goto(f"/review/{id}")

    def line(of: Page, text: str) -> Locator:
        return of.locator("#checklist tr").filter(has_text=text)

    line(page, "营业执照有效").get_by_label("符合", exact=True).check()
    line(page, "知识产权权属清楚").get_by_label("不符合").check()
    page.get_by_role("button", name="保存形式审查表").click()
    # Nothing typed is lost; what is missing is said at its place.
    expect(line(page, "知识产权权属清楚").locator(".error")).to_contain_text("请写明不符合之处")
    expect(line(page, "营业执照有效").get_by_label("符合", exact=True)).to_be_checked()
    line(page, "知识产权权属清楚").get_by_role("textbox").fill("缺专利证书")
    page.get_by_role("button", name="保存形式审查表").click()
    expect(page.locator(".flashes, [role=status]").first).to_contain_text("已保存形式审查表")
    expect(panel).to_contain_text("已填写 2 条")

    # The tab that was open before says who saved, keeps what was ticked, and saves only at a second press.
    line(other, "失信").get_by_label("符合", exact=True).check()
    other.get_by_role("button", name="保存形式审查表").click()
    expect(other.locator("#checklist [role=alert]")).to_contain_text("形式审查表已由陈审查于")
    expect(line(other, "失信").get_by_label("符合", exact=True)).to_be_checked()
    expect(line(other, "营业执照有效")).to_contain_text("已保存：符合")
    line(other, "营业执照有效").get_by_label("符合", exact=True).check()
    other.get_by_role("button", name="保存形式审查表").click()
    expect(other.locator("#checklist")).to_contain_text("已填写 2 条")
    expect(other.locator("#timeline")).to_contain_text("填写形式审查表")

    # On paper it is a table of words, for whoever reads the case.
    director = signed_in("shending")
    director.goto(f"/review/{id}")
    director.emulate_media(media="print")
    expect(line(director, "失信")).to_contain_text("符合")
    expect(director.locator("#checklist")).to_be_visible()

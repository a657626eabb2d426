"""The whole way of a case in a real browser: three reviewers, two experts, a director, the applicant, and whoever reads 公示;
every mail, letter and notice where it belongs."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_deciding import publish
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
Open = Callable[[str], Page]
NAME = "景泰蓝全程"


@pytest.fixture
def signed_in(browser: Browser, system: RunningSystem) -> Iterator[Open]:
    """Opens a page for somebody who has just signed in; without a name for anybody at all."""
    contexts = []

    def open_(username: str) -> Page:
        context = browser.new_context(base_url=system.url, locale="zh-CN", viewport={"width": 1360, "height": 900})
        context.set_default_timeout(15_000)
        if username:
            jar = system.person(username, anew=True).cookies.jar
            context.add_cookies([{"name": c.name, "value": c.value or "", "url": system.url} for c in jar])
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()


def mails(system: RunningSystem, *subjects: str, seconds: float = 20) -> None:
    """Wait until the sink shows one mail of each of these subjects."""
    until = time.monotonic() + seconds
    while True:
        shown = httpx.get(system.mail_page).text
        if all(subject in shown for subject in subjects):
            return
        assert time.monotonic() < until, f"no mail {subjects}"
        time.sleep(0.2)


def letter(person: Any, id: str, kind: str, seconds: float = 40) -> bytes:
    """The PDF of the letter of a kind, once it is made."""
    listed = person.call("GET", f"/applications/{id}/letters").json()
    found = next(x for x in listed if x["kind"] == kind)
    return bytes(person.wait_for(f"/applications/{id}/letters/{found['id']}", seconds).content)


@pytest.mark.slow
def test_from_acceptance_to_publicity(signed_in: Open, system: RunningSystem) -> None:
    applicant = system.person("qiye1")
    id = create(applicant)
    fill(applicant, id, name=NAME)
    number = submit(applicant, id)["receipt"]["number"]
    first, second, third = signed_in("shencha"), signed_in("shencha2"), signed_in("shencha3")

    # The first returns it; the applicant answers on its own pages.
    first.goto(f"/review/{id}")
    first.get_by_role("button", name="领取办理").click()
    first.get_by_role("link", name="对“开户银行”提意见").click()
    first.locator("#opine-text").fill("请填写支行全称")
    first.get_by_role("button", name="记录意见").click()
    first.get_by_role("link", name="退回补正").click()
    first.get_by_label("按工作日", exact=True).select_option("10")
    first.get_by_role("button", name="确认退回").click()
    expect(first.locator("#letters")).to_contain_text("退回补正通知书")
    mails(system, f"“{NAME}”已退回补正")
    theirs = signed_in("qiye1")
    theirs.goto(f"/applications/{id}/opinions")
    expect(theirs.locator("#letters")).to_contain_text("退回补正通知书")
    theirs.get_by_role("textbox", name="答复").fill("已改为支行全称")
    theirs.get_by_role("button", name="保存答复").click()
    assert letter(applicant, id, "return").startswith(b"%PDF-")
    section = applicant.call("GET", f"/applications/{id}/sections/fund_plan").json()
    changed = section["saved"] | {"bank_name": "中国工商银行股份有限公司北京朝阳支行"}
    applicant.call("PUT", f"/applications/{id}/sections/fund_plan", json={"values": changed}, etag=section["etag"])
    submit(applicant, id)

    # The second takes it into a batch; an opinion that waits unsent holds it.
    second.goto(f"/review/{id}")
    second.get_by_role("button", name="领取办理").click()
    second.get_by_role("button", name="采纳").click()
    second.get_by_role("button", name="纳批").click()
    expect(second.locator("#stage")).to_contain_text("审核批")
    mails(system, f"“{NAME}”已纳批")
    # The claim stays with whoever took it in; let go, the third goes on with it.
    second.get_by_role("button", name="取消领取").click()
    third.goto(f"/review/{id}")
    third.get_by_role("button", name="领取办理").click()
    third.get_by_role("link", name="提意见", exact=False).first.click()
    third.locator("#opine-text").fill("误记")
    third.get_by_role("button", name="记录意见").click()
    third.get_by_role("button", name="通过形式审查").click()
    expect(third.get_by_role("alert")).to_contain_text("还有 1 条意见尚未发出")
    third.locator("#opinions").get_by_role("button", name="删除").click()
    third.get_by_role("button", name="通过形式审查").click()
    expect(third.get_by_role("status").first).to_contain_text("请分配专家")
    third.locator("#stage").get_by_role("button", name="保存专家").click()
    expect(third.get_by_role("alert")).to_contain_text("至少由 2 位专家")
    third.get_by_label(re.compile("孙专家")).check()
    third.get_by_label(re.compile("钱专家")).check()
    third.get_by_role("button", name="保存专家").click()
    expect(third.get_by_role("status").first).to_contain_text("已保存评审专家")

    # Two experts, blind to one another.
    for username, points in (("zhuanjia1", "88"), ("zhuanjia2", "79.5")):
        expert = signed_in(username)
        expert.goto("/expert")
        row = expert.locator("tr", has_text=number)
        row.get_by_role("link", name="评审").click()
        expert.get_by_role("button", name="提交评分").click()
        expect(expert.locator(".error").first).to_contain_text("请为")
        expert.locator("#s-artistry").fill("101")
        for key in ("innovation", "feasibility", "funding", "benefit"):
            expert.locator(f"#s-{key}").fill(points)
        for key in ("artistry", "funding"):
            expert.locator(f"#c-{key}").fill("技艺精湛，预算有据")
        expert.get_by_label("总体评审意见").fill("建议支持")
        expert.get_by_role("button", name="提交评分").click()
        expect(expert.locator(".error").first).to_contain_text("0 至 100")
        expect(expert.locator("#s-artistry")).to_have_value("101")
        expert.locator("#s-artistry").fill(points)
        expert.get_by_role("button", name="提交评分").click()
        expect(expert.get_by_role("status").first).to_contain_text(re.compile("已提交评分.*(下一件|均已评分)"))
        third.goto(f"/review/{id}")
        if username == "zhuanjia1":
            expect(third.locator("#stage")).to_contain_text("未提交")
            expect(third.locator("#stage")).not_to_contain_text("88.00")
        else:
            expect(third.locator("#stage")).to_contain_text("83.75")

    # The director: ranking, an amount that is too much, 公示.
    director = signed_in("shending")
    director.goto("/review/ranking")
    line = director.locator("tr", has_text=number)
    expect(line).to_contain_text("83.75")
    line.get_by_role("link", name="审定").click()
    # A comma that stands off the thousands is not guessed at; what is read counts once it was confirmed in words.
    director.get_by_label("拟支持金额（万元）").fill("1,5")
    director.get_by_role("button", name="拟支持", exact=True).click()
    expect(director.get_by_role("alert")).to_contain_text("可读作 15 或 1.5")
    expect(director.get_by_label("拟支持金额（万元）")).to_have_value("1,5")
    director.get_by_label("拟支持金额（万元）").fill("22.01")
    director.get_by_role("button", name="拟支持", exact=True).click()
    director.get_by_role("button", name="确认金额，拟支持").click()
    expect(director.get_by_role("alert")).to_contain_text("不能超过申请金额")
    expect(director.get_by_label("拟支持金额（万元）")).to_have_value("22.01")
    director.get_by_label("拟支持金额（万元）").fill("20")
    director.get_by_role("button", name="拟支持", exact=True).click()
    expect(director.locator("#confirm-amount")).to_contain_text("人民币贰拾万元整")
    public = signed_in("")
    public.goto("/publicity")
    expect(public.locator("main")).not_to_contain_text(number)
    director.get_by_role("button", name="确认金额，拟支持").click()
    expect(director.get_by_role("status").first).to_contain_text("列入待公示名单")
    public.goto("/publicity")
    expect(public.locator("main")).not_to_contain_text(number)
    # One drafts the list, another publishes it.
    publish(system, id)
    mails(system, "拟支持项目的公示（京工美公示〔")
    director.goto(f"/review/{id}")
    public.goto("/publicity")
    public.get_by_role("link", name="拟支持项目的公示").first.click()
    expect(public.locator("tr", has_text=number)).to_contain_text("20.00")
    expect(director.get_by_role("button", name="公示无异议，批复")).to_have_count(0)
    director.get_by_text("登记异议", exact=True).first.click()
    director.get_by_label("异议人").fill("王某")
    director.get_by_label("联系方式").fill("010-12345678")
    director.get_by_label("异议内容").fill("与他人作品近似")
    director.get_by_role("button", name="登记异议").click()
    expect(director.locator("#stage")).to_contain_text("与他人作品近似")
    director.get_by_label("处理结果").fill("经比对，不成立")
    director.get_by_role("button", name="异议不成立").click()
    expect(director.locator("#stage")).to_contain_text("异议不成立：经比对，不成立")
    expect(director.locator("#notices")).to_contain_text("对方服务器已接收")
    # The applicant finds it all in the portal, and nothing of how the bureau shares its work.
    theirs.goto("/notifications")
    expect(theirs.locator("main")).to_contain_text("拟支持项目的公示")
    theirs.goto(f"/applications/{id}/view")
    expect(theirs.locator("main")).to_contain_text("公示中")
    expect(theirs.locator("main")).not_to_contain_text("孙专家")


def test_an_expert_who_has_to_stay_out_of_it(signed_in: Open, system: RunningSystem) -> None:
    expert = signed_in("zhuanjia1")
    expert.goto("/expert")
    expert.get_by_label("统一社会信用代码").fill("911101")
    expert.get_by_label("单位名称").fill("北京雕漆艺术有限公司")
    expert.get_by_label("理由").fill("担任顾问")
    expert.get_by_role("button", name="登记回避声明").click()
    expect(expert.locator(".error")).to_be_visible()
    expect(expert.get_by_label("理由")).to_have_value("担任顾问")
    expert.get_by_label("统一社会信用代码").fill("911101080000000194")
    expert.get_by_role("button", name="登记回避声明").click()
    expect(expert.get_by_role("status").first).to_contain_text("已登记回避声明")


def test_whoever_holds_a_reminder_unsubscribes(signed_in: Open) -> None:
    page = signed_in("")
    page.goto("/unsubscribe/AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    expect(page.locator("main")).to_contain_text("退订链接无效")

"""What stands on a form before 暂存 is what the service says after it: computed cells, subtotals and sums while one types, rows pasted below
fixed headings, options that follow a choice, rows and files that go with a row. The page is a form's preview, its scripts are the portal's."""

import re
from collections.abc import Iterator
from decimal import Decimal
from email import message_from_bytes
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from deploy.forms.preview import HERE, Preview
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled import reading
from services.applications.forms.filled.section_state import now
from services.applications.forms.filled.situation import Facts
from services.gateway.form import form_values, form_view, section_state
from shared.contract.forms import FieldDefinition
from shared.contract.sections import SectionNow
from tests.e2e.conftest import SCRIPTS
from tests.e2e.portal import fits
from tests.e2e.test_paste import paste

FORM = """fund_type: example
version: 1
label: 例
title: 例
document_title: 例
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲项材料
    fields:
      - {key: name, kind: text, label: 名称, required: false}
      - {key: class, kind: radio, label: 门类, options: [雕塑, 织绣]}
      - {key: craft, kind: select, label: 品种, follows: class, options_for: {雕塑: [玉雕, 牙雕], 织绣: [京绣, 宫毯]}}
    tables:
      - key: budget
        label: 预算
        row_label: 科目
        fixed_rows:
          - {key: x, label: 设备费}
          - {key: y, label: 业务费}
          - {key: direct, label: 小计, subtotal_of: [x, y]}
          - {key: z, label: 间接费用}
        columns:
          - {key: first, kind: money, label: 第一年, allow_zero: true}
          - {key: second, kind: money, label: 第二年, allow_zero: true}
          - {key: both, kind: computed, label: 合计, gives: money, value: first + second}
        totals: [first, second, both]
      - key: partners
        label: 联合单位
        columns:
          - {key: org, kind: text, label: 单位名称}
          - {key: class, kind: select, label: 门类, options: [雕塑, 织绣]}
          - {key: craft, kind: select, label: 品种, follows: class, options_for: {雕塑: [玉雕, 牙雕], 织绣: [京绣, 宫毯]}}
      - key: costs
        label: 各单位经费
        rows_from: a.partners
        columns:
          - {key: org, kind: computed, label: 单位, gives: text, value: source.org}
          - {key: wan, kind: money, label: 经费}
        totals: [wan]
      - key: aims
        label: 绩效指标
        levels:
          - label: 产出指标
            within: [{key: quantity, label: 数量指标}, {key: quality, label: 质量指标}]
          - label: 效益指标
            within: [{key: social, label: 社会效益指标, min_rows: 0}]
        columns:
          - {key: name, kind: text, label: 三级指标}
          - {key: aim, kind: target, label: 指标值}
    slots:
      - {key: deed, label: 合作协议, each_row: partners, accept: [pdf]}
"""


FILE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def form() -> Form:
    found, faults, _ = read_form(FORM)
    assert found, faults
    return found


class Portal:
    """Answers a page as the portal does: the form, its scripts, 暂存."""

    def __init__(self, form: Form) -> None:
        self.preview = Preview(form, RoundFacts(closes_on="2026-12-31"))
        self.section = form.sections[0]
        self.away = False
        self.sent: list[str] = []

    def answer(self, route: Route) -> None:
        url = route.request.url
        if "/static/" in url:
            name = url.rpartition("/static/")[2].partition("/")[2]
            file = SCRIPTS.parent / name
            sheet = "\n".join(css.read_text() for css in sorted((SCRIPTS.parent / "css").glob("*.css")))
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(content_type=kind, body=sheet if name.endswith(".css") else file.read_text())
        elif "/attachments?" in url:
            self.sent.append(url.rpartition("?")[2])
            route.fulfill(status=201, json={"id": FILE, "name": "甲.pdf", "size": 9})
        elif self.away:
            route.abort()
        elif route.request.method == "POST":
            route.fulfill(
                json=self.keep(route.request.post_data_buffer or b"", route.request.headers["content-type"])
            )
        elif url.endswith("/sections/a"):
            script = '<script type="module" src="/static/0/js/portal.js"></script></body>'
            shape = section_state.shape(self.preview.definition.by_key["a"], self.now())
            page = self.preview.page("a").replace("</body>", script)
            route.fulfill(content_type="text/html", body=page.replace('data-shape=""', f'data-shape="{shape}"'))
        else:
            route.fulfill(content_type="text/html", body="")

    def now(self) -> SectionNow:
        context, typed = self.preview.context(self.section), self.preview.drafts.get("a", {})
        return now(self.section, context.situation(self.section, reading.read(self.section, typed, context).kept))

    def keep(self, body: bytes, kind: str) -> dict[str, Any]:
        sent: dict[str, list[str]] = {}
        for part in message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body).walk():
            if name := part.get_param("name", header="content-disposition"):
                sent.setdefault(str(name), []).append(bytes(part.get_payload(decode=True) or b"").decode())
        definition = self.preview.definition.by_key["a"]
        values = form_values.read(definition, sent)
        self.preview.keep(self.section, values)
        state = self.now()
        computed, shape = section_state.computed(definition, state), section_state.shape(definition, state)
        return {
            "etag": "2",
            "at": "2026-11-30T08:00:00+00:00",
            "base": "",
            "shape": shape,
            "computed": computed,
        }


@pytest.fixture
def portal(form: Form) -> Portal:
    return Portal(form)


@pytest.fixture
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    context = browser.new_context(
        base_url="http://portal", locale="zh-CN", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(15_000)
    made = context.new_page()
    broken: list[str] = []
    made.on("pageerror", lambda error: broken.append(str(error)))
    made.route("**/*", portal.answer)
    made.goto(f"{HERE}/sections/a")
    expect(made.locator("[data-paste-help]").first).to_be_visible()
    yield made
    context.close()
    assert broken == []


def shown(page: Page, table: str) -> dict[str, str]:
    """What is computed in a table, and its sums, by place."""
    found: dict[str, str] = page.evaluate(
        """table => Object.fromEntries([...document.querySelectorAll(`[data-table=${table}] output, [data-table=${table}] [data-total]`)]
            .map(place => [place.id || place.dataset.total, place.textContent]))""",
        table,
    )
    return found


def test_figures_are_those_of_the_service_before_anything_is_kept(page: Page, portal: Portal) -> None:
    portal.away = True
    # Thousands marks, full-width digits and empty rows below, as they come out of a spreadsheet.
    paste(page, "[name='t.budget.0.first']", "1,234.50\t１０\n0.5\t2.25\n\t\n")
    page.locator("[name='t.budget.3.first']").fill("3")
    page.locator("[name='t.budget.3.second']").fill("1,000")
    before = shown(page, "budget")
    assert before == {
        "t-budget-x-both": "1,244.50", "t-budget-y-both": "2.75", "t-budget-z-both": "1,003.00",
        "t-budget-direct-first": "1,235.00", "t-budget-direct-second": "12.25", "t-budget-direct-both": "1,247.25",
        "first": "1,238.00", "second": "1,012.25", "both": "2,250.25",
    }  # fmt: skip
    portal.away = False
    page.get_by_role("button", name="暂存", exact=True).last.click()
    expect(page.locator("[data-kept]")).to_contain_text("已暂存")
    assert portal.preview.drafts["a"]["budget"][0]["first"] == "1,234.50"
    assert shown(page, "budget") == before
    # A block with the figures that the spreadsheet worked out itself: right ones are passed over, a wrong one is marked.
    paste(page, "[name='t.budget.0.first']", "1\t2\t3.00\n4\t5\t9\n5\t7\t13\n")
    assert page.locator("[data-table=budget] [data-pasted]").all_inner_texts() == [
        "此格由系统得出“12.00”，与粘贴的“13”不一致，请核对"
    ]
    page.get_by_role("button", name="撤销粘贴").click()
    assert shown(page, "budget") == before
    expect(page.locator("[data-table=budget] [data-pasted]")).to_have_count(0)
    # What is no number is not known, and what follows from it neither.
    page.locator("[name='t.budget.0.second']").fill("约十")
    assert shown(page, "budget")["t-budget-x-both"] == "—"


def rows_of(page: Page, table: str) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(
        """table => [...document.querySelectorAll(`[data-table=${table}] tr[data-row]`)].map(row =>
            [...row.querySelectorAll("input, select, textarea, output")].filter(one => !/\\.id$/.test(one.name)).map(one => one.value))""",
        table,
    )
    return found


def test_rows_are_pasted_below_their_headings(page: Page) -> None:
    """With merged headings, one of them a line alone in its cell; then without, below the heading at hand."""
    paste(
        page,
        "[name='t.aims.0.name']",
        "产出指标\t数量指标\t作品\t≥3件\n\t\t展览\t2场\n\t质量指标\t合格率\t100%\n效益指标\t社会效益 指标\t观众\t1万人\n",
    )
    expect(page.locator("[data-table=aims] [role=status]")).to_contain_text("已粘贴 4 行")
    assert rows_of(page, "aims") == [
        ["quantity", "作品", "≥3件"],
        ["quantity", "展览", "2场"],
        ["quality", "合格率", "100%"],
        ["social", "观众", "1万人"],
    ]
    paste(page, "[name='t.aims.1.name']", "论文\t1篇\n专利\t2项\n")
    assert rows_of(page, "aims")[2:] == [
        ["quality", "论文", "1篇"],
        ["quality", "专利", "2项"],
        ["social", "观众", "1万人"],
    ]
    page.get_by_role("button", name="撤销粘贴").click()
    assert [row[1] for row in rows_of(page, "aims")] == ["作品", "展览", "合格率", "观众"]
    # A row is added below its heading, and the last one there is emptied and not taken away.
    page.locator("button[value='add:aims:quality']").click()
    assert [row[0] for row in rows_of(page, "aims")] == ["quantity", "quantity", "quality", "quality", "social"]
    for _ in range(2):
        page.locator("[data-table=aims] tr[data-row] button").nth(2).click()
    assert [row for row in rows_of(page, "aims") if row[0] == "quality"] == [["quality", "", ""]]


def test_options_rows_and_files_follow(page: Page, portal: Portal) -> None:
    page.get_by_label("织绣").check()
    craft = page.locator("[name='f.craft']")
    assert craft.locator("option").all_inner_texts() == ["请选择", "京绣", "宫毯"]
    craft.select_option("宫毯")
    page.get_by_label("雕塑").check()
    expect(craft).to_have_value("")
    assert craft.locator("option").all_inner_texts() == ["请选择", "玉雕", "牙雕"]
    # Pasted from the left to the right, each list knows what was pasted before it; what does not belong is marked.
    paste(page, "[name='t.partners.0.org']", "甲公司\t织绣\t京绣\n乙公司\t雕塑\t京绣\n")
    assert rows_of(page, "partners") == [["甲公司", "织绣", "京绣"], ["乙公司", "雕塑", "京绣"]]
    expect(page.locator("[data-table=partners] td.wrong")).to_have_count(1)

    # After 暂存 there is a row and a place for a file for each.
    page.get_by_role("button", name="暂存", exact=True).last.click()
    expect(page.locator("[data-of-table=partners]")).to_have_count(2)
    assert rows_of(page, "costs") == [["甲公司", ""], ["乙公司", ""]]
    assert page.locator("[data-of-table] .label").all_inner_texts() == ["*甲公司：", "*乙公司："]
    # A file is sent for the slot, and named by the row that it is for.
    place = page.locator("[data-of-table=partners]").first
    place.locator("[type=file]").set_input_files(
        {"name": "甲.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    )
    expect(place.locator(".file a")).to_have_text("甲.pdf")
    assert portal.sent == ["section=a&slot=deed"]
    place.locator("[type=file]").set_input_files(
        {"name": "乙.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    )
    expect(place.locator(".error")).to_have_text("最多 1 个文件，请先移除一个")
    place.get_by_role("button", name="知道了").click()
    page.get_by_role("button", name="暂存", exact=True).last.click()
    expect(page.locator("[data-kept]")).to_contain_text("已暂存")
    assert list(portal.preview.drafts["a"]["deed"]) == [FILE]
    page.locator("[name='t.costs.0.wan']").fill("1.5")
    page.locator("[name='t.costs.1.wan']").fill("2")
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page)
    # A row takes with it what follows it, at once and with a word; what stays keeps what was typed.
    page.locator("[data-table=partners] tr[data-row] button").first.click()
    expect(page.locator("[data-kept]")).to_contain_text("随该行填写的内容、为该行上传的附件也一并移除")
    assert rows_of(page, "costs") == [["乙公司", "2"]]
    assert page.locator("[data-table=costs] [data-total]").inner_text() == "2.00"
    expect(page.locator("[data-of-table=partners]")).to_have_count(1)
    page.get_by_role("button", name="暂存", exact=True).last.click()
    expect(page.locator("[data-kept]")).to_contain_text("已暂存")
    assert rows_of(page, "costs") == [["乙公司", "2"]]
    assert [row["wan"] for row in portal.preview.drafts["a"]["costs"]] == ["2"]
    assert portal.preview.drafts["a"]["deed"] == {}


def formula(chance: Random, depth: int = 3) -> str:
    if depth == 0 or chance.random() < 0.25:
        return chance.choice(
            ["u", "v", "w", "u", "v", f"{Decimal(chance.randrange(100_000)).scaleb(-chance.randrange(5)):f}"]
        )
    left, right = formula(chance, depth - 1), formula(chance, depth - 1)
    return chance.choice(
        [f"{left} + {right}", f"({left}) - ({right})", f"({left}) * ({right})", f"({left}) / {10 ** chance.randrange(5)}",
         f"-({left})", f"default({left}, {right})", f"({left}) * 0.{chance.randrange(100):02d}"]
    )  # fmt: skip


def worked(script_page: Page, cases: list[Any]) -> list[str | None]:
    """What the browser makes of formulas, each with its decimals and the cells of its row; None where it is left to the service."""
    found: list[str | None] = script_page.evaluate(
        """async cases => {
            const { number, worked } = await import("/figures.js");
            return cases.map(([code, places, cells]) => worked(code, places, name => name in cells ? number(cells[name]) : undefined) ?? null);
        }""",
        cases,
    )
    return found


def test_formulas_give_in_the_browser_what_they_give_on_the_server(script_page: Page) -> None:
    """Five hundred by chance, with cells that say nothing among them."""
    chance, cases = Random(320), []
    for _ in range(500):
        places = chance.randrange(5)
        cells = {
            k: f"{Decimal(chance.randrange(-(10**9), 10**9)).scaleb(-2):f}" if chance.random() < 0.8 else ""
            for k in "uvw"
        }
        cases.append((formula(chance), places, cells))
    columns = "".join(
        f"\n          - {{key: c{n}, kind: computed, label: 第{n}, gives: money, places: {places}, value: '{code}'}}"
        for n, (code, places, _) in enumerate(cases)
    )
    expected = []
    for start in range(0, 500, 50):
        text = re.sub(r"    fields:.*\Z", "", FORM, flags=re.DOTALL) + (
            "    fields:\n      - {key: name, kind: text, label: 名称}\n    tables:\n      - key: t\n        label: 表\n        columns:\n"
            + "".join(
                f"          - {{key: {k}, kind: money, label: {k}, allow_zero: true, allow_negative: true}}\n"
                for k in "uvw"
            )
            + "\n".join(columns.strip("\n").split("\n")[start : start + 50])
            + "\n"
        )
        form, faults, _ = read_form(text)
        assert form, faults
        rows = [{"id": str(n), **cells} for n, (_, _, cells) in enumerate(cases[start : start + 50])]
        context = reading.Context(form=form, facts=Facts(RoundFacts()))
        kept = reading.read(form.sections[0], {"t": rows}, context).kept
        state = now(form.sections[0], context.situation(form.sections[0], kept)).tables["t"]
        for n in range(50):
            column = FieldDefinition.model_validate_json(
                form.sections[0].tables[0].by_column[f"c{start + n}"].model_dump_json()
            )
            value = state.rows[str(n)].computed[f"c{start + n}"] if str(n) in state.rows else None
            expected.append(form_view.shown(column, value, unit=False))
    found = worked(script_page, cases)
    wrong = [
        (case, f, e) for case, f, e in zip(cases, found, expected, strict=True) if f != e and any(case[2].values())
    ]
    assert wrong == []
    assert sum(text != "—" for text in expected) > 200


@pytest.mark.parametrize(
    "code",
    ["u / v", "u / 3", "sum(u, v)", "u > 3", "a.u + 1", "u +", "(u", "rounded(u, 1)", "x + 1", "u v", "u ** v"],
)
def test_what_the_browser_does_not_work_out_is_left_to_the_service(script_page: Page, code: str) -> None:
    assert worked(script_page, [(code, 2, {"u": "3", "v": "2"})]) == [None]

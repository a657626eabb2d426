"""What spreadsheets put on the clipboard arrives as it was copied, or stays visible and says what is wrong with it."""

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.text import amounts
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import open_section, sign_in
from tests.system.running import RunningSystem, create

EXCEL = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>td {{mso-number-format:General;}}</style></head>
<body link=blue><table border=0 cellpadding=0 style='border-collapse:collapse'><!--StartFragment-->
 <col width=87 span=2>{rows}<!--EndFragment--></table></body></html>"""


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("设备费\t1,000.50\r\n人工费\t20\r\n", [["设备费", "1,000.50"], ["人工费", "20"]]),
        ('"人工\n费"\t20\n', [["人工\n费", "20"]]),
        ('"他说""好""\n再看"\t20\n', [['他说"好"\n再看', "20"]]),
        # A quote that nobody closes, and inches, swallow no row.
        ('"5寸\t1\n8寸\t2\n9"寸\t3\n', [['"5寸', "1"], ["8寸", "2"], ['9"寸', "3"]]),
        ('"5寸\t1\n"8寸\t2\n', [['"5寸', "1"], ['"8寸', "2"]]),
        ('"5寸\t8寸"\n', [['"5寸', '8寸"']]),
        ('赏瓶\t"5寸\n提盒\t8寸"\n', [["赏瓶", '"5寸'], ["提盒", '8寸"']]),
        # Quotes that belong to the text stay.
        ('"景泰蓝"\t1\n"景泰蓝"赏瓶\t2\n', [['"景泰蓝"', "1"], ['"景泰蓝"赏瓶', "2"]]),
        ("a\t\t\nb\t1\t\n", [["a", "", ""], ["b", "1", ""]]),
        ('a\t"x\ty"\nb\tc\n', [["a", "x\ty"], ["b", "c"]]),
        ("一行\n\n三行\n", [["一行"], [""], ["三行"]]),
    ],
)
def test_plain_text_by_the_rules_of_spreadsheets(modules: Any, text: str, rows: list[list[str]]) -> None:
    assert modules("clipboard", "fromText", text) == rows


@pytest.mark.parametrize(
    ("html", "rows"),
    [
        ("<tr><td class=xl65>设备\n  费</td><td align=right x:num>1,000.50</td></tr>", [["设备 费", "1,000.50"]]),
        ("<tr><td>人工<br style='mso-data-placement:same-cell'>费</td><td>&quot;5寸</td></tr>", [["人工\n费", '"5寸']]),
        ("<tr><td colspan=2>合并</td><td>3</td></tr><tr><td>1<td>2<td>3</tr>", [["合并", "", "3"], ["1", "2", "3"]]),
        ("<tr><td rowspan=2>合并</td><td>1</td></tr><tr><td>2</td></tr>", [["合并", "1"], ["", "2"]]),
        ("<tr><td><p>一</p><p>二</p></td><td>a<span style='mso-spacerun:yes'>&nbsp; </span>b</td></tr>", [["一\n二", "a  b"]]),
        ("<tr><td></td><td>&nbsp;</td></tr>", [["", ""]]),
        ("<tr><td x:num='45778'>#####</td><td>#####</td></tr>", [["45778", "#####"]]),
    ],
)  # fmt: skip
def test_html_of_spreadsheets(modules: Any, html: str, rows: list[list[str]]) -> None:
    assert modules("clipboard", "fromHtml", EXCEL.format(rows=html)) == rows


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>只是文字</p>",
        "<table><tr><td>a</td></tr></table><table><tr><td>b</td></tr></table>",
        "<p>附表：</p><table><tr><td>a</td></tr></table>",
    ],
)
def test_a_page_with_tables_is_no_block_of_cells(modules: Any, html: str) -> None:
    assert modules("clipboard", "fromHtml", html) is None


@pytest.mark.parametrize(
    "text",
    [
        "2025-05-01",
        "2025-05-01 00:00:00",
        "2025-5-1 0:00",
        "2025/5/1",
        "2025/05/01 08:30:00.000",
        "2025.5.1",
        "2025年5月1日",
        "2025年5月1日 星期四",
        "2025年05月01日星期四",
        "２０２５年５月１日",
        "二〇二五年五月一日",
        "20250501",
        "45778",
        "45778.354",
        " 2025-05-01T00:00:00 ",
    ],
)
def test_days_as_excel_and_wps_write_them(modules: Any, text: str) -> None:
    assert modules("dates", "day", text) == "2025-05-01"


@pytest.mark.parametrize(
    "text",
    ["2025-02-30", "2025-13-01", "5/1/25", "25-5-1", "1-May", "2025", "12345", "99999", "约五月", "2025年5月"],
)
def test_no_day_is_guessed(modules: Any, text: str) -> None:
    assert modules("dates", "day", text) is None


def test_chinese_days(modules: Any) -> None:
    assert modules("dates", "day", "二零一九年十二月三十一日") == "2019-12-31"
    assert modules("dates", "day", "二〇二〇年十月二十日") == "2020-10-20"


def test_sums_multiply_nothing(modules: Any) -> None:
    assert modules("figures", "total", ["1,234.50", "0.1", "１，０００"]) == "2,234.60"
    assert modules("figures", "total", ["12,5", "1,2345.00", "12，5", "3"]) == "3"
    # With its unit, with any dash for a minus, with marks that nobody sees: as the service reads it.
    assert (
        modules("figures", "total", ["3.5万元", "１２ 万元\u200b", "\u20142", "1\ufe0f", "万元"], "万元") == "14.5"
    )
    assert modules("dates", "day", "\u202a2025年5月1日\u202c") == "2025-05-01"


def paste(page: Page, place: str, plain: str, html: str = "") -> None:
    page.locator(place).evaluate(
        """(input, [plain, html]) => {
            const data = new DataTransfer();
            data.setData("text/plain", plain);
            if (html) data.setData("text/html", html);
            input.focus();
            input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        [plain, html],
    )


def test_a_block_is_put_in_place_marked_and_undone(open_page: OpenPage, system: RunningSystem) -> None:
    page, person = open_page(), system.person("qiye1")
    sign_in(page, "qiye1")
    id = create(person, "master_studio")
    open_section(page, id, "studio")
    kept, table = page.locator("[data-kept]"), page.locator("#apprentices")
    # The scripts are there.
    expect(table.locator("[data-paste-help]")).to_be_visible()
    name, since = (f"[name='t.apprentices.{{}}.{key}']" for key in ("name", "since"))
    page.locator(name.format(0)).fill("原来的")
    page.locator(since.format(0)).fill("2024-01-02")
    rows = (("甲", "2025-05-01 00:00:00"), ("乙", "20250501"), ("丙", "45778"), ("丁", "约五月"))
    html = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows)
    paste(page, name.format(0), "\n".join(map("\t".join, rows)), EXCEL.format(rows=html))
    for n, day in enumerate(["2025-05-01"] * 3 + ["约五月"]):
        expect(page.locator(since.format(n))).to_have_value(day)
    expect(table).to_contain_text("已粘贴 4 行；1 处请核对，已标出。")
    expect(table.locator("td.wrong")).to_contain_text("粘贴的内容不是日期")
    expect(kept).to_contain_text("已暂存，尚未提交")
    # What is no day is kept as it is, and shown so whenever the page is opened.
    page.reload()
    expect(table.locator("[data-paste-help]")).to_be_visible()
    expect(page.locator(since.format(3))).to_have_value("约五月")
    page.locator(since.format(3)).fill("2025年5月7日")
    page.locator(since.format(3)).blur()
    expect(page.locator(since.format(3))).to_have_value("2025-05-07")
    # A second block over the first one, and back by one press.
    paste(page, since.format(2), "2025-02-30\n2026/1/2\n2026/1/3\n")
    expect(page.locator(since.format(2))).to_have_value("2025-02-30")
    expect(table.locator("tr[data-row]")).to_have_count(5)
    expect(kept).to_contain_text("正在填写")
    expect(kept).to_contain_text("已暂存，尚未提交")
    table.get_by_role("button", name="撤销粘贴").click()
    expect(table.locator("tr[data-row]")).to_have_count(4)
    expect(page.locator(since.format(2))).to_have_value("2025-05-01")
    expect(page.locator(since.format(3))).to_have_value("2025-05-07")
    expect(table.locator("td.wrong")).to_have_count(0)
    # A single cell into a calendar, and the same undone by the keyboard.
    paste(page, since.format(0), "2026年3月4日")
    expect(page.locator(since.format(0))).to_have_value("2026-03-04")
    page.locator(since.format(0)).press("Control+z")
    expect(page.locator(since.format(0))).to_have_value("2025-05-01")
    expect(table).to_contain_text("已撤销粘贴")
    # One cell of text goes where the caret is, without the clipboard's quotes.
    page.locator(name.format(0)).fill("甲方")
    page.locator(name.format(0)).press("Home")
    paste(page, name.format(0), '"""京绣"""\n', EXCEL.format(rows='<tr><td>"京绣"</td></tr>'))
    expect(page.locator(name.format(0))).to_have_value('"京绣"甲方')
    # A calendar outside tables takes a day as well, and says what is none.
    page.locator("#f-recognized_on").fill("2024-01-02")
    paste(page, "#f-recognized_on", "约五月")
    expect(kept).to_contain_text("粘贴的“约五月”不是日期，没有放入")
    expect(page.locator("#f-recognized_on")).to_have_value("2024-01-02")
    paste(page, "#f-recognized_on", "45778")
    expect(page.locator("#f-recognized_on")).to_have_value("2025-05-01")
    # A choice that is not offered stays visible, in place of the row's old one.
    masters, title = page.locator("#masters"), "[name='t.masters.0.title']"
    page.locator(title).select_option("北京市工艺美术大师")
    paste(page, "[name='t.masters.0.name']", '张三\t特级大师\t景泰蓝\t编号"7"\n')
    expect(page.locator(title)).to_have_value("特级大师")
    expect(page.locator("[name='t.masters.0.certificate_no']")).to_have_value('编号"7"')
    expect(masters.locator("td.wrong")).to_contain_text("粘贴的内容不在选项中")
    expect(kept).to_contain_text("已暂存，尚未提交")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("所填内容已为您暂存")).to_be_visible()
    expect(page.locator(title)).to_have_value("特级大师")
    expect(table.locator("[data-paste-help]")).to_be_visible()
    paste(page, "[name='t.masters.0.name']", "张三\t 北京市工艺美术大师 \n")
    expect(page.locator(title)).to_have_value("北京市工艺美术大师")


def test_an_amount_is_handed_over_as_it_was_written(open_page: OpenPage, system: RunningSystem) -> None:
    page = open_page()
    sign_in(page, "qiye1")
    open_section(page, create(system.person("qiye1")), "fund_plan")
    cell = "[name='t.plan_items.{}.{}']"
    expect(page.locator("#plan_items [data-paste-help]")).to_be_visible()
    paste(page, cell.format(0, "subject_name"), "材料费\t12,5\n人工费\t1,000.50\n其他\t待定\n")
    expect(page.locator(cell.format(0, "amount_wan"))).to_have_value("12,5")
    expect(page.locator(cell.format(1, "amount_wan"))).to_have_value("1,000.50")
    expect(page.locator(cell.format(2, "amount_wan"))).to_have_value("待定")
    expect(page.locator("#plan_items td.wrong")).to_contain_text("粘贴的内容不是数字")
    expect(page.locator("[data-total=amount_wan]").first).to_have_text("1,000.50")


WRITTEN = [
    "1,234.50", "12,5", "１２，５", "1,2345.00", "0,500", "1 234", "12 5", "\u2212 5", "–5", "\u202d15.00\u202c", "12.", "1_5", "1e3",
    "许多", "", "12,345,678.90",
]  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_the_page_sums_what_the_service_reads(modules: Any, written: str) -> None:
    """What the service would refuse is not in the sum."""
    try:
        meant = amounts.read(written)
    except amounts.NotANumber:
        meant = Decimal(0)
    assert modules("figures", "total", [written, "1.25"]) == amounts.show(meant + Decimal("1.25"))

"""Tables that no page is wide enough for, and rows that no page is long enough for: forms that others wrote have both."""

from datetime import UTC, datetime
from typing import Any

import pypdfium2

from services.applications.documents import document_model
from services.applications.forms.authoring.source import read_form
from services.documents import markup, rendering
from services.documents.checking import plain
from shared.document import Column, Table, Value, Values
from tests.unit.documents import models
from tests.unit.documents.conftest import Printed

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HEAD = """fund_type: example
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
      - {key: name, kind: text, label: 名称}
    tables:
      - key: t
        label: 设备清单
        columns:
"""


def tables(count: int, *, width: int = 10, fixed: bool = False) -> list[Table]:
    """What is printed of a table of `count` columns of money with totals, three rows."""
    columns = "".join(
        f"          - {{key: c{n}, kind: money, label: 第{n}列, width: {width}}}\n" for n in range(count)
    )
    rest = f"        totals: [{', '.join(f'c{n}' for n in range(count))}]\n"
    if fixed:
        rest += "        fixed_rows: [{key: x, label: 行甲}, {key: y, label: 行乙}, {key: z, label: 行丙}]\n"
    form, faults, _ = read_form(HEAD + columns + rest)
    assert form, faults
    rows = [
        {"id": str(i), "row": row, **{f"c{n}": f"{i}.{n:02d}" for n in range(count)}}
        for i, row in enumerate("xyz", 1)
    ]
    values: dict[str, Any] = {"a": {"name": "名", "t": rows}}
    model = document_model.of_snapshot(form, values, {}, enterprise={"name": "某某公司", "uscc": ""}, at=AT)
    return [block for block in model.materials[0].blocks if isinstance(block, Table)]


def test_a_table_that_fits_stays_one() -> None:
    [table] = tables(7)
    assert len(table.columns) == 8


def test_a_wide_table_is_printed_in_parts_each_led_by_its_first_column() -> None:
    for fixed in (False, True):
        found = tables(30, fixed=fixed)
        assert [t.caption for t in found] == ["设备清单", *["设备清单（续）"] * (len(found) - 1)]
        assert all(sum(c.width for c in t.columns) <= 90 for t in found)
        assert [c.label for t in found for c in t.columns[1:]] == [f"第{n}列（万元）" for n in range(30)]
        for table in found:
            assert [row[0] for row in table.rows] == (["行甲", "行乙", "行丙"] if fixed else ["1", "2", "3"])
            assert table.totals
            assert table.totals[0] == "合计"
            for label, *cells, total in zip(
                [c.label for c in table.columns[1:]],
                *[row[1:] for row in table.rows],
                table.totals[1:],
                strict=True,
            ):
                n = int(label[1:-5])
                assert cells == [f"{i}.{n:02d}" for i in (1, 2, 3)]
                assert total == f"{6 + 3 * n / 100:.2f}"
        assert [bool(t.note) for t in found] == [False] * (len(found) - 1) + [True]


def test_columns_of_any_width_have_room_for_something() -> None:
    [table] = tables(5, width=1)
    assert min(c.width for c in table.columns) * 161 / sum(c.width for c in table.columns) > 10  # mm
    assert [len(t.columns) for t in tables(3, width=100)] == [2, 2, 2]


def test_a_row_longer_than_a_page_begins_below_its_heading(press: rendering.Press) -> None:
    tall = Table(
        caption="很长的表",
        columns=[Column(label="序号", width=6), Column(label="内容"), Column(label="备注")],
        rows=[["1", "工艺美术" * 300, "短"], ["2", "短", "短"]],
    )
    printed = pypdfium2.PdfDocument(rendering.render(models.model(more=(tall,)), press).content)
    pages = [plain(page.get_textpage().get_text_bounded()) for page in printed]
    [page] = [text for text in pages if "很长的表" in text]
    assert page.count("工艺") > 20


def printed(press: rendering.Press, *blocks: Table) -> list[str]:
    """Every line of a document with these blocks."""
    document = pypdfium2.PdfDocument(rendering.render(models.model(more=blocks), press).content)
    return [line for page in document for line in page.get_textpage().get_text_bounded().splitlines()]


def test_the_largest_amount_and_its_sum_stand_on_one_line(press: rendering.Press) -> None:
    """In the narrow columns of a table that is full of long texts."""
    largest, total, code = "99,999,999.99", "299,999,999.97", "91110106MA01ABCD2L"
    columns = [
        Column(label="序号", width=6), Column(label="费用名称", width=14), Column(label="统一社会信用代码", width=17),
        Column(label="计划投资（万元）", width=9, numeric=True), Column(label="已支付（万元）", width=9, numeric=True),
        Column(label="凭证或发票号", width=12),
    ]  # fmt: skip
    rows = [[str(n), "控温窑炉" * 20, code, largest, largest, "凭证" * 40] for n in range(3)]
    found = printed(press, Table(columns=columns, rows=rows, totals=["合计", "", "", total, total, ""]))
    # Three rows, two columns, each on a line that nothing was broken out of.
    assert sum(line.count(largest) for line in found) == 6
    assert sum(line.count(total) for line in found) == 2
    # Nor is what had room enough before the numbers took theirs.
    assert sum(line.count(code) for line in found) == 3


def test_a_cover_of_long_names_keeps_its_parts_apart(press: rendering.Press) -> None:
    """100 characters each, which is what forms let people write: nothing is printed over anything."""
    cover = [
        *(
            v if v.label != "申报单位" else v.model_copy(update={"text": "王㙍䶮犇𫖯" * 20})
            for v in models.model().cover
        )
    ]
    cover[0] = cover[0].model_copy(update={"text": "景泰蓝与雕漆融合创新礼品" * 8 + "系列项目"})
    content = rendering.render(models.model(cover=cover), press).content
    text = pypdfium2.PdfDocument(content)[0].get_textpage()

    def height(words: str) -> tuple[float, float]:
        index, count = text.search(words).get_next()
        boxes = [text.get_charbox(at) for at in range(index, index + count)]
        return min(box[1] for box in boxes), max(box[3] for box in boxes)

    # From the bottom of each to the top of the next.
    assert height("2026-11-23 17:30:00")[0] > height("制")[1]
    assert height("制")[0] > height("2026年11月23日")[1]
    assert height("2026年11月23日")[0] > height("扫描二维码")[1]


def test_a_long_value_has_a_row_to_itself() -> None:
    short, long = Value(label="甲", text="一" * 46), Value(label="乙", text="一" * 47)
    assert [len(row) for row in markup._pairs([short, short, long, short])] == [2, 1, 1]


def test_what_breaks_between_pages_has_its_edges_on_each(printed: Printed) -> None:
    text = "掐丝、点蓝、烧蓝、磨光、镀金，全部手工完成。" * 240
    columns = [Column(label="序号", width=5), Column(label="内容", width=40)]
    for block in (
        Table(columns=columns, rows=[["1", text], ["2", "短"]]),
        Values(values=[Value(label="内容", text=text, wide=True), Value(label="备注", text="无")]),
    ):
        pdf = printed(models.sheet().model_copy(update={"blocks": [block], "proof": None}))
        with pypdfium2.PdfDocument(pdf.content) as document:
            parts = [page for page in document if "掐丝" in page.get_textpage().get_text_range()]
            assert len(parts) >= 3
            for page in parts:
                above, below = _edges(page)
                bottom, top = _text(page)
                assert above > top
                assert below < bottom


def _edges(page: pypdfium2.PdfPage) -> tuple[float, float]:
    """The highest and the lowest line across most of a page, in points from its foot."""
    picture = page.render(scale=3).to_pil().convert("L")
    width, height = picture.size
    dark = [
        height - y
        for y in range(height)
        if sum(v < 200 for v in picture.crop((0, y, width, y + 1)).tobytes()) > width * 0.6
    ]
    return max(dark) / 3, min(dark) / 3


def _text(page: pypdfium2.PdfPage) -> tuple[float, float]:
    """The foot of the lowest and the head of the highest line of the long text, in points from the page's foot."""
    read = page.get_textpage()
    boxes = [read.get_charbox(n) for n in range(read.count_chars()) if read.get_text_range(n, 1) in "掐丝磨"]
    return min(box[1] for box in boxes), max(box[3] for box in boxes)

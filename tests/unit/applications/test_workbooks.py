"""Workbooks: what is written into one, and what is read of one that comes back, whatever people and programs did to it."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from services.applications.attachments.fault import Fault
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form
from services.applications.workbooks import layout, reading
from services.applications.workbooks.opening import Book, open_book
from services.applications.workbooks.reading import Brought
from services.applications.workbooks.writing import Standing, write
from shared.errors import Conflict

ID, OTHER = UUID(int=1), UUID(int=2)
FORM = """
fund_type: example
version: 3
label: 例
title: 例
document_title: 例
project_name: a.name
sections:
  - key: a
    label: 基本/情况
    title: 基本情况
    fields:
      - {key: name, kind: text, label: 项目名称, max: 100}
      - {key: account, kind: bank_account, label: 银行账号, sensitive: true}
      - {key: began, kind: date, label: 开工日期, required: false}
      - {key: share, kind: percent, label: 自筹比例, required: false}
      - {key: crafts, kind: multiselect, label: 工艺门类, options: [玉雕, 牙雕, "雕漆、漆器"], required: false}
      - {key: agreed, kind: checkbox, label: 同意, required: false}
      - {key: org, kind: text, label: 企业名称, readonly: true}
    tables:
      - key: costs
        label: 费用
        max_rows: 5
        columns:
          - {key: item, kind: text, label: 名称}
          - {key: kind, kind: select, label: 类别, options: [{value: d, label: 设备}, {value: m, label: 材料}]}
          - {key: amount, kind: money, label: 金额}
          - {key: paid, kind: date, label: 付款日期, required: false}
      - key: years
        label: 年度
        row_label: 期间
        fixed_rows: [{key: one, label: 上一年度}, {key: two, label: 前一年度}]
        columns:
          - {key: year, kind: year, label: 年度, required: false}
          - {key: sales, kind: money, label: 收入, required: false}
      - key: aims
        label: 目标
        levels:
          - label: 产出
            within: [{key: n, label: 数量}, {key: q, label: 质量}]
        columns:
          - {key: aim, kind: text, label: 指标}
"""
VALUES: dict[str, Any] = {
    "name": '=HYPERLINK("http://x")',
    "account": "0200001234567890123",
    "org": "北京某某公司",
    "costs": [
        {"id": "r1", "item": "@刻刀", "kind": "d", "amount": "1200.50"},
        {"id": "r2", "item": "玉料", "kind": "m", "amount": "300.00", "paid": "2026-05-01"},
    ],
    "years": [{"id": "one", "row": "one", "year": 2025}, {"id": "two", "row": "two"}],
    "aims": [{"id": "a1", "row": "q", "aim": "合格"}],
}
SHEETS = ("1.基本情况", "1.费用", "1.年度", "1.目标")


def form(version: int = 3) -> Form:
    return parsed(FORM.replace("version: 3", f"version: {version}"))


def parsed(text: str) -> Form:
    found, faults, _ = read_form(text)
    assert found is not None, faults
    return found


def standing(values: dict[str, Any], of: UUID = ID, version: int = 3) -> Standing:
    return Standing(of, "例 · 项目", form(version), {}, {"a": values}, {}, frozenset({"a.org"}))


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., Brought]:
    """Change a workbook as somebody does, and read it against what stands."""

    def do(
        change: Callable[[openpyxl.Workbook], None],
        values: dict[str, Any] | None = None,
        now: dict[str, Any] | None = None,
    ) -> Brought:
        values = VALUES if values is None else values
        book = openpyxl.load_workbook(io.BytesIO(write(standing(values), ["a"])))
        change(book)
        book.save(tmp_path / "brought.xlsx")
        found = opened(tmp_path / "brought.xlsx")
        at_hand = standing(values if now is None else now)
        return reading.read(
            found, at_hand.form, reading.known(found, at_hand.form, ID), at_hand.values, {}, at_hand.readonly, {}
        )

    return do


def opened(path: Path) -> Book:
    found = open_book(str(path))
    assert isinstance(found, Book), found
    return found


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    found = open_book(str(path))
    assert isinstance(found, Fault)
    return found.message


def sheet(book: openpyxl.Workbook, title: str) -> Worksheet:
    found = book[title]
    assert isinstance(found, Worksheet)
    return found


def put(title: str, **cells: Any) -> Callable[[openpyxl.Workbook], None]:
    def change(book: openpyxl.Workbook) -> None:
        for at, value in cells.items():
            sheet(book, title)[at] = value

    return change


def said(found: Brought) -> list[tuple[str, str, str, str]]:
    return [(r.sheet, r.cell, r.code, r.severity) for r in found.remarks]


def changed(found: Brought) -> list[tuple[str, str, str, str]]:
    return [(c.sheet, c.cell, c.before, c.after) for c in found.changes]


def test_what_is_written_comes_back_as_it_was(bring: Callable[..., Brought]) -> None:
    found = bring(lambda book: None)
    assert (found.changes, found.remarks, found.values) == ([], [], {})


def test_no_text_is_a_formula_and_the_sheets_say_what_they_take() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write(standing(VALUES), ["a"])))
    assert book.sheetnames == ["填写说明", *SHEETS, "_lists", "_gm"]
    assert (book["_lists"].sheet_state, book["_gm"].sheet_state) == ("hidden", "veryHidden")
    fields, costs = sheet(book, SHEETS[0]), sheet(book, SHEETS[1])
    name, account, item = fields["C3"], fields["C4"], costs["B3"]
    assert [(c.data_type, c.number_format) for c in (name, account, item)] == [("s", "@")] * 3
    assert (account.value, costs["D3"].value, costs["E4"].value.date()) == (
        "0200001234567890123",
        1200.5,
        date(2026, 5, 1),
    )
    rules = {str(rule.sqref): (rule.type, rule.formula1) for rule in costs.data_validations.dataValidation}
    assert rules["C3:C7"] == ("list", "_lists!$B$1:$B$2")
    assert [sheet(book, "_lists")[f"B{n}"].value for n in (1, 2)] == ["设备", "材料"]
    assert rules["D3:D7"][0] == "decimal"
    assert fields.protection.sheet
    assert fields["C9"].protection.locked
    assert not fields["C3"].protection.locked


def test_rows_are_changed_added_moved_and_removed(bring: Callable[..., Brought]) -> None:
    def change(book: openpyxl.Workbook) -> None:
        costs = sheet(book, "1.费用")
        costs.insert_rows(3)  # between the heads and what stood
        costs["B3"], costs["C3"], costs["D3"] = "新增", "材料", "１，０００．５０"
        costs.delete_rows(5)
        costs["D4"] = 1300.1 + 0.2

    found = bring(change)
    rows = found.values["a"]["costs"]
    assert [(r["item"], r["kind"], r["amount"]) for r in rows] == [
        ("@刻刀", "d", "1300.30"),
        ("新增", "m", "1000.50"),
    ]
    assert rows[0]["id"] == "r1"
    assert rows[1]["id"] not in ("r1", "r2", "")
    assert ("1.费用", "D4", "1,200.50", "1,300.30") in changed(found)
    assert [c.after for c in found.changes if c.label == "整行"] == ["（删除此行）"]


def test_a_line_that_was_copied_is_a_row_of_its_own(bring: Callable[..., Brought]) -> None:
    found = bring(put("1.费用", A5="r1", B5="再一把", C5="设备", D5=5))
    assert [r["item"] for r in found.values["a"]["costs"]] == ["@刻刀", "玉料", "再一把"]
    assert len({r["id"] for r in found.values["a"]["costs"]}) == 3


def test_what_spreadsheets_make_of_values_is_understood(bring: Callable[..., Brought]) -> None:
    def change(book: openpyxl.Workbook) -> None:
        fields = sheet(book, "1.基本情况")
        fields["C5"] = 46173  # a day as a number
        fields["C5"].number_format = "General"
        fields["C6"], fields["C6"].number_format = 0.3, "0%"
        fields["C7"], fields["C8"] = "玉雕、牙雕\n雕漆、漆器", "√"
        fields["C3"] = "琉\u200b璃\ufeff"
        sheet(book, "1.年度")["C4"] = "２０２４年"
        sheet(book, "1.年度")["D3"] = "12,345.6 "

    values = bring(change).values["a"]
    assert [values[k] for k in ("name", "began", "share", "crafts", "agreed")] == [
        "琉璃", "2026-05-31", "30.00", ["玉雕", "牙雕", "雕漆、漆器"], True,
    ]  # fmt: skip
    assert [(r["year"], r.get("sales")) for r in values["years"]] == [(2025, "12345.60"), (2024, None)]


def test_a_number_that_lost_its_end_a_formula_and_an_error_are_told(bring: Callable[..., Brought]) -> None:
    def change(book: openpyxl.Workbook) -> None:
        sheet(book, "1.基本情况")["C4"] = 2.00001234567890e17
        sheet(book, "1.费用")["D3"] = "=1+2"  # without a result: no spreadsheet has saved it
        sheet(book, "1.费用")["D4"] = "#REF!"
        sheet(book, "1.费用")["D4"].data_type = "e"
        sheet(book, "1.费用").row_dimensions[4].hidden = True

    found = bring(change)
    assert found.changes == []
    assert sorted(said(found)) == [
        ("1.基本情况", "C4", "workbook_lost", "wrong"),
        ("1.费用", "A4", "workbook_hidden", "told"),
        ("1.费用", "D3", "workbook_lost", "wrong"),
        ("1.费用", "D4", "workbook_lost", "wrong"),
    ]


def test_a_formula_with_a_result_is_read_and_told(bring: Callable[..., Brought], tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(io.BytesIO(write(standing(VALUES), ["a"]))) as was,
        zipfile.ZipFile(tmp_path / "formula.xlsx", "w") as out,
    ):
        for name in was.namelist():
            content = was.read(name)
            if name == "xl/worksheets/sheet3.xml":
                assert b"<v>1200.5</v>" in content
                content = content.replace(b"<v>1200.5</v>", b"<f>600*3</f><v>1800</v>")
            out.writestr(name, content)
    book, at_hand = opened(tmp_path / "formula.xlsx"), standing(VALUES)
    known = reading.known(book, at_hand.form, ID)
    found = reading.read(book, at_hand.form, known, at_hand.values, {}, at_hand.readonly, {})
    assert changed(found) == [("1.费用", "D3", "1,200.50", "1,800.00")]
    assert said(found) == [("1.费用", "D3", "workbook_formula", "told")]


def test_what_mixes_up_rows_or_columns_lets_nothing_be_taken(bring: Callable[..., Brought]) -> None:
    def merge(book: openpyxl.Workbook) -> None:
        sheet(book, "1.费用").merge_cells("B3:B4")

    def too_many(book: openpyxl.Workbook) -> None:
        for n in range(5, 10):
            sheet(book, "1.费用")[f"B{n}"] = f"第 {n} 件"

    for change, place in (
        (merge, ("1.费用", "B3", "workbook_merged", "blocking")),
        (too_many, ("1.费用", "", "too_many_rows", "blocking")),
        (lambda book: sheet(book, "1.费用").delete_cols(4), ("1.费用", "A2", "workbook_column", "blocking")),
        (put("1.年度", B5="再前一年", C5=2023), ("1.年度", "B5", "unknown_row", "blocking")),
        (put("1.目标", B4="别的", C4="指标"), ("1.目标", "B4", "unknown_row", "blocking")),
    ):
        found = bring(change)
        assert place in said(found)
        assert found.blocked


def test_what_was_changed_on_the_page_meanwhile_stays(bring: Callable[..., Brought]) -> None:
    now = {
        **VALUES,
        "name": "网页上改的名称",
        "costs": [
            VALUES["costs"][0] | {"amount": "1.00"},
            {"id": "r3", "item": "网页上加的", "kind": "m", "amount": "2.00"},
        ],
    }
    found = bring(put("1.费用", D3=99), now=now)
    assert found.values["a"]["name"] == "网页上改的名称"
    assert [(r["id"], r["amount"]) for r in found.values["a"]["costs"]] == [("r1", "99.00"), ("r3", "2.00")]
    assert [(c.cell, c.before, c.after, c.conflict) for c in found.changes] == [("D3", "1.00", "99.00", True)]
    # The row that was taken away on the page does not come back by itself.
    assert ("1.费用", "A4", "unknown_row", "told") in said(found)


def test_what_came_from_the_registry_and_what_is_gone_stay(bring: Callable[..., Brought]) -> None:
    def change(book: openpyxl.Workbook) -> None:
        sheet(book, "1.基本情况")["C9"] = "别的公司"
        sheet(book, "1.基本情况").delete_rows(3)
        del book["1.目标"]

    found = bring(change)
    assert found.changes == []
    assert said(found) == [
        ("1.基本情况", "", "workbook_row", "told"),
        ("1.目标", "", "workbook_sheet", "told"),
    ]


def test_a_workbook_of_another_application_or_version_is_refused(tmp_path: Path) -> None:
    codes = []
    for content in (write(standing(VALUES, OTHER), ["a"]), write(standing(VALUES, ID, 2), ["a"])):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(Conflict) as raised:
            reading.known(opened(tmp_path / "a.xlsx"), form(), ID)
        codes.append(raised.value.code)
    blank = openpyxl.Workbook()
    blank.save(tmp_path / "b.xlsx")
    with pytest.raises(Conflict) as raised:
        reading.known(opened(tmp_path / "b.xlsx"), form(), ID)
    assert [*codes, raised.value.code] == ["workbook_of_another", "workbook_version", "workbook_unknown"]


def test_what_is_no_workbook_is_refused_with_what_it_is(tmp_path: Path) -> None:
    whole = write(standing(VALUES), ["a"])

    def with_part(name: str, content: bytes) -> bytes:
        out = io.BytesIO(whole)
        with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as container:
            container.writestr(name, content)
        return out.getvalue()

    path = tmp_path / "x.xlsx"
    rows = b"<worksheet><sheetData>" + b"<row r='1'><c r='A1'/></row>" * 20_000 + b"</sheetData></worksheet>"
    for content, words in (
        ("名称,金额\n刻刀,12\n".encode("gbk") * 50, "CSV"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "旧版 .xls"),
        (b"", "不是 .xlsx"),
        (b"%PDF-1.7\n\0\0", "不是 .xlsx"),
        (with_part("xl/vbaProject.bin", b"macro"), "宏"),
        (with_part("xl/media/bomb.bin", b"\0" * 50_000_000), "内容过多"),
        (with_part("xl/worksheets/more.xml", rows), "内容过多"),
        (with_part("xl/evil.xml", b"<!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>"), "内部结构异常"),
        (whole[: len(whole) // 2], "无法打开"),
    ):
        assert words in refused(path, content)


def test_a_cell_at_the_end_of_the_world_is_not_walked_to(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write(standing(VALUES), ["a"])))
    sheet(book, "1.费用")["XFD1048576"] = "!"
    book.save(tmp_path / "far.xlsx")
    assert isinstance(found := open_book(str(tmp_path / "far.xlsx")), Fault)
    assert "内容过多" in found.message


def test_amounts_keep_all_their_digits() -> None:
    """Fifteen digits are what a spreadsheet keeps; a longer number is written as a text."""
    values = {**VALUES, "costs": [{"id": "r1", "item": "x", "kind": "d", "amount": "99999999.99"}]}
    book = openpyxl.load_workbook(io.BytesIO(write(standing(values), ["a"])))
    assert Decimal(str(sheet(book, "1.费用")["D3"].value)) == Decimal("99999999.99")


def test_sheets_have_names_that_excel_takes() -> None:
    text = FORM.replace("label: 费用", "label: " + "很长的名称" * 10).replace(
        "label: 年度\n        row", "label: " + "很长的名称" * 10 + "\n        row"
    )
    titles = [s.title for s in layout.sheets(parsed(text), ["a"])]
    assert len(set(titles)) == 4
    assert all(len(t) <= 31 and "/" not in t for t in titles)

"""Open a workbook that somebody brings, in a process of its own: whether it is one, and what stands in its cells.

Sources: ECMA-376 (Office Open XML) for the parts of a workbook; Excel keeps 15 digits of a number.
"""

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from services.applications.attachments.fault import Fault
from services.applications.workbooks.layout import ABOUT
from shared import codes

MAX_BYTES = 5 * 1024 * 1024
# What its parts may come to, unpacked, and how many parts, rows, columns and cells it may have.
MAX_UNPACKED = 40 * 1024 * 1024
MAX_PARTS = 500
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 2_000, 80, 150_000
# The hidden sheet has a row for every row of all the others.
MAX_KNOWN = 10_000
# Excel loses what follows the 15th digit.
MAX_DIGITS = Decimal(10) ** 15

_CELL, _ROW = re.compile(rb"<(?:[A-Za-z0-9]+:)?c[ />]"), re.compile(rb"<(?:[A-Za-z0-9]+:)?row[ />]")
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, as a text. `kind`: what the spreadsheet takes it for; `lost`: a number too long to be kept exactly, a formula
    without a result, an error value."""

    text: str
    kind: Literal["text", "number", "date", "bool", "lost"] = "text"
    formula: bool = False
    percent: bool = False


@dataclass(frozen=True)
class Grid:
    """A sheet's cells by row and column, counted from 1. `merged`: by the first cell what is merged; `hidden`: rows that are not seen."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    merged: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Book:
    """The sheets by name; `epoch`: the day before the first of its calendar."""

    grids: dict[str, Grid]
    epoch: date


NOT_A_WORKBOOK = Fault(
    codes.NOT_A_WORKBOOK, "文件不是 .xlsx 工作簿，请用本页下载的工作簿填写，在 Excel、WPS 中保存为 .xlsx 后上传。"
)
OLD = Fault(codes.NOT_A_WORKBOOK, "文件是旧版 .xls 或设有打开密码的工作簿，请去除密码、另存为 .xlsx 后上传。")
TEXT = Fault(
    codes.NOT_A_WORKBOOK,
    "文件实际是 CSV 等文本文件，只是改了扩展名，请将内容粘贴到本页下载的工作簿中，保存为 .xlsx 后上传。",
)
MACROS = Fault(codes.WORKBOOK_UNSAFE, "工作簿含有宏，不予接收，请另存为不含宏的 .xlsx 后上传。")
UNSAFE = Fault(codes.WORKBOOK_UNSAFE, "工作簿的内部结构异常，不予接收，请用 Excel、WPS 重新保存为 .xlsx 后上传。")
TOO_LARGE = Fault(
    codes.WORKBOOK_TOO_LARGE,
    f"工作簿内容过多：每张工作表最多 {MAX_ROWS} 行、{MAX_COLUMNS} 列。如下方多为空行，请选中后整行删除，保存再上传。",
)
BROKEN = Fault(codes.NOT_A_WORKBOOK, "工作簿无法打开，文件不完整或已损坏，请用 Excel、WPS 重新保存后上传。")


def open_book(path: str) -> Book | Fault:
    """Return what stands in a workbook, or why it is none."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if head.startswith(_OLE):
        return OLD
    if not head.startswith(b"PK\x03\x04"):
        return TEXT if _is_text(head) else NOT_A_WORKBOOK
    try:
        if fault := _unfit(path):
            return fault
        return _read(path)
    except Exception:
        # openpyxl raises whatever a part that it did not expect leads to.
        return BROKEN


def _is_text(head: bytes) -> bool:
    if not head or b"\0" in head:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            # The last character may be cut in two.
            head[:-4].decode(encoding)
            return True
        except UnicodeDecodeError:
            continue
    return False


def _unfit(path: str) -> Fault | None:
    """Say what is wrong with a container, before any of it is parsed."""
    with zipfile.ZipFile(path) as container:
        parts = container.infolist()
        names = {part.filename.casefold() for part in parts}
        if any(name.endswith("vbaproject.bin") for name in names):
            return MACROS
        if "xl/workbook.xml" not in names:
            return NOT_A_WORKBOOK
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            return TOO_LARGE
        cells = 0
        for part in parts:
            name = part.filename.casefold()
            if not name.endswith((".xml", ".rels")):
                continue
            # What a part says of its size is what zipfile reads at most.
            content = container.read(part)
            if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                return UNSAFE
            if name.startswith("xl/worksheets/"):
                cells += sum(1 for _ in _CELL.finditer(content))
                if cells > MAX_CELLS or sum(1 for _ in _ROW.finditer(content)) > MAX_KNOWN:
                    return TOO_LARGE
    return None


def _read(path: str) -> Book | Fault:
    import openpyxl

    book = openpyxl.load_workbook(path, keep_links=False)
    results: Any = None
    grids = {}
    for sheet in book.worksheets:
        if sheet.max_column > MAX_COLUMNS or sheet.max_row > (MAX_KNOWN if sheet.title == ABOUT else MAX_ROWS):
            return TOO_LARGE
        cells: dict[tuple[int, int], Cell] = {}
        for row in sheet.iter_rows():
            for cell in row:
                value: Any = getattr(cell, "value", None)
                if value is None:
                    continue
                formula = cell.data_type == "f"
                if formula:
                    if results is None:
                        results = openpyxl.load_workbook(path, keep_links=False, data_only=True)
                    value = results[sheet.title].cell(cell.row, cell.column).value
                found = _cell(value, formula, cell.data_type, str(cell.number_format or ""))
                if found.text or found.kind == "lost":
                    cells[int(cell.row or 0), int(cell.column or 0)] = found
        merged = {(r.min_row, r.min_col): str(r.coord) for r in sheet.merged_cells.ranges}
        hidden = frozenset(n for n, line in sheet.row_dimensions.items() if isinstance(n, int) and line.hidden)
        grids[sheet.title] = Grid(cells, merged, hidden)
    return Book(grids, book.epoch.date())


def _cell(value: Any, formula: bool, data_type: str, number_format: str) -> Cell:
    text, lost = str(value), ""
    if value is None:
        lost = "公式没有计算结果"
    elif isinstance(value, bool):
        return Cell("是" if value else "否", "bool", formula)
    elif isinstance(value, int | float):
        number = Decimal(f"{value:.15g}")
        if number.is_finite() and abs(number) < MAX_DIGITS:
            return Cell(f"{number:f}", "number", formula, "%" in number_format)
        lost = "数字超过 15 位，末尾数字已经丢失"
    elif isinstance(value, date):
        # A datetime is one, too.
        return Cell(f"{value:%Y-%m-%d}", "date", formula)
    elif data_type == "e" or (formula and text in _ERRORS):
        lost = f"单元格是错误值 {text}"
    return Cell(lost, "lost", formula) if lost else Cell(text, "text", formula)

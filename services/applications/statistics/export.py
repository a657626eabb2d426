"""Write 统计 as an XLSX file: a sheet for each table of the page. Pure."""

import io
from collections.abc import Sequence
from decimal import Decimal

import xlsxwriter

from shared import clock
from shared.contract.statistics import Line, Statistics

Cell = str | int | Decimal | None
MONEY = ("申请金额（万元）", "拟支持及批复金额（万元）")


def workbook(found: Statistics, title: str) -> bytes:
    """Return the file; `title` says which cases it is about. A cell is a text or a number, never a formula."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    bold = book.add_format({"bold": True, "bg_color": "#F0F1F4", "border": 1})
    amount = book.add_format({"num_format": "#,##0.00"})
    as_of = clock.show(found.as_of) if found.as_of else "尚未统计"
    sheets: list[tuple[str, Sequence[str], list[Sequence[Cell]]]] = [
        (
            "概况",
            ("项目", "内容"),
            [
                ("统计范围", title),
                ("数据截至", as_of),
                ("件数", found.all.n),
                (MONEY[0], found.all.applied_wan),
                (MONEY[1], found.all.approved_wan),
                ("预算（万元）", found.budget.total_wan if found.budget else "未设定"),
                ("预算已用（万元）", found.budget.used_wan if found.budget else None),
            ],
        ),
        ("当前状态", ("状态", "件数", *MONEY), _rows(found.states)),
        ("办理进度", ("到达环节", "件数"), [(one.label, one.n) for one in found.way]),
        ("按类别", ("专项资金", "件数", *MONEY), _rows(found.by_type)),
        ("按所属区", ("所属区", "件数", *MONEY), _rows(found.by_district)),
        ("按支持方向", ("支持方向", "件数", *MONEY), _rows(found.by_direction)),
        (
            "各环节天数",
            ("环节", "件数", "中位数（天）", "九成不超过（天）", "最长（天）"),
            [(one.label, one.n, one.median, one.p90, one.longest) for one in found.stages],
        ),
        ("退回原因", ("材料", "填写项", "意见条数"), [(one.section, one.field, one.n) for one in found.reasons]),
        (
            "近日工作量",
            ("日期", "提交", "纳批", "退回补正", "通过形式审查", "审定"),
            [(f"{d.day}", d.submitted, d.accepted, d.returned, d.passed, d.decided) for d in found.days],
        ),
    ]
    for name, head, rows in sheets:
        page = book.add_worksheet(name)
        page.freeze_panes(1, 0)
        page.set_column(0, 0, 32)
        page.set_column(1, len(head), 18)
        for column, text in enumerate(head):
            page.write_string(0, column, text, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, Decimal):
                    page.write_number(number, column, float(cell), amount)
                elif isinstance(cell, int):
                    page.write_number(number, column, cell)
                elif cell:
                    page.write_string(number, column, cell)
    book.close()
    return out.getvalue()


def _rows(lines: Sequence[Line]) -> list[Sequence[Cell]]:
    return [(one.label, one.n, one.applied_wan, one.approved_wan) for one in lines]

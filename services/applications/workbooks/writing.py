"""Write a workbook: the values that stand, lists of options, what each cell takes, and a hidden sheet by which it is known again.

A text is written as a text, whatever it begins with, into a cell of the format 文本: no spreadsheet makes a formula of it.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.applications.forms.definition import Form, Table
from services.applications.forms.kinds import (
    CheckboxField,
    FieldDefinition,
    MultiSelectField,
    RadioField,
    SelectField,
    Wrong,
)
from services.applications.forms.kinds.numeric import DecimalField, IntegerField, MoneyField, PercentField
from services.applications.forms.kinds.texts import TextAreaField, TextField
from services.applications.forms.kinds.times import DateField, YearField
from services.applications.workbooks import layout
from services.applications.workbooks.layout import FIRST, HEAD, KEYS, VALUE, Sheet, mark, plain

# Excel shows a message of a cell up to here, and its title.
_MESSAGE, _TITLE = 250, 30
_GREY = "#F0F1F4"


@dataclass(frozen=True)
class Standing:
    """What a workbook is made of. `values`: by section what stands on its page; `rows`: by section and table the ids of rows that
    follow others, and what they are called; `readonly`: fields that were brought along and are not changed, as `section.field`."""

    application: UUID
    title: str
    form: Form
    choices: Mapping[str, Any]
    values: Mapping[str, Mapping[str, Any]]
    followed: Mapping[tuple[str, str], Mapping[str, str]]
    readonly: frozenset[str]


def write(standing: Standing, sections: Iterable[str]) -> bytes:
    """Return the workbook of these sections."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": standing.title})
        _Writer(book, standing, layout.sheets(standing.form, sections)).all()
    return out.getvalue()


class _Writer:
    def __init__(self, book: xlsxwriter.Workbook, standing: Standing, listed: Sequence[Sheet]) -> None:
        self._book, self._standing, self._sheets = book, standing, listed
        self._formats: dict[tuple[str, bool], Format] = {}
        self._head = book.add_format(
            {"bold": True, "bg_color": _GREY, "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        self._label = book.add_format({"bg_color": _GREY, "border": 1, "text_wrap": True, "valign": "top"})
        self._note = book.add_format({"font_color": "#555555", "text_wrap": True, "valign": "top"})
        # What stood in each row, for the hidden sheet: the sheet's title, the row, the marks of its cells by column.
        self._marks: list[tuple[str, str, str]] = []

    def all(self) -> None:
        self._guide(self._book.add_worksheet(layout.GUIDE))
        pages = [self._book.add_worksheet(sheet.title) for sheet in self._sheets]
        self._lists = self._book.add_worksheet(layout.LISTS)
        self._lists.hide()
        self._listed: dict[tuple[str, ...], str] = {}
        for sheet, page in zip(self._sheets, pages, strict=True):
            self._begin(sheet, page)
            if sheet.table is None:
                self._fields(sheet, page)
            else:
                self._table(sheet, sheet.table, page)
        about = self._book.add_worksheet(layout.ABOUT)
        about.very_hidden()
        self._about(about)

    def _guide(self, page: Worksheet) -> None:
        said = (
            self._standing.title,
            "一、请在各工作表的空白格中填写。灰色格是项目名称，请勿修改；红色边框的提示会说明每格应填什么。",
            "二、表格可以增加行：直接在最后一行之下填写；在中间插入整行也可以。请勿合并单元格，请勿删除列或工作表。",
            "三、金额、日期按单元格格式填写。公式按计算结果读取，请在上传前用 Excel 或 WPS 打开并保存一次。",
            "四、证件号码、银行账号请以文本填写，本表相应的格已设为文本格式。",
            "五、附件不在本工作簿中，请在网页上上传。自动计算的项目在上传后由系统算出。",
            "六、填好后在网页“用Excel填报”处上传。系统先逐格列出与现有内容的不同，您确认之后才会写入，写入后为暂存，仍需逐项保存表单。",
            "七、本工作簿只用于这一份申请；申报表更新为新版后请重新下载。",
        )
        page.set_column(0, 0, 100)
        bold = self._book.add_format({"bold": True, "font_size": 14, "text_wrap": True})
        for n, line in enumerate(said):
            page.write_string(n, 0, line, self._note if n else bold)
        page.protect()

    def _begin(self, sheet: Sheet, page: Worksheet) -> None:
        for column, (key, text) in enumerate(sheet.heads):
            page.write_string(KEYS - 1, column, key)
            page.write_string(HEAD - 1, column, text, self._head)
        page.set_row(KEYS - 1, None, None, {"hidden": True})
        page.set_column(0, 0, None, None, {"hidden": True})
        page.freeze_panes(HEAD, 2 if sheet.table is None or sheet.table.lead else 1)

    def _fields(self, sheet: Sheet, page: Worksheet) -> None:
        page.set_column(1, 1, 28)
        page.set_column(2, 2, 50)
        page.set_column(3, 3, 60)
        values = self._standing.values.get(sheet.section.key, {})
        for n, field in enumerate(sheet.fields):
            row = FIRST - 1 + n
            locked = f"{sheet.section.key}.{field.key}" in self._standing.readonly
            page.write_string(row, 0, field.key)
            page.write_string(row, 1, layout.named(field), self._label)
            self._cell(page, row, 2, field, values.get(field.key), locked=locked)
            page.write_string(row, 3, _note(field, locked), self._note)
            self._marks.append((sheet.title, field.key, f"{VALUE}={self._mark(field, values.get(field.key))}"))
            if not locked:
                self._rule(page, row, row, 2, field)
        page.protect("", {"format_columns": True, "format_rows": True})

    def _table(self, sheet: Sheet, table: Table, page: Worksheet) -> None:
        lead = table.lead is not None
        first = 2 if lead else 1
        if lead:
            page.set_column(1, 1, 24)
        for n, column in enumerate(sheet.fields):
            page.set_column(
                first + n, first + n, max(12, min(40, column.width * 1.5)), self._format(column, locked=False)
            )
        rows = self._rows(sheet, table)
        for n, row in enumerate(rows):
            at = FIRST - 1 + n
            page.write_string(at, 0, str(row.get("id") or row.get("row") or ""))
            if lead:
                name = table.row_names.get(str(row.get("row")), "")
                page.write_string(at, 1, name, self._label)
            for c, column in enumerate(sheet.fields):
                self._cell(page, at, first + c, column, row.get(column.key))
            if row.get("id"):
                marks = " ".join(f"{c.key}={self._mark(c, row.get(c.key))}" for c in sheet.fields)
                self._marks.append((sheet.title, str(row["id"]), marks))
        fixed = bool(table.fixed_rows or table.source)
        last = FIRST - 2 + (len(rows) if fixed else table.max_rows)
        if table.levels:
            self._choose(page, FIRST - 1, last, 1, tuple(table.row_names.values()), table.lead or "")
        for c, column in enumerate(sheet.fields):
            self._rule(page, FIRST - 1, max(last, FIRST - 1), first + c, column)
        if fixed:
            page.protect("", {"format_columns": True, "format_rows": True})

    def _rows(self, sheet: Sheet, table: Table) -> list[dict[str, Any]]:
        """The rows that stand, and those that are always there."""
        kept = self._standing.values.get(sheet.section.key, {}).get(table.key) or []
        rows = [row for row in kept if isinstance(row, dict)]
        if table.source:
            by_id = {row.get("id"): row for row in rows}
            followed = self._standing.followed.get((sheet.section.key, table.key), {})
            return [{**by_id.get(id, {}), "id": id} for id in followed]
        if table.fixed_rows:
            by_key = {row.get("row"): row for row in rows}
            listed = [f for f in table.fixed_rows if not f.subtotal_of]
            return [{**by_key.get(f.key, {}), "id": f.key, "row": f.key} for f in listed]
        if table.levels and not rows:
            return [{"row": key} for key in table.row_names]
        return [row for row in rows if isinstance(row.get("id"), str)]

    def _mark(self, field: FieldDefinition, value: Any) -> str:
        return mark(plain(field, value, self._standing.choices))

    def _cell(
        self, page: Worksheet, row: int, column: int, field: FieldDefinition, value: Any, *, locked: bool = False
    ) -> None:
        style = self._format(field, locked=locked)
        if value in (None, "", []):
            page.write_blank(row, column, None, style)
            return
        try:
            kept: Any = field.parse(value, self._standing.choices)
        except Wrong:
            page.write_string(row, column, str(value)[:32000], style)
            return
        if isinstance(field, DateField):
            page.write_datetime(row, column, date.fromisoformat(kept), style)
        elif field.numeric and _exact(kept):
            page.write_number(row, column, float(kept), style)
        elif isinstance(field, MultiSelectField):
            known = field.labels(self._standing.choices)
            page.write_string(row, column, "\n".join(known.get(item, item) for item in kept), style)
        elif isinstance(field, SelectField | RadioField | CheckboxField):
            page.write_string(row, column, field.show(kept, self._standing.choices), style)
        else:
            page.write_string(row, column, field.export(kept), style)

    def _format(self, field: FieldDefinition, *, locked: bool) -> Format:
        if isinstance(field, DateField):
            number = "yyyy-mm-dd"
        elif isinstance(field, IntegerField | YearField):
            number = "0"
        elif field.numeric:
            number = "#,##0.00####" if getattr(field, "places", 2) > 2 else "#,##0.00"
        else:
            number = "@"
        if (number, locked) not in self._formats:
            style: dict[str, Any] = {"num_format": number, "text_wrap": True, "valign": "top", "locked": locked}
            if locked:
                style["bg_color"] = _GREY
            self._formats[number, locked] = self._book.add_format(style)
        return self._formats[number, locked]

    def _rule(self, page: Worksheet, first: int, last: int, column: int, field: FieldDefinition) -> None:
        """Say what a cell takes, and refuse what it does not."""
        if isinstance(field, CheckboxField):
            self._choose(page, first, last, column, ("是", "否"), field.label)
            return
        if isinstance(field, SelectField | RadioField) and not field.options_in_rows:
            self._choose(
                page, first, last, column, tuple(field.labels(self._standing.choices).values()), field.label
            )
            return
        rule: dict[str, Any] = {"validate": "any"}
        if isinstance(field, IntegerField | YearField):
            rule = {
                "validate": "integer",
                "criteria": "between",
                "minimum": -999_999_999 if field.min is None else field.min,
                "maximum": field.max,
            }
        elif isinstance(field, DateField):
            rule = {"validate": "date", "criteria": ">=", "value": date(1900, 1, 1)}
        elif isinstance(field, DecimalField | MoneyField | PercentField):
            limit = float(field.max)
            rule = {"validate": "decimal", "criteria": "between", "minimum": -limit, "maximum": limit}
        elif isinstance(field, TextField | TextAreaField):
            rule = {"validate": "length", "criteria": "<=", "value": field.max}
        said = _note(field, locked=False)
        rule |= {
            "ignore_blank": True,
            "input_title": field.label[:_TITLE],
            "input_message": said[:_MESSAGE],
            "error_title": "请核对",
            "error_message": said[:_MESSAGE],
        }
        page.data_validation(first, column, last, column, rule)

    def _choose(
        self, page: Worksheet, first: int, last: int, column: int, options: tuple[str, ...], label: str
    ) -> None:
        if not options:
            return
        if options not in self._listed:
            at = len(self._listed)
            for n, option in enumerate(options):
                self._lists.write_string(n, at, option)
            letter = xlsxwriter.utility.xl_col_to_name(at)
            self._listed[options] = f"={layout.LISTS}!${letter}$1:${letter}${len(options)}"
        page.data_validation(
            first, column, last, column,
            {
                "validate": "list",
                "source": self._listed[options],
                "input_title": label[:_TITLE],
                "input_message": "请从下拉列表中选择",
                "error_title": "请核对",
                "error_message": "请从下拉列表中选择",
            },
        )  # fmt: skip

    def _about(self, page: Worksheet) -> None:
        form = self._standing.form
        lines: list[tuple[str, ...]] = [
            (layout.FORMAT, str(self._standing.application), form.fund_type, str(form.version)),
            (layout.digest(form, self._sheets), *sorted({s.section.key for s in self._sheets})),
            *self._marks,
        ]
        for n, line in enumerate(lines):
            for column, text in enumerate(line):
                page.write_string(n, column, text)


def _exact(kept: Any) -> bool:
    """Tell whether a spreadsheet keeps a number as it is: 15 digits, no more."""
    try:
        return len(Decimal(str(kept)).as_tuple().digits) <= 15
    except InvalidOperation:
        return False


def _note(field: FieldDefinition, locked: bool) -> str:
    """Return what a cell takes, in words."""
    if locked:
        return "由法人库带出，不能修改"
    conditional = field.visible_if or field.required_if
    said = ["视填写情况需要" if conditional else "必填" if field.required else "选填"]
    if isinstance(field, DateField):
        said.append("日期，如 2026-05-31")
    elif isinstance(field, YearField):
        said.append("年份，如 2025")
    elif isinstance(field, IntegerField):
        said.append("整数")
    elif isinstance(field, MultiSelectField):
        said.append("可填多项，每行一项（Alt+Enter 换行）：" + "、".join(field.labels({}).values()))
    elif isinstance(field, TextField | TextAreaField):
        said.append(f"最多 {field.max} 字")
    elif field.type == "number" and field.unit:
        said.append(f"以{field.unit}为单位")
    said += [text for text in (field.help, f"例：{field.example}" if field.example else None) if text]
    return "；".join(said)

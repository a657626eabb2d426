"""Lay a form's submissions flat for analysis: a line a case, and for each table of the form a line a row, with a dictionary from the form's labels. Pure.

Nothing sensitive is in it, and nothing by which a person is reached: sealed values, contacts, numbers of telephones and papers.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from services.applications.forms.definition import Form
from services.applications.forms.kinds import Choices, FieldDefinition
from services.applications.forms.kinds.base import blank

# By these a person is reached or known, whatever the form says of them.
PERSONAL = frozenset({"phone", "telephone", "mobile", "email", "id_card", "passport", "bank_account"})
# What stands before the form's own columns.
CASE = {
    "number": "申报编号",
    "revision": "版次",
    "round": "申报批次",
    "enterprise": "统一社会信用代码",
    "enterprise_name": "申报单位",
    "district": "所属区",
    "state": "状态",
    "submitted_at": "提交时间（北京时间）",
    "applied_wan": "申请金额（万元）",
    "approved_wan": "支持金额（万元）",
}
Cells = list[str | Decimal]


@dataclass(frozen=True)
class Column:
    """A column of a file: where its values stand, and its field."""

    file: str
    name: str
    section: str
    table: str | None
    label: str
    field: FieldDefinition


def columns(form: Form) -> list[Column]:
    """Return the columns of a form's files, `cases.csv` first; those of a table stand in a file of their own."""
    apart = {form.contact_name, form.contact_email}
    found = [
        Column("cases.csv", f"{section.key}.{field.key}", section.key, None, section.label, field)
        for section in form.sections
        for field in section.fields
        if _shown(field) and f"{section.key}.{field.key}" not in apart
    ]
    found += [
        Column(
            f"{section.key}.{table.key}.csv",
            column.key,
            section.key,
            table.key,
            f"{section.label} · {table.label}",
            column,
        )
        for section in form.sections
        for table in section.tables
        for column in table.columns
        if _shown(column)
    ]
    return found


def _shown(field: FieldDefinition) -> bool:
    return not field.sensitive and field.kind not in PERSONAL and field.kind != "fixed_text"


def files(form: Form) -> dict[str, list[Column]]:
    """Return the columns by file."""
    found: dict[str, list[Column]] = {}
    for column in columns(form):
        found.setdefault(column.file, []).append(column)
    return found


def head(file: str, of: list[Column]) -> Cells:
    """Return the first line of a file: names that programs take."""
    before = list(CASE) if file == "cases.csv" else ["number", "row"]
    return [*before, *(column.name for column in of)]


def rows(
    file: str, of: list[Column], case: Mapping[str, str], sections: Mapping[str, Any], choices: Choices
) -> Iterator[Cells]:
    """Return what a file has of one case: one line, or one a row of its table. Numbers and dates are plain; options are what people read."""
    if file == "cases.csv":
        yield [
            *(case[name] for name in CASE),
            *(_cell(c.field, (sections.get(c.section) or {}).get(c.field.key), choices) for c in of),
        ]
        return
    first = of[0]
    lines = (sections.get(first.section) or {}).get(first.table or "")
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, Mapping):
            yield [
                case["number"],
                str(line.get("row", "")),
                *(_cell(c.field, line.get(c.field.key), choices) for c in of),
            ]


def _cell(field: FieldDefinition, value: Any, choices: Choices) -> str | Decimal:
    if blank(value) or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if field.kind in ("select", "radio", "multiselect"):
        return field.show(value, choices)
    if field.numeric:
        with suppress(InvalidOperation):
            return Decimal(str(value))
    return "；".join(map(str, value)) if isinstance(value, list) else str(value)


DICTIONARY = ("file", "column", "所属材料", "名称", "类型", "单位", "填写说明")


def dictionary(form: Form) -> Iterator[Cells]:
    """Return what each column is, as the form calls it."""
    for name, label in CASE.items():
        yield ["cases.csv", name, "申请", label, "", "", ""]
    for file in files(form):
        if file != "cases.csv":
            yield [file, "number", "申请", CASE["number"], "", "", ""]
            yield [file, "row", "", "行标识", "", "", ""]
    for c in columns(form):
        yield [c.file, c.name, c.label, c.field.full_label, c.field.type, c.field.unit or "", c.field.help or ""]

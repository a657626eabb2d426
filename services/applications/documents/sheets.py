"""Describe papers of a page or two: the receipt of a submission (申报回执), and a case in short for a meeting (项目简表)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.applications.documents.document_model import OFFICE, amount, label
from services.applications.forms.definition import Form, Section
from services.applications.forms.filled import presence
from services.applications.forms.filled.checks import name_in, value_at
from services.applications.forms.filled.reading import named_files
from services.applications.forms.filled.reading_view import in_full, specified
from services.applications.forms.filled.section_state import sums, totals
from services.applications.forms.kinds import FixedTextField, blank
from shared import clock
from shared.contract.submission import Receipt
from shared.document import Column, Proof, Sheet, Table, Text, Value, Values

# What a meeting reads of a long text; the 申报书 has all of it.
SHORT = 160
_WIDE = {"textarea", "multiselect"}


def of_receipt(
    form: Form, content: Mapping[str, Any], receipt: Receipt, *, round_title: str, proof: Proof
) -> Sheet:
    """Return the receipt of a submitted revision. It holds no personal data: `content` need not be opened."""
    enterprise = content["enterprise"]
    told = [
        Value(label="申报编号", text=receipt.number),
        Value(label="版次", text=f"第 {receipt.revision} 版"),
        Value(label="申报单位", text=enterprise["name"], wide=True),
        Value(label="统一社会信用代码", text=enterprise["uscc"], wide=True),
        Value(label="项目名称", text=_name(form, content), wide=True),
        Value(label="专项资金名称", text=f"{form.label}（{round_title}）", wide=True),
        Value(label="收到时间", text=f"{clock.show(receipt.received_at)}（北京时间）", wide=True),
        Value(label="回执签名", text=_in_two_lines(receipt.signature), wide=True),
    ]
    return Sheet(
        title="申报回执",
        subtitle=form.document_title,
        author=enterprise["name"],
        office=OFFICE,
        blocks=[
            Values(values=told),
            Text(text="已收到你单位提交的上述申报材料。本回执证明收到的时间和内容，不代表受理或审核结论。"),
        ],
        proof=proof,
        created_at=receipt.received_at,
        expected=[receipt.number, receipt.sha256],
    )


def of_case_in_short(form: Form, content: Mapping[str, Any]) -> Sheet:
    """Return a submitted revision in short, from its masked content: its sums, its single values with long texts cut, of each table the
    number of rows and the totals, of files their number, and what was explained. Sensitive values and what is only sworn to are left out."""
    sections, enterprise = content["sections"], content["enterprise"]
    applied = value_at(form.applied_amount, sections)
    number, revision = content["number"], content["revision"]
    facts = [
        Value(label="申报编号", text=f"{number}（第 {revision} 版）"),
        Value(label="申请金额", text=amount(Decimal(applied), "万元", Decimal(1)) if applied else "—"),
        Value(label="项目名称", text=_name(form, content), wide=True),
        Value(label="申报单位", text=enterprise["name"], wide=True),
    ]
    told = [
        Values(caption=section.title, values=found)
        for section in form.sections
        if section.text is None and (found := _in_short(form, section, sections.get(section.key)))
    ]
    return Sheet(
        title="项目简表",
        subtitle=form.title,
        author=enterprise["name"],
        office=f"{OFFICE}（供会议使用，详见申报书）",
        blocks=[Values(values=facts), *told, *_explained(form, content.get("reasons", {}))],
        created_at=datetime.fromisoformat(content["received_at"]),
        expected=[number],
    )


def _in_two_lines(signature: str) -> str:
    """Return a signature in two lines, the first of which does not end with a hyphen: who copies it out of a PDF would lose that."""
    first = signature[: len(signature) // 2].rstrip("-")
    return f"{first}\n{signature[len(first) :]}"


def _name(form: Form, content: Mapping[str, Any]) -> str:
    return str(name_in(form, content["sections"]) or "未命名项目")


def _in_short(form: Form, section: Section, values: Mapping[str, Any] | None) -> list[Value]:
    if values is None:
        return []
    choices = form.choices_of_its_own
    there = {field.key for field in presence.fields(section, values)} - specified(section.fields)
    found = [
        Value(label=label(f), text=_cut(in_full(f, values, choices)), wide=f.kind in _WIDE)
        for f in section.fields
        if f.key in there
        and not f.sensitive
        and not isinstance(f, FixedTextField)
        and not blank(values.get(f.key))
    ]
    for table in presence.tables(section, values):
        rows = values.get(table.key) or []
        shown = sums(table, totals(table, rows)) if table.totals else {}
        said = [f"{c.full_label}{table.total_label} {shown[c.key]}" for c in table.columns if shown.get(c.key)]
        found.append(Value(label=table.label, text="；".join([f"{len(rows)} 行", *said]), wide=True))
    if files := named_files(section, values):
        found.append(Value(label="附件", text=f"{len(files)} 份"))
    return found


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHORT else f"{text[:SHORT].rstrip()}……"


def _explained(form: Form, reasons: Mapping[str, str]) -> list[Table]:
    rows = [[check.message, reasons[check.id]] for check in form.checks if check.id in reasons]
    columns = [Column(label="核对提示", width=20), Column(label="申报单位的说明", width=40)]
    return [Table(caption="核对提示及说明", columns=columns, rows=rows)] if rows else []

"""A revision as a document: formatted, labelled, and free of everything that only we understand."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.applications.forms.answers import total
from services.applications.forms.checks import value_at
from services.applications.forms.definition import Form, Section
from services.applications.forms.definition import Table as TableDefinition
from services.applications.forms.fields import FieldDefinition, blank
from shared import clock
from shared.messages import Block, Column, DocumentModel, Material, Seal, Table, Text, Value, Values

DRAFT_WATERMARK = "草稿，不作为申报依据"

Sections = Mapping[str, Mapping[str, Any]]
Files = Mapping[str, Mapping[str, Any]]

# What long text gets is the width of the page.
_WIDE = {"textarea", "multiselect"}


def of_revision(form: Form, content: Mapping[str, Any], *, sha256: str, sm3: str) -> DocumentModel:
    """The document of a submitted revision, from its canonical content (sensitive values opened)."""
    sections, files = content["sections"], content["attachments"]
    number, revision = content["number"], content["revision"]
    received_at = datetime.fromisoformat(content["received_at"])
    name = str(value_at(form.project_name, sections))
    materials = [material(form, section, sections.get(section.key), files) for section in form.sections]
    return DocumentModel(
        title=form.document_title,
        subtitle=form.title,
        cover=[
            Value(label="项目名称", text=name),
            Value(label="申报单位", text=content["enterprise"]["name"]),
            Value(label="统一社会信用代码", text=content["enterprise"]["uscc"]),
            Value(label="申报编号", text=number),
            Value(label="版次", text=f"第 {revision} 版"),
            Value(label="申报时间", text=clock.show(received_at)),
        ],
        number=number,
        revision=revision,
        running_header=f"申报编号 {number}　第 {revision} 版",
        sha256=sha256,
        sm3=sm3,
        created_at=received_at,
        materials=materials,
        expected=[number, *(section.title for section in form.sections)],
    )


def of_snapshot(
    form: Form, sections: Sections, files: Files, *, enterprise: Mapping[str, str], at: datetime
) -> DocumentModel:
    """What is saved so far, watermarked; it proves nothing and says so."""
    name = str(value_at(form.project_name, sections) or "未命名项目")
    return DocumentModel(
        title=form.document_title,
        subtitle=form.title,
        cover=[
            Value(label="项目名称", text=name),
            Value(label="申报单位", text=enterprise["name"]),
            Value(label="统一社会信用代码", text=enterprise["uscc"]),
        ],
        number=None,
        revision=None,
        running_header=DRAFT_WATERMARK,
        watermark=DRAFT_WATERMARK,
        created_at=at,
        materials=[material(form, section, sections.get(section.key), files) for section in form.sections],
        expected=[section.title for section in form.sections],
    )


def of_commitment(form: Form, sections: Sections, *, enterprise: Mapping[str, str], at: datetime) -> DocumentModel:
    """下载待盖章承诺书: the sections that carry a text to be sworn to, with room for the seal."""
    name = str(value_at(form.project_name, sections) or "未命名项目")
    sworn = [section for section in form.sections if section.text]
    return DocumentModel(
        title="承诺书",
        subtitle=form.title,
        cover=[
            Value(label="项目名称", text=name),
            Value(label="申报单位", text=enterprise["name"]),
            Value(label="统一社会信用代码", text=enterprise["uscc"]),
        ],
        number=None,
        revision=None,
        running_header=f"{enterprise['name']}　承诺书",
        created_at=at,
        materials=[
            Material(title=section.title, blocks=[Text(text=section.text or ""), _seal(enterprise["name"])])
            for section in sworn
        ],
        expected=[section.title for section in sworn],
    )


def _seal(name: str) -> Seal:
    return Seal(
        lines=[
            Value(label="单位名称（盖章）", text=name),
            Value(label="法定代表人或授权人（签字）", text=""),
            Value(label="日期", text="　　　　年　　月　　日"),
        ]
    )


def material(form: Form, section: Section, values: Mapping[str, Any] | None, files: Files) -> Material:
    """One numbered material: its text, its fields by group, its tables with totals, its attachments."""
    if values is None:
        return Material(title=section.title, blocks=[Text(text="（尚未保存）")])
    blocks: list[Block] = []
    if section.text:
        blocks.append(Text(text=section.text))
    groups = list(dict.fromkeys(part.group for part in [*section.fields, *section.tables]))
    # What stands alone comes first, then each group under its heading, as on the screen.
    for group in sorted(groups, key=lambda name: name is not None):
        fields = [field for field in section.fields if field.group == group]
        if fields:
            blocks.append(Values(caption=group, values=[_value(field, values) for field in fields]))
        blocks += [_table(table, values) for table in section.tables if table.group == group]
    listed = _attachments(section, values, files)
    if listed:
        blocks.append(listed)
    if section.text:
        blocks.append(_seal(""))
    return Material(title=section.title, blocks=blocks)


def label(field: FieldDefinition) -> str:
    """A field's label with its unit."""
    return f"{field.label}（{field.unit}）" if field.unit else field.label


def shown(field: FieldDefinition, value: Any) -> str:
    """A value as people read it; a dash where nothing was filled in."""
    return "—" if blank(value) else field.show(value)


def _value(field: FieldDefinition, values: Mapping[str, Any]) -> Value:
    return Value(label=label(field), text=shown(field, values.get(field.key)), wide=field.kind in _WIDE)


def _table(table: TableDefinition, values: Mapping[str, Any]) -> Table:
    rows = values.get(table.key) or []
    labels = {row.key: row.label for row in table.fixed_rows}
    lead = table.row_label if table.fixed_rows else "序号"
    cells = [
        [
            labels[row["row"]] if table.fixed_rows else str(index),
            *(shown(column, row.get(column.key)) for column in table.columns),
        ]
        for index, row in enumerate(rows, 1)
    ]
    totals = None
    if table.totals:
        totals = [table.total_label] + [
            _total(column, total(table, column.key, rows)) if column.key in table.totals else ""
            for column in table.columns
        ]
    return Table(
        caption=table.label,
        columns=[
            Column(label=lead, width=10 if table.fixed_rows else 6),
            *(Column(label=label(c), width=c.width, numeric=c.numeric) for c in table.columns),
        ],
        rows=cells,
        totals=totals,
    )


def _total(column: FieldDefinition, amount: Decimal) -> str:
    return column.show(amount)


def _attachments(section: Section, values: Mapping[str, Any], files: Files) -> Table | None:
    if not section.slots:
        return None
    rows = []
    for slot in section.slots:
        for id in values.get(slot.key) or []:
            file = files.get(id)
            if file:
                rows.append([slot.label, file["name"], f"{file['size']:,}", file["sha256"]])
    if not rows:
        return None
    return Table(
        caption="附件清单",
        columns=[
            Column(label="材料", width=14),
            Column(label="文件名", width=14),
            Column(label="大小（字节）", width=8, numeric=True),
            Column(label="SHA-256", width=18),
        ],
        rows=rows,
    )

"""Describe a revision as a document: formatted, labelled, and free of everything that only this service understands."""

from collections.abc import Mapping, Set
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any

from services.applications.forms.definition import Form, Section, Slot
from services.applications.forms.definition import Table as TableDefinition
from services.applications.forms.filled import presence
from services.applications.forms.filled.checks import name_in, value_at
from services.applications.forms.filled.labels import file_rows, files_in_order
from services.applications.forms.filled.reading_view import in_full, specified
from services.applications.forms.filled.section_state import sums, totals
from services.applications.forms.kinds import Choices, FieldDefinition, FixedTextField, blank
from shared import clock
from shared.document import (
    ApplicationForm,
    Block,
    Column,
    Commitment,
    Embedded,
    Material,
    Proof,
    Seal,
    Table,
    Text,
    Value,
    Values,
)
from shared.text import formatted
from shared.text.capitals import in_words

OFFICE = "北京市经济和信息化局"
DRAFT_WATERMARK = "草稿，不作为申报依据"
MASKED_WATERMARK = "已隐去个人信息，仅供评审和审计"

Sections = Mapping[str, Mapping[str, Any]]
Files = Mapping[str, Mapping[str, Any]]

# What long text gets is the width of the page.
_WIDE = {"textarea", "multiselect"}
# What a line of print carries of the widths of columns (14 hold a date), and the least that shows anything.
_LINE, _NARROWEST = 80, 4
# The same of a page laid across.
_LONG_LINE = 124
_NONE: frozenset[str] = frozenset()


def of_revision(form: Form, content: Mapping[str, Any], *, proof: Proof, canonical: str) -> ApplicationForm:
    """Return the document of a submitted revision, from its canonical content (sensitive values opened). `canonical`
    is that content's canonical JSON, whose digests `proof` tells; it travels inside the PDF."""
    number, revision = content["number"], content["revision"]
    paper = of_revision_masked(form, content)
    titles = [section.title for section in form.sections if section.key in content["sections"]]
    return paper.model_copy(
        update={
            "watermark": None,
            "proof": proof,
            "embedded": [
                Embedded(
                    name=f"{number}-{revision}.json",
                    description="本版申报数据（RFC 8785 规范 JSON），其摘要即文中所载摘要",
                    text=canonical,
                )
            ],
            "expected": [number, *titles, proof.sha256],
        }
    )


def of_revision_masked(form: Form, content: Mapping[str, Any]) -> ApplicationForm:
    """Return the document of a submitted revision for those who may not see personal data, from its masked content. It proves
    nothing, and holds no data beside its pages."""
    sections, files = content["sections"], content["attachments"]
    number, revision = content["number"], content["revision"]
    received_at = datetime.fromisoformat(content["received_at"])
    # What was hidden, or could stay empty and did, is no part of what was handed in.
    left_out = form.by_key.keys() - sections.keys()
    materials, appendices = _materials(form, sections, files, left_out)
    if reasons := content.get("reasons"):
        appendices = [_reasons(form, reasons), *appendices]
    return ApplicationForm(
        title=form.document_title,
        subtitle=form.title,
        author=content["enterprise"]["name"],
        office=OFFICE,
        cover=[
            *_cover(form, sections, content["enterprise"]),
            Value(label="申报编号", text=number),
            Value(label="版　　次", text=f"第 {revision} 版"),
            Value(label="申报时间", text=clock.show(received_at)),
        ],
        running_header=f"申报编号 {number}　第 {revision} 版",
        watermark=MASKED_WATERMARK,
        created_at=received_at,
        materials=materials,
        appendices=appendices,
        expected=[number, *(section.title for section in form.sections if section.key in sections)],
    )


def of_snapshot(
    form: Form,
    sections: Sections,
    files: Files,
    *,
    enterprise: Mapping[str, str],
    at: datetime,
    hidden: frozenset[str] = _NONE,
) -> ApplicationForm:
    """Return what is saved so far, watermarked; it proves nothing and says so. `hidden` are sections that are not asked for."""
    materials, appendices = _materials(form, sections, files, hidden)
    return ApplicationForm(
        title=form.document_title,
        subtitle=form.title,
        author=enterprise["name"],
        office=OFFICE,
        cover=_cover(form, sections, enterprise),
        running_header=DRAFT_WATERMARK,
        watermark=DRAFT_WATERMARK,
        created_at=at,
        materials=materials,
        appendices=appendices,
        expected=[DRAFT_WATERMARK, *(section.title for section in form.sections if section.key not in hidden)],
    )


def of_commitment(form: Form, sections: Sections, *, enterprise: Mapping[str, str], at: datetime) -> Commitment:
    """下载待盖章承诺书: the sections that carry a text to be sworn to, with room for the seal."""
    name = str(name_in(form, sections) or "未命名项目")
    sworn = [section for section in form.sections if section.text]
    return Commitment(
        title=sworn[0].title if len(sworn) == 1 else "承诺书",
        subtitle=f"{form.document_title}（{form.label}）",
        author=enterprise["name"],
        facts=[
            Value(label="项目名称", text=name),
            Value(label="申报单位", text=enterprise["name"]),
            Value(label="统一社会信用代码", text=enterprise["uscc"]),
        ],
        text="\n".join(section.text or "" for section in sworn),
        seal=_seal(enterprise["name"]),
        created_at=at,
        expected=[enterprise["name"], enterprise["uscc"]],
    )


def _cover(form: Form, sections: Sections, enterprise: Mapping[str, str]) -> list[Value]:
    applied = value_at(form.applied_amount, sections)
    return [
        Value(label="项目名称", text=str(name_in(form, sections) or "未命名项目")),
        Value(label="申报单位", text=enterprise["name"]),
        Value(label="统一社会信用代码", text=enterprise["uscc"]),
        Value(label="申请金额", text=amount(Decimal(applied), "万元", Decimal(1)) if applied else "—"),
    ]


def amount(value: Decimal, unit: str, wan: Decimal) -> str:
    """Return an amount in figures with its unit, which is so many 万元, and in words."""
    return f"{value:,.2f} {unit}\n（{in_words(value * wan)}）"


def _seal(name: str) -> Seal:
    return Seal(
        lines=[
            Value(label="单位名称（盖章）", text=name),
            Value(label="法定代表人或授权人（签字）", text=""),
            Value(label="日期", text="　　　　年　　月　　日"),
        ]
    )


def _materials(
    form: Form, sections: Sections, files: Files, left_out: Set[str]
) -> tuple[list[Material], list[Material]]:
    """Return the numbered materials, and the list of their attachments as an appendix."""
    numbers: dict[str, int] = {}
    rows = []
    for section, slot in ((s, slot) for s in form.sections for slot in s.slots):
        values = sections.get(section.key) or {}
        of_row = file_rows(section, values, form.choices_of_its_own)
        for id in files_in_order(section, slot, values):
            if (file := files.get(id)) is None or id in numbers:
                continue
            numbers[id] = len(numbers) + 1
            half = f"{file['sha256'][:32]}\n{file['sha256'][32:]}"
            label = f"{slot.label}（{of_row[id]}）" if id in of_row else slot.label
            rows.append([str(numbers[id]), label, file["name"], f"{file['size']:,}", half])
    materials = [
        material(form, section, sections.get(section.key), files, numbers)
        for section in form.sections
        if section.key not in left_out
    ]
    return materials, [_attachment_list(rows)] if rows else []


def _reasons(form: Form, reasons: Mapping[str, str]) -> Material:
    """Return what the checks noticed and the applicant explained."""
    rows = [[check.message, reasons[check.id]] for check in form.checks if check.id in reasons]
    columns = [Column(label="核对提示", width=20), Column(label="申报单位的说明", width=40)]
    return Material(title="核对提示及说明", blocks=[Table(columns=columns, rows=rows)])


def _attachment_list(rows: list[list[str]]) -> Material:
    table = Table(
        columns=[
            Column(label="序号", width=5),
            Column(label="材料", width=13),
            Column(label="文件名", width=14),
            Column(label="字节", width=8, numeric=True),
            Column(label="SHA-256", width=22),
        ],
        rows=rows,
        code=True,
    )
    return Material(title="附件清单", blocks=[table])


def material(
    form: Form,
    section: Section,
    values: Mapping[str, Any] | None,
    files: Files,
    numbers: Mapping[str, int],
) -> Material:
    """Return one numbered material: its text, its fields by group, its tables with totals, its attachments by the
    `numbers` they have in the list at the end."""
    sworn = section.text is not None
    if values is None:
        blocks: list[Block] = [Text(text=section.text)] if section.text else []
        return Material(title=section.title, blocks=[*blocks, Text(text="（尚未保存）")], new_page=sworn)
    blocks = []
    if section.text:
        blocks.append(Text(text=section.text))
    choices = form.choices_of_its_own
    there = {field.key for field in presence.fields(section, values)} - specified(section.fields)
    fields = [f for f in section.fields if f.key in there or isinstance(f, FixedTextField)]
    tables = presence.tables(section, values)
    groups = list(dict.fromkeys(part.group for part in [*fields, *tables]))
    # What stands alone comes first, then each group under its heading, as on the screen.
    for group in sorted(groups, key=lambda name: name is not None):
        blocks += _fields([field for field in fields if field.group == group], values, group, choices)
        for table in tables:
            blocks += _in_parts(_table(table, values, choices)) if table.group == group else ()
    if presence.slots(section, values):
        blocks.append(_attached(section, values, files, numbers, choices))
    if sworn:
        blocks.append(_seal(""))
    # The page that is stamped is a page of its own.
    return Material(title=section.title, blocks=blocks, new_page=sworn)


def label(field: FieldDefinition) -> str:
    """Return a field's label with its unit."""
    return f"{field.label}（{field.unit}）" if field.unit else field.label


def _fields(
    fields: list[FieldDefinition], values: Mapping[str, Any], caption: str | None, choices: Choices
) -> list[Block]:
    """Fields in their order; a fixed text stands between them as a paragraph."""
    blocks: list[Block] = []
    for field in fields:
        if isinstance(field, FixedTextField):
            text = formatted.plain(field.text) if field.formatted else field.text
            blocks.append(Text(caption=field.label or None, text=text))
        elif blocks and isinstance(last := blocks[-1], Values):
            last.values.append(_value(field, values, choices))
        else:
            blocks.append(Values(caption=None if blocks else caption, values=[_value(field, values, choices)]))
    return blocks


def _value(field: FieldDefinition, values: Mapping[str, Any], choices: Choices) -> Value:
    value = values.get(field.key)
    if (wan := field.wan_in_unit) and value is not None and not blank(value):
        # Both ways, as a voucher has it: figures are easily altered, words are not.
        return Value(label=field.label, text=amount(Decimal(value), field.unit or "", wan))
    return Value(label=label(field), text=in_full(field, values, choices), wide=field.kind in _WIDE)


def _table(table: TableDefinition, values: Mapping[str, Any], choices: Choices) -> Table:
    rows = values.get(table.key) or []
    columns = [c for c in presence.columns(table, rows) if c.key not in specified(table.columns)]
    lead = _lead(table)
    cells = [
        [*_row_lead(table, row, index), *(in_full(column, row, choices) for column in columns)]
        for index, row in enumerate(rows, 1)
    ]
    line, note = None, None
    if table.totals:
        kept = totals(table, rows)
        shown = sums(table, kept)
        line = [table.total_label, *[""] * (len(lead) - 1), *(shown.get(c.key, "") for c in columns)]
        in_money = [(c, wan) for c in columns if c.key in kept and (wan := c.wan_in_unit)]
        note = "；".join(
            f"{table.total_label if len(in_money) == 1 else c.full_label}（大写）：{in_words(Decimal(kept[c.key]) * wan)}"
            for c, wan in in_money
        )
    return Table(
        caption=table.label,
        columns=[
            *lead,
            *(
                Column(label=label(c), over=c.under, width=max(c.width, _NARROWEST), numeric=c.numeric)
                for c in columns
            ),
        ],
        rows=cells,
        merged=len(lead) if table.levels else 0,
        strong=[n for n, row in enumerate(rows) if row.get("row") in table.subtotals],
        totals=line,
        note=note or None,
        landscape=table.landscape,
    )


def _lead(table: TableDefinition) -> list[Column]:
    """Return the columns that say which row it is."""
    if table.levels:
        listed = ([b.label for b in table.levels], [level.label for _, level in table.by_level.values()])
        # Room for the longest heading in one line, as far as there is some.
        widths = [min(max(8, max(map(len, labels)) + 3), 14) for labels in listed]
        return [Column(label=label, width=width) for label, width in zip(table.level_labels, widths, strict=True)]
    return [Column(label=table.row_label if table.fixed_rows else "序号", width=10 if table.fixed_rows else 6)]


def _row_lead(table: TableDefinition, row: Mapping[str, Any], index: int) -> list[str]:
    if table.levels:
        branch, level = table.by_level[row["row"]]
        return [branch.label, level.label]
    return [table.by_row[row["row"]].label if table.fixed_rows else str(index)]


def _in_parts(table: Table) -> list[Table]:
    """Return a table that is too wide for a line of print as several, one below the other, each led by its first columns. One that
    may lie across does, and has the longer line."""
    led = table.merged or 1
    lead, rest = sum(column.width for column in table.columns[:led]), table.columns[led:]
    whole = sum(column.width for column in rest)
    if lead + whole <= _LINE:
        return [table.model_copy(update={"landscape": False})]
    line = _LONG_LINE if table.landscape else _LINE
    if lead + whole <= line:
        return [table]
    count = ceil(whole / (line - lead))
    parts: dict[int, list[int]] = {}
    before = 0
    for at, column in enumerate(rest, led):
        # The part that its middle falls into: all parts come out about as wide.
        parts.setdefault(int((before + column.width / 2) * count / whole), list(range(led))).append(at)
        before += column.width
    return [
        Table(
            caption=f"{table.caption}（续）" if number else table.caption,
            columns=[table.columns[at] for at in picked],
            rows=[[row[at] for at in picked] for row in table.rows],
            merged=table.merged,
            strong=table.strong,
            landscape=table.landscape,
            totals=[table.totals[at] for at in picked] if table.totals else None,
            note=table.note if number == len(parts) - 1 else None,
        )
        for number, picked in enumerate(parts.values())
    ]


def _attached(
    section: Section, values: Mapping[str, Any], files: Files, numbers: Mapping[str, int], choices: Choices
) -> Values:
    of_row = file_rows(section, values, choices)

    def names(slot: Slot) -> str:
        given = (id for id in files_in_order(section, slot, values) if id in numbers)
        lines = (
            f"附件{numbers[id]}　{of_row[id] + '：' if id in of_row else ''}{files[id]['name']}" for id in given
        )
        return "\n".join(lines) or "—"

    return Values(
        caption="附件",
        values=[Value(label=s.label, text=names(s), wide=True) for s in presence.slots(section, values)],
    )

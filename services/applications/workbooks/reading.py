"""Read a workbook that came back into the values of its sections, cell by cell beside what stands on the pages now.

A cell counts as changed where it differs from what the workbook was written with; what was changed on the pages meanwhile stays. What a
cell holds that its field cannot take is kept as it was typed and told at its place, as on the page; what would mix up rows or columns
(`blocking`) lets nothing of the workbook be taken.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from services.applications.forms.definition import Form, Table
from services.applications.forms.kinds import (
    CheckboxField,
    FieldDefinition,
    MultiSelectField,
    RadioField,
    SelectField,
    blank,
)
from services.applications.forms.kinds.numeric import PercentField
from services.applications.forms.kinds.times import DateField, YearField
from services.applications.workbooks import layout
from services.applications.workbooks.layout import FIRST, HEAD, ID, KEYS, LEAD, VALUE, Sheet, mark, named, plain
from services.applications.workbooks.opening import Book, Cell, Grid
from shared import codes
from shared.errors import Conflict
from shared.text.typed_text import UnreadableText, cleaned

Values = dict[str, Any]
# Remarks of one workbook, at most.
MAX_REMARKS = 300
_NOTHING = Cell("")
_TICKS = {"是": True, "√": True, "✓": True, "TRUE": True, "否": False, "×": False, "FALSE": False}


@dataclass(frozen=True)
class Remark:
    """What is said of a place in the workbook. `blocking`: nothing is taken; `wrong`: taken as typed, to be mended; `told`: for
    information."""

    sheet: str
    cell: str
    label: str
    code: str
    message: str
    severity: Literal["blocking", "wrong", "told"] = "told"


@dataclass(frozen=True)
class Change:
    """A cell that will hold something else. `conflict`: it was changed on the page, too, since the workbook was made."""

    section: str
    sheet: str
    cell: str
    label: str
    before: str
    after: str
    conflict: bool


@dataclass
class Brought:
    """The values of sections in which something changes, what changes, and what is said of it. `places`: where in the workbook a value
    stands, by section, field or table, row and column."""

    values: dict[str, Values] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    places: dict[tuple[str, str, str | None, str | None], tuple[str, str, str]] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return any(remark.severity == "blocking" for remark in self.remarks)


@dataclass(frozen=True)
class Known:
    """What the hidden sheet says: the sections, and what stood in each row when the workbook was written."""

    sections: tuple[str, ...]
    marks: Mapping[tuple[str, str], Mapping[str, str]]


def known(book: Book, form: Form, application: UUID) -> Known:
    """Return what a workbook was made of; `Conflict` for one of another application or of another version of the form."""
    about = book.grids.get(layout.ABOUT, Grid())
    lines: dict[int, dict[int, str]] = {}
    for (row, column), cell in about.cells.items():
        lines.setdefault(row, {})[column] = cell.text
    first, second = lines.get(1, {}), lines.get(2, {})
    if first.get(1) != layout.FORMAT:
        raise Conflict("这不是从本系统下载的工作簿，请下载后在其中填写。", code=codes.WORKBOOK_UNKNOWN)
    if first.get(2) != str(application):
        raise Conflict("这是另一份申请的工作簿，请上传从本申请下载的工作簿。", code=codes.WORKBOOK_OF_ANOTHER)
    sections = tuple(text for column, text in sorted(second.items()) if column > 1)
    same = (first.get(3), first.get(4)) == (form.fund_type, str(form.version))
    if not same or second.get(1) != layout.digest(form, layout.sheets(form, sections)):
        raise Conflict(
            "工作簿按申报表的另一版本制作，与本申请现用的版本不同。请重新下载工作簿，将内容复制过去后上传。",
            code=codes.WORKBOOK_VERSION,
        )
    marks = {}
    for number, line in lines.items():
        if number > 2 and 3 in line:
            pairs = (part.partition("=") for part in line[3].split(" "))
            marks[line.get(1, ""), line.get(2, "")] = {key: value for key, _, value in pairs}
    return Known(sections, marks)


def read(
    book: Book,
    form: Form,
    what: Known,
    standing: Mapping[str, Values],
    followed: Mapping[tuple[str, str], Mapping[str, str]],
    readonly: frozenset[str],
    choices: Mapping[str, Any],
) -> Brought:
    """Return what a workbook brings. `standing`: by section what stands on its page; `followed`, `readonly` as in `Standing`."""
    found = Brought()
    for sheet in layout.sheets(form, what.sections):
        reader = _Reader(book, sheet, what, choices, found, readonly)
        if sheet.title not in book.grids:
            reader.gone()
            continue
        key = sheet.section.key
        values = found.values.setdefault(key, dict(standing.get(key, {})))
        if sheet.table is None:
            reader.fields(values)
        else:
            reader.table(sheet.table, values, followed.get((key, sheet.table.key), {}))
    changed = {change.section for change in found.changes}
    found.values = {key: values for key, values in found.values.items() if key in changed}
    return found


class _Reader:
    def __init__(
        self,
        book: Book,
        sheet: Sheet,
        what: Known,
        choices: Mapping[str, Any],
        found: Brought,
        readonly: frozenset[str],
    ) -> None:
        self._book, self._sheet, self._what = book, sheet, what
        self._grid = grid = book.grids.get(sheet.title, Grid())
        self._choices, self._found, self._readonly = choices, found, readonly
        self._columns = {cell.text: column for (row, column), cell in grid.cells.items() if row == KEYS}
        self._last = max((row for row, _ in grid.cells), default=0)

    def gone(self) -> None:
        """Say that the sheet is not there."""
        self._say("", self._sheet.title, codes.WORKBOOK_SHEET, "缺少此工作表，其内容未作改动")

    # ── fields below each other ──────────────────────────────────────────────

    def fields(self, values: Values) -> None:
        if not self._has(ID, VALUE):
            return
        rows = {self._text(row, ID): row for row in range(FIRST, self._last + 1)}
        for definition in self._sheet.fields:
            row = rows.get(definition.key)
            place = (self._sheet.section.key, definition.key, None, None)
            if row is None:
                self._say("", named(definition), codes.WORKBOOK_ROW, "此行已被删除，未作改动")
                continue
            self._found.places[place] = (self._sheet.title, self._at(row, VALUE), named(definition))
            if f"{place[0]}.{definition.key}" in self._readonly:
                continue
            self._seen(row)
            raw = self._raw(row, VALUE, definition, named(definition))
            if raw is not _UNREAD and self._changes(
                row, VALUE, definition, named(definition), values.get(definition.key), raw, definition.key, VALUE
            ):
                values[definition.key] = raw

    # ── rows of a table ──────────────────────────────────────────────────────

    def table(self, table: Table, values: Values, followed: Mapping[str, str]) -> None:
        keys = [c.key for c in self._sheet.fields]
        if not self._has(ID, *([LEAD] if table.lead else []), *keys):
            return
        standing = [dict(row) for row in values.get(table.key) or [] if isinstance(row, dict)]
        by_id = {str(row.get("row") if table.fixed_rows else row.get("id")): row for row in standing}
        # Rows that neither come nor go by this table.
        stays = bool(table.fixed_rows or table.source)
        seen: set[str] = set()
        added: list[Values] = []
        for number in range(FIRST, self._last + 1):
            # A line without anything in it is no row, or one that was emptied and goes.
            if not stays and all(blank(self._cell(number, key).text) for key in keys):
                continue
            self._seen(number)
            row = self._row(table, number, by_id, seen, followed)
            if row is None:
                continue
            id, words = str(row["id"]), self._words(table, row, number)
            new = id not in by_id
            for column in self._sheet.fields:
                self._found.places[self._sheet.section.key, table.key, id, column.key] = (
                    self._sheet.title, self._at(number, column.key), f"{words} · {named(column)}",
                )  # fmt: skip
                raw = self._raw(number, column.key, column, f"{words} · {named(column)}")
                before = by_id.get(id, {}).get(column.key)
                if raw is not _UNREAD and self._changes(
                    number, column.key, column, f"{words} · {named(column)}", before, raw, id, column.key
                ):
                    row[column.key] = raw
            if table.levels and not new and row.get("row") != by_id[id].get("row"):
                self._change(
                    number,
                    LEAD,
                    f"{words} · {table.lead}",
                    table.row_names.get(str(by_id[id].get("row")), ""),
                    self._text(number, LEAD),
                    conflict=False,
                )
            (added if new else []).append(row)
            by_id[id] = row
            seen.add(id)
        kept = [by_id[str(r.get("row") if table.fixed_rows else r.get("id"))] for r in standing]
        if not stays:
            kept = [row for row in kept if not self._removed(row, seen)]
        if not stays and len(kept) + len(added) > table.max_rows:
            said = f"“{table.label}”最多 {table.max_rows} 行，上传后将有 {len(kept) + len(added)} 行，请删减"
            self._say("", table.label, "too_many_rows", said, "blocking")
        values[table.key] = [*kept, *added]

    def _row(
        self, table: Table, number: int, by_id: Mapping[str, Values], seen: set[str], followed: Mapping[str, str]
    ) -> Values | None:
        """Return the row that a line of the sheet is, as it stands; None for one that is nothing or stands for nothing."""
        if table.fixed_rows:
            return self._fixed(table, number, by_id, seen)
        if table.source:
            return self._following(table, number, by_id, seen, followed)
        return self._free(table, number, by_id, seen)

    def _fixed(self, table: Table, number: int, by_id: Mapping[str, Values], seen: set[str]) -> Values | None:
        id, lead = self._text(number, ID), self._text(number, LEAD)
        key = id if id in table.by_row else next((k for k, name in table.row_names.items() if name == lead), "")
        if key and key not in seen and key not in table.subtotals:
            return {**by_id.get(key, {}), "id": key, "row": key}
        self._strange(table, number, "本表的行是固定的，不能增加此行")
        return None

    def _following(
        self, table: Table, number: int, by_id: Mapping[str, Values], seen: set[str], followed: Mapping[str, str]
    ) -> Values | None:
        id = self._text(number, ID)
        if id in followed and id not in seen:
            return {**by_id.get(id, {}), "id": id}
        self._strange(table, number, "本表的行随另一张表增减，请先在网页上增加相应的行，再重新下载工作簿")
        return None

    def _free(self, table: Table, number: int, by_id: Mapping[str, Values], seen: set[str]) -> Values | None:
        # A line that was copied brings the id of the other.
        id = self._text(number, ID)
        fresh = id not in by_id or id in seen
        if fresh and id not in seen and self._gone(number, id):
            said = "此行下载后已在网页上删除，工作簿中没有改动，未再加入"
            self._say(self._at(number, ID), f"第 {number} 行", codes.UNKNOWN_ROW, said)
            return None
        row: Values = {"id": uuid4().hex[:12]} if fresh else dict(by_id[id])
        if table.levels:
            lead = self._text(number, LEAD)
            level = next((k for k, name in table.row_names.items() if name == lead), None)
            if level is None:
                said = f"请从下拉列表中选择“{table.lead}”"
                self._say(self._at(number, LEAD), table.label, codes.UNKNOWN_ROW, said, "blocking")
                return None
            row["row"] = level
        return row

    def _strange(self, table: Table, number: int, message: str) -> None:
        """Say of a line with something in it that there is no such row."""
        if any(not blank(self._cell(number, c.key).text) for c in self._sheet.fields):
            at = self._at(number, LEAD if table.lead else self._sheet.fields[0].key)
            self._say(at, table.label, codes.UNKNOWN_ROW, message, "blocking")

    def _gone(self, number: int, id: str) -> bool:
        """Whether a line was in the workbook and holds what it held."""
        was = self._what.marks.get((self._sheet.title, id))
        if was is None:
            return False
        held = {c.key: self._raw(number, c.key, c, "", quietly=True) for c in self._sheet.fields}
        return all(mark(plain(c, held[c.key], self._choices)) == was.get(c.key, "") for c in self._sheet.fields)

    def _removed(self, row: Values, seen: set[str]) -> bool:
        """Whether a row that stands was in the workbook and is there no more; one that was added on the page since stays."""
        id = str(row.get("id"))
        was = self._what.marks.get((self._sheet.title, id))
        if id in seen or was is None:
            return False
        cells = [
            f"{named(c)}：{self._shown(c, row.get(c.key))}"
            for c in self._sheet.fields
            if not blank(row.get(c.key))
        ]
        moved = any(
            mark(plain(c, row.get(c.key), self._choices)) != was.get(c.key, "") for c in self._sheet.fields
        )
        self._found.changes.append(
            Change(self._sheet.section.key, self._sheet.title, "", "整行", "；".join(cells), "（删除此行）", moved)
        )
        return True

    def _words(self, table: Table, row: Values, number: int) -> str:
        return table.row_names.get(str(row.get("row")), "") or f"第 {number} 行"

    # ── cells ────────────────────────────────────────────────────────────────

    def _changes(
        self,
        row: int,
        column: str,
        definition: FieldDefinition,
        label: str,
        before: Any,
        raw: Any,
        id: str,
        key: str,
    ) -> bool:
        """Tell whether a cell changes what stands, and note how."""
        new, now = plain(definition, raw, self._choices), plain(definition, before, self._choices)
        was = self._what.marks.get((self._sheet.title, id), {}).get(key, "")
        if new == now or mark(new) == was:
            return False
        self._change(
            row,
            column,
            label,
            self._shown(definition, before),
            self._shown(definition, raw),
            conflict=mark(now) != was,
        )
        return True

    def _change(self, row: int, column: str, label: str, before: str, after: str, *, conflict: bool) -> None:
        at = self._at(row, column)
        self._found.changes.append(
            Change(self._sheet.section.key, self._sheet.title, at, label, before, after or "（清空）", conflict)
        )

    def _shown(self, definition: FieldDefinition, value: Any) -> str:
        if value in (None, "", []):
            return ""
        try:
            return definition.show(definition.parse(value, self._choices), self._choices)
        except ValueError:
            return "、".join(map(str, value)) if isinstance(value, list) else str(value)

    def _raw(
        self, row: int, column: str, definition: FieldDefinition, label: str, *, quietly: bool = False
    ) -> Any:
        """Return a cell's value as its field takes it, or as it was typed; `_UNREAD` where nothing can be known of it."""
        cell = self._cell(row, column)
        at = self._at(row, column)
        if quietly:
            return self._parsed(cell, definition)
        if (span := self._grid.merged.get((row, self._columns[column]))) is not None:
            self._say(at, label, codes.WORKBOOK_MERGED, f"{span} 是合并单元格，请取消合并后逐格填写", "blocking")
            return _UNREAD
        if cell.kind == "lost":
            how = "改为文本格式" if "15" in cell.text else "改为数值"
            self._say(
                at,
                label,
                codes.WORKBOOK_LOST,
                f"{cell.text}，未作改动；请{how}后重新填写，或在网页上填写",
                "wrong",
            )
            return _UNREAD
        if cell.formula:
            self._say(at, label, codes.WORKBOOK_FORMULA, f"此格是公式，按计算结果“{cell.text[:40]}”读取")
        return self._parsed(cell, definition)

    def _parsed(self, cell: Cell, definition: FieldDefinition) -> Any:
        if blank(cell.text):
            return [] if isinstance(definition, MultiSelectField) else ""
        raw = self._converted(cell, definition)
        try:
            return definition.parse(raw, self._choices)
        except ValueError:
            return raw

    def _converted(self, cell: Cell, definition: FieldDefinition) -> Any:
        """Return what a spreadsheet made of a value as a person would have typed it."""
        text = cell.text
        if isinstance(definition, SelectField | RadioField | MultiSelectField):
            return self._options(text, definition)
        if isinstance(definition, CheckboxField):
            return _TICKS.get(text.strip().upper(), text)
        if isinstance(definition, DateField) and cell.kind == "number":
            text = _day(text, self._book.epoch) or text
        elif isinstance(definition, YearField) and cell.kind == "date":
            text = text[:4]
        elif isinstance(definition, PercentField) and cell.percent:
            text = f"{Decimal(text) * 100:f}"
        return text

    def _options(self, text: str, definition: SelectField | RadioField | MultiSelectField) -> Any:
        """Return the options that a cell names by what people read."""
        by_label = {label: value for value, label in definition.labels(self._choices).items()}
        with suppress(UnreadableText):
            text = cleaned(text).strip()
        if isinstance(definition, MultiSelectField):
            return [by_label.get(item, item) for item in _items(text, by_label)]
        return by_label.get(text, text)

    def _cell(self, row: int, key: str) -> Cell:
        column = self._columns.get(key)
        return self._grid.cells.get((row, column), _NOTHING) if column else _NOTHING

    def _text(self, row: int, key: str) -> str:
        return self._cell(row, key).text.strip()

    def _at(self, row: int, key: str) -> str:
        return f"{_letters(self._columns.get(key, 1))}{row}"

    def _has(self, *keys: str) -> bool:
        """Say which columns are gone."""
        heads = dict(self._sheet.heads)
        missing = [heads.get(key) or "隐藏的标识列" for key in keys if key not in self._columns]
        if missing:
            columns = "”、“".join(missing)
            self._say(
                f"A{HEAD}",
                self._sheet.title,
                codes.WORKBOOK_COLUMN,
                f"缺少“{columns}”列，请用重新下载的工作簿填写，不要删除列和第 1 行（隐藏）",
                "blocking",
            )
        return not missing

    def _seen(self, row: int) -> None:
        if row in self._grid.hidden:
            self._say(
                f"A{row}",
                f"第 {row} 行",
                codes.WORKBOOK_HIDDEN,
                "此行在工作簿中是隐藏的，其内容同样会读取，请核对",
            )

    def _say(
        self, at: str, label: str, code: str, message: str, severity: Literal["blocking", "wrong", "told"] = "told"
    ) -> None:
        self._found.remarks.append(Remark(self._sheet.title, at, label, code, message, severity))


_UNREAD = object()


def _items(text: str, known: Mapping[str, str]) -> list[str]:
    """Return the options that a cell lists: one a line, or with marks between them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found: list[str] = []
    for line in lines:
        found += (
            [line] if line in known else [item.strip() for item in re.split("[、，,；;]", line) if item.strip()]
        )
    return found


def _day(text: str, epoch: date) -> str | None:
    """Return the day that a spreadsheet counts as this number."""
    try:
        number = int(float(text))
        # 1900 has a 29 February in Excel's calendar, before which its numbers are one less.
        found = epoch + timedelta(days=number + (1 if epoch.year == 1899 and number < 60 else 0))
    except (ValueError, OverflowError):
        return None
    return found.isoformat() if number > 0 else None


def _letters(column: int) -> str:
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text

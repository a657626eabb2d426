"""Write a document model as XHTML: a folder of templates for each kind of document, one environment for all."""

import base64
import io
import re
from datetime import datetime
from functools import cache
from itertools import groupby
from math import ceil
from pathlib import Path

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shared import clock
from shared.document import AnyDocument, ApplicationForm, Table, Value

TEMPLATES = Path(__file__).parent / "templates"
# What the kinds share; no kind itself.
SHARED = "shared"
MASK = 0
# The lines of half a page.
_HALF_PAGE = 20
# Characters that a table is wide and a cell's two paddings are; a unit at the end of a name.
_TABLE, _PADDING = 43.4, 1.0
# The same of a table on a page that is laid across.
_ACROSS = 66.9
# Amounts, codes and dates are not broken. What digits, capitals and what stands between them take of a character; totals are bold.
_WHOLE = re.compile("^[0-9A-Z,./:—年月日-]{0,24}$")
_DIGIT, _CAPITAL, _POINT, _BOLD = 0.56, 0.66, 0.32, 1.07
# How much of a table they may take from the columns beside them.
_FOR_WHOLE = 0.7
# Characters to a line of the cover, and the lines that stand between its title and the office's name.
_COVER_LINE, _COVER_LINES = 19, 12
# A value that would take more than four lines beside another has a row to itself.
_LONG = 46
_UNIT = re.compile("^[^（]+（[^（）]{1,4}）$")
# What stands between two tags and no text: our templates' own line breaks, each of them a box for a moment.
_BETWEEN = re.compile(">[ \n]+<")
_WORD, _WORD_BEFORE = re.compile("[0-9A-Za-z]"), re.compile("[0-9A-Za-z.-]+$")
_CLOSES, _OPENS = "”》）、，。：；", "“《（"
_EMAIL = re.compile("^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$")
_DIGITS = "〇一二三四五六七八九"


def kinds() -> list[str]:
    """Every kind of document there is a folder for."""
    return sorted(p.name for p in TEMPLATES.iterdir() if p.is_dir() and p.name != SHARED)


def html(model: AnyDocument) -> str:
    """Write the document as well-formed XHTML."""
    return _BETWEEN.sub("><", _environment().get_template(f"{model.kind}/document.xhtml").render(model=model))


def style_sheets(kind: str) -> list[str]:
    """The kind's print CSS, the shared one first."""
    files = (TEMPLATES / SHARED / "print.css", TEMPLATES / kind / "document.css")
    return [file.read_text(encoding="utf-8") for file in files]


def tighter(kind: str) -> list[str]:
    """The print CSS that a kind is set in, beside its own, where that saves a page: the loosest first."""
    return [file.read_text(encoding="utf-8") for file in sorted((TEMPLATES / kind).glob("tighter-*.css"))]


def numeral(number: int) -> str:
    """1 to 99 as a heading counts: 一, 十, 十二, 二十一."""
    tens, units = divmod(number, 10)
    lead = "" if tens == 0 else ("十" if tens == 1 else f"{_DIGITS[tens]}十")
    return lead + (_DIGITS[units] if units else "")


def qr(text: str) -> str:
    """A QR code as a `data:` image, level M: a quarter of it may be under a stamp's edge.

    One pixel a module: the style sheet says that it is not to be smoothed. The mask is not looked for: all eight
    are tried for long runs of one colour, which a signature has under none of them, and the search costs more
    than all the rest of the code.
    """
    out = io.BytesIO()
    segno.make(text, error="m", mask=MASK, micro=False, boost_error=False).save(out, kind="png", border=2)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def _lines(text: str) -> Markup:
    """Text with its line breaks; a line that is an e-mail address is a link."""
    return Markup("<br/>").join(_line(line) for line in text.split("\n"))


def _line(line: str) -> Markup:
    if "@" in line and _EMAIL.match(line):
        return Markup('<a href="mailto:{0}">{0}</a>').format(line)
    return escape(line)


def address_lines(address: str, longest: int = 56) -> list[str]:
    """An address in lines, none of which ends with a hyphen: who copies a line's end out of a PDF loses it there."""
    lines = []
    while address:
        line = address[:longest]
        if len(line) < len(address):
            line = line.rstrip("-") or line
        lines.append(line)
        address = address[len(line) :]
    return lines


def _paragraphs(text: str) -> list[str]:
    """Lines as paragraphs; empty ones only parted them."""
    return [line for line in text.split("\n") if line.strip()]


def _two_lines(title: str) -> str:
    """A long title broken where a person would: before its last 项目, or else in the middle."""
    if len(title) <= 16:
        return title
    at = title.rfind("项目")
    at = at if 0 < at < len(title) - 2 else (len(title) + 1) // 2
    return f"{title[:at]}\n{title[at:]}"


def title_lines(title: str, longest: int = 19) -> str:
    """A letter's title in lines that keep its sense: what is said of a long name in quotation marks stands below it."""
    if len(title) <= longest:
        return title
    name, mark, said = title.rpartition("”")
    if not mark or not 0 < len(said) <= longest:
        return "\n".join(_even_lines(title, longest))
    return "\n".join([*_even_lines(name + mark, longest), said])


def _even_lines(text: str, longest: int) -> list[str]:
    """As few lines as it takes, about as long as one another, broken before a dash where there is one nearby; none
    begins with what closes or ends with what opens, or parts a word in Latin letters."""
    lines = []
    for left in range(ceil(len(text) / longest), 0, -1):
        at = ceil(len(text) / left)
        dash = text.find("——", at - 3, at + 4)
        at = dash if left > 1 and 0 < dash <= longest else at
        while 1 < at < len(text) and (text[at] in _CLOSES or text[at - 1] in _OPENS):
            at -= 1
        # A word or a number in Latin letters stays whole, unless it is longer than a line.
        word = _WORD_BEFORE.search(text[:at])
        if word and word.start() > 1 and at < len(text) and _WORD.match(text[at]):
            at = word.start()
        lines.append(text[:at])
        text = text[at:]
    return lines


def _crowded(values: list[Value]) -> bool:
    """Whether a cover's values take more lines than there are above the office's name."""
    lines = [line for value in values for line in value.text.split("\n")]
    return sum(max(1, ceil(len(line) / _COVER_LINE)) for line in lines) > _COVER_LINES


def _wide(value: Value) -> bool:
    return value.wide or len(value.text) > _LONG


def _pairs(values: list[Value]) -> list[list[Value]]:
    """Label and value twice to a row; a wide one has a row to itself."""
    rows: list[list[Value]] = []
    for value in values:
        if rows and not _wide(value) and len(rows[-1]) == 1 and not _wide(rows[-1][0]):
            rows[-1].append(value)
        else:
            rows.append([value])
    return rows


def _widths(table: Table) -> list[float]:
    """How many characters each column is wide: its share of the table, or what its longest amount, code or date takes."""
    whole, room = sum(column.width for column in table.columns), _ACROSS if table.landscape else _TABLE
    shares = widths = [room * column.width / whole for column in table.columns]
    if table.code:
        return shares
    needs = {at: need for at in range(len(shares)) if (need := _needed(table, at)) is not None}
    fixed: dict[int, float] = {}
    # Whoever grows takes from the others, of whom the next may then be too narrow.
    while short := {at: need for at, need in needs.items() if at not in fixed and need > widths[at]}:
        fixed |= short
        if sum(fixed.values()) > _FOR_WHOLE * room:
            return widths
        left = (room - sum(fixed.values())) / (room - sum(shares[at] for at in fixed))
        widths = [fixed.get(at, share * left) for at, share in enumerate(shares)]
    return widths


def _needed(table: Table, at: int) -> float | None:
    """What a column takes in which nothing may be broken; None for one of texts."""
    cells = [row[at] for row in table.rows]
    if not cells or not (table.columns[at].numeric or all(map(_WHOLE.match, cells))):
        return None
    total = _length(table.totals[at]) * _BOLD if table.totals and table.columns[at].numeric else 0
    return max(total, *map(_length, cells)) + _PADDING


def _length(cell: str) -> float:
    return sum(_DIGIT if c.isdigit() else _POINT if c in ",.-/:" else _CAPITAL if c.isascii() else 1 for c in cell)


def _percentages(widths: list[float]) -> list[str]:
    """Fixed widths of the columns; measuring Chinese text is what automatic layout spends its time on."""
    whole = sum(widths)
    return [f"{width * 100 / whole:.4f}%" for width in widths]


def _heads(table: Table, widths: list[float]) -> list[str]:
    """What the columns are called; a unit that does not stand beside its name any more stands below it, whole."""
    rooms = [int(width - _PADDING) for width in widths]
    return [
        column.label.replace("（", "\n（")
        if len(column.label) > room and _UNIT.search(column.label)
        else column.label
        for column, room in zip(table.columns, rooms, strict=True)
    ]


def _spans(table: Table) -> list[list[int]]:
    """How many rows each of the merged cells of a row takes; none for what an earlier row's takes. A cell ends where one before it does."""
    found = [[1] * table.merged for _ in table.rows]
    for at in range(table.merged):
        start = 0
        for n in range(1, len(table.rows)):
            if table.rows[n][: at + 1] == table.rows[start][: at + 1]:
                found[start][at], found[n][at] = found[start][at] + 1, 0
            else:
                start = n
    return found


def _lies_across(model: ApplicationForm) -> bool:
    """Whether a page of a form lies across."""
    return any(
        isinstance(b, Table) and b.landscape for m in (*model.materials, *model.appendices) for b in m.blocks
    )


def _over(table: Table) -> list[tuple[str | None, int]]:
    """The headings over the columns, each with how many neighbours it stands over; empty where there is none at all."""
    if not any(column.over for column in table.columns):
        return []
    found: list[tuple[str | None, int]] = []
    for over, columns in groupby(table.columns, key=lambda column: column.over):
        count = len(list(columns))
        # A column without a heading has both lines for itself.
        found += [(over, count)] if over else [(None, 1)] * count
    return found


def _tall(row: list[str], widths: list[float]) -> bool:
    """Whether a row takes more than half a page: one that may not break would leave the page before it empty."""
    return any(
        len(cell) > _HALF_PAGE * max(width - _PADDING, 1) or cell.count("\n") > _HALF_PAGE
        for cell, width in zip(row, widths, strict=True)
    )


def _long_date(instant: datetime) -> str:
    return clock.show_long_date(instant.astimezone(clock.SHANGHAI).date())


def _instant(instant: datetime) -> str:
    return instant.astimezone(clock.SHANGHAI).isoformat(timespec="seconds")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        address_lines=address_lines,
        crowded=_crowded,
        heads=_heads,
        instant=_instant,
        lines=_lines,
        long_date=_long_date,
        lies_across=_lies_across,
        numeral=numeral,
        over=_over,
        pairs=_pairs,
        paragraphs=_paragraphs,
        percentages=_percentages,
        qr=qr,
        spans=_spans,
        title_lines=title_lines,
        two_lines=_two_lines,
        widths=_widths,
    )
    environment.tests["tall"] = _tall
    return environment

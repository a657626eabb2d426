"""Document model → XHTML → PDF. Pure: the same model gives the same bytes, in any process."""

import gc
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from services.documents.fetcher import EmbeddedOnly
from shared.clock import SHANGHAI
from shared.messages import DocumentModel, Material, Table, Text, Value, Values

TEMPLATES = Path(__file__).parent / "templates"
_DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True)
class Pdf:
    """A finished file: its bytes and their SHA-256."""

    content: bytes
    sha256: str


@dataclass(frozen=True)
class Press:
    """What is costly to make and the same for every document."""

    css: CSS
    fonts: FontConfiguration
    fetcher: EmbeddedOnly


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = _lines
    environment.filters["numeral"] = numeral
    environment.filters["pairs"] = _pairs
    environment.filters["percentages"] = _percentages
    return environment


def numeral(number: int) -> str:
    """1 to 99 as a heading counts: 一, 十, 十二, 二十一."""
    tens, units = divmod(number, 10)
    lead = "" if tens == 0 else ("十" if tens == 1 else f"{_DIGITS[tens]}十")
    return lead + (_DIGITS[units] if units else "")


def _lines(text: str) -> Markup:
    """Text with its line breaks."""
    return Markup("<br/>").join(escape(line) for line in text.split("\n"))


def _pairs(values: list[Value]) -> list[list[Value]]:
    """Label and value twice to a row; a wide one has a row to itself."""
    rows: list[list[Value]] = []
    for value in values:
        if rows and not value.wide and len(rows[-1]) == 1 and not rows[-1][0].wide:
            rows[-1].append(value)
        else:
            rows.append([value])
    return rows


def _percentages(table: Table) -> list[str]:
    """Fixed widths of the columns; measuring Chinese text is what automatic layout spends its time on."""
    whole = sum(column.width for column in table.columns)
    return [f"{column.width * 100 / whole:.4f}%" for column in table.columns]


def html(model: DocumentModel) -> str:
    """The document as well-formed XHTML."""
    return (
        _templates()
        .get_template("document.xhtml")
        .render(model=model, date=model.created_at.astimezone(SHANGHAI), material_count=len(model.materials))
    )


def press() -> Press:
    """Style sheet and fonts, loaded once; made before the fork so that children share it."""
    fonts = FontConfiguration()
    css = CSS(string=(TEMPLATES / "document.css").read_text(encoding="utf-8"), font_config=fonts)
    return Press(css, fonts, EmbeddedOnly())


def render(model: DocumentModel, with_press: Press) -> Pdf:
    """The PDF of a model."""
    text = html(model)
    # The file's identifier comes from what it says, not from the clock or chance.
    identifier = hashlib.sha256(text.encode()).digest()[:16]
    collecting = gc.isenabled()
    # A layout makes millions of objects that all die together at its end.
    gc.disable()
    try:
        content = HTML(string=text, url_fetcher=with_press.fetcher, base_url=None).write_pdf(
            stylesheets=[with_press.css],
            font_config=with_press.fonts,
            pdf_identifier=identifier,
            presentational_hints=False,
        )
    finally:
        if collecting:
            gc.enable()
        gc.collect()
    assert isinstance(content, bytes)
    return Pdf(content, hashlib.sha256(content).hexdigest())


def warm_up() -> Press:
    """Everything a first document would load, before the fork; what lives now is never looked at by gc again."""
    made = press()
    render(_sample(), made)
    gc.collect()
    gc.freeze()
    return made


def _sample() -> DocumentModel:
    from datetime import UTC, datetime

    return DocumentModel(
        title="样张",
        subtitle="样张",
        cover=[Value(label="项目名称", text="样张 Sample 0123456789")],
        number="GM0000000000",
        revision=1,
        running_header="样张",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        materials=[
            Material(title="样张", blocks=[Text(text="样张"), Values(values=[Value(label="样", text="张")])])
        ],
        expected=["样张"],
    )

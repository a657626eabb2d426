"""Render a document model to a PDF. Pure: the same model gives the same bytes, in any process."""

import gc
import hashlib
import logging
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import pydyf
from weasyprint import CSS, HTML, Attachment, Document
from weasyprint.text.fonts import FontConfiguration

from services.documents import faster, fonts, markup, tagging
from services.documents.fetcher import EmbeddedOnly
from shared.document import AnyDocument, Commitment, Embedded, Seal, Value
from shared.text import printable

log = logging.getLogger(__name__)

# For the archive: level A of PDF/A-3, which may carry files of any type. Tagged, and mended to be PDF/UA-1 as well.
VARIANT = "pdf/a-3a"
# Level 9 takes three times as long for two bytes in a hundred.
ZLIB = 6


@dataclass(frozen=True)
class Pdf:
    """A finished file: its bytes and their SHA-256."""

    content: bytes
    sha256: str


@dataclass(frozen=True)
class Press:
    """Style sheets and fonts: costly to load, and the same for every document."""

    css: dict[str, CSS]
    tighter: dict[str, list[CSS]]
    fonts: FontConfiguration
    fetcher: EmbeddedOnly
    faster: bool


def press(*, fast: bool = True) -> Press:
    """Style sheets and fonts, loaded once; made before the fork so that children share it. `fast`: by the
    faster paths, where the installed WeasyPrint is the one they know; the pages are the same either way."""
    fonts.use()
    configuration = FontConfiguration()
    css = {
        # One sheet: every element is looked up in each.
        kind: CSS(string="\n".join(markup.style_sheets(kind)), font_config=configuration)
        for kind in markup.kinds()
    }
    tighter = {
        kind: [CSS(string=sheet, font_config=configuration) for sheet in markup.tighter(kind)] for kind in css
    }
    return Press(css, tighter, configuration, EmbeddedOnly(), fast and faster.available())


def render(model: AnyDocument, with_press: Press, *, variant: str | None = VARIANT) -> Pdf:
    """Render the PDF of a model; `MissingGlyphs` when it has characters that no font draws."""
    text = printable.marked(markup.html(model))
    # The file's identifier comes from what it says, not from the clock or chance.
    identifier = hashlib.sha256(text.encode()).digest()[:16]
    collecting = gc.isenabled()
    # A layout makes millions of objects that all die together at its end.
    gc.disable()
    try:
        with faster.paths() if with_press.faster else nullcontext():
            laid_out = _fitted(_read(text, with_press), model.kind, with_press, variant)
            try:
                content = _written(laid_out, model, identifier, variant, finish)
            except NotMended:
                # Its readers go without: a document that is read aloud badly is better than none.
                log.exception("the tags of a document are left as they are", extra={"title": model.title[:200]})
                content = _written(laid_out, model, identifier, variant, _finish_as_tagged)
    finally:
        if collecting:
            gc.enable()
        gc.collect()
    return Pdf(content, hashlib.sha256(content).hexdigest())


def _written(
    laid_out: Document,
    model: AnyDocument,
    identifier: bytes,
    variant: str | None,
    finisher: Callable[[Document, pydyf.PDF], None],
) -> bytes:
    content = laid_out.write_pdf(
        pdf_identifier=identifier,
        pdf_variant=variant,
        attachments=[_attachment(file, model.created_at) for file in model.embedded],
        finisher=finisher,
    )
    assert isinstance(content, bytes)
    return content


def _fitted(html: HTML, kind: str, with_press: Press, variant: str | None) -> Document:
    """Lay a document out, tighter where that saves a page: the loosest layout that does."""

    def layout(*more: CSS) -> Document:
        return html.render(
            stylesheets=[with_press.css[kind], *more],
            font_config=with_press.fonts,
            presentational_hints=False,
            pdf_variant=variant,
        )

    usual = layout()
    if len(usual.pages) > 1:
        for sheet in with_press.tighter[kind]:
            if len((closer := layout(sheet)).pages) < len(usual.pages):
                return closer
    return usual


def _read(text: str, with_press: Press) -> HTML:
    if with_press.faster:
        return faster.read(text, with_press.fetcher)
    return HTML(string=text, url_fetcher=with_press.fetcher, base_url=None)


def _attachment(file: Embedded, at: datetime) -> Attachment:
    # Its times are the document's: the clock's would make every rendering another file.
    return Attachment(
        string=file.text,
        name=file.name,
        description=file.description,
        relationship="Source",
        created=at.astimezone(UTC),
        modified=at.astimezone(UTC),
    )


class MissingGlyphs(Exception):
    """No installed font draws these characters; the document would show boxes in their places."""


class NotMended(Exception):
    """The document's tags are not what `tagging` knows; the file that was being finished is half mended."""


def finish(document: Document, pdf: pydyf.PDF) -> None:
    """Mend the tags (`NotMended`), then do what has to be done to every document."""
    if "StructTreeRoot" in pdf.catalog:
        try:
            tagging.mend(document, pdf)
        except Exception as error:
            raise NotMended from error
    _finish_as_tagged(document, pdf)


def _finish_as_tagged(document: Document, pdf: pydyf.PDF) -> None:
    """Refuse a document that shows a box (`MissingGlyphs`). Name each embedded file once in /AF: WeasyPrint's PDF/A names it twice. Squeeze each stream once: pydyf puts it
    together anew for the file and for the file's identifier."""
    if missing := sorted({code for font in document.fonts.values() for code in font.missing}):
        raise MissingGlyphs("、".join(f"U+{code:04X}" for code in missing))
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))
    for stream in pdf.objects:
        if isinstance(stream, pydyf.Stream) and stream.compress:
            stream.compress = False
            content = stream.data.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
            stream.stream = [zlib.compress(content, ZLIB)]
            stream.extra["Filter"] = "/FlateDecode"


def warm_up(*, fast: bool = True) -> Press:
    """Everything a first document would load, before the fork; what lives now is never looked at by gc again."""
    made = press(fast=fast)
    render(_sample(), made)
    gc.collect()
    gc.freeze()
    return made


def _sample() -> AnyDocument:
    return Commitment(
        title="样张",
        subtitle="样张",
        author="样张",
        facts=[Value(label="项目名称", text="样张 Sample 0123456789")],
        text="样张",
        seal=Seal(lines=[Value(label="样", text="张")]),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        expected=["样张"],
    )

"""Check a finished PDF by opening and reading it, so that no error page passes for a document."""

import re
import unicodedata

import pypdfium2

from shared.document import AnyDocument
from shared.text import printable
from shared.text.typed_text import without_marks


class Unfit(Exception):
    """The file is no proper document; the message says why."""


def check(content: bytes, model: AnyDocument) -> int:
    """The number of pages, or `Unfit`."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Unfit(f"it does not open: {error}") from error
    try:
        pages = len(document)
        if pages == 0:
            raise Unfit("it has no pages")
        text = _drawn("".join(page.get_textpage().get_text_bounded() for page in document))
    finally:
        document.close()
    missing = [expected for expected in model.expected if _drawn(printable.marked(expected)) not in text]
    if missing:
        raise Unfit(f"its text lacks {'、'.join(missing[:5])}")
    return pages


def plain(text: str) -> str:
    """Return a text without what is the layout's business: where lines break. PDFium tells a hyphen at a line's end by a
    character of its own."""
    return re.sub(r"\s+", "", text.replace("\x02", "-").replace("\ufffe", "-"))


def _drawn(text: str) -> str:
    """Return a text as its glyphs tell it: without ligatures and marks that are not drawn."""
    return without_marks(unicodedata.normalize("NFKC", plain(text)))

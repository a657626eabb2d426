"""Subset a font in one pass that closes the gaps, and write its bare outlines.

Changes: `Font.clean` has HarfBuzz keep the glyphs of a document and nothing between them; the file holds the table of
outlines alone (`CIDFontType0C`), not a whole font; whole faces (megabytes) are read only where they are needed.
Safe: only faces of CFF outlines whose CIDs are their glyphs' places (the compact cuts, Noto CJK); every other font
goes to the method it replaces. A page names glyphs by CID, which the subset keeps.
Upstream: “Subset fonts using Harfbuzz”, Kozea/WeasyPrint 2178, and “Bloated subset when using --retain-gids”,
fonttools 3516.
"""

from io import BytesIO
from typing import Any

import pydyf
import weasyprint.pdf
from fontTools.ttLib import TTFont
from weasyprint.pdf import fonts as pdf_fonts
from weasyprint.text.ffi import ffi, harfbuzz, harfbuzz_subset
from weasyprint.text.fonts import get_hb_object_data


def _clean(self: Any, to_unicode: dict[int, str], hinting: bool) -> None:
    """A subset in one pass that closes the gaps between the glyphs it keeps, and of it the outlines alone.

    WeasyPrint keeps every glyph's place, at some bytes for each that is not there. A page names a glyph by its
    CID; in our faces that is its place, and the subset still knows it.
    """
    odd = self.missing or self.png or self.svg or self.colr or "fvar" in self.tables or "CFF " not in self.tables
    content = _subset(self, sorted(to_unicode)) if to_unicode and not odd and _cid_is_place(self) else None
    if content:
        self.file_content = content
        return
    pdf_fonts.get_hb_object_data = get_hb_object_data
    self.file_content = get_hb_object_data(self.hb_face)
    ORIGINAL.clean(self, to_unicode, hinting)
    pdf_fonts.get_hb_object_data = _nothing


def _nothing(*_: Any) -> bytes:
    """A whole face is megabytes; it is only asked for where it is needed."""
    return b""


def _type(self: Any) -> str:
    return "ttf" if self.file_content[:4] in (b"\0\1\0\0", b"true") else "otf"


_IDENTITY: dict[str, bool] = {}


def _cid_is_place(font: Any) -> bool:
    """Whether a face's glyphs have the numbers of their places; asked once a face."""
    if font.hash not in _IDENTITY:
        face = TTFont(BytesIO(get_hb_object_data(font.hb_face)), fontNumber=font.index, lazy=True)
        top = face["CFF "].cff.topDictIndex[0]
        names = enumerate(top.charset)
        next(names)
        _IDENTITY[font.hash] = hasattr(top, "ROS") and all(name == f"cid{place:05d}" for place, name in names)
    return _IDENTITY[font.hash]


def _subset(font: Any, places: list[int]) -> bytes | None:
    wanted = ffi.gc(harfbuzz_subset.hb_subset_input_create_or_fail(), harfbuzz_subset.hb_subset_input_destroy)
    _add(harfbuzz_subset.hb_subset_input_glyph_set(wanted), places)
    tags = sorted(harfbuzz.hb_tag_from_string(name, -1) for name in _NOT_FOR_PAPER)
    _add(harfbuzz_subset.hb_subset_input_set(wanted, harfbuzz_subset.HB_SUBSET_SETS_DROP_TABLE_TAG), tags)
    flags = harfbuzz_subset.HB_SUBSET_FLAGS_DESUBROUTINIZE | harfbuzz_subset.HB_SUBSET_FLAGS_NO_HINTING
    harfbuzz_subset.hb_subset_input_set_flags(wanted, flags)
    face = harfbuzz_subset.hb_subset_or_fail(font.hb_face, wanted)
    if face == ffi.NULL:
        return None
    blob = harfbuzz.hb_face_reference_table(face, harfbuzz.hb_tag_from_string(b"CFF ", -1))
    length = ffi.new("unsigned int *")
    data = harfbuzz.hb_blob_get_data(blob, length)
    content = None if data == ffi.NULL else bytes(ffi.buffer(data, length[0]))
    harfbuzz.hb_blob_destroy(blob)
    harfbuzz.hb_face_destroy(face)
    return content


_NOT_FOR_PAPER = (b"BASE", b"DSIG", b"GDEF", b"GPOS", b"GSUB", b"VORG", b"vhea", b"vmtx")


def _add(numbers: Any, sorted_numbers: list[int]) -> None:
    array = ffi.new("hb_codepoint_t[]", sorted_numbers)
    harfbuzz.hb_set_add_sorted_array(numbers, array, len(sorted_numbers))


def _build_fonts_dictionary(pdf: Any, *more: Any) -> Any:
    """Bare outlines are called what they are."""
    made = ORIGINAL.build_fonts_dictionary(pdf, *more)
    for stream in pdf.objects:
        fonts = isinstance(stream, pydyf.Stream) and stream.extra.get("Subtype") == "/OpenType"
        if fonts and not stream.stream[0].startswith(b"OTTO"):
            stream.extra["Subtype"] = "/CIDFontType0C"
    return made


class ORIGINAL:
    """WeasyPrint's own way."""

    clean = pdf_fonts.Font.clean
    build_fonts_dictionary = staticmethod(pdf_fonts.build_fonts_dictionary)


PATHS = (
    (pdf_fonts.Font, "clean", _clean),
    (pdf_fonts.Font, "type", property(_type)),
    (pdf_fonts, "get_hb_object_data", _nothing),
    (weasyprint.pdf, "build_fonts_dictionary", _build_fonts_dictionary),
)

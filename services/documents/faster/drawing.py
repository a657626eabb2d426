"""Draw a line of text from the numbers of its glyphs, read at once.

Changes: `draw_first_line` makes one foreign call for a run's glyphs where WeasyPrint makes several for each glyph.
Safe: written for plain runs only. Offsets, pictures, coloured or bitmap fonts, ellipses and control characters go to the
function it replaces; a glyph's width and its text are found as WeasyPrint finds them.
Upstream: “Performance issue on long documents”, Kozea/WeasyPrint 578.
"""

import re
from typing import Any

from weasyprint.draw import text as drawing
from weasyprint.text.ffi import FROM_UNITS, ffi, pango

_ORIGINAL = drawing.draw_first_line
_ODD = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")


def _draw_first_line(stream: Any, textbox: Any, overflow: str, ellipsis: str, matrix: Any) -> Any:
    layout = textbox.pango_layout
    runs = (
        None if overflow == "ellipsis" or ellipsis != "none" or _ODD.search(layout.text) else _runs(stream, layout)
    )
    if runs is None or not layout.text.strip() or textbox.style["font_size"] < 1e-6:
        return _ORIGINAL(stream, textbox, overflow, ellipsis, matrix)
    stream.set_text_matrix(*matrix.values)
    text = layout.text.encode()
    shown: list[str] = []
    previous = None
    for pango_font, font, size, item, places, widths in runs:
        if font is not previous:
            if shown:
                stream.show_text("".join(shown))
                shown = []
            stream.set_font_size(font.hash, size)
            previous = font
        known, scale = font.widths, 1000 * FROM_UNITS / size
        shown.append("<")
        for at, (place, width) in enumerate(zip(places, widths, strict=True)):
            if place not in known:
                pango.pango_font_get_glyph_extents(pango_font, place, stream.ink_rect, stream.logical_rect)
                known[place] = round(stream.logical_rect.width * scale)
            if place not in font.to_unicode:
                begin, end = _letters(item, at, len(places))
                font.to_unicode[place] = text[item.item.offset + begin : item.item.offset + end].decode()
            shown.append(f"{place:04x}")
            if move := int(known[place] - width * scale):
                shown.append(f">{move}<")
        shown.append(">")
    stream.show_text("".join(shown).replace("<>", ""))
    return []


def _letters(item: Any, at: int, count: int) -> tuple[int, int]:
    """Where the letters of a run's glyph stand in its text, in bytes."""
    clusters, whole = item.glyphs.log_clusters, item.item.length
    if item.item.analysis.level % 2:
        return clusters[at], whole if at == 0 else clusters[at - 1]
    return clusters[at], whole if at == count - 1 else clusters[at + 1]


def _runs(stream: Any, layout: Any) -> list[Any] | None:
    """The first line's runs: font, size, places and widths of its glyphs. None when one has more than that."""
    first_line, _ = layout.get_first_line()
    fonts = stream.__dict__.setdefault("_gm_fonts", {})
    found: list[Any] = []
    run = first_line.runs[0]
    while run != ffi.NULL:
        item, run = run.data, run.next
        pango_font = item.item.analysis.font
        if pango_font not in fonts:
            fonts[pango_font] = stream.add_font(pango_font)
        font, size = fonts[pango_font]
        count = item.glyphs.num_glyphs
        # Per glyph: place, width, two offsets, flags.
        numbers = memoryview(ffi.buffer(item.glyphs.glyphs, count * _GLYPH_BYTES)).cast("i").tolist()
        places = numbers[0::5]
        odd = any(numbers[2::5]) or any(numbers[3::5]) or not all(0 < place < 0x10000 for place in places)
        if odd or font.bitmap or font.png or font.svg or font.colr:
            return None
        found.append((pango_font, font, size, item, places, numbers[1::5]))
    return found


_GLYPH_BYTES = ffi.sizeof("PangoGlyphInfo")
assert _GLYPH_BYTES == 20


PATHS = ((drawing, "draw_first_line", _draw_first_line),)

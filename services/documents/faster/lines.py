"""Text: what depends on a style alone is made once a style; a line that was laid out is drawn as it stands."""

import re
from functools import cache
from math import inf
from typing import Any

import pyphen
from weasyprint.draw import text as drawing
from weasyprint.layout import inline
from weasyprint.text import line_break
from weasyprint.text.ffi import FROM_UNITS, ffi, gobject, pango


def _setup(self: Any, style: Any) -> None:
    ready = style.__dict__.get("_gm_ready")
    if ready is None:
        ORIGINAL.setup(self, style)
        self.plain = style["letter_spacing"] in ("normal", 0) and style["word_spacing"] == 0
        if self.plain and style["overflow_wrap"] in ("anywhere", "break-word"):
            listed = pango.pango_layout_get_attributes(self.layout)
            if listed == ffi.NULL:
                listed = ffi.gc(pango.pango_attr_list_new(), pango.pango_attr_list_unref)
            pango.pango_attr_list_change(listed, pango.pango_attr_insert_hyphens_new(False))
            pango.pango_layout_set_attributes(self.layout, listed)
        template = self.layout
        known = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        style._gm_ready = template, known
    else:
        template, known = ready
        self.__dict__.update(known)
    self.cut = False
    self.layout = ffi.gc(pango.pango_layout_copy(template), gobject.g_object_unref)


# What belongs to a layout and not to its style.
_OWN = frozenset({"layout", "justification_spacing", "max_width", "text", "cut"})


def _set_text(self: Any, text: str, justify: bool = False) -> None:
    if not self.plain or (justify and self.justification_spacing) or "\t" in text:
        ORIGINAL.set_text(self, text, justify)
        return
    if (index := text.find("\n")) != -1:
        text = text[: index + 2]
    self.text = text
    self.cut = False
    content = text.encode().replace(b"\0", b"")
    pango.pango_layout_set_text(self.layout, content, len(content))


def _deactivate(self: Any) -> None:
    """Kept: it will be drawn as it stands."""


def _reactivate(self: Any, style: Any) -> None:
    second = pango.pango_layout_get_line_readonly(self.layout, 1)
    as_drawn = self.plain and not self.justification_spacing and (self.cut or second == ffi.NULL)
    if self.style is not style or not as_drawn:
        ORIGINAL.reactivate(self, style)


def _font_style_cache_key(style: Any, include_size: bool = False) -> str:
    name = "_gm_sized_key" if include_size else "_gm_key"
    found = style.__dict__.get(name)
    if found is None:
        found = style.__dict__[name] = ORIGINAL.font_style_cache_key(style, include_size)
    return str(found)


def _first_line_metrics(
    first_line: Any, text: str, layout: Any, resume_at: Any, space_collapse: bool, style: Any, *more: Any
) -> Any:
    """The first of several lines is measured and later drawn where it stands, unless its end would change."""
    if resume_at and layout.plain and not (more and more[0]):
        shown = text.encode()[: first_line.length].decode()
        if shown and not shown[-1].isspace() and "\xad" not in shown:
            layout.text, layout.cut = shown, True
            width, height = line_break.line_size(first_line, style)
            baseline = pango.pango_layout_get_baseline(layout.layout) * FROM_UNITS
            return layout, first_line.length, resume_at, width, height, baseline
    return ORIGINAL.first_line_metrics(first_line, text, layout, resume_at, space_collapse, style, *more)


def _split_first_line(
    text: str, style: Any, context: Any, max_width: Any, justification_spacing: Any, **more: Any
) -> Any:
    """Of a long Chinese text only what may come onto the line is given to Pango, not four times as much."""
    size = style["font_size"]
    if size and max_width is not None and 4 * size <= max_width < inf and style["white_space"] == "normal":
        length = int(max_width / size) + 8
        begin = text[:length]
        if len(text) > length and _HAN.search(begin) and 2 * sum(c > "\u2e7f" for c in begin) > length:
            found = ORIGINAL.split_first_line(begin, style, context, max_width, justification_spacing, **more)
            if found[2] is not None and found[2] <= len(begin[:-4].encode()):
                return found
    return ORIGINAL.split_first_line(text, style, context, max_width, justification_spacing, **more)


# Between any two of these a line may break, so what comes after them does not matter.
_HAN = re.compile("[\u4e00-\u9fa5]{5}$")
_ODD = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
_GLYPH = "i"


def _draw_first_line(stream: Any, textbox: Any, overflow: str, ellipsis: str, matrix: Any) -> Any:
    layout = textbox.pango_layout
    runs = (
        None if overflow == "ellipsis" or ellipsis != "none" or _ODD.search(layout.text) else _runs(stream, layout)
    )
    if runs is None or not layout.text.strip() or textbox.style["font_size"] < 1e-6:
        return ORIGINAL.draw_first_line(stream, textbox, overflow, ellipsis, matrix)
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


class ORIGINAL:
    """WeasyPrint's own way."""

    setup = line_break.Layout.setup
    set_text = line_break.Layout.set_text
    reactivate = line_break.Layout.reactivate
    first_line_metrics = staticmethod(line_break.first_line_metrics)
    font_style_cache_key = staticmethod(line_break._font_style_cache_key)
    split_first_line = staticmethod(line_break.split_first_line)
    draw_first_line = staticmethod(drawing.draw_first_line)


if not hasattr(pango, "pango_layout_copy"):
    ffi.cdef("PangoLayout * pango_layout_copy (PangoLayout *source);")

PATHS = (
    (line_break.Layout, "setup", _setup),
    (line_break.Layout, "set_text", _set_text),
    (line_break.Layout, "deactivate", _deactivate),
    (line_break.Layout, "reactivate", _reactivate),
    (line_break, "first_line_metrics", _first_line_metrics),
    (line_break, "_font_style_cache_key", _font_style_cache_key),
    (inline, "split_first_line", _split_first_line),
    (pyphen, "language_fallback", cache(pyphen.language_fallback)),
    (drawing, "draw_first_line", _draw_first_line),
)

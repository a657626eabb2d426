"""Copy Pango's layouts from one for each style, and draw a line from the layout it was measured with.

Changes: `Layout.setup` prepares a layout once for each style (font, language, features) and copies it for each text;
`set_text` leaves out what only letter-spacing and justification need; `deactivate` keeps the layout of a line, so that
`reactivate` does not make it again where the line ends as it was measured.
Safe: a layout with letter-spacing, word-spacing, justification, tabs, another style or a second line goes to the
methods they replace. The attribute for hyphens is the one that WeasyPrint sets, set once.
Upstream: “Performance issue on long documents”, Kozea/WeasyPrint 578.
"""

from typing import Any

from weasyprint.text import line_break
from weasyprint.text.ffi import ffi, gobject, pango

_SETUP = line_break.Layout.setup
_SET_TEXT = line_break.Layout.set_text
_REACTIVATE = line_break.Layout.reactivate


def _setup(self: Any, style: Any) -> None:
    ready = style.__dict__.get("_gm_ready")
    if ready is None:
        _SETUP(self, style)
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
    self.layout = ffi.gc(pango.pango_layout_copy(template), gobject.g_object_unref)


# What belongs to a layout and not to its style.
_OWN = frozenset({"layout", "justification_spacing", "max_width", "text"})


def _set_text(self: Any, text: str, justify: bool = False) -> None:
    if not self.plain or (justify and self.justification_spacing) or "\t" in text:
        _SET_TEXT(self, text, justify)
        return
    if (index := text.find("\n")) != -1:
        text = text[: index + 2]
    self.text = text
    content = text.encode().replace(b"\0", b"")
    pango.pango_layout_set_text(self.layout, content, len(content))


def _deactivate(self: Any) -> None:
    """Kept: it will be drawn as it stands."""


def _reactivate(self: Any, style: Any) -> None:
    second = pango.pango_layout_get_line_readonly(self.layout, 1)
    as_drawn = self.plain and not self.justification_spacing and second == ffi.NULL
    if self.style is not style or not as_drawn:
        _REACTIVATE(self, style)


if not hasattr(pango, "pango_layout_copy"):
    ffi.cdef("PangoLayout * pango_layout_copy (PangoLayout *source);")

PATHS = (
    (line_break.Layout, "setup", _setup),
    (line_break.Layout, "set_text", _set_text),
    (line_break.Layout, "deactivate", _deactivate),
    (line_break.Layout, "reactivate", _reactivate),
)

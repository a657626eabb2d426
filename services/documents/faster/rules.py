"""Rules of tables: one line of the page's language each, their colour looked up once a page."""

from typing import Any

import pydyf
from weasyprint import draw


def _draw_line(
    stream: Any,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    thickness: float,
    style: str,
    color: Any,
    offset: float = 0,
) -> None:
    """Called where the page's state has just been put away and will be fetched back, so there is none to keep."""
    if style != "solid":
        ORIGINAL.draw_line(stream, x1, y1, x2, y2, thickness, style, color, offset)
        return
    known = stream.__dict__.setdefault("_gm_strokes", {})
    if id(color) not in known:
        begin = len(stream.stream)
        stream._current_color_stroke = stream._current_alpha_stroke = None
        stream.set_color(color, stroke=True)
        words = b"\n".join(map(pydyf._to_bytes, stream.stream[begin:]))
        del stream.stream[begin:]
        # The colour itself is kept, or another might get its id.
        known[id(color)] = color, words
    stream.stream.append(b"%b\n%f w %f %f m %f %f l S" % (known[id(color)][1], thickness, x1, y1, x2, y2))


class ORIGINAL:
    """WeasyPrint's own way."""

    draw_line = staticmethod(draw.draw_line)


PATHS = ((draw, "draw_line", _draw_line),)

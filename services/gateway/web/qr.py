"""Draw QR codes as inline pictures: no script, no file of its own, nobody else's help."""

import segno
from markupsafe import Markup

# Every mask is read alike; trying all eight would hold everybody up for ten milliseconds.
MASK = 3


def drawn(text: str) -> Markup:
    """Return a QR code as SVG, to stand in a page."""
    made = segno.make(text, error="m", mask=MASK, micro=False, boost_error=False)
    return Markup(made.svg_inline(scale=1, border=2, svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704 (segno's own markup)

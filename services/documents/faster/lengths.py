"""Look a style's lengths up once, not once for each box that has it.

Changes: `resolve_percentages` keeps with a style which of its margins, paddings, borders and sizes are fixed and which are
a share of the container, and sets a box's from that.
Safe: pages and styles with arithmetic (`calc`) go to the function it replaces; `box-sizing` is WeasyPrint's own.
Upstream: “Share computed styles between elements”, Kozea/WeasyPrint 2813, which shares the styles but not this.
"""

from math import inf
from typing import Any

from weasyprint.formatting_structure.boxes import Box, PageBox
from weasyprint.layout import absolute, block, column, grid, inline, page, percent, table
from weasyprint.layout import float as floats

_ORIGINAL = percent.resolve_percentages
_SIDES = ("top", "right", "bottom", "left")
_SPACES = [f"{kind}_{side}" for kind in ("margin", "padding") for side in _SIDES]
_ACROSS = (*_SPACES, "width", "min_width", "max_width")
_DOWN = ("height", "min_height", "max_height")
_BORDERS = tuple(f"border_{side}_width" for side in _SIDES)


def _plan(style: Any) -> Any:
    """Of each length: its value, or the percentage of its container; None where there is arithmetic."""
    fixed: dict[str, Any] = {}
    across: list[Any] = []
    down: list[Any] = []
    for names, relative in ((_ACROSS, across), (_DOWN, down)):
        for name in names:
            value = style[name]
            unit = getattr(value, "unit", None)
            if value is None or value == "auto":
                fixed[name] = 0 if value == "auto" and name.startswith("min") else value
            elif unit == "%":
                relative.append((name, value.value))
            elif unit == "px":
                fixed[name] = value.value
            else:
                return None
    collapse = style["border_collapse"] == "collapse"
    borders = {name: style[name] for name in _BORDERS}
    return fixed, across, down, collapse, borders, style["box_sizing"] == "content-box"


def _resolve_percentages(box: Any, containing_block: Any) -> None:
    style = box.style
    if "_gm_plan" not in style.__dict__:
        style._gm_plan = _plan(style)
    plan = style._gm_plan
    if plan is None or isinstance(box, PageBox):
        _ORIGINAL(box, containing_block)
        return
    held = isinstance(containing_block, Box)
    width, height = (containing_block.width, containing_block.height) if held else containing_block
    fixed, across, down, collapse, borders, simple = plan
    own = box.__dict__
    own.update(fixed)
    for name, value in across:
        own[name] = width * value / 100
    for name, value in down:
        if height != "auto":
            own[name] = height * value / 100
        else:
            own[name] = {"height": "auto", "min_height": 0, "max_height": inf}[name]
    if collapse:
        for name, value in borders.items():
            if not hasattr(box, name):
                own[name] = value
    else:
        own.update(borders)
    if not simple:
        percent.adjust_box_sizing(box, "width")
        percent.adjust_box_sizing(box, "height")


_USERS = (absolute, block, column, floats, grid, inline, page, table)
PATHS = tuple((module, "resolve_percentages", _resolve_percentages) for module in _USERS)

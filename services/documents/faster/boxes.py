"""Boxes: what a style fixes is looked up once."""

import re
from collections.abc import Iterator
from math import inf
from typing import Any

from weasyprint import css
from weasyprint.formatting_structure.boxes import Box, LineBox, PageBox
from weasyprint.layout import absolute, background, block, column, grid, inline, page, percent, table
from weasyprint.layout import float as floats

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
        ORIGINAL.resolve_percentages(box, containing_block)
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


def _avoid_collisions(context: Any, box: Any, containing_block: Any, outer: bool = True) -> Any:
    """A line that no float stands beside has its container's width."""
    if (
        context.excluded_shapes
        or not outer
        or type(box) is not LineBox
        or containing_block.style["direction"] != "ltr"
    ):
        return ORIGINAL.avoid_collisions(context, box, containing_block, outer)
    return containing_block.content_box_x(), box.position_y, containing_block.width


def _is_in_normal_flow(self: Any) -> bool:
    known = self.style.__dict__
    if "_gm_in_flow" not in known:
        known["_gm_in_flow"] = ORIGINAL.is_in_normal_flow(self)
    return bool(known["_gm_in_flow"])


def _layout_box_backgrounds(
    page: Any, box: Any, get_image: Any, layout_children: bool = True, style: Any = None
) -> None:
    known = (style or box.style).__dict__
    if "_gm_bare" not in known:
        known["_gm_bare"] = _bare(style or box.style)
    if not known["_gm_bare"] or box is page:
        ORIGINAL.layout_box_backgrounds(page, box, get_image, layout_children, style)
        return
    box.__dict__.update(_SQUARE)
    box.background = None
    if layout_children:
        for child in box.all_children():
            _layout_box_backgrounds(page, child, get_image)


_RADII = tuple(f"border_{corner}_radius" for corner in ("top_left", "top_right", "bottom_right", "bottom_left"))
_SQUARE = dict.fromkeys(_RADII, (0, 0))


def _bare(style: Any) -> bool:
    """Neither background nor picture nor shadow nor round corner."""
    return (
        style["border_image_source"][0] == style["mask_border_source"][0] == "none"
        and style["visibility"] != "hidden"
        and not style["box_shadow"]
        and all(kind == "none" for kind, _ in style["background_image"])
        and style["background_color"] != "currentcolor"
        and style["background_color"].alpha == 0
        and all((0, "px") in style[radius] for radius in _RADII)
    )


def _check_math(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return None
    if kind is tuple:
        for item in value:  # noqa: SIM110  # a loop, for a generator is what costs here
            if _check_math(item):
                return True
        return False
    return ORIGINAL.check_math(value)


def _missing(self: Any, key: str) -> Any:
    """A property that no rule of the element names is its parent's or its initial value."""
    parent = self.parent_style
    if parent is not None and key in _SIMPLE and key not in self.cascaded:
        if "_gm_logical" not in self.__dict__:
            self._gm_logical = not _LOGICAL.isdisjoint(self.cascaded)
        if not self._gm_logical:
            inherited = key in css.INHERITED
            value = parent[key] if inherited else css.INITIAL_VALUES[key]
            if not (inherited and _check_math(value)):
                self[key] = value
                return value
    return ORIGINAL.missing(self, key)


def _simple_properties() -> Iterator[str]:
    odd = {"float", "display", "position", "page"}
    for key in css.INITIAL_VALUES:
        computed = key in css.INITIAL_NOT_COMPUTED and key not in css.INHERITED
        if not (key in odd or computed or key.startswith("text_decoration_")):
            yield key


_SIMPLE = frozenset(_simple_properties())
# Their names depend on the direction of writing.
_LOGICAL = frozenset(key for key in css.INITIAL_VALUES if re.search("(^|_)(block|inline)(_|$)", key))


def _set_page_type_computed_styles(page_type: Any, html: Any, style_for: Any) -> None:
    """Pages that the same rules are for have the same styles, and share what is known of them."""
    computed = style_for.get_computed_styles()
    earlier, names = style_for.__dict__.setdefault("_gm_pages", {}).get(_kind_of(page_type), (None, ()))
    if earlier is not None and earlier != page_type:
        for name in names:
            computed[page_type, name] = computed[earlier, name]
        return
    ORIGINAL.set_page_type_computed_styles(page_type, html, style_for)
    if not _counts_pages(style_for):
        names = tuple(name for element, name in style_for.get_cascaded_styles() if element == page_type)
        style_for._gm_pages[_kind_of(page_type)] = page_type, (None, *(name for name in names if name))


def _kind_of(page_type: Any) -> Any:
    """A page without its number: the first is a kind of its own."""
    return page_type.side, page_type.blank, page_type.name, page_type.index == 0


def _counts_pages(style_for: Any) -> bool:
    """Whether any rule is for pages by their numbers."""
    return any(
        selector[2].index is not None
        for sheet, *_ in style_for._sheets
        for _, selectors, _ in sheet.page_rules
        for selector in selectors
    )


class ORIGINAL:
    """WeasyPrint's own way."""

    resolve_percentages = staticmethod(percent.resolve_percentages)
    set_page_type_computed_styles = staticmethod(page.set_page_type_computed_styles)
    avoid_collisions = staticmethod(floats.avoid_collisions)
    is_in_normal_flow = Box.is_in_normal_flow
    layout_box_backgrounds = staticmethod(background.layout_box_backgrounds)
    missing = css.ComputedStyle.__missing__
    check_math = staticmethod(css.check_math)


_WITH_LENGTHS = (absolute, block, column, floats, grid, inline, page, table)
PATHS = (
    *((module, "resolve_percentages", _resolve_percentages) for module in _WITH_LENGTHS),
    (page, "set_page_type_computed_styles", _set_page_type_computed_styles),
    (inline, "avoid_collisions", _avoid_collisions),
    (Box, "is_in_normal_flow", _is_in_normal_flow),
    (background, "layout_box_backgrounds", _layout_box_backgrounds),
    (css.ComputedStyle, "__missing__", _missing),
    (css, "check_math", _check_math),
)

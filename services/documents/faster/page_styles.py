"""Share computed styles between pages that the same rules are for.

Changes: `set_page_type_computed_styles` computes the styles of a page and its margins once for each side, name and
blankness, the first page apart, and gives them to the pages that follow.
Safe: once a style sheet has a rule for pages by their number (`:nth()`), nothing is shared.
Upstream: “Share computed styles between elements”, Kozea/WeasyPrint 2813, which does so for elements.
"""

from typing import Any

from weasyprint.layout import page

_ORIGINAL = page.set_page_type_computed_styles


def _set_page_type_computed_styles(page_type: Any, html: Any, style_for: Any) -> None:
    """Pages that the same rules are for have the same styles, and share what is known of them."""
    computed = style_for.get_computed_styles()
    earlier, names = style_for.__dict__.setdefault("_gm_pages", {}).get(_kind_of(page_type), (None, ()))
    if earlier is not None and earlier != page_type:
        for name in names:
            computed[page_type, name] = computed[earlier, name]
        return
    _ORIGINAL(page_type, html, style_for)
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


PATHS = ((page, "set_page_type_computed_styles", _set_page_type_computed_styles),)

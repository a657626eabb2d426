"""Read our own XHTML with expat, under a browser's style sheet of the rules that our templates can meet.

Changes: a document is parsed as XML in C where WeasyPrint parses HTML in Python, and rules of the browser's sheet for elements
that no template contains are left out.
Safe: the templates are ours and well-formed; what XML cannot carry is read the usual way. Which elements there are is
read from the templates themselves.
Upstream: “Switch to html5lib to parse HTML”, Kozea/WeasyPrint 112, where speed was given up for what others write.
"""

import re
from functools import cache
from typing import Any
from xml.etree import ElementTree

import cssselect2
import tinycss2
from weasyprint import CSS, HTML
from weasyprint.html import UA

from services.documents import markup

XHTML = ' xmlns="http://www.w3.org/1999/xhtml"'


class Page(HTML):  # type: ignore[misc]  # published without types
    """A document read by expat, under a browser's style sheet without what no template contains."""

    def __init__(self, text: str, url_fetcher: Any) -> None:
        root = ElementTree.fromstring(text.replace(XHTML, "", 1))  # noqa: S314  # what our own templates made
        self.base_url = None
        self.url_fetcher = url_fetcher
        self.media_type = "print"
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return [_browser_style()]


def read(text: str, url_fetcher: Any) -> HTML:
    """A template's output. What XML cannot carry (control characters) is read the usual way."""
    try:
        return Page(text, url_fetcher)
    except ElementTree.ParseError:
        return HTML(string=text, url_fetcher=url_fetcher, base_url=None)


@cache
def _browser_style() -> CSS:
    texts = (file.read_text(encoding="utf-8") for file in markup.TEMPLATES.rglob("*.xhtml"))
    # Line breaks are made by a filter.
    used = {"br", *(tag for text in texts for tag in re.findall(r"<([a-z0-9]+)", text))}
    kept = []
    for rule in tinycss2.parse_stylesheet(UA, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule":
            # Counter styles are kept elsewhere, by their names.
            kept += [rule.serialize()] if rule.at_keyword == "page" else []
            continue
        selectors = re.split(r",\s*(?![^(]*\))", tinycss2.serialize(rule.prelude).strip())
        if wanted := [selector for selector in selectors if _may_match(selector, used)]:
            kept.append(f"{','.join(wanted)} {{{tinycss2.serialize(rule.content)}}}")
    return CSS(string="\n".join(kept))


def _may_match(selector: str, used: set[str]) -> bool:
    if "[" in selector or "(" in selector:
        return False
    # Of every element its marker and its five kinds of notes: no template has lists or notes.
    if "::" in selector and not selector.endswith(("::before", "::after")):
        return False
    return all(name in used for name in re.findall(r"(?:^|[\s>])([a-z0-9]+)", selector))

"""Mails look alike in QQ, 163 and Outlook: what those do not draw stands in none.

The rules are those that caniemail.com knows of these clients; QQ and 163 keep attributes and inline styles and drop what stands in the
head, Outlook for Windows draws with Word.
"""

import re
from html.parser import HTMLParser

import pytest

from services.notify import emails
from shared.messages import AnyEvent
from tests.unit.notify.test_emails import EVENTS

TAGS = {
    "html", "head", "meta", "title", "body", "table", "tbody", "thead", "tr", "td", "th", "p", "a", "b", "br", "ol", "ul", "li", "span",
}  # fmt: skip
# What each tag may be styled with: Word knows padding in cells, widths of tables, and no background but an attribute.
EVERYWHERE = {
    "color", "font-family", "font-size", "font-weight", "line-height", "margin", "margin-top", "margin-bottom", "text-align",
    "text-decoration", "word-break", "white-space", "border-top",
}  # fmt: skip
ALSO = {
    "td": {"padding"},
    "th": {"padding"},
    "ol": {"padding-left"},
    "table": {"width", "max-width", "border-collapse"},
}
ATTRIBUTES = {
    "lang", "charset", "name", "content", "role", "width", "cellpadding", "cellspacing", "border", "bgcolor", "align", "style", "href",
}  # fmt: skip
# Webmails that show only the beginning of a longer one.
LONGEST = 100 * 1024


class Linter(HTMLParser):
    """Collects what a client would not draw as it was meant."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.faults.append(f"<{tag} {name}>")
            if name == "bgcolor" and not re.fullmatch("#[0-9a-f]{6}", value or ""):
                self.faults.append(f"{tag} bgcolor {value}")
            if name == "href" and not (value or "").startswith("https://"):
                self.faults.append(f"href {value}")
            if name == "style":
                self._style(tag, value or "")

    def _style(self, tag: str, style: str) -> None:
        for part in style.split(";"):
            name, _, value = (text.strip() for text in part.partition(":"))
            if name not in EVERYWHERE | ALSO.get(tag, set()):
                self.faults.append(f"{tag} {name}")
            if "auto" in value or re.search(r"rgba?\(|url\(|#[0-9a-f]{3}\b(?![0-9a-f])", value):
                self.faults.append(f"{tag} {name}: {value}")


def faults(html: str) -> list[str]:
    found = Linter()
    found.feed(html)
    return found.faults


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.kind)
def test_every_mail_is_drawn_everywhere(event: AnyEvent) -> None:
    mail = emails.render(event, "https://gm.example.cn")
    assert faults(mail.html) == []
    assert len(mail.html.encode()) < LONGEST
    # Whoever reads plain text reads the same, with the way to the portal.
    assert len(mail.text) > 100


@pytest.mark.parametrize(
    "html",
    ["<div>x</div>", "<style>p{}</style>", '<p class="x">', '<p style="padding:8px">', '<a href="http://x">', '<p style="color:#fff">',
     '<td style="background:#ffffff">', '<p style="margin:0 auto">', '<img src="https://x">', '<p style="display:flex">'],
)  # fmt: skip
def test_the_rules_find_what_is_not_drawn(html: str) -> None:
    assert faults(html)

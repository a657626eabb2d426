"""Texts with headings, lists and links: what is set, and that nothing else ever is."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.web.rendering import TEMPLATES
from shared.text import formatted
from shared.text.formatted import Block, Span, blocks, faults, plain

ALPHABET = st.text(st.sampled_from("# -*•1.、[]()<>&\"'\n\u3000甲乙h:/?=.com0javascript"), max_size=120)
PIECES = st.lists(
    st.sampled_from(
        [
            "# 标题", "## 小标题", "- 项", "1. 一", "2、二", "正文", "", "[办法](https://a.example.com/x?y=1&z)", "https://b.example.com。",
            "[坏](javascript:alert(1))", "[坏](data:text/html,x)", "<script>alert(1)</script>", "<a href=x onclick=y>", "https://u:p@c.example.com",
        ]
    ),
    max_size=12,
).map("\n".join)  # fmt: skip


def html(text: str) -> str:
    template = TEMPLATES.from_string('{% import "web/formatted.html" as texts %}{{ texts.formatted(text) }}')
    return template.render(text=text)


def test_blocks() -> None:
    text = "# 一、总则\n第一行\n第二行\n\n- 甲\n- 乙\n1. 子\n3、丑\n　　2026. 是一句话\n3.5 万元"
    assert blocks(text) == (
        Block("heading", ((Span("一、总则"),),), level=1),
        Block("paragraph", ((Span("第一行"),), (Span("第二行"),))),
        Block("list", ((Span("甲"),), (Span("乙"),))),
        Block("list", ((Span("子"),), (Span("丑"),)), numbers=(1, 3)),
        Block("paragraph", ((Span("2026. 是一句话"),), (Span("3.5 万元"),))),
    )


@pytest.mark.parametrize(
    ("line", "spans"),
    [
        ("见[办法](https://a.example.com/x)。", (Span("见"), Span("办法", "https://a.example.com/x"), Span("。"))),
        (
            "网址https://a.example.com/甲",
            (Span("网址"), Span("https://a.example.com/", "https://a.example.com/"), Span("甲")),
        ),
        ("https://a.example.com.", (Span("https://a.example.com", "https://a.example.com"), Span("."))),
        ("[坏](javascript:alert)", (Span("[坏](javascript:alert)"),)),
        ("[无](a.example.com)", (Span("[无](a.example.com)"),)),
        ("https://name:word@a.example.com", (Span("https://name:word@a.example.com"),)),
    ],
)
def test_links(line: str, spans: tuple[Span, ...]) -> None:
    assert blocks(line)[0].lines == (spans,)


def test_what_is_meant_as_a_link_and_leads_nowhere_is_said() -> None:
    text = "一\n[坏](javascript:alert(1)) [好](http://a.example.com)\n[空]()\n[注](见附件一)\n[括号](https://a.example.com/(x))"
    assert [(line, said == formatted.HOW_LINKS_ARE_WRITTEN) for line, said in faults(text)] == [
        (2, True),
        (3, True),
        (5, True),
    ]


def test_a_text_without_setting_keeps_its_words() -> None:
    assert plain("# 甲\n- 乙\n2. [丙](https://a.example.com)") == "甲\n• 乙\n2. 丙（https://a.example.com）"


@given(ALPHABET | PIECES)
def test_nothing_but_the_safe_subset_is_ever_set(text: str) -> None:
    shown = html(text)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", shown))
    assert tags <= {"div", "p", "br", "ul", "ol", "li", "a", "h3", "h4"}
    assert all(href.startswith(("http://", "https://")) for href in re.findall(r'href="([^"]*)"', shown))
    assert not re.search(r"<[^>]*\son", shown)
    # Every word that stands in the text stands on the page.
    words = re.findall("[甲乙项一二正文标题小办法坏]", text)
    said = unescape(re.sub("<[^>]*>", "", shown))
    assert [w for w in said if w in "甲乙项一二正文标题小办法坏"] == words

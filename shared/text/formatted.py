"""Read texts with headings, lists and links as offices write them, in plain characters: the one reader for pages, PDFs and workbooks.

`# ` and `## ` begin a heading, `- ` an item of a list, `1. ` or `1、` a numbered one; an empty line ends a paragraph; `[text](address)` and an address of
the web by itself are links. Nothing else is anything: what looks like HTML stays the characters that it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from shared.text import identifiers

_HEADING = re.compile("(#{1,2})[ \u3000]+(.*)")
_BULLET = re.compile("[-*•·][ \u3000]+(.*)")
# 3.5 is a number and 2026. a year: what counts items is short, and set apart from what it counts.
_NUMBER = re.compile("([0-9]{1,2})(?:[.．][ \u3000]+|、[ \u3000]*)(.*)")
_NAMED = re.compile(r"\[([^\[\]\n]{1,300})\]\(([^()\s]{0,1000})\)")
# What is meant as such a link, whatever stands in it: an address begins with a letter, not with a word of Chinese.
_MEANT = re.compile(r"\[[^\[\]\n]{1,300}\]\((?=[A-Za-z0-9/.)])")
# An address that stands by itself ends where Chinese goes on.
_BARE = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'*+,;=%-]{3,1000}")
_LINK = re.compile(f"{_NAMED.pattern}|({_BARE.pattern})")
# What ends a sentence after an address and is no part of it.
_AFTER = ".,;:!?'"
HOW_LINKS_ARE_WRITTEN = "链接应写成 [文字](网址)，网址以 http:// 或 https:// 开头"


@dataclass(frozen=True, slots=True)
class Span:
    """Some characters of a line; `href` is where they lead to, None for plain ones."""

    text: str
    href: str | None = None


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (`level` 1 or 2, one line), a paragraph (its lines), or a list (a line for each item; `numbers` are those of a numbered
    one)."""

    kind: Literal["heading", "paragraph", "list"]
    lines: tuple[Line, ...]
    level: int = 0
    numbers: tuple[int, ...] = ()


@lru_cache(maxsize=256)
def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a text. Every text has some reading; the same text is read once."""
    return tuple(_blocks(text))


def faults(text: str) -> list[tuple[int, str]]:
    """Return the lines of a text, counted from 1, with what is meant as a link and leads nowhere, and what is wrong with it."""
    return [
        (number, HOW_LINKS_ARE_WRITTEN)
        for number, line in enumerate(text.split("\n"), 1)
        for meant in _MEANT.finditer(line)
        if (found := _NAMED.match(line, meant.start())) is None or _address(found[2]) is None
    ]


def plain(text: str) -> str:
    """Return a text as it stands where nothing can be set: without marks, a link as its words with the address in brackets."""
    return "\n".join(f"{mark}{_plain(line)}" for block in blocks(text) for mark, line in _marked(block))


def _marked(block: Block) -> Iterator[tuple[str, Line]]:
    for at, line in enumerate(block.lines):
        mark = f"{block.numbers[at]}. " if block.numbers else "• " if block.kind == "list" else ""
        yield mark, line


def _plain(line: Line) -> str:
    return "".join(s.text if s.href in (None, s.text) else f"{s.text}（{s.href}）" for s in line)


def _blocks(text: str) -> Iterator[Block]:
    kind: Literal["paragraph", "list"] = "paragraph"
    lines: list[Line] = []
    numbers: list[int] = []

    def ended() -> Iterator[Block]:
        if lines:
            yield Block(kind, tuple(lines), numbers=tuple(numbers))
        lines.clear()
        numbers.clear()

    for raw in text.split("\n"):
        line = raw.strip(" \u3000")
        heading, bullet, number = (found.match(line) for found in (_HEADING, _BULLET, _NUMBER))
        if not line:
            yield from ended()
        elif heading:
            yield from ended()
            yield Block("heading", (_spans(heading[2]),), level=len(heading[1]))
        elif bullet or number:
            if kind != "list" or bool(numbers) != bool(number):
                yield from ended()
            kind = "list"
            lines.append(_spans(number[2] if number else bullet[1] if bullet else ""))
            if number:
                numbers.append(int(number[1]))
        else:
            if kind != "paragraph":
                yield from ended()
            kind = "paragraph"
            lines.append(_spans(line))
    yield from ended()


def _spans(line: str) -> Line:
    found: list[Span] = []
    done = 0
    for link in _LINK.finditer(line):
        end = link.end()
        words, href = link[1], _address(link[2]) if link[1] else None
        if not words:
            words = link[3].rstrip(_AFTER)
            end, href = link.start() + len(words), _address(words)
        if href is None:
            continue
        if link.start() > done:
            found.append(Span(line[done : link.start()]))
        found.append(Span(words, href))
        done = end
    if done < len(line) or not found:
        found.append(Span(line[done:]))
    return tuple(found)


def _address(text: str) -> str | None:
    """Return an address that a link may lead to; None for anything else, `javascript:` among it."""
    if not re.match("https?://", text):
        return None
    try:
        return identifiers.web_address(text)
    except ValueError:
        return None

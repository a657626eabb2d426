"""Define fields for text of one line and of several."""

from functools import cached_property
from typing import Literal, Self

import regex
from pydantic import Field, model_validator

from services.applications.forms.kinds.base import Choices, Kind, Wrong, text_of
from shared import codes
from shared.text import printable

# What a pattern may take for one value. Patterns come with forms, and some backtrack for ever.
PATTERN_SECONDS = 0.1


class _Text(Kind):
    """`min` and `max` count characters; `pattern` must match the whole text."""

    min: int = Field(default=0, ge=0)
    max: int = Field(default=200, ge=1, le=20_000)
    pattern: str | None = Field(default=None, max_length=300)
    pattern_message: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min（{self.min}）大于 max（{self.max}）")
        try:
            assert self._pattern or not self.pattern
        except regex.error as error:
            at = getattr(error, "pos", None)
            where = "" if at is None else f"，第 {at + 1} 个字符附近有误"
            raise ValueError(f"pattern 不是正确的正则表达式{where}") from error
        return self

    @cached_property
    def _pattern(self) -> "regex.Pattern[str] | None":
        return regex.compile(self.pattern) if self.pattern else None

    def _judged(self, text: str) -> str:
        if said := printable.complaint(text):
            raise Wrong(codes.UNPRINTABLE, said)
        if len(text) > self.max:
            raise Wrong(codes.TOO_LONG, f"最多 {self.max} 字，现为 {len(text)} 字")
        if text and len(text) < self.min:
            raise Wrong(codes.TOO_SHORT, f"至少 {self.min} 字，现为 {len(text)} 字")
        if text and self._pattern:
            try:
                found = self._pattern.fullmatch(text, timeout=PATTERN_SECONDS)
            except TimeoutError:
                found = None
            if not found:
                raise Wrong(codes.PATTERN, self.pattern_message or "格式不正确，请核对")
        return text


class TextField(_Text):
    """One line."""

    kind: Literal["text"]

    def parse(self, raw: object, choices: Choices) -> str:
        text = text_of(raw)
        if "\n" in text:
            raise Wrong(codes.LINE_BREAK, "不能换行")
        return self._judged(text)


class TextAreaField(_Text):
    """Several lines."""

    kind: Literal["textarea"]
    max: int = Field(default=3000, ge=1, le=20_000)

    def parse(self, raw: object, choices: Choices) -> str:
        return self._judged(text_of(raw))

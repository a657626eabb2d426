"""Text and JSON as they come from outside and as they leave."""

import json
from typing import Any

from shared import errors

# Deeper than any section's values; a limit keeps a hostile body from exhausting the stack.
MAX_DEPTH = 12


def storable(*texts: str, code: str = "bad_character") -> None:
    """`Malformed` for a character that PostgreSQL does not store: refused here rather than lost later."""
    if any("\x00" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in texts):
        raise errors.Malformed("请求内容含有无法保存的字符。", code=code)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check(value: object, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise errors.Malformed("请求内容嵌套过深。", code="too_deep")
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def loads(raw: bytes) -> Any:
    """JSON from outside: UTF-8, no NaN, no characters that cannot be kept, not too deep."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise errors.Malformed("请求内容不是有效的 JSON。", code="bad_json") from error
    _check(value)
    return value


def dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()

"""Read text and JSON as they come from outside, and write them as they leave."""

import json
import re
from math import isfinite
from typing import Any

from shared import codes, errors

# Deeper than any section's values; a limit keeps a hostile body from exhausting the stack.
MAX_DEPTH = 12
MAX_DIGITS = 18
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def storable(*texts: str, code: str = codes.BAD_CHARACTER) -> None:
    """Raise `Malformed` for a character that PostgreSQL does not store: refused here rather than lost later."""
    if any(_UNSTORABLE.search(text) for text in texts):
        raise errors.Malformed("请求内容含有无法保存的字符。", code=code)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is larger than any number")
    return number


def _integer(text: str) -> int:
    # What no column and no other program's integer holds.
    if len(text) > MAX_DIGITS:
        raise ValueError("an integer of too many digits")
    return int(text)


def _check(value: dict[str, Any] | list[Any], *, escaped: bool, depth: int = 0) -> None:
    """Nesting, and in every text what cannot be kept: JSON can only bring that `escaped`."""
    if depth == MAX_DEPTH and value:
        raise errors.Malformed("请求内容嵌套过深。", code=codes.TOO_DEEP)
    if escaped and isinstance(value, dict):
        storable(*value)
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _check(item, escaped=escaped, depth=depth + 1)
        elif escaped and isinstance(item, str):
            storable(item)


def loads(raw: bytes) -> Any:
    """JSON from outside: UTF-8, no NaN, no characters that cannot be kept, not too deep."""
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_number, parse_int=_integer
        )
    except (ValueError, RecursionError) as error:
        raise errors.Malformed("请求内容不是有效的 JSON。", code=codes.BAD_JSON) from error
    if isinstance(value, dict | list):
        _check(value, escaped=b"\\u" in raw)
    elif isinstance(value, str):
        storable(value)
    return value


def dumps(value: object) -> bytes:
    return _encode(value).encode()

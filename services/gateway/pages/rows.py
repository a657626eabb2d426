"""What the buttons beside rows and files do to what was typed."""

from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


def change(section: Json, action: str, rest: str, values: Json) -> str:
    """Add or remove a row, or take a file out of its slot; the place to come back to."""
    key, _, number = rest.partition(":")
    table = next((t for t in section["tables"] if t["key"] == key), None)
    if action == "add" and table is not None and len(values[key]) < table["max_rows"]:
        values[key].append({})
    elif action == "remove" and table is not None and number.isdecimal() and int(number) < len(values[key]):
        del values[key][int(number)]
    elif action == "unlink" and key in values:
        values[key] = [id for id in values[key] if id != number]
    return f"#{quote(key)}" if key else ""

"""Read parameters of a query that are more than text, the same way in every service."""

from datetime import datetime
from uuid import UUID

from shared import codes
from shared.errors import Malformed


def instant(text: str) -> datetime:
    """Return an instant with its offset; `Malformed` for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 2000 <= found.year < 2200:
        raise Malformed("时间应为带时区的 RFC 3339 格式。", code=codes.BAD_INSTANT)
    return found


def uuid(text: str) -> UUID | None:
    """Return a UUID as we write it; None for anything else."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def number(text: str, most: int) -> int:
    """Return a positive number of at most `most`; `Malformed` for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18 and 0 < int(text) <= most):
        raise Malformed("参数应为正整数。", code=codes.BAD_NUMBER)
    return int(text)

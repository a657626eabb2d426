"""Where the next page of a list begins, as text that a client hands back."""

import base64
import json
from datetime import datetime
from uuid import UUID

from shared.errors import Malformed


def cursor_of(at: datetime, id: UUID) -> str:
    """The place after which the next page begins."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(id)]).encode()).decode()


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """`Malformed` for anything that `cursor_of` did not make."""
    try:
        at, id = json.loads(base64.urlsafe_b64decode(cursor))
        instant, last = datetime.fromisoformat(at), UUID(id)
        if instant.tzinfo is None:
            raise ValueError("naive")
    except (ValueError, TypeError) as error:
        raise Malformed("翻页位置无效，请从第一页重新查看。", code="bad_cursor") from error
    return instant, last

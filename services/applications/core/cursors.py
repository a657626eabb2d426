"""Encode where the next page of a list begins as text that a client hands back."""

import base64
import json
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter

from shared import codes
from shared.errors import Malformed

_PLACE: TypeAdapter[tuple[AwareDatetime, UUID]] = TypeAdapter(tuple[AwareDatetime, UUID])


def cursor_of(at: datetime, id: UUID) -> str:
    """Return the place after which the next page begins."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(id)]).encode()).decode()


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Raise `Malformed` for anything that `cursor_of` did not make."""
    try:
        place = _PLACE.validate_json(base64.urlsafe_b64decode(cursor), strict=True)
    except ValueError as error:
        raise Malformed("翻页位置无效，请从第一页重新查看。", code=codes.BAD_CURSOR) from error
    return place

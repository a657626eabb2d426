"""Encode where the next page of a list begins as text that a client hands back."""

import base64
import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter

from shared import codes
from shared.errors import Malformed

T = TypeVar("T")
_PLACE: TypeAdapter[tuple[AwareDatetime, UUID]] = TypeAdapter(tuple[AwareDatetime, UUID])
# Text that PostgreSQL takes: a cursor is handed back by whoever likes.
_TEXT = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
_AMOUNT = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=20)]
_SORTED: dict[type, TypeAdapter[tuple[Any, datetime, UUID]]] = {
    str: TypeAdapter(tuple[_TEXT, AwareDatetime, UUID]),
    Decimal: TypeAdapter(tuple[_AMOUNT, AwareDatetime, UUID]),
}


def cursor_of(at: datetime, id: UUID, *, value: str | Decimal | None = None) -> str:
    """Return the place after which the next page begins; `value` is what the list is sorted by before the instant."""
    place = [at.isoformat(), str(id)] if value is None else [str(value), at.isoformat(), str(id)]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Raise `Malformed` for anything that `cursor_of` did not make."""
    return _read(_PLACE, cursor)


def sorted_place_of(cursor: str, kind: type) -> tuple[Any, datetime, UUID]:
    """Return a place in a list that is sorted by a value of this kind (`str`, `Decimal`) before the instant; `Malformed` as `place_of`."""
    return _read(_SORTED[kind], cursor)


def _read(adapter: TypeAdapter[T], cursor: str) -> T:
    try:
        return adapter.validate_json(base64.urlsafe_b64decode(cursor), strict=True)
    except ValueError as error:
        raise Malformed("翻页位置无效，请从第一页重新查看。", code=codes.BAD_CURSOR) from error

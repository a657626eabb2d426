"""Define returns and opinions as the public HTTP contract shows them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import PRINTED, Input, Reason


class Reply(Input):
    reply: str = Field(min_length=1, max_length=2000)


class OpinionInput(Input):
    section: str | None = None
    field: str | None = None
    row: str | None = None
    text: Annotated[str, Field(min_length=1, max_length=2000), PRINTED]


class ReturnApplication(Input):
    """The deadline is an instant, or so many working days from today, until the end of that office day."""

    correct_by: AwareDatetime | None = None
    working_days: int | None = Field(default=None, ge=1, le=120)
    opinions: list[OpinionInput] = Field(default=[], max_length=100)
    unlock: list[str] = Field(default=[])


class Extend(Input):
    """The new deadline is an instant, or so many working days from today."""

    correct_by: AwareDatetime | None = None
    working_days: int | None = Field(default=None, ge=1, le=120)
    reason: Reason


class ChangeOpinion(Input):
    """Other words for an opinion that was noted and not sent yet; its place stays."""

    text: Annotated[str, Field(min_length=1, max_length=2000), PRINTED]


class Raise(Input):
    text: Annotated[str, Field(min_length=1, max_length=2000), PRINTED]


class CommonReturn(BaseModel):
    """For what applications were often returned at a place in earlier rounds: `texts` in the words that several enterprises were given, the
    most frequent first."""

    section: str
    field: str
    texts: list[str]


class OpinionView(BaseModel):
    id: UUID
    round_trip: int
    section: str | None
    section_label: str | None
    field: str | None
    field_label: str | None
    row: str | None
    text: str
    status: Literal["open", "answered", "accepted"]
    reply: str | None
    author: str
    created_at: AwareDatetime
    # Not yet: noted for a return still to come; applicants see only what was sent.
    sent: bool = True

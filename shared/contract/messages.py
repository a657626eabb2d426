"""The part of the public HTTP contract that speaks of what the bureau's people and the experts are told in the portal (消息)."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import Input

MessageKind = Literal[
    "assigned",
    "resubmitted",
    "unlock_asked",
    "mention",
    "asked",
    "answered",
    "to_score",
    "score_due",
    "score_late",
    "expert_late",
    "overdue",
    "late_asked",
    "mail_parked",
    "own_mail",
]
# How one hears of a kind: not at all, in the portal alone, or by mail as well, with the digest of the day or at once.
Way = Literal["none", "portal", "digest", "at_once"]


class Message(BaseModel):
    """Something that one is told about a case; `by` brought it about. What is about none has no `application_id`: `project_name` names it."""

    id: UUID
    kind: MessageKind
    label: str
    application_id: UUID | None
    number: str | None
    project_name: str
    by: str
    at: AwareDatetime
    read: bool


class KindChoice(BaseModel):
    """A kind of message, whether one wants it, and which way."""

    kind: MessageKind
    label: str
    wanted: bool
    way: Way


class Messages(BaseModel):
    """A page of one's messages, the latest first; `unread` counts all, 100 stands for 100 and more. `choices` are those that whoever asks has;
    `digest_hour`: when the digest of a working day goes, in Beijing."""

    items: list[Message]
    next_cursor: str | None
    unread: int
    choices: list[KindChoice]
    digest_hour: int


class Unread(BaseModel):
    """How many messages are unread; 100 stands for 100 and more."""

    unread: int


class ReadMessages(Input):
    """Messages that have been read; all up to now where none is named."""

    ids: list[UUID] = Field(default=[], max_length=200)


class ChooseMessages(Input):
    """The kinds that one wants to be told of; of all others one is told nothing from now on. `mail`: which way a wanted kind is mailed, with the
    digest where it names none; `digest_hour`: when that goes. Either that is missing stays as it is."""

    wanted: list[MessageKind] = Field(max_length=20)
    mail: dict[MessageKind, Literal["portal", "digest", "at_once"]] | None = None
    digest_hour: int | None = Field(default=None, ge=0, le=23)

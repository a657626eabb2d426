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
]


class Message(BaseModel):
    """Something that one is told about a case; `by` brought it about."""

    id: UUID
    kind: MessageKind
    label: str
    application_id: UUID
    number: str | None
    project_name: str
    by: str
    at: AwareDatetime
    read: bool


class KindChoice(BaseModel):
    """A kind of message, and whether one wants it."""

    kind: MessageKind
    label: str
    wanted: bool


class Messages(BaseModel):
    """A page of one's messages, the latest first; `unread` counts all, 100 stands for 100 and more. `choices` are those that whoever asks has."""

    items: list[Message]
    next_cursor: str | None
    unread: int
    choices: list[KindChoice]


class Unread(BaseModel):
    """How many messages are unread; 100 stands for 100 and more."""

    unread: int


class ReadMessages(Input):
    """Messages that have been read; all up to now where none is named."""

    ids: list[UUID] = Field(default=[], max_length=200)


class ChooseMessages(Input):
    """The kinds that one wants to be told of; of all others one is told nothing from now on."""

    wanted: list[MessageKind] = Field(max_length=20)

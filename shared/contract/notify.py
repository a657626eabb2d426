"""The bodies of notify's part of the public HTTP contract."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.messages import Delivery


class Notice(BaseModel):
    """One line of the in-portal inbox: the words of the mail, whether or not a mail could be delivered."""

    id: UUID
    kind: str
    application_id: UUID
    title: str
    text: str
    occurred_at: AwareDatetime
    read_at: AwareDatetime | None


class Inbox(BaseModel):
    """A page of the inbox, newest first; `unread` counts all of it."""

    items: list[Notice]
    next_cursor: str | None
    unread: int


class Resend(BaseModel):
    """Send a notice again, with a reason; `email` is another address than the first on record. One that is not on record
    is sent to once a second person asks for the same."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(default=None, max_length=254)
    reason: str = Field(default="", max_length=500)
    channel: str = Field(default="email", max_length=20)


class ParkedNotice(BaseModel):
    """A notice that could not be delivered, with what it is about."""

    delivery: Delivery
    project_name: str
    number: str
    title: str


class Forget(BaseModel):
    """Applications whose persons are forgotten."""

    model_config = ConfigDict(extra="forbid")

    applications: list[UUID] = Field(max_length=1000)


class Unsubscribe(BaseModel):
    """`again`: reminders are wanted again."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=1000)
    again: bool = False
    # False: only tell whose address it is.
    change: bool = True


class Unsubscribed(BaseModel):
    """Whose reminders these are, and whether they are wanted."""

    address: str
    unsubscribed: bool

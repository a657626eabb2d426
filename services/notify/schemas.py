"""The bodies of notify's part of the public HTTP contract."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel


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

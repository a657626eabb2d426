"""The timeline as the public HTTP contract shows it."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.applications.core.schemas import TimelineEntry
from shared.messages import Proposal


class TriedView(BaseModel):
    """One attempt to reach somebody: `outcome` is accepted, deferred or refused."""

    address: str | None
    at: AwareDatetime
    outcome: str
    answer: str


class NoticeView(BaseModel):
    """What became of a notice by one channel: waiting (`pending`), taken by the other side (`sent`, with its answer),
    pointless by now, or undeliverable; `read_at`: opened in the portal."""

    event_id: UUID
    channel: str
    kind: str
    state: str
    attempts: int
    address: str | None
    answer: str | None
    error: str | None
    next_at: AwareDatetime | None
    sent_at: AwareDatetime | None
    read_at: AwareDatetime | None
    tried: list[TriedView]
    # For the bureau: an address that waits for a second person.
    proposal: Proposal | None = None


class Timeline(BaseModel):
    """What happened; `notifications` is null while notify does not answer."""

    entries: list[TimelineEntry]
    notifications: list[NoticeView] | None

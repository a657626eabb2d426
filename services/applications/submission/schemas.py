"""Define submissions and revisions as the public HTTP contract shows them."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.applications.core.bodies import Input
from services.applications.core.receipts import Receipt
from services.applications.core.schemas import TimelineEntry
from services.applications.filling.section_schemas import ApplicationView
from services.applications.forms.filled.checks import Outcome
from shared.messages import Proposal


class DraftToDiscard(Input):
    """A 暂存 that is given up at submission, by the section's etag under which the person saw it."""

    section: str
    etag: str


class Submit(Input):
    """`discard_drafts` names what is given up: a 暂存 that is newer than the one named is kept, and the submission refused
    with 409 `newer_draft`. A section's bare name gives up whatever is kept there at that moment."""

    discard_drafts: list[DraftToDiscard | str] = Field(default=[])


class Obstacle(BaseModel):
    """One thing that stands in the way of a submission, at its place; a warning does not stop it."""

    section: str | None = None
    field: str | None = None
    row: str | None = None
    column: str | None = None
    code: str
    message: str
    severity: Literal["error", "warning"] = "error"


class Submitted(BaseModel):
    """`warnings` did not stop it: checks of severity warning, and what the registry has changed since."""

    receipt: Receipt
    application: ApplicationView
    warnings: list[Outcome]


class RevisionView(BaseModel):
    number: int
    received_at: AwareDatetime
    sha256: str
    sm3: str
    form_version: int
    receipt: Receipt


class RevisionSnapshot(RevisionView):
    """The snapshot itself: `content` is what the digests are over (canonical JSON, RFC 8785)."""

    content: dict[str, Any]


class Change(BaseModel):
    section: str
    field: str
    row: str | None
    column: str | None
    before: Any
    after: Any
    asked: bool


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

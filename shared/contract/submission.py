"""Define submissions and revisions as the public HTTP contract shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.applications import TimelineEntry
from shared.contract.bodies import PRINTED, Input
from shared.contract.checks import Outcome
from shared.contract.sections import ApplicationView
from shared.messages import Proposal


class Receipt(BaseModel):
    """What an applicant holds in hand: `signature` is Ed25519 over the canonical JSON of the other fields."""

    number: str
    revision: int
    received_at: AwareDatetime
    sha256: str
    sm3: str
    signature: str


class DraftToDiscard(Input):
    """A 暂存 that is given up at submission, by the section's etag under which the person saw it."""

    section: str
    etag: str


class CheckReason(Input):
    """Why a check of severity warning does not hold, by the check's id."""

    check: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, Field(max_length=500), PRINTED]


class Submit(Input):
    """`discard_drafts` names what is given up: a 暂存 that is newer than the one named is kept, and the submission refused
    with 409 `newer_draft`. A section's bare name gives up whatever is kept there at that moment.

    `reasons`: why what the form asks to be confirmed (`Outcome.confirm`) is so. Without the reason of one that does not hold,
    422 `incomplete` with `reason_required` at its place; a reason for a check that holds is dropped."""

    discard_drafts: list[DraftToDiscard | str] = Field(default=[])
    reasons: list[CheckReason] = Field(default=[], max_length=500)


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


class File(BaseModel):
    """How a file's digest compares with our record: it is this revision's document, another revision's of the
    same application, or none that we know."""

    sha256: str
    matches: Literal["this_revision", "other_revision", "nothing"]
    revision: int | None = None


class Verification(BaseModel):
    """What `/verify/{token}` tells. Of an unknown token nothing else is said."""

    status: Literal["valid", "superseded", "withdrawn", "unknown"]
    number: str | None = None
    revision: int | None = None
    submitted_at: AwareDatetime | None = None
    sha256: str | None = None
    sm3: str | None = None
    superseded_by: int | None = None
    withdrawn_at: AwareDatetime | None = None
    file: File | None = None

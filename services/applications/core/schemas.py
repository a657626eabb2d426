"""The bodies of the public HTTP contract (`/api/v1`)."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from services.applications.core.bodies import PRINTED, Input, Reason
from services.applications.core.receipts import Receipt
from services.applications.forms.filled.checks import Outcome
from services.applications.forms.filled.section_state import SectionNow
from shared.text import amounts


class StartApplication(Input):
    """`copy_from`: an earlier application of the enterprise, of the same fund type, whose values are taken over."""

    round_id: UUID
    copy_from: UUID | None = None


class SectionValues(Input):
    values: dict[str, Any]


class DraftToDiscard(Input):
    """A 暂存 that is given up at submission, by the section's etag under which the person saw it."""

    section: str
    etag: str


class Submit(Input):
    """`discard_drafts` names what is given up: a 暂存 that is newer than the one named is kept, and the submission refused
    with 409 `newer_draft`. A section's bare name gives up whatever is kept there at that moment."""

    discard_drafts: list[DraftToDiscard | str] = Field(default=[])


class Nothing(Input):
    """An empty body."""


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


class Decision(Input):
    reason: Reason = ""
    amount_wan: (
        Annotated[Decimal, BeforeValidator(amounts.given), Field(max_digits=10, decimal_places=2)] | None
    ) = None


class Extend(Input):
    """The new deadline is an instant, or so many working days from today."""

    correct_by: AwareDatetime | None = None
    working_days: int | None = Field(default=None, ge=1, le=120)
    reason: Reason


class Raise(Input):
    text: Annotated[str, Field(min_length=1, max_length=2000), PRINTED]


class SectionSummary(BaseModel):
    """One material. `required` and `visible` follow from what is saved of the others; what is not visible is neither
    asked for nor submitted."""

    key: str
    label: str
    required: bool
    visible: bool = True
    status: Literal["empty", "draft", "saved"]
    editable: bool
    saved_at: AwareDatetime | None
    draft_at: AwareDatetime | None
    etag: str


class ApplicationSummary(BaseModel):
    """One line of 我的项目 or of the reviewers' queue."""

    id: UUID
    number: str | None
    project_name: str
    enterprise: str
    enterprise_name: str
    fund_type: str
    fund_type_label: str
    round_id: UUID
    round_title: str
    form_version: int
    state: str
    state_label: str
    version: int
    revision: int
    submitted_at: AwareDatetime | None
    created_at: AwareDatetime
    closes_at: AwareDatetime
    correct_by: AwareDatetime | None
    actions: list[str]
    applied_wan: str | None = None
    # For members of staff only.
    district: str | None = None
    unlock_requests: int = 0
    lease: "LeaseView | None" = None
    assignee: "AssigneeView | None" = None


class LeaseView(BaseModel):
    """Who works on an application, and until when."""

    name: str
    mine: bool
    until: AwareDatetime


class NamedPlace(BaseModel):
    """A field by its place, with the words for both."""

    section: str
    section_label: str
    field: str
    label: str


class RegistryView(BaseModel):
    """What is to be brought along from the legal-person registry. Where it did not answer, `waiting` are the fields it
    has still to fill, which nobody has filled in since."""

    answered: bool
    asked_at: AwareDatetime | None
    waiting: list[NamedPlace]


class AssigneeView(BaseModel):
    """Whose case it is."""

    account: str
    name: str
    mine: bool


class ApplicationView(ApplicationSummary):
    """`parameters` are the round's: ceilings, and the options that a form takes from its round. `newer_form_version`
    is the round's version of the form where this draft may be moved to it (`POST …/rebase`); `left_over` counts what
    stands beside the form and was not dismissed."""

    form_title: str
    parameters: dict[str, Any]
    registry: RegistryView
    newer_form_version: int | None
    left_over: int
    sections: list[SectionSummary]


class ApplicationPage(BaseModel):
    items: list[ApplicationSummary]
    next_cursor: str | None


class AttachmentView(BaseModel):
    """`scanned_at` is null until a virus scanner has seen the file (or where there is none); `infected` names
    what it found: such a file counts for nothing and cannot be downloaded."""

    id: UUID
    section: str
    slot: str
    name: str
    size: int
    media_type: str
    sha256: str
    scanned_at: AwareDatetime | None
    infected: str | None


class Prefilled(BaseModel):
    value: Any
    source: str
    fetched_at: AwareDatetime | None


class SectionView(BaseModel):
    """Both copies of a section. `draft` is null unless a 暂存 is newer than what is saved. `now` says how it stands
    with the values it shows: what is hidden, what must be filled in, what is computed. `registry` holds, by field,
    what the registry had when it was asked last where that differs from the value shown and is news (null: nothing any
    more); `POST …/prefill` takes it over."""

    key: str
    saved: dict[str, Any] | None
    draft: dict[str, Any] | None
    prefill: dict[str, Prefilled]
    registry: dict[str, Any]
    attachments: list[AttachmentView]
    editable: bool
    saved_at: AwareDatetime | None
    draft_at: AwareDatetime | None
    etag: str
    version: int
    now: SectionNow


class SectionWritten(BaseModel):
    """The answer to a write: the section's new tag, the application's version, the time, what is kept, and how the
    section stands with it."""

    key: str
    status: Literal["empty", "draft", "saved"]
    etag: str
    version: int
    at: AwareDatetime
    values: dict[str, Any] | None
    now: SectionNow


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


class DocumentStatus(BaseModel):
    status: Literal["ready", "queued", "rendering", "failed"]
    position: int | None = None
    eta_seconds: int | None = None
    message: str | None = None
    # Of a document that was given up: under which it is found at `/ops`, short enough to be read out.
    reference: str | None = None


class TimelineEntry(BaseModel):
    at: AwareDatetime
    action: str
    label: str
    actor: str
    from_state: str | None
    to_state: str | None
    details: dict[str, Any]

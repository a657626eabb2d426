"""Define the tables of schema `applications`."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    Sequence,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.applications.workflow import State
from shared.audit.chain import Ledger
from shared.database import metadata

SCHEMA = "applications"
AUDIT = Ledger(
    SCHEMA,
    (
        "id", "at", "application_id", "actor", "actor_name", "role", "action", "from_state", "to_state", "request_id",
        "details", "address", "result",
    ),
)  # fmt: skip


class Base(DeclarativeBase):
    metadata = metadata(SCHEMA)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
        Decimal: Numeric(14, 2),
    }


# Gaps in it are harmless; a counter in the round would make every submission wait for the one before.
APPLICATION_NUMBER = Sequence("application_number", metadata=Base.metadata, schema=SCHEMA)


class Round(Base):
    """申报批次. Ceilings, ratios and directions are its parameters."""

    __tablename__ = "rounds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_type: Mapped[str]
    form_version: Mapped[int]
    title: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    parameters: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Until then only those who write and publish rounds know of it.
    published_at: Mapped[datetime | None]
    # Who wrote it or changed it last before that; nobody for rounds of the time before this was kept.
    drafted_by: Mapped[str | None]
    drafted_by_name: Mapped[str | None]
    # A change that waits for a second person (`rounds/proposals.py`).
    proposal: Mapped[dict[str, Any] | None]
    version: Mapped[int] = mapped_column(default=1)
    # What may be approved in all; none where nobody has said.
    budget_wan: Mapped[Decimal | None]
    # The version of its 申报通知 that is in force (`tables/notices.py`); 0 where it has none.
    notice: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (CheckConstraint("closes_at > opens_at", name="window"),)


class ClassExtension(Base):
    """补时: a round extended for a class of enterprises. `enterprises` is the class as it was when the act was confirmed, in order, and `sha256` that of
    its lines; `begun_before` limits it to drafts that were begun before. Its drafts are told until `told_at` is set."""

    __tablename__ = "class_extensions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), index=True)
    whom: Mapped[str]
    begun_before: Mapped[datetime | None]
    until: Mapped[datetime]
    reason: Mapped[str]
    enterprises: Mapped[list[str]]
    sha256: Mapped[str]
    confirmed_by: Mapped[str]
    confirmed_by_name: Mapped[str]
    confirmed_at: Mapped[datetime]
    told_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("whom IN ('all', 'drafts', 'turned_away', 'listed')", name="whom"),
        CheckConstraint("(whom = 'drafts') = (begun_before IS NOT NULL)", name="begun"),
    )


class Extension(Base):
    """Late acceptance for one enterprise, by itself or as one of a class (`act`); of drafts begun before an instant alone where `begun_before`
    says so."""

    __tablename__ = "extensions"

    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), primary_key=True)
    enterprise: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    begun_before: Mapped[datetime | None]
    act: Mapped[UUID | None] = mapped_column(ForeignKey(ClassExtension.id))


class Application(Base):
    __tablename__ = "applications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), index=True)
    fund_type: Mapped[str]
    form_version: Mapped[int]
    enterprise: Mapped[str]
    enterprise_name: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)
    number: Mapped[str | None] = mapped_column(unique=True)
    project_name: Mapped[str] = mapped_column(default="")
    applied_wan: Mapped[Decimal | None]
    approved_wan: Mapped[Decimal | None]
    submitted_at: Mapped[datetime | None]
    submitted_from: Mapped[str | None]

    round_trips: Mapped[int] = mapped_column(default=0)
    returned_from: Mapped[str | None]
    correct_by: Mapped[datetime | None]
    # When it was returned, and when the present deadline was set: nobody is reminded of what was just said.
    returned_at: Mapped[datetime | None]
    correct_set_at: Mapped[datetime | None]
    unlocked: Mapped[list[str]] = mapped_column(default=list)
    return_seen_at: Mapped[datetime | None]
    publicity_from: Mapped[datetime | None]
    publicity_until: Mapped[datetime | None]

    # The batch it was taken into (`stage_models.Batch`, which refers to this file), and the mean of its experts' totals.
    batch_id: Mapped[UUID | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))

    # Who began it, as the identity platform knew them: written to where the application names nobody who can be.
    handler_name: Mapped[str | None]
    handler_email: Mapped[str | None]
    # When the enterprise agreed to short messages to the telephone that its contact section names.
    sms_agreed_at: Mapped[datetime | None]

    lease_account: Mapped[str | None]
    lease_name: Mapped[str | None]
    lease_until: Mapped[datetime | None]

    # When the legal-person registry was last asked for values to bring along, and whether it answered.
    registry_asked_at: Mapped[datetime | None]
    registry_answered: Mapped[bool] = mapped_column(default=True)

    # What the desk sorts and searches by. 所属区 is that of the latest submission.
    district: Mapped[str] = mapped_column(default="")
    assignee: Mapped[str | None]
    assignee_name: Mapped[str | None]
    search: Mapped[list[str]] = mapped_column(
        Computed("applications.grams(ARRAY[project_name, enterprise_name])", persisted=True), deferred=True
    )

    # What was asked before it was begun, and answered (`filling/eligibility.py`): read where it is shown.
    eligibility: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)

    # The key of this application's sensitive values, wrapped by the master key. Without it they are gone.
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(s.value) for s in State)})", name="state"),
        Index("ix_applications_enterprise_created", "enterprise", "created_at", "id"),
        Index("ix_applications_state_submitted", "state", "submitted_at", "id"),
    )


class Section(Base):
    """One material, in two copies: what counts (`saved`) and what was typed since (`draft`)."""

    __tablename__ = "sections"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[int] = mapped_column(default=1)
    saved: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    saved_at: Mapped[datetime | None]
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    draft_at: Mapped[datetime | None]
    # What was brought along, by field: value, source and time.
    prefill: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # What the registry said last, by field; null where it has nothing any more.
    registered: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Revision(Base):
    """What was submitted, for ever."""

    __tablename__ = "revisions"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    sm3: Mapped[str]
    received_at: Mapped[datetime]
    submitted_by: Mapped[str]
    receipt: Mapped[dict[str, Any]]
    # What the QR code on its document says: made with the revision, so that no later setting or key changes it.
    # None for a revision from before documents carried one.
    verify_url: Mapped[str | None]


class Document(Base):
    """A PDF that is or will be: of a revision, whole, masked, in short or its receipt, or of what is saved so far (`snapshot`); of no application
    where it is a list's letter or a draft of a form, printed empty."""

    __tablename__ = "documents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey(Application.id))
    kind: Mapped[str]
    revision: Mapped[int | None]
    source_sha256: Mapped[str]
    snapshot: Mapped[dict[str, Any] | None]
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sha256: Mapped[str | None]
    size: Mapped[int | None]
    pages: Mapped[int | None]
    ready_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "kind IN ('revision', 'masked', 'preview', 'commitment', 'letter', 'form', 'receipt', 'brief')",
            name="kind",
        ),
        UniqueConstraint("application_id", "kind", "source_sha256"),
        Index(
            "uq_documents_revision",
            "application_id",
            "revision",
            unique=True,
            postgresql_where="kind = 'revision'",
        ),
    )


class Opinion(Base):
    """退回意见, on a section, a field or a row."""

    __tablename__ = "opinions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    round_trip: Mapped[int]
    section: Mapped[str | None]
    field: Mapped[str | None]
    row: Mapped[str | None]
    text: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    reply: Mapped[str | None]
    author: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    replied_at: Mapped[datetime | None]
    position: Mapped[int] = mapped_column(default=0)
    # The opinion that this one repeats, whose answer did not satisfy.
    raised_from: Mapped[UUID | None]

    __table_args__ = (CheckConstraint("status IN ('open', 'answered', 'accepted')", name="status"),)


class Attachment(Base):
    __tablename__ = "attachments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    section: Mapped[str]
    slot: Mapped[str]
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
    # When the virus scanner gave its verdict (none yet, or no scanner: null), and what it found.
    scanned_at: Mapped[datetime | None]
    infected: Mapped[str | None]
    # The telephone link through which it came (the gateway's).
    phone_link: Mapped[UUID | None]

    __table_args__ = (
        Index(
            "ix_attachments_unscanned", "created_at", postgresql_where="scanned_at IS NULL AND deleted_at IS NULL"
        ),
    )


class Audit(Base):
    """Who did what, when, with what result. Rows are only ever added (a trigger refuses anything else)."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    application_id: Mapped[UUID | None] = mapped_column(index=True)
    actor: Mapped[str]
    actor_name: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    address: Mapped[str] = mapped_column(default="-")
    result: Mapped[str] = mapped_column(default="ok")


class AuditLink(Base):
    """One row of the audit in its chain of hashes (`shared.audit.chain`)."""

    __tablename__ = "audit_chain"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Owed(Base):
    """The outbox: a row is owed until its effect is recorded (`done_at`)."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str]
    # Kind, subject and due time: a thing that falls due is owed once, however many relays see it.
    due_key: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[UUID | None] = mapped_column(index=True)
    payload: Mapped[dict[str, Any]]
    # Smaller goes first: what a person waits for before what is made ahead.
    priority: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Among those of one priority, who came first: since when it has had that priority.
    in_line_since: Mapped[datetime] = mapped_column(server_default=func.now())
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_at: Mapped[datetime | None]
    starts: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[UUID | None]
    attempt_worker: Mapped[str | None]
    attempt_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    # The click that owes it, when it is traced.
    trace: Mapped[str | None]
    done_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        Index(
            "ix_outbox_due",
            "topic",
            "priority",
            "in_line_since",
            postgresql_where="done_at IS NULL AND parked_at IS NULL",
        ),
        Index(
            "ix_outbox_parked", "topic", "parked_at", postgresql_where="done_at IS NULL AND parked_at IS NOT NULL"
        ),
        Index("ix_outbox_done", "topic", "done_at", postgresql_where="done_at IS NOT NULL"),
    )

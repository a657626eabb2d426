"""Define the tables of the stages after 形式审查: batches, experts' assessments and recusals, objections, letters."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    Sequence,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import SCHEMA, Application, Base, Document, Round

# What the release before counts letters by. It goes when no process of that release can run any more.
LETTER_NUMBER = Sequence("letter_number", metadata=Base.metadata, schema=SCHEMA)


class Batch(Base):
    """审核批: cases of one round that go through the stages together."""

    __tablename__ = "batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id))
    name: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("round_id", "name"),)


class Recusal(Base):
    """回避: an expert and an enterprise that have to do with one another. No case of it is ever given to this expert."""

    __tablename__ = "recusals"

    account: Mapped[str] = mapped_column(primary_key=True)
    enterprise: Mapped[str] = mapped_column(primary_key=True)
    enterprise_name: Mapped[str]
    reason: Mapped[str]
    declared_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Assessment(Base):
    """One expert's view of one case: what was typed so far, and once submitted the total."""

    __tablename__ = "assessments"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The score sheet, pinned when the case was given: `key/version`.
    sheet: Mapped[str]
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    total: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    # By when it is wanted; none of those that were given before this was asked. Which of two reminders was told (`operations.expert_reminders`).
    due_at: Mapped[datetime | None]
    reminded: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("(submitted_at IS NULL) = (total IS NULL)", name="total"),
        Index("ix_assessments_account", "account", "assigned_at"),
        Index("ix_assessments_due", "due_at", "reminded", postgresql_where="submitted_at IS NULL"),
    )


class KeptSheet(Base):
    """What an expert had begun when a case was taken from them: replaced by another, or recused. It counts for nothing."""

    __tablename__ = "kept_sheets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    account: Mapped[str]
    name: Mapped[str]
    sheet: Mapped[str]
    values: Mapped[dict[str, Any]]
    assigned_at: Mapped[datetime]
    saved_at: Mapped[datetime | None]
    taken_off_by_name: Mapped[str]
    taken_off_at: Mapped[datetime]


class Objection(Base):
    """异议 against a project in 公示, as it was received, and what came of it."""

    __tablename__ = "objections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    objector: Mapped[str]
    contact: Mapped[str]
    text: Mapped[str]
    received_on: Mapped[date]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    upheld: Mapped[bool | None]
    outcome: Mapped[str | None]
    handled_by: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    # The list that it objects to; none where the case was published by itself.
    announcement_id: Mapped[UUID | None] = mapped_column(ForeignKey("applications.announcements.id"))


class LetterNumber(Base):
    """The last number (文号) that a series of official letters was given in a year of Beijing's calendar."""

    __tablename__ = "letter_numbers"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Letter(Base):
    """公文 to the applicant, or (without an application) a list: its words stand in the document's snapshot from the moment it was
    issued."""

    __tablename__ = "letters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey(Application.id), index=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id))
    kind: Mapped[str]
    name: Mapped[str]
    reference: Mapped[str] = mapped_column(unique=True)
    # The parts of `reference`; unknown of a letter that a process of the release before issued.
    series: Mapped[str | None]
    year: Mapped[int | None]
    number: Mapped[int | None]
    round_trip: Mapped[int]
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # 撤回退回 takes its letter back; applicants see it no more.
    recalled_at: Mapped[datetime | None]
    # 签收: its enterprise has not opened it yet; of letters from before this was asked nobody knows.
    unopened: Mapped[bool] = mapped_column(server_default=text("false"))
    opened_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_letters_number", "year", "series", "number", unique=True),
        Index("ix_letters_unopened", "issued_at", postgresql_where=text("unopened")),
    )


class Announcement(Base):
    """公示 (`publicity`) or 批复 (`approval`) of a list of one round's cases: a draft until a second person publishes it."""

    __tablename__ = "announcements"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id))
    title: Mapped[str]
    text: Mapped[str]
    # How long a 公示 lasts.
    working_days: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    # Who drafted it, or changed it last.
    drafted_by: Mapped[str]
    drafted_by_name: Mapped[str]
    drafted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_by: Mapped[str | None]
    published_by_name: Mapped[str | None]
    published_at: Mapped[datetime | None]
    publicity_until: Mapped[datetime | None]
    letter_id: Mapped[UUID | None] = mapped_column(ForeignKey(Letter.id))

    __table_args__ = (
        CheckConstraint("kind IN ('publicity', 'approval')", name="kind"),
        CheckConstraint("(published_at IS NULL) = (letter_id IS NULL)", name="published"),
        # A round has one draft of each kind: whoever comes second finds it.
        Index(
            "uq_announcements_draft",
            "round_id",
            "kind",
            unique=True,
            postgresql_where="published_at IS NULL",
        ),
        Index("ix_announcements_published", "kind", "published_at"),
    )


class Listed(Base):
    """One case of a list. `amount_wan` is that of the publication; a case that was taken off a published list stays on it as such."""

    __tablename__ = "announcement_cases"

    announcement_id: Mapped[UUID] = mapped_column(ForeignKey(Announcement.id), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    kind: Mapped[str]
    amount_wan: Mapped[Decimal | None]
    taken_off_at: Mapped[datetime | None]
    taken_off_by: Mapped[str | None]
    reason: Mapped[str | None]

    __table_args__ = (
        # A case stands on one list of a kind at most.
        Index(
            "uq_announcement_cases_case",
            "application_id",
            "kind",
            unique=True,
            postgresql_where="taken_off_at IS NULL",
        ),
    )

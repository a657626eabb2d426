"""Define the tables of the stages after 形式审查: batches, experts' assessments and recusals, objections, letters."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Sequence, UniqueConstraint, func
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

    __table_args__ = (
        CheckConstraint("(submitted_at IS NULL) = (total IS NULL)", name="total"),
        Index("ix_assessments_account", "account", "assigned_at"),
    )


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


class LetterNumber(Base):
    """The last number (文号) that a series of official letters was given in a year of Beijing's calendar."""

    __tablename__ = "letter_numbers"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Letter(Base):
    """公文 to the applicant: its words stand in the document's snapshot from the moment it was issued."""

    __tablename__ = "letters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
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

    __table_args__ = (Index("uq_letters_number", "year", "series", "number", unique=True),)

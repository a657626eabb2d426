"""Define the tables of what the bureau's people tell each other about a case: notes, files of the desk, questions and answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base


class CaseNote(Base):
    """内部备注: a text for colleagues. One that was withdrawn keeps its row without its text."""

    __tablename__ = "case_notes"

    # Chosen by the page on which it was written: what is sent twice is one note.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    text: Mapped[str]
    # Colleagues who are named in it: `{account, name}`.
    mentions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    author: Mapped[str]
    author_name: Mapped[str]
    written_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class CaseFile(Base):
    """工作文件: a file of the desk. `limited`: not for every colleague."""

    __tablename__ = "case_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    kind: Mapped[str]
    limited: Mapped[bool]
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    added_by: Mapped[str]
    added_by_name: Mapped[str]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    # As of an applicant's attachment: when the scanner gave its verdict, and what it found.
    scanned_at: Mapped[datetime | None]
    infected: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("kind IN ('site_visit', 'minutes', 'other')", name="kind"),
        Index("ix_case_files_unscanned", "added_at", postgresql_where="scanned_at IS NULL AND removed_at IS NULL"),
    )


class Inquiry(Base):
    """征求意见: a question to colleagues, with the day by which an answer is wanted."""

    __tablename__ = "inquiries"

    # Chosen by the page, as that of a note.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    question: Mapped[str]
    asked_by: Mapped[str]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    until: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by_name: Mapped[str | None]


class InquiryAnswer(Base):
    """One colleague who was asked, and what they answered."""

    __tablename__ = "inquiry_answers"

    inquiry_id: Mapped[UUID] = mapped_column(ForeignKey(Inquiry.id), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered"),
        Index("ix_inquiry_answers_open", "account", postgresql_where="answered_at IS NULL"),
    )

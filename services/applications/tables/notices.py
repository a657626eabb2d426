"""Define the tables of 申报通知: its texts, one row a version, and its files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Base, Round


class Notice(Base):
    """One version of a round's notice. Rows are only ever added; the round says which is in force (`Round.notice`)."""

    __tablename__ = "notices"

    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    # Questions of eligibility in the language of forms; empty where none are asked.
    questions: Mapped[str]
    # The ids of its files, in their order.
    files: Mapped[list[str]]
    created_by: Mapped[str]
    created_by_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NoticeFile(Base):
    """A file that a notice may name. What no version names for some days is swept."""

    __tablename__ = "notice_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), index=True)
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # As of attachments: when a scanner gave its verdict, and what it found.
    scanned_at: Mapped[datetime | None]
    infected: Mapped[str | None]

    __table_args__ = (Index("ix_notice_files_unscanned", "created_at", postgresql_where="scanned_at IS NULL"),)

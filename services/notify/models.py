"""The table of schema `notify`: one row an event, and what became of its mail."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import metadata

SCHEMA = "notify"


class Base(DeclarativeBase):
    metadata = metadata(SCHEMA)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
    }


class Notification(Base):
    """An event that was accepted, whom it is for, and its delivery."""

    __tablename__ = "notifications"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    application_id: Mapped[UUID] = mapped_column(index=True)
    # 统一社会信用代码: the inbox is the enterprise's.
    enterprise: Mapped[str]
    occurred_at: Mapped[datetime]
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    payload: Mapped[dict[str, Any]]
    read_at: Mapped[datetime | None]

    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    message_id: Mapped[str]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    # The click that it tells of, when it is traced.
    trace: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'superseded', 'undeliverable')", name="state"),
        Index("ix_notifications_due", "next_at", postgresql_where="state = 'pending'"),
        Index("ix_notifications_undeliverable", "accepted_at", postgresql_where="state = 'undeliverable'"),
        Index("ix_notifications_inbox", "enterprise", "occurred_at", "event_id"),
    )

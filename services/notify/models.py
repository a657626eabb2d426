"""Define the tables of schema `notify`: a row for each event and channel, and what became of it there."""

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
        list[dict[str, Any]]: JSONB(),
    }


class Notification(Base):
    """An event that was accepted, by one channel: whom it is for, and its delivery. What an inbox holds is `sent` from the
    beginning; `read_at` is the inbox's."""

    __tablename__ = "notifications"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    # None: of what goes to somebody of the bureau.
    application_id: Mapped[UUID | None] = mapped_column(index=True)
    # 统一社会信用代码: the inbox is the enterprise's.
    enterprise: Mapped[str]
    occurred_at: Mapped[datetime]
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    payload: Mapped[dict[str, Any]]
    read_at: Mapped[datetime | None]

    # Whom it may go to, in order (`{name, email}`), and which of them it goes to now.
    contacts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    contact: Mapped[int] = mapped_column(default=0)
    # The part of the present address after the @: one that fails holds up no other.
    domain: Mapped[str] = mapped_column(default="")
    # What was tried: `{address, at, outcome, answer}`, the latest last.
    tried: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Until when it is tried with the present contact.
    give_up_at: Mapped[datetime | None]
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    message_id: Mapped[str]
    sent_at: Mapped[datetime | None]
    # What the other side said when it took it.
    answer: Mapped[str | None]
    last_error: Mapped[str | None]
    # An address that is not on record and waits for a second person (`shared.messages.Proposal`).
    proposal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    # The click that it tells of, when it is traced.
    trace: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'superseded', 'undeliverable')", name="state"),
        Index("ix_notifications_due", "next_at", postgresql_where="state = 'pending'"),
        Index("ix_notifications_undeliverable", "accepted_at", postgresql_where="state = 'undeliverable'"),
        Index("ix_notifications_staff", "accepted_at", postgresql_where="application_id IS NULL"),
        Index("ix_notifications_leased", "domain", postgresql_where="state = 'pending' AND lease IS NOT NULL"),
        Index(
            "ix_notifications_inbox",
            "enterprise",
            "occurred_at",
            "event_id",
            postgresql_where="channel = 'inbox'",
        ),
    )


class Domain(Base):
    """A domain whose server does not take mail at present: looked at again at `retry_at`, and not before."""

    __tablename__ = "domains"

    name: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    retry_at: Mapped[datetime]
    last_error: Mapped[str]


class Unsubscribed(Base):
    """An address that wants no reminders."""

    __tablename__ = "unsubscribed"

    address: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())

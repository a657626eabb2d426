"""Define the tables of what the bureau's people and the experts are told in the portal (消息)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from services.applications.tables.applications import Application, Base


class StaffMessage(Base):
    """Something that one person is told about a case: what kind of thing (`messages.tell.Kind`), and who brought it about."""

    __tablename__ = "staff_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str]
    kind: Mapped[str]
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id))
    by_name: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]
    # What falls due is told once, however many relays see it.
    due_key: Mapped[str | None] = mapped_column(unique=True)

    __table_args__ = (
        Index("ix_staff_messages_mine", "account", "at", "id"),
        # How many are unread is counted in it alone, and those of one case are found in it when the case is opened.
        Index("ix_staff_messages_unread", "account", "application_id", postgresql_where="read_at IS NULL"),
        Index("ix_staff_messages_at", "at"),
    )


class MessageChoice(Base):
    """Kinds that somebody does not want to be told of; nobody without a row has refused any."""

    __tablename__ = "message_choices"

    account: Mapped[str] = mapped_column(primary_key=True)
    refused: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    changed_at: Mapped[datetime]

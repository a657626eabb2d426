"""Define the tables of what the bureau's people and the experts are told in the portal (消息)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from services.applications.tables.applications import Application, Base


class StaffMessage(Base):
    """Something that one person is told: what kind of thing, about which case, and who brought it about. What is about no case says what it is
    `about`. `mail` is what is owed of it by mail: nothing, the digest, or a mail at once (`messages.tell`)."""

    __tablename__ = "staff_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str]
    kind: Mapped[str]
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey(Application.id))
    about: Mapped[str | None]
    by_name: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]
    # What falls due is told once, however many relays see it.
    due_key: Mapped[str | None] = mapped_column(unique=True)
    mail: Mapped[int] = mapped_column(SmallInteger(), server_default=text("0"), default=0)

    __table_args__ = (
        Index("ix_staff_messages_mine", "account", "at", "id"),
        # How many are unread is counted in it alone, and those of one case are found in it when the case is opened.
        Index("ix_staff_messages_unread", "account", "application_id", postgresql_where="read_at IS NULL"),
        Index("ix_staff_messages_at", "at"),
        Index("ix_staff_messages_mail", "mail", "account", postgresql_where="mail > 0 AND read_at IS NULL"),
    )


class MessageChoice(Base):
    """Kinds that somebody does not want to be told of, wants mailed at once, or in the portal alone; all others come with the digest of the day.
    Nobody without a row has chosen anything. `digest_on`: the last day whose digest was thought of."""

    __tablename__ = "message_choices"

    account: Mapped[str] = mapped_column(primary_key=True)
    refused: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    at_once: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"), default=list)
    portal_only: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"), default=list)
    digest_hour: Mapped[int] = mapped_column(SmallInteger(), server_default=text("9"), default=9)
    digest_on: Mapped[date | None]
    changed_at: Mapped[datetime]

"""Define the table of 单位确认: what an enterprise's own checkers said of a draft."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base


class UnitConfirmation(Base):
    """One word on a draft: that somebody asks for it to be confirmed, confirms it, or returns it with opinions. The latest counts, for as
    long as the content has this digest."""

    __tablename__ = "unit_confirmations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    outcome: Mapped[str]
    content_sha256: Mapped[str]
    account: Mapped[str]
    name: Mapped[str]
    at: Mapped[datetime]
    # `{"section": …, "field": …, "text": …}`
    opinions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)

    __table_args__ = (CheckConstraint("outcome IN ('asked', 'confirmed', 'returned')", name="outcome"),)

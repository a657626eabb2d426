"""Define the table of what is put down when values are taken over."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base


class LeftOver(Base):
    """What was typed and has no place in the form's version now; kept until a person has seen it, and after that too."""

    __tablename__ = "left_over"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    position: Mapped[int]
    # The section beside which it is shown; null where there is none.
    section: Mapped[str | None]
    section_label: Mapped[str]
    label: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]
    # `value` as it was kept and `text` as people read it, sealed.
    content: Mapped[dict[str, Any]]
    files: Mapped[list[str]] = mapped_column(default=list)
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[str | None]


class Report(Base):
    """What became of an application's values when they were taken over: from its form's version before (`rebase`), or
    from an earlier application (`copy`). Holds places and words, no values."""

    __tablename__ = "reports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    kind: Mapped[str]
    from_version: Mapped[int]
    to_version: Mapped[int]
    source: Mapped[UUID | None] = mapped_column(ForeignKey(Application.id))
    entries: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())

    __table_args__ = (CheckConstraint("kind IN ('rebase', 'copy')", name="kind"),)

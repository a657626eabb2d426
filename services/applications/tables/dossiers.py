"""Define the table of 卷宗: case files that were asked for as a ZIP."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base, Round


class Dossier(Base):
    """卷宗 of one application or of a round's: asked for, put together by the relay, kept until `expires_at`. Its file has a key of its own in the store
    (`dossiers.queries.key_of`), and is there whole or not at all."""

    __tablename__ = "dossiers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey(Application.id), index=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), index=True)
    # What people call it: the application's number and name, or the round's title.
    title: Mapped[str]
    asked_by: Mapped[str]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(default="waiting")
    # Who works on it (`attempt`) keeps it until then; whoever comes later begins anew.
    attempt: Mapped[UUID | None]
    attempt_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # Cases that are in, of all.
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    # What could not be put in, for it is gone or not made yet.
    missing: Mapped[int] = mapped_column(default=0)
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    fault: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'stopped', 'failed', 'expired')", name="state"),
        # Of one application, and of one round, one at a time.
        Index(
            "uq_dossiers_application", "application_id", unique=True,
            postgresql_where="application_id IS NOT NULL AND state IN ('waiting', 'running')",
        ),
        Index(
            "uq_dossiers_round", "round_id", unique=True,
            postgresql_where="application_id IS NULL AND state IN ('waiting', 'running')",
        ),
        Index("ix_dossiers_asked", "asked_at", "id"),
    )  # fmt: skip

"""Define the tables of the review desk, and the indexes that its filters go by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base

ON_THE_DESK = "deleted_at IS NULL AND submitted_at IS NOT NULL"
DESK = {
    "submitted": ("submitted_at", "id"),
    "district": ("district", "state", "submitted_at", "id"),
    "round": ("round_id", "state", "submitted_at", "id"),
    "fund_type": ("fund_type", "state", "submitted_at", "id"),
    "assignee": ("assignee", "state", "submitted_at", "id"),
    "amount": ("state", "applied_wan", "submitted_at", "id"),
    "batch": ("batch_id", "submitted_at", "id"),
    "batch_state": ("batch_id", "state", "submitted_at", "id"),
}

# Each filter in the desk's own order; drafts are in none of them.
for _name, _columns in DESK.items():
    Index(f"ix_desk_{_name}", *(getattr(Application, c) for c in _columns), postgresql_where=ON_THE_DESK)
for _name, _what in (("number", "number"), ("number_end", "reverse(number)")):
    Index(f"ix_desk_{_name}", literal_column(f"{_what} text_pattern_ops"), postgresql_where=ON_THE_DESK)
for _name, _included, _only in (
    ("unseen", "returned_at", "state = 'returned' AND return_seen_at IS NULL"),
    ("over", "publicity_until", "state = 'publicity'"),
):
    Index(
        f"ix_desk_{_name}",
        Application.submitted_at,
        Application.id,
        postgresql_include=[_included],
        postgresql_where=f"{_only} AND {ON_THE_DESK}",
    )
# What the list may be sorted by besides; the state beside it, since hardly any look is at all of them.
for _name, _by in (
    ("by_enterprise", Application.enterprise_name),
    ("by_fund_type", Application.fund_type),
    ("by_amount", func.coalesce(Application.applied_wan, literal_column("0"))),
    ("by_assignee", func.coalesce(Application.assignee_name, literal_column("''"))),
):
    Index(
        f"ix_desk_{_name}", _by, Application.submitted_at, Application.id,
        postgresql_include=["state"], postgresql_where=ON_THE_DESK,
    )  # fmt: skip
Index("ix_desk_search", Application.search, postgresql_using="gin", postgresql_where=ON_THE_DESK)


class DeskCount(Base):
    """How many applications stand in a state with an assignee: the sum over its rows. A trigger adds a row for every
    change, so that nobody waits for a counter; the relay draws them together."""

    __tablename__ = "desk_counts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    state: Mapped[str]
    # Empty for nobody.
    assignee: Mapped[str]
    n: Mapped[int] = mapped_column(BigInteger)


class SavedFilter(Base):
    """A view of the desk that somebody keeps under a name."""

    __tablename__ = "saved_filters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    query: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("account", "name"),)


class CaseLook(Base):
    """How far a member of staff has seen a case: its version as it was, when, and when they had seen it before that."""

    __tablename__ = "case_looks"

    account: Mapped[str] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    version: Mapped[int]
    at: Mapped[datetime]
    since: Mapped[datetime | None]


class Turn(Base):
    """Whose turn it is: when a reviewer was last given a case in turn, and whether one is away."""

    __tablename__ = "turns"

    account: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime | None]
    away: Mapped[bool] = mapped_column(default=False)


class Phrase(Base):
    """A text of the library from which opinions are written."""

    __tablename__ = "phrases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(unique=True)
    # The material it is for; none for any.
    section: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UnlockRequest(Base):
    """An applicant's wish to correct a material that a return left locked, and what became of it."""

    __tablename__ = "unlock_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), index=True)
    round_trip: Mapped[int]
    section: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    # What the reviewer said to it.
    note: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'granted', 'refused')", name="status"),
        Index("ix_unlock_requests_open", "application_id", "round_trip", postgresql_where="status = 'open'"),
    )


class CaseChecklist(Base):
    """The 形式审查 list of a case as a reviewer last saved it: `ticks` by line, `{"met": true or false, "note": "…"}`."""

    __tablename__ = "case_checklists"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    # Counts its savings, so that two tabs do not overwrite one another.
    version: Mapped[int]
    # The submission that was looked at.
    revision: Mapped[int]
    ticks: Mapped[dict[str, Any]]
    saved_by: Mapped[str]
    saved_by_name: Mapped[str]
    saved_at: Mapped[datetime]

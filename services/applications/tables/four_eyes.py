"""Define the table of what one person proposed and another has to confirm."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Audit, Base

# What 职责分离报告 is made of.
REPORTED = (
    "publish_round", "change_round", "close_round", "extend_round", "publish_form", "publish_list", "approve", "extend",
    "resend",
)  # fmt: skip

Index(
    "ix_audit_four_eyes",
    Audit.at,
    postgresql_where=literal_column("action IN ({})".format(", ".join(f"'{action}'" for action in REPORTED))),
)


class Proposal(Base):
    """单独延期 (`late_acceptance`: of the enterprise `subject` in the round `target`), 补时 (`class_extension`: of the round `target`, for the class
    that `terms` names), 延长补正期限 (`correction`: of the application `target`) or a notice to an address that is not on record (`resend`: of the event `subject` about the application `target`), as one
    person proposed it. Once `settled_at` is set, `outcome` says what became of it."""

    __tablename__ = "proposals"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    target: Mapped[UUID]
    subject: Mapped[str] = mapped_column(default="")
    # The new deadline; none of a resend.
    until: Mapped[datetime | None]
    reason: Mapped[str]
    # Of a class extension alone: `rounds.class_extensions.Terms`.
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    proposed_by: Mapped[str]
    proposed_by_name: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_by_name: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("kind IN ('late_acceptance', 'correction', 'resend', 'class_extension')", name="kind"),
        CheckConstraint("outcome IN ('confirmed', 'refused', 'withdrawn', 'replaced')", name="outcome"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled"),
        # One of a kind waits; a further one takes its place.
        Index(
            "uq_proposals_open", "kind", "target", "subject", unique=True, postgresql_where="settled_at IS NULL"
        ),
    )

"""Define the tables of 表单工作台: published versions of forms, those retired, drafts and how they were saved, runs of 政策沙盘."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Base


class FormVersion(Base):
    """A version that was published at this office. Rows are only ever added (a trigger refuses anything else)."""

    __tablename__ = "form_versions"

    fund_type: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    # Over the text in UTF-8; the audit has it, too.
    sha256: Mapped[str]
    proposed_by: Mapped[str]
    proposed_by_name: Mapped[str]
    published_by: Mapped[str]
    published_by_name: Mapped[str]
    # Applications by example that it was published with, as JSON: see `workbench.reading.KeptExample`.
    examples: Mapped[str] = mapped_column(default="[]")
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FormRetirement(Base):
    """A version, of the office's or the product's, that no new round takes."""

    __tablename__ = "form_retirements"

    fund_type: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    retired_by: Mapped[str]
    retired_by_name: Mapped[str]
    retired_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FormDraft(Base):
    """The next version of a fund type's form, while it is written: one a type."""

    __tablename__ = "form_drafts"

    fund_type: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    # Its tag: goes up with every save, proposal and withdrawal.
    version: Mapped[int] = mapped_column(default=1)
    # The published version that it began with; none for a new type.
    based_on: Mapped[int | None]
    changed_by: Mapped[str]
    changed_by_name: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    proposed_by: Mapped[str | None]
    proposed_by_name: Mapped[str | None]
    proposed_at: Mapped[datetime | None]
    # What the proposer says to whoever publishes.
    note: Mapped[str] = mapped_column(default="")
    # Those that the next version will be published with.
    examples: Mapped[str] = mapped_column(default="[]")


class FormDraftSave(Base):
    """A draft as it was saved once, to be taken back to."""

    __tablename__ = "form_draft_saves"

    fund_type: Mapped[str] = mapped_column(ForeignKey(FormDraft.fund_type, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    saved_by_name: Mapped[str]
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SandboxRun(Base):
    """政策沙盘: what was handed in, judged by a form and parameters that are only thought of. `result` has counts, sums and numbers of cases."""

    __tablename__ = "sandbox_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_type: Mapped[str]
    # The draft's text as it was then, with its tag; of a published version neither, but its number.
    text: Mapped[str | None]
    draft: Mapped[int | None]
    version: Mapped[int | None]
    rounds: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    parameters: Mapped[dict[str, Any]]
    closes_on: Mapped[str]
    asked_by: Mapped[str]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(default="waiting")
    # Who works on it (`attempt`) keeps it until then; whoever comes later begins anew.
    attempt: Mapped[UUID | None]
    attempt_until: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    forgotten: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'stopped', 'failed')", name="state"),
        # One of a fund type at a time.
        Index(
            "uq_sandbox_runs_open", "fund_type", unique=True, postgresql_where="state IN ('waiting', 'running')"
        ),
    )

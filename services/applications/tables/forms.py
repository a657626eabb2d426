"""Define the tables of 表单工作台: published versions of forms, those retired, drafts and how they were saved."""

from datetime import datetime

from sqlalchemy import ForeignKey, func
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

"""Define the table of what operators set while the system runs."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Base


class Switches(Base):
    """What operators set while the system runs; one row."""

    __tablename__ = "switches"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=1)
    autosave_seconds: Mapped[int]
    previews: Mapped[bool]
    exports: Mapped[bool]
    announcement: Mapped[str]
    announcement_until: Mapped[datetime | None]
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("id = 1", name="one"),)

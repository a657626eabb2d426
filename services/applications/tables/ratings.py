"""Define the table of 好差评."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base


class Rating(Base):
    """What an enterprise says of the office's work on a case that has ended: once. `score`: 5 非常满意 to 1 非常不满意."""

    __tablename__ = "ratings"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    score: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[str]
    account: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="score"),)

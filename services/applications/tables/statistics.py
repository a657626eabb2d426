"""Define the tables of 统计: what each case counts for, the sums over all of them, and how far they follow the audit."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.applications.tables.applications import Application, Base, Round


class StatisticsCase(Base):
    """What one case counts for (`statistics.facts.Counts`), as the sums hold it: what is taken out of them when it changes."""

    __tablename__ = "statistics_cases"

    application_id: Mapped[UUID] = mapped_column(ForeignKey(Application.id), primary_key=True)
    round_id: Mapped[UUID]
    district: Mapped[str]
    applied_wan: Mapped[Decimal]
    approved_wan: Mapped[Decimal]
    # Cells as `[kind, key, n]`.
    cells: Mapped[list[Any]] = mapped_column(JSONB())


class StatisticsCell(Base):
    """So many of a kind and key (`statistics.facts`) in a round and a district, and what they apply for and get, where the kind counts sums."""

    __tablename__ = "statistics_cells"

    round_id: Mapped[UUID] = mapped_column(ForeignKey(Round.id), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    district: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    applied_wan: Mapped[Decimal]
    approved_wan: Mapped[Decimal]


class StatisticsProgress(Base):
    """How far the sums follow the audit: the position in its chain up to which its moves are counted; while `filling` is set, the cases up to that id."""

    __tablename__ = "statistics_progress"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    filling: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("id = 1", name="one"),)


Index("ix_statistics_cases_round", StatisticsCase.round_id)

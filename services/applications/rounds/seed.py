"""Seed demo rounds of the embedded default from data: one per entry, opening and closing relative to today."""

from datetime import datetime, time, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import yaml
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.case import form_of
from services.applications.tables.applications import Round
from shared import clock

FILE = Path(__file__).with_name("demo_rounds.yaml")


class DemoRound(BaseModel):
    """A round by days from today; closing is at `closes_time` of its day in Beijing."""

    key: str
    fund_type: str
    form_version: int
    title: str
    opens_in_days: int
    closes_in_days: int
    closes_time: time
    parameters: dict[str, str | int | list[str]]


async def seed(session: AsyncSession) -> int:
    """Put the demo rounds in, or move their windows to today's; how many there are."""
    entries = [DemoRound.model_validate(entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))]
    for entry in entries:
        form_of(entry)
        day = clock.today()
        values = {
            "id": uuid5(NAMESPACE_URL, f"demo-round:{entry.key}"),
            "fund_type": entry.fund_type,
            "form_version": entry.form_version,
            "title": entry.title.format(year=day.year),
            "opens_at": _at(day.toordinal() + entry.opens_in_days, time(9)),
            "closes_at": _at(day.toordinal() + entry.closes_in_days, entry.closes_time),
            "parameters": entry.parameters,
            "published_at": clock.now(),
            "version": 1,
        }
        window = {name: values[name] for name in ("title", "opens_at", "closes_at")}
        await session.execute(
            insert(Round).values(values).on_conflict_do_update(index_elements=[Round.id], set_=window)
        )
    return len(entries)


def _at(ordinal: int, at: time) -> datetime:
    return datetime.combine(datetime.fromordinal(1) + timedelta(days=ordinal - 1), at, clock.SHANGHAI)

"""公示 lasts working days of the office's calendar, not of the week."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

DIRECTOR = factories.staff(Role.DIRECTOR)


def next_days(count: int) -> list[date]:
    return [clock.today() + timedelta(days=n) for n in range(1, count + 1)]


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    """An office that rests for the next fourteen days, and works every day of the week after."""
    folder = tmp_path_factory.mktemp("calendar")
    years: dict[int, dict[str, list[date]]] = {}
    for n, day in enumerate(next_days(21)):
        years.setdefault(day.year, {"rest": [], "work": []})["rest" if n < 14 else "work"].append(day)
    file: Path = folder / "workdays.yaml"
    file.write_text(yaml.safe_dump(years), encoding="utf-8")
    return make_settings(database_url, folder, workdays_file=str(file), publicity_working_days=3)


async def test_publicity_skips_the_days_on_which_nobody_reads(
    api: Api, sessions: async_sessionmaker[AsyncSession], submitted: str
) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(submitted)).values(state="decision")
        )
    headers = {"If-Match": await api.etag(DIRECTOR, submitted)}
    path = f"/api/v1/review/applications/{submitted}/propose"
    began = clock.now()
    answer = await api.call("POST", path, DIRECTOR, json={"amount_wan": "20.00"}, headers=headers)
    assert answer.status == 200, await answer.text()
    async with sessions.begin() as session:
        until = (await session.get_one(Application, UUID(submitted))).publicity_until
    assert until is not None
    # To the end of the third working day after today.
    assert until == datetime.combine(
        began.astimezone(clock.SHANGHAI).date() + timedelta(days=18), time(0), clock.SHANGHAI
    )

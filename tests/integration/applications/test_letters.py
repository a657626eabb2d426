"""文号 of official letters: from 1 in each series and year, without gaps, whoever issues and whatever is rolled back."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import STORE
from services.applications.documents import letters
from services.applications.tables.applications import Application, Audit, Document
from services.applications.tables.decision import Letter, LetterNumber
from shared import clock
from shared.identity import Role
from shared.store import pdf_key
from tests import factories
from tests.integration.applications.conftest import Api

REVIEWER = factories.staff(Role.REVIEWER)
WORDS = {
    "return": {"opinions": "请补正", "deadline": "2026年12月1日"},
    "approve": {"publicity": "5 个工作日", "amount": "20.00", "amount_words": "贰拾万元整"},
    "reject": {"reason": "不属于支持范围"},
}
SERIES = {which: letters.kinds()[which].series for which in WORDS}


class RolledBackError(Exception):
    pass


async def issue(sessions: async_sessionmaker[AsyncSession], id: str, which: str, *, commit: bool = True) -> str:
    """One letter in a transaction of its own; its number, or nothing when it was rolled back."""
    try:
        async with sessions.begin() as session:
            application = await session.get_one(Application, UUID(id))
            letter = await letters.issue(session, application, which, **WORDS[which])
            await asyncio.sleep(random.random() / 200)
            if not commit:
                raise RolledBackError
            return letter.reference
    except RolledBackError:
        return ""


async def numbers(sessions: async_sessionmaker[AsyncSession]) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = {}
    async with sessions.begin() as session:
        for letter in await session.scalars(select(Letter).order_by(Letter.number)):
            assert letter.reference == f"{letter.series}〔{letter.year}〕{letter.number}号"
            found.setdefault((letter.series or "", letter.year or 0), []).append(letter.number or 0)
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_numbers_are_consecutive(
    sessions: async_sessionmaker[AsyncSession], submitted: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Letters of all series at once, some rolled back, before and after midnight in Beijing at the turn of a year of its own."""
    by_chance = random.Random(seed)
    year = 2100 + 2 * seed
    made: Counter[tuple[str, int]] = Counter()
    # Either side of Beijing's midnight.
    for now in (datetime(year, 12, 31, 15, 59, tzinfo=UTC), datetime(year, 12, 31, 16, 1, tzinfo=UTC)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        games = [(by_chance.choice(list(WORDS)), by_chance.random() < 0.7) for _ in range(14)]
        await asyncio.gather(*(issue(sessions, submitted, which, commit=kept) for which, kept in games))
        made += Counter((SERIES[which], year + (now.hour == 16)) for which, kept in games if kept)
    found = await numbers(sessions)
    assert {key: found[key] for key in made} == {key: list(range(1, n + 1)) for key, n in made.items()}


async def test_series_goes_on_past_what_another_release_took(
    sessions: async_sessionmaker[AsyncSession], submitted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While releases run side by side, the one before counts all series together."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2090, 5, 1, tzinfo=UTC))
    series = SERIES["reject"]
    assert await issue(sessions, submitted, "reject") == f"{series}〔2090〕1号"
    async with sessions.begin() as session:
        first = (await session.scalars(select(Letter).where(Letter.year == 2090))).one()
        session.add(
            Letter(
                id=UUID(int=2090), application_id=first.application_id, document_id=first.document_id,
                kind="reject", name=first.name, reference=f"{series}〔2090〕2号", round_trip=0,
            )
        )  # fmt: skip
    assert await issue(sessions, submitted, "reject") == f"{series}〔2090〕3号"
    async with sessions.begin() as session:
        assert (await session.get_one(LetterNumber, (series, 2090))).last == 3


async def test_register_shows_who_was_written_to(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    references = [await issue(sessions, submitted, which) for which in ("reject", "return", "reject")]
    path = "/api/v1/review/letters"
    found = await (await api.call("GET", path, REVIEWER)).json()
    assert [line["reference"] for line in found["items"][:3]] == references[::-1]
    assert found["items"][0]["application_id"] == submitted
    assert found["items"][0]["enterprise_name"] == factories.ENTERPRISE_1[1]
    assert set(SERIES.values()) & set(found["series"])
    year = clock.today().year
    assert year in found["years"]
    of_series = {"series": SERIES["reject"], "year": str(year)}
    only = await (await api.call("GET", path, REVIEWER, params=of_series)).json()
    assert {line["kind"] for line in only["items"]} == {"reject"}
    # Page by page, the same.
    read = []
    cursor: str | None = ""
    while cursor is not None:
        params = {**of_series, "limit": "1", "cursor": cursor}
        page = await (await api.call("GET", path, REVIEWER, params=params)).json()
        read += page["items"]
        cursor = page["next_cursor"]
    assert read == only["items"]
    assert len(read) >= 2


async def test_a_letter_is_signed_for_when_its_enterprise_first_opens_it(
    api: Api, server: TestServer, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    reference = await issue(sessions, submitted, "approve")
    who, register = factories.applicant(), "/api/v1/review/letters"
    [letter] = await (await api.call("GET", f"/api/v1/applications/{submitted}/letters", who)).json()
    path = f"/api/v1/applications/{submitted}/letters/{letter['id']}"
    # Nothing is there to be read yet.
    assert (await api.call("GET", path, who)).status == 202
    async with sessions.begin() as session:
        row = await session.get_one(Letter, UUID(letter["id"]))
        assert (row.unopened, row.opened_at) == (True, None)
        row.issued_at = clock.now() - timedelta(days=4)
        document = await session.get_one(Document, row.document_id)
        document.sha256, document.size = "5" * 64, 4
    server.app[STORE].put(pdf_key("5" * 64), b"%PDF")
    # Whoever of the bureau reads it signs for nobody, nor does a page that only looks whether it is there.
    assert (await api.call("GET", f"{path}?look=1", who)).status == 200
    assert (await api.call("HEAD", path, who)).status == 200
    assert (await api.call("GET", path, REVIEWER)).status == 200
    late = await (await api.call("GET", register, REVIEWER, params={"unopened": "1"})).json()
    assert [line["reference"] for line in late["items"]] == [reference]
    opened = await asyncio.gather(*(api.call("GET", path, who) for _ in range(4)))
    assert {answer.status for answer in opened} == {200}
    assert (await (await api.call("GET", register, REVIEWER, params={"unopened": "1"})).json())["items"] == []
    [seen] = await (await api.call("GET", f"/api/v1/applications/{submitted}/letters", who)).json()
    assert seen["opened_at"]
    assert not seen["unopened"]
    async with sessions.begin() as session:
        query = select(Audit.details).where(Audit.application_id == UUID(submitted), Audit.action == "open_letter")
        assert list(await session.scalars(query)) == [{"letter": reference}]


@pytest.mark.parametrize(
    "query", [{"year": "x"}, {"year": "-1"}, {"cursor": "x"}, {"limit": "501"}, {"limit": "0"}]
)
async def test_register_refuses_what_it_cannot_read(api: Api, query: dict[str, str]) -> None:
    answer = await api.call("GET", "/api/v1/review/letters", REVIEWER, params=query)
    assert answer.status == 400
    assert (await answer.json())["detail"]


async def test_register_is_the_bureaus(api: Api) -> None:
    for who in (factories.applicant(), factories.staff(Role.EXPERT)):
        assert (await api.call("GET", "/api/v1/review/letters", who)).status == 403

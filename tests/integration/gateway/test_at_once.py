"""Two first times at once: the second finds what the first one made."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts import accounts
from services.gateway.signin import factor
from services.gateway.signin.claims import Person
from shared.database import async_engine
from shared.sealing import Keyring
from tests.integration.gateway.conftest import Browser, make_settings

KEYS = Keyring([b"p" * 32])
PERSON = Person(subject="first-time", name="李响", uscc="91110105MA01ABCD0X", enterprise_name="北京某工艺品公司")
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    database = async_engine(make_settings(database_url, "redis://127.0.0.1:1"))
    yield async_sessionmaker(database, expire_on_commit=False)
    await database.dispose()


async def _enter(sessions: Sessions) -> UUID:
    async with sessions.begin() as session:
        account = await accounts.enter(session, KEYS, PERSON)
        # Long enough that the other has looked for it in vain.
        await asyncio.sleep(0.3)
    return account.id


async def test_two_first_sign_ins_at_once_are_one_account_with_one_secret(sessions: Sessions) -> None:
    first, second = await asyncio.gather(_enter(sessions), _enter(sessions))
    assert first == second

    async def secret() -> str:
        async with sessions.begin() as session:
            _, shown = await factor.of(session, KEYS, first)
            await asyncio.sleep(0.3)
        return shown

    assert len({*await asyncio.gather(secret(), secret())}) == 1


async def test_clicks_at_once_all_end_where_the_first_one_does(browser: Browser) -> None:
    """Without a script a browser shows the answer to the last click only: it must be no refusal."""
    await browser.sign_in("qiye1")
    text = await (await browser.go("GET", "/projects/new")).text()
    form = {name: re.search(rf'name="{name}" value="([^"]+)"', text)[1] for name in ("round_id", "key")}  # type: ignore[index]
    form |= {"csrf_token": browser.csrf_token, "anyway": "1"}
    clicks = [browser.go("POST", "/projects/new", data=form, allow_redirects=False) for _ in range(8)]
    answers = await asyncio.gather(*clicks)
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1

"""The synthetic applicant before a system without workers: it says so, it is counted nowhere, and nobody else can be it."""

from datetime import timedelta

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from services.gateway.accounts import accounts
from services.gateway.accounts.models import Account, AnswerMinute, SessionRow, SyntheticRun
from services.gateway.accounts.person import Person
from services.gateway.accounts.reserved import SYNTHETIC_SUBJECT
from services.gateway.synthetic import walk
from services.gateway.synthetic.process import FAILING, SyntheticApplicant
from services.gateway.web import minutes
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, KEYS, SETTINGS
from services.gateway.web.minutes import MINUTES
from shared.errors import NotAllowed
from shared.synthetic import ENTERPRISE
from tests import factories
from tests.integration.gateway.conftest import Browser


async def test_it_finds_that_papers_do_not_come_and_nobody_is_counted(
    gateway: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "PDF_SECONDS", 0.1)
    database = gateway.app[DATABASE]
    settings = gateway.app[SETTINGS].model_copy(update={"synthetic_email": "nobody@example.com"})

    async def counted() -> int:
        await minutes._write(gateway.app[MINUTES], database)
        async with database() as session:
            sums = select(func.sum(AnswerMinute.answered + AnswerMinute.turned_away + AnswerMinute.failed))
            return int(await session.scalar(sums) or 0)

    before = await counted()
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        itself = SyntheticApplicant(database, gateway.app[BROWSER_SESSIONS], http, settings)
        first = await itself.walk()
        assert (first.outcome, first.step) == ("failed", "pdf"), first
        assert await counted() == before
        # Somebody ended its session, or a restart did: it begins another.
        async with database.begin() as session:
            account = await session.scalar(select(Account.id).where(Account.subject == SYNTHETIC_SUBJECT))
            assert account is not None
        assert await gateway.app[BROWSER_SESSIONS].end_of(account) == 1
        second = await itself.walk()
        assert (second.outcome, second.step) == ("failed", "pdf"), second
        assert FAILING._value.get() == 2
        await itself.sign_out()
    async with database() as session:
        assert await session.scalar(select(func.count()).where(SessionRow.account_id == account)) == 0
        kept = (await session.scalars(select(SyntheticRun))).all()
    assert [(run.outcome, run.step) for run in kept] == [("failed", "pdf")] * 2
    assert all(run.reason.startswith("no PDF after") for run in kept)
    operator = Browser(gateway)
    await operator.sign_in("yunwei")
    page = await (await operator.go("GET", "/ops")).text()
    assert "no PDF after" in page
    assert "生成PDF</td>" in page
    await operator.http.close()


async def test_no_provider_can_say_that_somebody_is_it(gateway: TestServer) -> None:
    posing = Person(
        subject=SYNTHETIC_SUBJECT, name="某人", uscc=factories.ENTERPRISE_1[0], enterprise_name="某企业"
    )
    async with gateway.app[DATABASE].begin() as session:
        with pytest.raises(NotAllowed):
            await accounts.enter(session, gateway.app[KEYS], posing)
        mine = select(Account.enterprise).where(Account.subject == SYNTHETIC_SUBJECT)
        assert await session.scalar(mine) in {None, ENTERPRISE}


async def test_runs_of_last_week_go(gateway: TestServer) -> None:
    from services.gateway.synthetic import runs
    from services.gateway.synthetic.walk import Run

    async with gateway.app[DATABASE].begin() as session:
        await runs.note(session, Run())
        old = (await session.scalars(select(SyntheticRun).order_by(SyntheticRun.id.desc()))).first()
        assert old is not None
        old.at -= timedelta(days=8)
        await session.flush()
        gone = old.id
        await runs.note(session, Run("failed", "mail", "x" * 2000))
        assert gone not in set(await session.scalars(select(SyntheticRun.id)))
        assert len((await runs.latest(session))[0].reason) == 500

"""The catalogue lives: two processes on one database know what is published within seconds, whatever becomes of notices."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.forms import catalogue
from services.applications.forms.authoring.publishing import digest_of
from services.applications.forms.catalogue import FOLDER, Catalogue, UnusableForm, form, sound
from services.applications.settings import ApplicationsSettings
from services.applications.tables.forms import FormVersion
from services.applications.workbench import queries
from services.applications.workbench.drafts import EMPTY
from services.applications.workbench.known_forms import CHANNEL, KnownForms
from shared.database import async_engine
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings
from tests.system.fault_proxy import FaultProxy

pytestmark = pytest.mark.usefixtures("published_here")
# Patience with a machine that does much else; what is promised is `LOOK_SECONDS`, or a notice before that.
WITHIN = 20.0


def form_text(fund_type: str, version: int = 1) -> str:
    return EMPTY.format(fund_type=fund_type, version=version, label="展会补贴")


async def put(
    sessions: async_sessionmaker[AsyncSession], fund_type: str, told: bool = True, **changes: Any
) -> None:
    """Publish a version as another process would: its row, and a notice unless it is lost."""
    said = changes.pop("text", form_text(fund_type))
    async with sessions.begin() as session:
        session.add(
            FormVersion(
                fund_type=fund_type, version=1, text=said, sha256=changes.get("sha256", digest_of(said)),
                proposed_by="a", proposed_by_name="甲", published_by="b", published_by_name="乙",
            )
        )  # fmt: skip
        if told:
            await queries.tell(session, CHANNEL)


@asynccontextmanager
async def processes(
    settings: ApplicationsSettings, count: int = 2, look_seconds: float = 2.0
) -> AsyncIterator[list[Catalogue]]:
    """Catalogues with their loops, as processes have them: connections of their own, nothing shared but the database."""
    engines = [async_engine(settings) for _ in range(count)]
    found = [Catalogue([FOLDER]) for _ in engines]
    tasks = [
        asyncio.create_task(
            KnownForms(async_sessionmaker(engine, expire_on_commit=False), settings, known, look_seconds).run()
        )
        for engine, known in zip(engines, found, strict=True)
    ]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for engine in engines:
            await engine.dispose()


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something holds."""
    began = monotonic()
    while monotonic() - began < WITHIN:
        found = true()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {WITHIN:.0f} s")


async def listening(sessions: async_sessionmaker[AsyncSession], count: int) -> bool:
    async with sessions() as session:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN gm_form%'"
        )
        return bool((await session.scalar(query) or 0) >= count)


async def test_processes_know_what_is_published_and_go_on_without_notices(
    settings: ApplicationsSettings, sessions: async_sessionmaker[AsyncSession]
) -> None:
    # So seldom a look that only a notice can be as quick.
    async with processes(settings, look_seconds=60) as known:
        # The service of these tests listens, too.
        await until(lambda: listening(sessions, 3))
        await put(sessions, "told")
        await until(lambda: all(("told", 1) in each for each in known))
    async with processes(settings) as known:
        await until(lambda: all(("told", 1) in each for each in known))
        await put(sessions, "untold", told=False)
        await until(lambda: all(("untold", 1) in each for each in known))
        assert known[0]["untold", 1].label == "展会补贴"


async def test_a_database_that_is_away_for_a_while(
    settings: ApplicationsSettings, sessions: async_sessionmaker[AsyncSession], tmp_path: Any
) -> None:
    url = make_url(settings.database_url.get_secret_value())
    proxy = FaultProxy(url.port or 5432)
    proxy.start()
    through = url.set(port=proxy.port, host="127.0.0.1").render_as_string(hide_password=False)
    try:
        async with processes(make_settings(through, tmp_path), count=1, look_seconds=0.2) as (known,):
            await until(lambda: ("told", 1) in known)
            proxy.stop()
            await put(sessions, "meanwhile")
            await asyncio.sleep(0.6)
            assert ("meanwhile", 1) not in known
            # What it knows, it serves.
            assert known["told", 1].version == known["reward", 2].version - 1 == 1
            proxy.start()
            await until(lambda: ("meanwhile", 1) in known)
    finally:
        proxy.stop()


async def test_what_does_not_fit_concerns_nobody_who_wants_another(
    settings: ApplicationsSettings,
    sessions: async_sessionmaker[AsyncSession],
    caplog: pytest.LogCaptureFixture,
    clean_catalogue: Catalogue,
) -> None:
    """A digest that is not the text's, and a form of a later release, with what this one does not know."""
    caplog.set_level(logging.INFO)
    await put(sessions, "forged", sha256="0" * 64)
    await put(sessions, "later", text=form_text("later").replace("kind: text", "kind: hologram", 1))
    await put(sessions, "sound")
    known = KnownForms(sessions, settings, clean_catalogue)
    assert await known.look()
    assert not await known.look()
    assert ("forged", 1) not in clean_catalogue
    assert "sound" in {f.fund_type for f in sound()}
    with pytest.raises(UnusableForm):
        form("later", 1)
    said = {(r.form, r.getMessage()) for r in caplog.records if hasattr(r, "form")}
    assert ("forged/1", "a published form is not what its digest says") in said
    assert ("later/1", "a published form cannot be used") in said
    assert any("没有“hologram”这种字段" in str(getattr(r, "reason", "")) for r in caplog.records)


async def test_the_table_is_asked_before_a_form_is_unknown(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    who = factories.applicant()
    missing = await api.call("GET", "/api/v1/forms/asked_for/1", who)
    assert missing.status == 404
    await put(sessions, "asked_for", told=False)
    assert (await api.call("GET", "/api/v1/forms/asked_for/1", who)).status == 200
    # And before another process is told that it may open a round for it.
    await put(sessions, "asked_too", told=False)
    officer = factories.staff(Role.OFFICER, "杨业务")
    body = {
        "fund_type": "asked_too", "form_version": 1, "title": "批次", "opens_at": "2026-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z", "publish": False,
    }  # fmt: skip
    assert (await api.call("POST", "/api/v1/rounds", officer, json=body)).status == 201


async def test_what_an_office_published_goes_before_a_later_releases_file(
    settings: ApplicationsSettings, sessions: async_sessionmaker[AsyncSession]
) -> None:
    theirs = (FOLDER / "reward" / "2.yaml").read_text("utf-8").replace("label: 奖励类", "label: 本局的奖励类", 1)
    async with sessions.begin() as session:
        session.add(
            FormVersion(
                fund_type="reward", version=2, text=theirs, sha256=digest_of(theirs),
                proposed_by="a", proposed_by_name="甲", published_by="b", published_by_name="乙",
            )
        )  # fmt: skip
    known = Catalogue([FOLDER])
    assert known["reward", 2].label == "奖励类"
    await KnownForms(sessions, settings, known).look()
    assert known["reward", 2].label == "本局的奖励类"
    assert known["reward", 1].label == "奖励类"


async def test_nobody_changes_what_is_published(sessions: async_sessionmaker[AsyncSession]) -> None:
    for statement in (
        "UPDATE applications.form_versions SET text = ''",
        "DELETE FROM applications.form_versions",
        "TRUNCATE applications.form_versions",
    ):
        with pytest.raises(Exception, match="published forms are never changed"):
            async with sessions.begin() as session:
                await session.execute(text(statement))


@pytest.fixture
def clean_catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """The catalogue of this process as if nobody had published anything yet; the service of these tests keeps its own."""
    fresh = Catalogue([FOLDER])
    monkeypatch.setattr(catalogue, "forms", lambda: fresh)
    return fresh

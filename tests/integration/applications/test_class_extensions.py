"""补时: one act, by two people, gives a class of enterprises more time; whoever has it submits until then, and nobody loses any."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from stdnum.cn import uscc

from services.applications.core.codec import Codec
from services.applications.core.context import ENGINE
from services.applications.forms.catalogue import form
from services.applications.operations.reminders import fall_due
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import (
    Application,
    Audit,
    ClassExtension,
    Extension,
    Owed,
    Round,
    Section,
)
from services.applications.tables.four_eyes import Proposal
from shared import clock
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

Sessions = async_sessionmaker[AsyncSession]
ONE, OTHER = factories.staff(Role.OPERATOR, "甲运维"), factories.staff(Role.OPERATOR, "乙运维")
OFFICER, REVIEWER = factories.staff(Role.OFFICER, "丙业务"), factories.staff(Role.REVIEWER, "丁审核")
A, B = factories.applicant(), factories.applicant(factories.ENTERPRISE_2, "acc-other")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CODEC = Codec(b"m" * 32)


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    return make_settings(database_url, tmp_path_factory.mktemp("applications"), extensions_by_two=True)


@dataclass
class Night:
    """A round that closed a minute ago, its congestion an hour ago, and how to begin drafts in it."""

    round: UUID
    congested: datetime
    begin: Callable[[Actor, datetime], Awaitable[UUID]]


@pytest.fixture
async def night(sessions: Sessions) -> AsyncIterator[Night]:
    now = clock.now().replace(microsecond=0)
    made = Round(
        id=uuid4(), fund_type="reward", form_version=1, title="二〇二六年第三批", parameters={},
        opens_at=now - 60 * DAY, closes_at=now - timedelta(minutes=1), published_at=now - 60 * DAY,
    )  # fmt: skip
    async with sessions.begin() as session:
        session.add(made)

    async def begin(who: Actor, at: datetime) -> UUID:
        """A draft: rows alone, for how one begins is tried elsewhere."""
        id = uuid4()
        application = Application(
            id=id, round_id=made.id, fund_type="reward", form_version=1, enterprise=who.enterprise, created_at=at,
            enterprise_name=who.enterprise_name, created_by=who.account, state="draft", project_name="景泰蓝国礼",
            wrapped_key=CODEC.new_key(id), unlocked=[], handler_name="李响", handler_email="li@example.com",
        )  # fmt: skip
        async with sessions.begin() as session:
            session.add(application)
            await session.flush()
            session.add_all(Section(application_id=id, key=section.key) for section in form("reward", 1).sections)
        return id

    yield Night(made.id, now - HOUR, begin)
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.round_id == made.id).values(deleted_at=now))
        await session.execute(delete(Extension).where(Extension.round_id == made.id))
        await session.execute(delete(ClassExtension).where(ClassExtension.round_id == made.id))


def in_days(days: float) -> str:
    return (clock.now() + days * DAY).isoformat()


async def propose(api: Api, night: Night, who: Actor = ONE, status: int = 202, **changes: Any) -> Any:
    body = {"whom": "drafts", "begun_before": night.congested.isoformat(), "until": in_days(2), "reason": "拥堵"}
    path = f"/api/v1/rounds/{night.round}/class-extensions"
    answer = await api.call("POST", path, who, json=body | changes)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def confirm(api: Api, id: str, who: Actor = OTHER, status: int = 204, **options: Any) -> Any:
    answer = await api.call("POST", f"/api/v1/confirmations/{id}/confirm", who, json={}, **options)
    assert answer.status == status, await answer.text()
    return await answer.json() if status != 204 else None


async def refused(api: Api, night: Night, field: str, code: str, **changes: Any) -> None:
    said = await propose(api, night, status=422, **changes)
    assert [(e["field"], e["code"]) for e in said["errors"]] == [(field, code)], said


async def extensions(sessions: Sessions, night: Night) -> dict[str, Extension]:
    async with sessions() as session:
        found = await session.scalars(select(Extension).where(Extension.round_id == night.round))
        return {one.enterprise: one for one in found}


async def acts(sessions: Sessions, night: Night) -> list[ClassExtension]:
    async with sessions() as session:
        return list(await session.scalars(select(ClassExtension).where(ClassExtension.round_id == night.round)))


async def application(api: Api, id: UUID, who: Actor) -> dict[str, Any]:
    return dict(await (await api.call("GET", f"/api/v1/applications/{id}", who)).json())


async def test_drafts_that_were_begun_in_time_go_on_and_no_new_ones_begin(
    api: Api, sessions: Sessions, night: Night
) -> None:
    early, late = await night.begin(A, night.congested - HOUR), await night.begin(A, night.congested)
    others = await night.begin(B, night.congested + HOUR / 2)
    assert "submit" not in (await application(api, early, A))["actions"]
    proposed = await propose(api, night)
    own = await confirm(api, proposed["id"], ONE, 409)
    assert own["type"] == "second_person"
    await confirm(api, proposed["id"], REVIEWER, 403)
    await confirm(api, proposed["id"], A, 403)
    assert await extensions(sessions, night) == {}
    waiting = await (await api.call("GET", "/api/v1/confirmations", OTHER)).json()
    mine = next(one for one in waiting["mine"] if one["id"] == str(night.round))
    assert mine["kind"] == "class_extension"
    assert f"为{clock.show(night.congested)} 前已开始填写且尚未提交的 1 家企业补时至" in mine["said"]

    both = await asyncio.gather(
        *(
            api.call("POST", f"/api/v1/confirmations/{proposed['id']}/confirm", who, json={})
            for who in (OTHER, OFFICER)
        )
    )
    assert sorted(answer.status for answer in both) == [204, 409]
    shown = [await application(api, id, who) for id, who in ((early, A), (late, A), (others, B))]
    assert ["submit" in one["actions"] for one in shown] == [True, False, False]
    assert datetime.fromisoformat(shown[0]["closes_at"]) > clock.now() + DAY
    assert datetime.fromisoformat(shown[1]["closes_at"]) < clock.now()
    begun = await api.call(
        "POST",
        "/api/v1/applications",
        A,
        json={"round_id": str(night.round)},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert (begun.status, (await begun.json())["type"]) == (409, "round_closed")
    rounds = await (await api.call("GET", "/api/v1/rounds", A)).json()
    assert str(night.round) not in [one["id"] for one in rounds]

    # Recorded once, with whom it is for and who proposed it; read at each application that it reaches.
    [act] = await acts(sessions, night)
    assert act.enterprises == [A.enterprise]
    assert act.sha256 == hashlib.sha256(f"{A.enterprise}\n".encode()).hexdigest()
    async with sessions() as session:
        query = select(Audit).where(
            Audit.action == "extend_round", Audit.details["round"].astext == str(night.round)
        )
        [row] = list(await session.scalars(query))
    assert (row.details["sha256"], row.details["proposed_by_name"], row.details["enterprises"]) == (
        act.sha256,
        "甲运维",
        1,
    )
    for id, who, times in ((early, A, 1), (late, A, 0), (others, B, 0)):
        timeline = await (await api.call("GET", f"/api/v1/applications/{id}/timeline", who)).json()
        assert [e["label"] for e in timeline["entries"]].count("补时") == times
    detail = await (await api.call("GET", f"/api/v1/rounds/{night.round}", OFFICER)).json()
    assert detail["extensions"] == []
    assert [one["sha256"] for one in detail["class_extensions"]] == [act.sha256]
    assert [line["label"] for line in detail["history"]] == ["补时", "提出补时"]
    board = await (await api.call("GET", "/internal/switches")).json()
    assert "二〇二六年第三批" in [one["title"] for one in board["extensions"]]

    # Each draft is told once, however often anybody looks.
    for _ in range(3):
        async with sessions.begin() as session:
            await fall_due(session, CODEC)
    async with sessions() as session:
        query = select(Owed).where(Owed.application_id.in_((early, late, others)))
        told = [o.payload for o in await session.scalars(query) if o.payload.get("kind") == "round_extended"]
    assert [(one["application_id"], one["begins"]) for one in told] == [(str(early), False)]
    assert (await acts(sessions, night))[0].told_at is not None


async def test_everybodys_extension_is_the_rounds_close(api: Api, sessions: Sessions, night: Night) -> None:
    id = await night.begin(B, night.congested)
    await confirm(api, (await propose(api, night, whom="all"))["id"], OFFICER)
    assert "submit" in (await application(api, id, B))["actions"]
    rounds = {one["id"]: one for one in await (await api.call("GET", "/api/v1/rounds", A)).json()}
    assert rounds[str(night.round)]["is_open"]
    assert await extensions(sessions, night) == {}
    assert [act.enterprises for act in await acts(sessions, night)] == [[B.enterprise]]


@pytest.mark.parametrize(
    ("field", "code", "changes"),
    [
        ("until", "in_the_past", {"until": in_days(-0.0001)}),
        ("until", "in_the_past", {"until": "1970-01-01T00:00:00Z"}),
        ("begun_before", "not_time", {"begun_before": in_days(1)}),
        ("begun_before", "not_time", {"begun_before": None}),
        ("reason", "required", {"reason": " \u200b "}),
        ("whom", "class_empty", {}),
        ("whom", "class_empty", {"begun_before": "1999-01-01T00:00:00Z"}),
        ("enterprises", "required", {"whom": "listed"}),
        ("enterprises", "not_uscc", {"whom": "listed", "enterprises": [A.enterprise, "9" * 18, "DROP TABLE"]}),
    ],
)
async def test_bad_input(api: Api, night: Night, field: str, code: str, changes: dict[str, Any]) -> None:
    await refused(api, night, field, code, **changes)


async def test_it_ends_after_the_close_and_nothing_is_extended_that_has_not_begun(
    api: Api, sessions: Sessions, night: Night
) -> None:
    await night.begin(A, night.congested - HOUR)
    async with sessions.begin() as session:
        await session.execute(update(Round).where(Round.id == night.round).values(closes_at=clock.now() + 5 * DAY))
    await refused(api, night, "until", "before_closing")
    async with sessions.begin() as session:
        await session.execute(update(Round).where(Round.id == night.round).values(opens_at=clock.now() + DAY))
    assert (await propose(api, night, status=409))["type"] == "not_published"
    nowhere = await api.call(
        "POST", f"/api/v1/rounds/{uuid4()}/class-extensions", ONE,
        json={"whom": "all", "until": in_days(9), "reason": "拥堵"},
    )  # fmt: skip
    assert nowhere.status == 404
    malformed = await propose(api, night, status=400, until="明天")
    assert malformed["type"] == "malformed"
    for who in (REVIEWER, A):
        await propose(api, night, who, 403)


async def test_gateway_that_does_not_answer_leaves_everything_as_it_was(
    api: Api, sessions: Sessions, night: Night
) -> None:
    said = await propose(api, night, status=503, whom="turned_away")
    assert "暂时无法取得受影响企业的名单" in said["detail"]
    assert await acts(sessions, night) == []


async def test_extensions_that_overlap_take_no_time_from_anybody(
    api: Api, sessions: Sessions, night: Night
) -> None:
    await night.begin(A, night.congested - HOUR)
    await night.begin(B, night.congested - HOUR)
    for enterprise, until in ((A.enterprise, 5), (B.enterprise, -0.0001)):
        async with sessions.begin() as session:
            session.add(
                Extension(
                    round_id=night.round, enterprise=enterprise, until=clock.now() + until * DAY, reason="停电",
                    created_by="acc",
                )
            )  # fmt: skip
    await confirm(api, (await propose(api, night))["id"])
    found = await extensions(sessions, night)
    # A's late acceptance stands; B's had ended.
    assert (found[A.enterprise].act, found[A.enterprise].begun_before) == (None, None)
    assert found[A.enterprise].until > clock.now() + 4 * DAY
    assert found[B.enterprise].begun_before == night.congested
    assert found[B.enterprise].until > clock.now() + DAY

    # Who proposes what nobody gains by is told so; a wider class or a later end is another matter.
    await refused(api, night, "until", "extension_overlaps", until=in_days(1))
    wider = await propose(api, night, begun_before=(night.congested + HOUR / 2).isoformat(), until=in_days(1))
    await confirm(api, wider["id"])
    widened = (await extensions(sessions, night))[B.enterprise]
    assert (widened.begun_before, widened.until) == (night.congested + HOUR / 2, found[B.enterprise].until)
    late = {"enterprise": B.enterprise, "until": in_days(1), "reason": "停电"}
    shorter = await api.call("POST", f"/api/v1/rounds/{night.round}/extensions", OFFICER, json=late)
    proposed = (await shorter.json())["id"]
    said = await confirm(api, proposed, factories.staff(Role.DIRECTOR, "戊主任"), 422)
    assert said["errors"][0]["code"] == "extension_overlaps"

    # A proposal that another has replaced is confirmed by nobody.
    first, second = await propose(api, night, until=in_days(7)), await propose(api, night, until=in_days(8))
    assert (await confirm(api, first["id"], status=409))["type"] == "nothing_proposed"
    await confirm(api, second["id"])


async def test_class_is_that_of_the_confirmation_and_may_be_empty_by_then(
    api: Api, sessions: Sessions, night: Night
) -> None:
    id = await night.begin(A, night.congested - HOUR)
    proposed = await propose(api, night)
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == id).values(state="pending_acceptance"))
    said = await confirm(api, proposed["id"], status=422)
    assert said["errors"][0]["code"] == "class_empty"
    assert await acts(sessions, night) == []
    await night.begin(B, night.congested - HOUR)
    await confirm(api, proposed["id"])
    assert set(await extensions(sessions, night)) == {B.enterprise}


@pytest.mark.fault("clock jump")
@pytest.mark.parametrize("jump", [-3 * DAY, 3 * DAY])
async def test_gateway_whose_clock_jumps_confirms_what_the_database_would(
    api: Api, sessions: Sessions, night: Night, jump: timedelta
) -> None:
    await night.begin(A, night.congested - HOUR)
    proposed = await propose(api, night)
    at = clock.now() + jump
    if jump < timedelta():
        # It has ended by the database's clock, whatever this gateway believes.
        async with sessions.begin() as session:
            ended = (
                update(Proposal).where(Proposal.id == UUID(proposed["id"])).values(until=clock.now() - HOUR / 90)
            )
            await session.execute(ended)
        said = await confirm(api, proposed["id"], status=422, received_at=at)
        assert said["errors"][0]["code"] == "in_the_past"
    else:
        await confirm(api, proposed["id"], received_at=at)
        assert set(await extensions(sessions, night)) == {A.enterprise}


async def test_thousands_are_one_transaction_of_few_statements(
    api: Api, server: TestServer, sessions: Sessions, night: Night
) -> None:
    many = []
    for n in range(3000):
        body = f"91110105MA{n:07}"
        many.append(body + uscc.calc_check_digit(body))
    proposed = await propose(api, night, whom="listed", enterprises=[f" {many[0].lower()}\u200b", *many])
    statements: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = server.app[ENGINE].sync_engine
    event.listen(engine, "before_cursor_execute", seen)
    try:
        await confirm(api, proposed["id"])
    finally:
        event.remove(engine, "before_cursor_execute", seen)
    assert len(statements) < 20, statements
    [act] = await acts(sessions, night)
    assert act.enterprises == sorted(many)
    assert set(await extensions(sessions, night)) == set(many)


@contextmanager
def connection_lost(server: TestServer, *, committed: bool) -> Iterator[None]:
    """The database ends the connection of the next confirmation at its commit: before, or when all is done but for the answer."""
    engine = server.app[ENGINE].sync_engine
    met: list[int] = []

    def lose(connection: Any) -> None:
        if met:
            return
        made = connection.execute(
            text("SELECT count(*) FROM applications.audit WHERE xmin::text = pg_current_xact_id()::text")
        )
        if not made.scalar():
            return
        met.append(1)
        if committed:
            connection.connection.dbapi_connection.commit()
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    event.listen(engine, "commit", lose)
    try:
        yield
    finally:
        event.remove(engine, "commit", lose)
    assert met


@pytest.mark.fault("extension confirmed during failover")
@pytest.mark.parametrize("committed", [False, True])
async def test_confirmation_whose_connection_is_lost_at_its_commit_is_told_truthfully_and_never_made_twice(
    api: Api, server: TestServer, sessions: Sessions, night: Night, committed: bool
) -> None:
    await night.begin(A, night.congested - HOUR)
    proposed = await propose(api, night)
    with connection_lost(server, committed=committed):
        answer = await api.call("POST", f"/api/v1/confirmations/{proposed['id']}/confirm", OTHER, json={})
    assert answer.status == (204 if committed else 503)
    assert len(await acts(sessions, night)) == committed
    # Pressed once more, it is made, or was.
    again = await api.call("POST", f"/api/v1/confirmations/{proposed['id']}/confirm", OTHER, json={})
    assert again.status == (409 if committed else 204)
    assert len(await acts(sessions, night)) == 1
    async with sessions() as session:
        rows = select(func.count()).where(
            Audit.action == "extend_round", Audit.details["round"].astext == str(night.round)
        )
        assert await session.scalar(rows) == 1


@pytest.mark.fault("extension confirmed during failover")
async def test_confirmation_of_which_nobody_can_tell_what_became_says_so(
    api: Api, server: TestServer, sessions: Sessions, night: Night
) -> None:
    await night.begin(A, night.congested - HOUR)
    proposed = await propose(api, night)
    engine = server.app[ENGINE].sync_engine

    def away(*_: Any) -> None:
        raise psycopg.OperationalError("the database system is starting up")

    def fall(connection: Any) -> None:
        event.listen(engine, "checkout", away)
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    event.listen(engine, "commit", fall)
    try:
        said = await confirm(api, proposed["id"], status=503)
    finally:
        event.remove(engine, "commit", fall)
        event.remove(engine, "checkout", away)
    assert said["type"] == "outcome_unknown"
    assert "可以再次确认，不会重复办理" in said["detail"]
    await confirm(api, proposed["id"])
    assert len(await acts(sessions, night)) == 1

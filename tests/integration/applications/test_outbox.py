"""What is owed: claimed once, started by one, closed by its effect, parked when it never ends."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.outbox import outbox
from services.applications.tables.applications import Audit, Owed
from shared import clock
from shared.errors import Conflict, JobEnded
from shared.identity import Role
from shared.messages import NOTIFY, RENDER_DOCUMENT, RenderDocument, StartJob
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
LEASE = timedelta(seconds=20)
LIMITS = outbox.Limits(LEASE, max_starts=3)
REVIEWER = factories.staff(Role.REVIEWER)


@pytest.fixture(autouse=True)
async def _nothing_owed(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Owed).where(Owed.done_at.is_(None)).values(done_at=clock.now()))


async def owe(sessions: Sessions, *, priority: int = outbox.AHEAD, topic: str = RENDER_DOCUMENT) -> UUID:
    id = uuid4()
    async with sessions.begin() as session:
        payload = RenderDocument(document_id=uuid4())
        await outbox.add(session, topic, payload, due_key=str(id), priority=priority, id=id)
    return id


async def claim(sessions: Sessions, **options: Any) -> list[UUID]:
    async with sessions.begin() as session:
        return await outbox.claim(
            session, RENDER_DOCUMENT, limit=options.pop("limit", 100), lease=LEASE, **options
        )


async def start(sessions: Sessions, id: UUID, worker: str = "w1", *, redelivered: bool = False) -> UUID | None:
    async with sessions.begin() as session:
        row = await session.get_one(Owed, id, with_for_update=True)
        request = StartJob(worker=worker, redelivered=redelivered)
        started = await outbox.start(session, row, request, LIMITS)
    return started.token if started else None


async def row(sessions: Sessions, id: UUID) -> Owed:
    async with sessions.begin() as session:
        return await session.get_one(Owed, id)


async def pass_time(sessions: Sessions, id: UUID) -> None:
    """Every lease of this row is over."""
    async with sessions.begin() as session:
        over = clock.now() - timedelta(seconds=1)
        await session.execute(update(Owed).where(Owed.id == id).values(attempt_until=over, next_at=over))


async def test_what_a_person_waits_for_goes_first(sessions: Sessions) -> None:
    ahead = [await owe(sessions) for _ in range(3)]
    waited = await owe(sessions, priority=outbox.WAITED_FOR)
    assert await claim(sessions, limit=2) == [waited, ahead[0]]
    assert await claim(sessions) == ahead[1:]
    assert await claim(sessions) == []


async def test_two_relays_never_take_the_same_row(sessions: Sessions) -> None:
    owed = {await owe(sessions) for _ in range(40)}
    taken = await asyncio.gather(*(claim(sessions, limit=10) for _ in range(8)))
    flat = [id for ids in taken for id in ids]
    assert len(flat) == len(set(flat))
    assert set(flat) | set(await claim(sessions)) == owed


async def test_only_a_window_is_in_flight(sessions: Sessions) -> None:
    owed = [await owe(sessions) for _ in range(5)]
    first = await claim(sessions, window=2)
    assert first == owed[:2]
    assert await claim(sessions, window=2) == []
    token = await start(sessions, first[0])
    assert token is not None
    async with sessions.begin() as session:
        outbox.close(await session.get_one(Owed, first[0]), token)
    assert await claim(sessions, window=2) == owed[2:3]


async def test_what_nobody_takes_is_published_ever_later(sessions: Sessions) -> None:
    """Where workers rest or are away, no copies of a message pile up; one that was lost at first comes again soon."""
    owed = await owe(sessions)
    hidden = []
    for in_line in (0, 5, 30, 90, 3600):
        async with sessions.begin() as session:
            since = clock.now() - timedelta(seconds=in_line)
            await session.execute(update(Owed).where(Owed.id == owed).values(in_line_since=since, next_at=since))
        assert await claim(sessions) == [owed]
        known = await row(sessions, owed)
        assert known.published_at is not None
        hidden.append(round((known.next_at - known.published_at).total_seconds()))
    lease = round(LEASE.total_seconds())
    assert hidden == [lease, lease, 30, 90, lease * outbox.LONGEST_LEASES]
    # Whoever begins to wait for it begins a new place in line.
    async with sessions.begin() as session:
        found = await session.get_one(Owed, owed)
        found.next_at = clock.now()
        outbox.hurry(found)
    assert await claim(sessions) == [owed]
    known = await row(sessions, owed)
    assert known.published_at is not None
    assert round((known.next_at - known.published_at).total_seconds()) == lease


async def test_a_glance_names_the_topics_of_which_something_is_due(sessions: Sessions) -> None:
    async def due() -> list[str]:
        async with sessions() as session:
            return await outbox.due(session)

    assert await due() == []
    document = await owe(sessions)
    assert await due() == [RENDER_DOCUMENT]
    await owe(sessions, topic=NOTIFY)
    assert await due() == [RENDER_DOCUMENT, NOTIFY]
    assert await claim(sessions) == [document]
    assert await due() == [NOTIFY]
    await pass_time(sessions, document)
    assert await due() == [RENDER_DOCUMENT, NOTIFY]


async def test_same_thing_is_owed_once(sessions: Sessions) -> None:
    payload = RenderDocument(document_id=uuid4())
    key = uuid4().hex
    for _ in range(2):
        async with sessions.begin() as session:
            await outbox.add(session, RENDER_DOCUMENT, payload, due_key=key, priority=1)
    async with sessions.begin() as session:
        assert len(list(await session.scalars(select(Owed).where(Owed.due_key == key)))) == 1


async def test_failed_publishing_costs_no_waiting(sessions: Sessions) -> None:
    id = await owe(sessions)
    assert await claim(sessions) == [id]
    async with sessions.begin() as session:
        await outbox.unpublished(session, [id])
    assert await claim(sessions) == [id]


async def test_row_that_a_worker_started_is_not_published_again(sessions: Sessions) -> None:
    id = await owe(sessions)
    await claim(sessions)
    await start(sessions, id)
    async with sessions.begin() as session:
        await outbox.unpublished(session, [id])
    assert await claim(sessions) == []


async def test_one_attempt_at_a_time(sessions: Sessions) -> None:
    id = await owe(sessions)
    first = await start(sessions, id)
    with pytest.raises(Conflict):
        await start(sessions, id, "w2")
    # Redelivered to another worker says nothing about the first one's health.
    with pytest.raises(Conflict):
        await start(sessions, id, "w2", redelivered=True)
    await pass_time(sessions, id)
    second = await start(sessions, id, "w2")
    assert second not in {None, first}
    async with sessions.begin() as session:
        owed = await session.get_one(Owed, id, with_for_update=True)
        with pytest.raises(Conflict):
            outbox.close(owed, first or uuid4())
        assert outbox.close(owed, second or uuid4())
    with pytest.raises(JobEnded):
        await start(sessions, id, "w3")


async def test_workers_own_dead_child_frees_the_job_at_once(sessions: Sessions) -> None:
    id = await owe(sessions)
    await start(sessions, id, "w1")
    with pytest.raises(Conflict):
        await start(sessions, id, "w1")
    assert await start(sessions, id, "w1", redelivered=True) is not None


async def test_each_start_lends_longer_and_the_last_parks(sessions: Sessions) -> None:
    id = await owe(sessions)
    lent = []
    for _ in range(3):
        assert await start(sessions, id) is not None
        owed = await row(sessions, id)
        assert owed.attempt_until is not None
        assert owed.started_at is not None
        lent.append((owed.attempt_until - owed.started_at).total_seconds())
        await pass_time(sessions, id)
    assert lent == [20, 40, 80]
    assert await start(sessions, id) is None
    assert (await row(sessions, id)).parked_at is not None
    assert await claim(sessions) == []
    with pytest.raises(JobEnded):
        await start(sessions, id)
    async with sessions.begin() as session:
        outbox.requeue(await session.get_one(Owed, id))
    assert await claim(sessions) == [id]
    assert await start(sessions, id) is not None


async def test_failure_waits_longer_each_time_or_parks(sessions: Sessions) -> None:
    id = await owe(sessions)
    token = await start(sessions, id)
    assert token is not None
    async with sessions.begin() as session:
        outbox.failed(await session.get_one(Owed, id), token, "no font", retry=True)
    assert await claim(sessions) == []
    assert (await row(sessions, id)).last_error == "no font"
    await pass_time(sessions, id)
    token = await start(sessions, id)
    assert token is not None
    async with sessions.begin() as session:
        outbox.failed(await session.get_one(Owed, id), token, "bad payload", retry=False)
    assert (await row(sessions, id)).parked_at is not None


async def test_what_is_not_its_fault_is_never_counted(sessions: Sessions) -> None:
    """A store that is away for an hour parks nothing."""
    id = await owe(sessions)
    for _ in range(10):
        token = await start(sessions, id)
        assert token is not None
        async with sessions.begin() as session:
            outbox.failed(await session.get_one(Owed, id), token, "store away", retry=True, counted=False)
        owed = await row(sessions, id)
        assert (owed.starts, owed.parked_at) == (0, None)
        assert owed.next_at - clock.now() <= outbox.STEADY_PAUSE
        await pass_time(sessions, id)


async def test_a_document_is_parked_sooner_than_a_notice(sessions: Sessions) -> None:
    limits = outbox.Limits(LEASE, max_starts=5, document_max_starts=3)
    for topic, allowed in ((RENDER_DOCUMENT, 3), (NOTIFY, 5)):
        id = await owe(sessions, topic=topic)
        starts = 0
        while True:
            async with sessions.begin() as session:
                found = await session.get_one(Owed, id, with_for_update=True)
                # The payload is a document's either way; only the topic counts here.
                began = await outbox.start(session, found, StartJob(worker="w1"), limits)
            if began is None:
                break
            starts += 1
            await pass_time(sessions, id)
        assert starts == allowed


async def _job(sessions: Sessions, application: str, topic: str) -> UUID:
    async with sessions.begin() as session:
        query = select(Owed.id).where(Owed.application_id == UUID(application), Owed.topic == topic)
        found = await session.scalar(query)
    assert found is not None
    return found


async def test_life_of_a_job_over_http(api: Api, sessions: Sessions, submitted: str) -> None:
    id = await _job(sessions, submitted, RENDER_DOCUMENT)
    path = f"/internal/jobs/{id}"
    started = await api.call("POST", f"{path}/start", service="documents", json={"worker": "w1"})
    job = await started.json()
    assert job["payload"]["kind"] == "render_document"
    leased = await api.call("POST", f"{path}/start", service="documents", json={"worker": "w2"})
    assert (leased.status, (await leased.json())["type"]) == (409, "job_leased")
    theirs = await api.call("POST", f"{path}/start", service="notify", json={"worker": "w2"})
    assert (theirs.status, (await theirs.json())["type"]) == (403, "not_your_job")
    model = await api.call(
        "GET", f"/internal/documents/{job['payload']['document_id']}/model", service="documents"
    )
    assert (await model.json())["title"] == "北京市传统工艺美术保护发展资金项目申报书"
    effect = {"token": job["token"], "sha256": "a" * 64, "size": 1, "pages": 1}
    wrong = await api.call("POST", f"{path}/finish", service="documents", json={**effect, "token": str(uuid4())})
    assert (wrong.status, (await wrong.json())["type"]) == (409, "attempt_superseded")
    assert (await (await api.call("POST", f"{path}/finish", service="documents", json=effect)).json()) == {
        "sha256": "a" * 64
    }
    # The first recorded hash wins, however often and with whatever it is finished.
    other = {**effect, "sha256": "b" * 64}
    assert (await (await api.call("POST", f"{path}/finish", service="documents", json=other)).json()) == {
        "sha256": "a" * 64
    }
    gone = await api.call("POST", f"{path}/start", service="documents", json={"worker": "w3"})
    assert gone.status == 410


async def test_parked_document_is_shown_and_queued_again(api: Api, sessions: Sessions, submitted: str) -> None:
    id = await _job(sessions, submitted, RENDER_DOCUMENT)
    async with sessions.begin() as session:
        await session.execute(update(Owed).where(Owed.id == id).values(parked_at=clock.now(), starts=5))
    who, operator = factories.applicant(), factories.staff(Role.OPERATOR)
    pdf = f"/api/v1/applications/{submitted}/revisions/1/pdf"
    waiting = await api.call("GET", pdf, who)
    told = await waiting.json()
    assert (waiting.status, told["status"], told["reference"]) == (202, "failed", id.hex[:8].upper())
    # A page that only looks, however often, does not have it tried again; whoever asks for it does.
    looked = await api.call("POST", f"{pdf}?look=1", who, json={})
    assert (await looked.json())["status"] == "failed"
    asked = await api.call("POST", pdf, who, json={})
    assert (await asked.json())["status"] == "queued"
    async with sessions.begin() as session:
        await session.execute(update(Owed).where(Owed.id == id).values(parked_at=clock.now(), starts=5))
    overview = await (await api.call("GET", "/api/v1/ops/overview", operator)).json()
    assert str(id) in {parked["id"] for parked in overview["parked"]}
    requeued = await api.call("POST", f"/api/v1/ops/parked/{id}/requeue", operator, json={})
    assert requeued.status == 204
    again = await api.call("POST", f"/api/v1/ops/parked/{id}/requeue", operator, json={})
    assert (again.status, (await again.json())["type"]) == (409, "not_parked")
    assert (await (await api.call("GET", pdf, who)).json())["status"] == "queued"


async def test_notification_is_fixed_when_it_is_owed(api: Api, sessions: Sessions, submitted: str) -> None:
    id = await _job(sessions, submitted, NOTIFY)
    started = await api.call("POST", f"/internal/jobs/{id}/start", service="notify", json={"worker": "n1"})
    job = await started.json()
    assert job["payload"]["kind"] == "submission_received"
    assert job["payload"]["to"] == {
        "name": "李响",
        "email": "lixiang@example.com",
        "mobile": None,
        "enterprise": factories.ENTERPRISE_1[0],
    }
    done = await api.call("POST", f"/internal/jobs/{id}/finish", service="notify", json={"token": job["token"]})
    assert done.status == 200


async def test_operators_see_pace_workers_and_when_it_ends(sessions: Sessions, api: Api) -> None:
    operator = factories.staff(Role.OPERATOR)

    async def queue() -> dict[str, Any]:
        seen = await (await api.call("GET", "/api/v1/ops/overview", operator)).json()
        [found] = [q for q in seen["queues"] if q["topic"] == RENDER_DOCUMENT]
        return {**found, "seen": seen["workers"]}

    # What other tests of this file did is not of the last ten minutes any more.
    async with sessions.begin() as session:
        await session.execute(update(Owed).values(done_at=clock.now() - timedelta(hours=1)))
    assert (await queue())["per_minute"] is None
    first = clock.now() - timedelta(seconds=40)
    for n in range(4):
        id = await owe(sessions)
        async with sessions.begin() as session:
            began = first + timedelta(seconds=2 * n)
            worker = f"w{n % 2}"
            await session.execute(
                update(Owed)
                .where(Owed.id == id)
                .values(started_at=began, done_at=began + timedelta(seconds=4), attempt_worker=worker)
            )
    for _ in range(10):
        await owe(sessions)
    found = await queue()
    # Three came out in the six seconds after the first: 2 s each, of two workers.
    assert (found["owed"], found["workers"]) == (10, 2)
    assert found["per_minute"] == pytest.approx(30, abs=1)
    assert [(w["name"], w["done"]) for w in found["seen"] if w["topic"] == RENDER_DOCUMENT] == [
        ("w0", 2),
        ("w1", 2),
    ]
    now = clock.now()
    left = datetime.fromisoformat(found["empty_at"]) - now
    sooner = datetime.fromisoformat(found["empty_with_two_more_at"]) - now
    assert 18 < left.total_seconds() < 21
    assert sooner.total_seconds() == pytest.approx(left.total_seconds() / 2, abs=1)


async def test_parked_rows_go_back_together_and_each_is_audited(sessions: Sessions, api: Api) -> None:
    operator = factories.staff(Role.OPERATOR)
    ids = [await owe(sessions) for _ in range(3)]
    other = await owe(sessions, topic=NOTIFY)
    async with sessions.begin() as session:
        values = {"parked_at": clock.now(), "starts": 3}
        await session.execute(update(Owed).where(Owed.id.in_([*ids, other])).values(**values))
    path = "/api/v1/ops/parked/requeue"
    assert (await api.call("POST", path, operator, json={"topic": "nothing"})).status == 400
    assert (await api.call("POST", path, factories.applicant(), json={"topic": RENDER_DOCUMENT})).status == 403
    answer = await api.call("POST", path, operator, json={"topic": RENDER_DOCUMENT})
    assert await answer.json() == {"count": 3}
    assert [(await row(sessions, id)).parked_at for id in ids] == [None] * 3
    assert (await row(sessions, ids[0])).starts == 0
    assert (await row(sessions, other)).parked_at is not None
    async with sessions.begin() as session:
        audited = await session.scalars(select(Audit.details).where(Audit.action == "requeue"))
        assert {str(id) for id in ids} <= {details["job"] for details in audited}


async def test_metrics_say_what_is_owed_and_how_old_it_is(sessions: Sessions, api: Api) -> None:
    id = await owe(sessions)
    async with sessions.begin() as session:
        await session.execute(
            update(Owed).where(Owed.id == id).values(created_at=clock.now() - timedelta(seconds=90))
        )
    text = await (await api.call("GET", "/metrics")).text()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("gm_"))
    topic = f'{{topic="{RENDER_DOCUMENT}"}}'
    assert float(values[f"gm_owed{topic}"]) == 1
    assert 89 < float(values[f"gm_owed_oldest_seconds{topic}"]) < 120
    assert float(values['gm_owed{topic="notify"}']) == 0
    assert float(values['gm_database_connections{service="applications",state="most"}']) == 22
    assert "gm_loop_lag_seconds_count" in text

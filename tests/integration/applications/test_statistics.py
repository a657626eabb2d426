"""统计 follows the audit: whatever happens to cases, in whatever order it is followed, the sums are what a count of all cases gives."""

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.statistics import sums
from services.applications.statistics.facts import STAGES
from services.applications.tables.applications import AUDIT, Application, Audit, Opinion
from services.applications.tables.statistics import StatisticsCase, StatisticsCell
from services.applications.workflow import State
from shared import clock
from shared.audit import chain
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
REVIEWER, DIRECTOR = factories.staff(Role.REVIEWER), factories.staff(Role.DIRECTOR)
S = "/api/v1/review/statistics"


async def follow(sessions: Sessions, limit: int = 100) -> int:
    """Seal what is not sealed, and follow it to its end."""
    followed = 0
    async with sessions.begin() as session:
        await chain.seal(session, AUDIT, b"a" * 32)
    for _ in range(limit):
        async with sessions.begin() as session:
            if not (found := await sums.step(session)):
                break
            followed += found
    return followed


async def differ(sessions: Sessions) -> list[str]:
    async with sessions.begin() as session:
        return await sums.differences(session)


async def shown(api: Api, **query: str) -> dict[str, Any]:
    answer = await api.call("GET", S, DIRECTOR, params=query)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def test_what_happens_to_a_case_is_counted(
    api: Api, submitted: str, round_id: str, sessions: Sessions
) -> None:
    await follow(sessions)
    before = await shown(api, round=round_id)
    assert before["filling"] is False
    assert await differ(sessions) == []
    opinions = [
        {"section": "contact", "field": "email", "text": "请核对"},
        {"section": "company", "text": "请核对"},
    ]
    assert (await api.act(REVIEWER, submitted, "return", opinions=opinions, working_days=5)).status == 200
    # Until it is followed, nothing is counted; and a comparison knows that.
    assert (await shown(api, round=round_id))["reasons"] == before["reasons"]
    assert await differ(sessions) == []
    assert await follow(sessions) > 0
    assert await differ(sessions) == []
    after = await shown(api, round=round_id)
    reasons = {(one["section"], one["field"]): one["n"] for one in after["reasons"]}
    assert reasons["项目联系人", "Email"] >= 1
    assert reasons["企业基本情况", None] >= 1
    assert after["all"]["n"] == before["all"]["n"]
    assert {one["key"]: one["n"] for one in after["states"]}["returned"] >= 1
    assert after["days"][-1]["returned"] >= before["days"][-1]["returned"] + 1
    assert {one["state"]: one["n"] for one in after["stages"]}["pending_acceptance"] >= 1
    assert [one["label"] for one in after["by_direction"] if one["key"]]
    # A return that is taken back leaves no reason; a case that is no longer on the list leaves nothing.
    assert (await api.act(REVIEWER, submitted, "recall")).status == 200
    await follow(sessions)
    assert (await shown(api, round=round_id))["reasons"] == before["reasons"]
    assert await differ(sessions) == []
    # Filters, words of nothing, and who may look.
    kind = after["by_type"][0]["key"]
    assert (await shown(api, fund_type=kind))["all"]["n"] >= 1
    assert (await shown(api, district="没有这个区"))["all"]["n"] == 0
    assert (await shown(api, round="latest"))["all"]["n"] >= 1
    for query, status in (({"round": "x"}, 400), ({"round": str(uuid4())}, 404), ({"district": "a" * 99}, 400)):
        assert (await api.call("GET", S, DIRECTOR, params=query)).status == status
    for who in (factories.applicant(), factories.staff(Role.EXPERT), factories.staff(Role.OFFICER)):
        assert (await api.call("GET", S, who)).status == 403


async def test_statistics_are_taken_as_files(api: Api, submitted: str, round_id: str, sessions: Sessions) -> None:
    await follow(sessions)
    answer = await api.call("GET", f"{S}/export", REVIEWER, params={"round": round_id})
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as book:
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "待纳批" in strings
    [form] = [one["key"] for one in (await shown(api, round=round_id))["forms"]]
    answer = await api.call("GET", f"{S}/analysis", REVIEWER, params={"form": form, "round": round_id})
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as files:
        cases = list(csv.DictReader(io.StringIO(files.read("cases.csv").decode("utf-8-sig"))))
        words = list(csv.DictReader(io.StringIO(files.read("dictionary.csv").decode("utf-8-sig"))))
        years = list(csv.DictReader(io.StringIO(files.read("company.finance.csv").decode("utf-8-sig"))))
    async with sessions() as session:
        row = await session.get_one(Application, UUID(submitted))
    [mine] = [one for one in cases if one["number"] == row.number]
    assert mine["applied_wan"] == str(row.applied_wan)
    assert mine["company.org_name"] == factories.ENTERPRISE_1[1]
    # Every column has its words, and no contact and nothing sealed is among them.
    assert {(one["file"], one["column"]) for one in words} >= {("cases.csv", name) for name in cases[0]}
    assert not {name for name in cases[0] if name.startswith("contact.") and name != "contact.project_name"}
    # A loss is a number, and no formula.
    assert [one["profit_wan"] for one in years if one["number"] == row.number] == ["-12.30", "-12.30"]
    for query, status in (({"form": "x"}, 400), ({"form": "nothing.1"}, 404), ({"form": form, "round": "x"}, 400)):
        assert (await api.call("GET", f"{S}/analysis", REVIEWER, params=query)).status == status
    async with sessions() as session:
        taken = select(Audit.details).where(Audit.action == "export").order_by(Audit.id.desc()).limit(2)
        assert [row["format"] for row in await session.scalars(taken)] == ["csv", "xlsx"]


STEP = st.tuples(
    st.integers(0, 4),
    st.one_of(
        st.tuples(st.just("move"), st.sampled_from([*STAGES, State.APPROVED, State.REJECTED, State.DRAFT])),
        st.tuples(st.just("district"), st.sampled_from(["", "东城区", "朝阳区"])),
        st.tuples(st.just("amount"), st.sampled_from([None, 1, 80])),
        st.tuples(st.just("delete"), st.booleans()),
        st.tuples(st.just("opinion"), st.sampled_from([None, "email", "没有这一项"])),
        st.tuples(st.just("follow"), st.just(None)),
    ),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=4, max_size=20), rebuild=st.booleans())
async def test_the_sums_are_a_count_of_all_cases(
    sessions: Sessions, round_id: str, steps: list[tuple[int, tuple[str, Any]]], *, rebuild: bool
) -> None:
    """Cases that change in ways no workflow has, followed now and then: rows of the audit in between wait for their place in the chain."""
    ids = [uuid4() for _ in range(5)]
    async with sessions.begin() as session:
        for n, id in enumerate(ids):
            session.add(
                Application(
                    id=id, round_id=UUID(round_id), fund_type="reward", form_version=2, enterprise=f"E{n}",
                    enterprise_name="甲", created_by="x", state=State.DRAFT, wrapped_key=b"k", revision=0,
                )
            )  # fmt: skip
    now = clock.now()
    for n, (case, (what, value)) in enumerate(steps):
        if what == "follow":
            await follow(sessions, limit=1)
            continue
        async with sessions.begin() as session:
            row = await session.get_one(Application, ids[case])
            before = row.state
            match what:
                case "move":
                    row.state = value
                    row.submitted_at = None if value == State.DRAFT else now
                    row.approved_wan = 7 if value in (State.PROPOSED, State.APPROVED) else row.approved_wan
                    row.round_trips += value == State.RETURNED
                case "district":
                    row.district = value
                case "amount":
                    row.applied_wan = value
                case "delete":
                    row.deleted_at = now if value else None
                case "opinion":
                    session.add(
                        Opinion(
                            id=uuid4(), application_id=row.id, round_trip=1, section="contact", field=value, text="x",
                            author="a", author_name="a",
                        )
                    )  # fmt: skip
            session.add(
                Audit(
                    application_id=row.id, actor="a", actor_name="a", role="", action="submit", request_id="-", details={},
                    from_state=before, to_state=row.state, at=now + timedelta(hours=7 * n),
                )
            )  # fmt: skip
    if rebuild:
        async with sessions.begin() as session:
            await sums.rebuild(session)
    while await follow(sessions):
        pass
    assert await differ(sessions) == []
    async with sessions.begin() as session:
        # An independent count: SQL of the cases themselves, and no cell that holds nothing.
        listed = (Application.deleted_at.is_(None), Application.submitted_at.is_not(None))
        number, applied = (
            await session.execute(
                select(func.count(), func.coalesce(func.sum(Application.applied_wan), 0)).where(*listed)
            )
        ).one()
        of_states = select(func.sum(StatisticsCell.n), func.sum(StatisticsCell.applied_wan)).where(
            StatisticsCell.kind == "state"
        )
        assert tuple((await session.execute(of_states)).one()) in {(number, applied), (None, None)}
        assert await session.scalar(select(func.count()).where(StatisticsCell.n <= 0)) == 0
        await session.execute(delete(StatisticsCase).where(StatisticsCase.application_id.in_(ids)))
        await session.execute(update(Application).where(Application.id.in_(ids)).values(deleted_at=now))
        await session.execute(text("DELETE FROM applications.statistics_cells"))
        await sums.rebuild(session)


@pytest.mark.parametrize("lost", ["cell", "case"])
async def test_a_difference_is_named(sessions: Sessions, submitted: str, lost: str) -> None:
    while await follow(sessions):
        pass
    async with sessions.begin() as session:
        if lost == "cell":
            await session.execute(update(StatisticsCell).where(StatisticsCell.kind == "state").values(n=99))
        else:
            of = StatisticsCase.application_id == UUID(submitted)
            await session.execute(update(StatisticsCase).where(of).values(district="火星"))
    assert await differ(sessions)
    async with sessions.begin() as session:
        await sums.rebuild(session)
    while await follow(sessions):
        pass
    assert await differ(sessions) == []

"""What the bureau's people and experts are told: by whom, of what, to whom not, and what looking at it costs."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.colleagues import inquiries, notes
from services.applications.core import repository
from services.applications.decision import experts
from services.applications.messages import reading
from services.applications.messages.tell import forget_old, take_back, tell
from services.applications.operations.staff_news import tell_overdue
from services.applications.review import assignment, unlock_requests
from services.applications.tables.applications import Application
from services.applications.tables.messages import StaffMessage
from shared import clock
from shared.identity import Actor, Role
from shared.messages import StaffMember
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
M = "/api/v1/messages"


def people(*roles: Role) -> list[Actor]:
    """Somebody new of each role, who has been told nothing yet."""
    return [factories.staff(role, f"{role}-{uuid4().hex[:6]}") for role in roles]


def member(actor: Actor) -> StaffMember:
    return StaffMember(account=actor.account, name=actor.name)


async def told(api: Api, who: Actor) -> list[tuple[str, str, bool]]:
    answer = await api.call("GET", M, who)
    assert answer.status == 200, await answer.text()
    return [(one["kind"], one["by"], one["read"]) for one in (await answer.json())["items"]]


async def unread(api: Api, who: Actor) -> int:
    return int((await (await api.call("GET", f"{M}/unread", who)).json())["unread"])


async def test_a_case_is_told_of_to_whoever_has_it(api: Api, submitted: str, sessions: Sessions) -> None:
    first, second, director = people(Role.REVIEWER, Role.REVIEWER, Role.DIRECTOR)
    id, applicant = UUID(submitted), factories.applicant()
    for _ in range(2):  # the second time nothing changes, and nothing is told
        async with sessions.begin() as session:
            await assignment.assign(session, director, [id], member(first))
    assert await told(api, first) == [("assigned", director.name, False)]
    opinion = {"section": "company", "text": "请核对"}
    assert (await api.act(first, submitted, "return", opinions=[opinion], working_days=5)).status == 200
    async with sessions.begin() as session:
        here = applicant.model_copy(update={"received_at": clock.now()})
        await unlock_requests.ask(session, here, id, "contact", "联系人有变")
    for said in await (await api.call("GET", f"/api/v1/applications/{id}/opinions", applicant)).json():
        path = f"/api/v1/applications/{id}/opinions/{said['id']}"
        assert (await api.call("PUT", path, applicant, json={"reply": "已核对"})).status == 200
    assert (await api.submit(applicant, submitted)).status == 200
    async with sessions.begin() as session:
        await notes.write(session, second, id, uuid4(), "请看", [member(first), member(second)])
        asked = await inquiries.ask(session, first, id, uuid4(), "？", [member(second)], clock.now())
    async with sessions.begin() as session:
        await inquiries.answer(session, second, id, asked.id, "同意")
    company = applicant.enterprise_name
    assert await told(api, first) == [
        ("answered", second.name, False),
        ("mention", second.name, False),
        ("resubmitted", company, False),
        ("unlock_asked", company, False),
        ("assigned", director.name, False),
    ]
    assert await told(api, second) == [("asked", first.name, False)]
    assert (await unread(api, first), await unread(api, second), await unread(api, director)) == (5, 1, 0)
    # One's own list is one's own; an applicant has none; whoever opens the case has read what it said.
    assert (await api.call("GET", M, applicant)).status == 403
    assert (await api.call("GET", M, factories.staff(Role.AUDITOR))).status == 403
    other = (await (await api.call("GET", M, second)).json())["items"][0]["id"]
    assert (await api.call("POST", f"{M}/read", first, json={"ids": [other]})).status == 204
    assert await unread(api, second) == 1
    assert (await api.call("GET", f"/api/v1/review/applications/{id}/case", first)).status == 200
    assert (await unread(api, first), await unread(api, second)) == (0, 1)
    # Whoever does not want to hear of a kind is not told of it from then on.
    assert (await api.call("PUT", f"{M}/choices", second, json={"wanted": ["mention", "assigned"]})).status == 204
    async with sessions.begin() as session:
        await inquiries.ask(session, first, id, uuid4(), "再问", [member(second)], clock.now())
        await notes.write(session, first, id, uuid4(), "请看", [member(second)])
    assert [kind for kind, *_ in await told(api, second)] == ["mention", "asked"]
    choices = (await (await api.call("GET", M, second)).json())["choices"]
    assert {c["kind"]: c["wanted"] for c in choices}["asked"] is False
    assert (await api.call("PUT", f"{M}/choices", second, json={"wanted": ["nonsense"]})).status == 400
    assert (await api.call("POST", f"{M}/read", second, json={})).status == 204
    assert await unread(api, second) == 0
    # A case that was withdrawn is nobody's to read of.
    async with sessions.begin() as session:
        (await session.get_one(Application, id)).submitted_at = None
    assert await told(api, second) == []


async def test_an_expert_is_told_of_what_is_to_be_scored_as_long_as_it_is(
    api: Api, submitted: str, sessions: Sessions
) -> None:
    [reviewer, *chosen] = people(Role.REVIEWER, Role.EXPERT, Role.EXPERT, Role.EXPERT)
    for action in ("accept", "pass"):
        assert (await api.act(reviewer, submitted, action)).status == 200

    async def give(to: list[Actor]) -> None:
        async with sessions.begin() as session:
            application = await repository.application(session, reviewer, UUID(submitted))
            version = str(application.version)
            await experts.give(
                session, reviewer, UUID(submitted), version, [e.account for e in to], [member(e) for e in chosen]
            )

    await give(chosen[:2])
    await give(chosen[1:])
    assert [await told(api, one) for one in chosen] == [[], *[[("to_score", reviewer.name, False)]] * 2]
    seen = await api.call("GET", f"/api/v1/expert/applications/{submitted}/case", chosen[2])
    assert (seen.status, await unread(api, chosen[1]), await unread(api, chosen[2])) == (200, 1, 0)
    choices = (await (await api.call("GET", M, chosen[1])).json())["choices"]
    assert [c["kind"] for c in choices] == ["to_score", "score_due", "score_late"]


async def test_what_falls_due_is_told_once_and_goes_in_time(submitted: str, sessions: Sessions) -> None:
    [one, two] = people(Role.REVIEWER, Role.REVIEWER)
    id = UUID(submitted)
    system = factories.staff(Role.SYSTEM, "系统")
    async with sessions.begin() as session:
        accounts = [one.account, two.account, None]
        assert [await tell(session, system, accounts, "to_score", id, due_key="late:1") for _ in range(2)] == [
            2,
            0,
        ]
        await take_back(session, one.account, "to_score", id)
        mine = select(func.count()).where(StaffMessage.account == one.account)
        assert await session.scalar(mine) == 0
        await session.execute(text("UPDATE applications.staff_messages SET at = now() - interval '181 days'"))
        assert await forget_old(session, 180) >= 1
        assert await session.scalar(select(func.count()).where(StaffMessage.account == two.account)) == 0


async def test_the_number_costs_the_same_whatever_was_told_before(submitted: str, sessions: Sessions) -> None:
    [who] = people(Role.REVIEWER)
    async with sessions.begin() as session:
        now = clock.now()
        row = {
            "account": who.account,
            "kind": "mention",
            "application_id": UUID(submitted),
            "by_name": "x",
            "at": now,
        }
        read = [{**row, "id": uuid4(), "read_at": now} for _ in range(3000)]
        await session.execute(insert(StaffMessage), read)
        await session.execute(insert(StaffMessage), [{**row, "id": uuid4(), "read_at": None} for _ in range(150)])
    async with sessions.begin() as session:
        await session.execute(text("ANALYZE applications.staff_messages"))
        assert await reading.unread(session, who) == reading.MOST
        plan = "\n".join(
            await session.scalars(
                text(
                    "EXPLAIN (ANALYZE, BUFFERS) SELECT count(*) FROM (SELECT id FROM applications.staff_messages"
                    " WHERE account = :account AND read_at IS NULL LIMIT 100) AS few"
                ),
                {"account": who.account},
            )
        )
        assert "ix_staff_messages_unread" in plan, plan
        assert "Seq Scan" not in plan, plan


async def test_whoever_has_a_case_too_long_hears_of_it_once(api: Api, submitted: str, sessions: Sessions) -> None:
    [holder, director] = people(Role.REVIEWER, Role.DIRECTOR)
    id, now = UUID(submitted), clock.now()
    async with sessions.begin() as session:
        await assignment.assign(session, director, [id], member(holder))
    for days, limit, heard in ((3, 5, False), (10, 5, True), (20, 5, True)):
        async with sessions.begin() as session:
            after, looks = None, 0
            while looks == 0 or after is not None:
                after = await tell_overdue(session, now + timedelta(days=days), lambda day: True, limit, after)
                looks += 1
        kinds = [kind for kind, *_ in await told(api, holder)]
        assert kinds.count("overdue") == heard
    assert await told(api, director) == []

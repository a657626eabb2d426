"""The reviewers' queue: filters, counts, whose case it is, and who works on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.core.context import PEERS, Peers
from services.applications.review import case_list
from services.applications.tables.applications import Application, Audit
from shared import clock
from shared.http.app import Route, answer, base_app
from shared.identity import Actor, Role, Verifier
from shared.messages import Staff, StaffMember
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
OTHER = factories.staff(Role.REVIEWER, "另一审核员")
DIRECTOR = factories.staff(Role.DIRECTOR)
QUEUE = "/api/v1/review/applications"
STATES = ["pending_acceptance", "form_review", "returned", "approved"]


async def insert(sessions: Sessions, round_id: str, n: int, **values: Any) -> list[str]:
    """Cases on the desk, without their materials; one an hour, the first the newest."""
    async with sessions.begin() as session:
        made = [
            Application(
                **{
                    "id": id,
                    "round_id": UUID(round_id),
                    "fund_type": "reward",
                    "form_version": 1,
                    "enterprise": "911101080000000194",
                    "enterprise_name": f"北京测试{i}工艺有限公司",
                    "created_by": "test",
                    "state": "pending_acceptance",
                    "revision": 0,
                    "number": f"GT{uuid4().int % 10**10:010d}",
                    "project_name": f"测试项目{i}",
                    "applied_wan": 10 + i,
                    "submitted_at": clock.now() - timedelta(hours=i),
                    "wrapped_key": Codec(b"m" * 32).new_key(id),
                    **values,
                }
            )
            for i, id in enumerate(uuid4() for _ in range(n))
        ]
        session.add_all(made)
    return [str(a.id) for a in made]


@pytest.fixture
async def clean(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).values(deleted_at=clock.now()))


@pytest.fixture
async def people(server: TestServer) -> AsyncIterator[list[StaffMember]]:
    """A gateway that knows two reviewers."""
    members = [StaffMember(account=a.account, name=a.name) for a in (REVIEWER, OTHER)]

    async def tell(_: Any) -> Any:
        return answer(Staff(items=members))

    gateway = base_app(
        "gateway",
        Verifier("gateway", {}),
        [Route("GET", "/internal/staff", tell)],
    )
    before = server.app[PEERS]
    async with TestServer(gateway) as running:
        here = Peers(before.http, before.signer, str(running.make_url("")), before.notify_url)
        server.app._state[PEERS] = here
        yield members
        server.app._state[PEERS] = before


async def found(api: Api, query: str, who: Actor = REVIEWER) -> list[str]:
    response = await api.call("GET", f"{QUEUE}?limit=100&{query}", who)
    assert response.status == 200, await response.text()
    return [item["id"] for item in (await response.json())["items"]]


async def counts(api: Api, query: str = "", who: Actor = REVIEWER) -> dict[str, Any]:
    response = await api.call("GET", f"/api/v1/review/counts?{query}", who)
    assert response.status == 200, await response.text()
    return dict(await response.json())


async def test_filters_one_by_one_and_together(api: Api, sessions: Sessions, round_id: str, clean: None) -> None:
    a, b, c, d = await insert(sessions, round_id, 4)
    async with sessions.begin() as session:
        for id, values in (
            (a, {"district": "延庆区", "state": "form_review", "number": "GM2026555777"}),
            (b, {"district": "朝阳区", "project_name": "Ｇ７峰会“景泰蓝”屏风", "assignee": OTHER.account}),
            (c, {"submitted_at": clock.now() - timedelta(days=9, hours=1), "assignee": REVIEWER.account}),
            (d, {"applied_wan": 500, "state": "returned"}),
        ):
            await session.execute(update(Application).where(Application.id == UUID(id)).values(**values))
    assert await found(api, "") == [c, d, b, a]
    assert await found(api, "order=newest") == [a, b, d, c]
    for query, expected in {
        "state=form_review": [a],
        "state=form_review,returned": [d, a],
        "district=延庆区": [a],
        "district=大兴区": [],
        "fund_type=reward": [c, d, b, a],
        "fund_type=other": [],
        f"round={round_id}": [c, d, b, a],
        f"round={uuid4()}": [],
        "min_wan=11&max_wan=12.5": [c, b],
        "min_wan=500.00": [d],
        "min_days=9": [c],
        "max_days=0": [d, b, a],
        "min_days=9&max_days=9": [c],
        "assignee=none": [d, a],
        "assignee=me": [c],
        f"assignee={OTHER.account}": [b],
        "q=景泰蓝": [b],
        "q=g7": [b],
        "q=峰会 屏风": [b],
        "q=屏风 没有": [],
        "q=蓝": [b],
        "q=gm2026555": [a],
        "q=gm2026555%E2%80%8B": [a],
        "q=%E2%80%AA景泰%E2%81%A0蓝": [b],
        "q=555777": [a],
        "q=555": [],
        "q=%25": [],
        "q=北京测试0": [a],
        "state=pending_acceptance&assignee=me&min_days=3": [c],
    }.items():
        assert await found(api, query) == expected, query
        assert (await counts(api, query))["matching"] == len(expected), query


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=nowhere", "unknown_state"),
        ("round=7", "bad_round"),
        ("min_wan=much", "bad_amount"),
        ("min_wan=-1", "bad_amount"),
        ("min_wan=1,5", "bad_amount"),
        ("min_wan=1_5", "bad_amount"),
        ("max_wan=NaN", "bad_amount"),
        ("min_days=-1", "bad_days"),
        ("max_days=１", "bad_days"),
        ("order=random", "bad_order"),
        ("order=--amount", "bad_order"),
        ("order=wrapped_key", "bad_order"),
        ("order=amount;DROP TABLE x", "bad_order"),
        (
            "order=amount&cursor=WyJOYU4iLCIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",
            "bad_cursor",
        ),
        (
            "order=assignee&cursor=WyJcdTAwMDAiLCIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",
            "bad_cursor",
        ),
        (
            "order=assignee&cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",
            "bad_cursor",
        ),
        ("cursor=nonsense", "bad_cursor"),
        ("limit=0", "bad_limit"),
        ("q=" + "长" * 401, "malformed"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str, code: str) -> None:
    refused = await api.call("GET", f"{QUEUE}?{query}", REVIEWER)
    assert (refused.status, (await refused.json())["type"]) == (400, code)


async def test_pages_show_every_case_once(api: Api, sessions: Sessions, round_id: str, clean: None) -> None:
    same = clock.now()
    made = await insert(sessions, round_id, 7, submitted_at=same)
    for order in ("oldest", "newest"):
        seen: list[str] = []
        cursor = ""
        while True:
            response = await api.call("GET", f"{QUEUE}?limit=3&order={order}&cursor={cursor}", REVIEWER)
            body = await response.json()
            seen += [item["id"] for item in body["items"]]
            if not (cursor := body["next_cursor"]):
                break
        assert sorted(seen) == sorted(made)


async def test_every_column_sorts_all_pages(api: Api, sessions: Sessions, round_id: str, clean: None) -> None:
    made = await insert(sessions, round_id, 7)
    async with sessions.begin() as session:
        for n, id in enumerate(made):
            values = {
                "enterprise_name": "丙乙甲丙乙甲丙"[n] + "公司",
                "fund_type": ("reward", "subsidy")[n % 2],
                # One form has no amount, and nobody has every second case.
                "applied_wan": None if n == 3 else Decimal(n % 4),
                "assignee_name": None if n % 2 else "甲审核",
                "state": STATES[n % 4],
            }
            await session.execute(update(Application).where(Application.id == UUID(id)).values(**values))
    async with sessions() as session:
        rows = {str(a.id): a for a in await session.scalars(select(Application).where(Application.id.in_(made)))}
    value = {
        "enterprise": lambda a: a.enterprise_name,
        "fund_type": lambda a: a.fund_type,
        "amount": lambda a: a.applied_wan or Decimal(0),
        "assignee": lambda a: a.assignee_name or "",
    }
    for name, of in value.items():
        for query, states in (
            ("", STATES),
            ("state=form_review,approved&", STATES[1::2]),
            ("q=测试项目&", STATES),
        ):
            expected = sorted(
                (id for id in made if rows[id].state in states),
                key=lambda id: (of(rows[id]), rows[id].submitted_at, rows[id].id),
            )
            for order, wanted in ((name, expected), (f"-{name}", expected[::-1])):
                seen: list[str] = []
                cursor = ""
                while True:
                    path = f"{QUEUE}?{query}limit=3&order={order}&cursor={cursor}"
                    body = await (await api.call("GET", path, REVIEWER)).json()
                    seen += [item["id"] for item in body["items"]]
                    if not (cursor := body["next_cursor"]):
                        break
                assert seen == wanted, (query, order)


async def test_counts_follow_every_change(
    api: Api, sessions: Sessions, round_id: str, people: list[StaffMember], clean: None
) -> None:
    made = await insert(sessions, round_id, 3)
    assert (await counts(api))["all"] == {"pending_acceptance": 3}
    assert (await counts(api))["unassigned"] == {"pending_acceptance": 3}
    assert (await api.call("POST", f"{QUEUE}/{made[0]}/lease", REVIEWER, json={})).status == 200
    moved = await api.call("POST", f"{QUEUE}/{made[0]}/accept", REVIEWER, json={}, headers={"If-Match": '"1"'})
    assert moved.status == 200, await moved.text()
    async with sessions.begin() as session:
        await case_list.draw_counts_together(session)
    after = await counts(api)
    assert after["all"] == {"pending_acceptance": 2, "form_review": 1}
    assert after["mine"] == {"form_review": 1}
    assert after["unassigned"] == {"pending_acceptance": 2}
    async with sessions.begin() as session:
        await session.execute(update(Application).values(deleted_at=clock.now()))
        # Drawn together, what is nought leaves no row.
        await case_list.draw_counts_together(session)
        assert await session.scalar(text("SELECT count(*) FROM applications.desk_counts")) == 0


async def test_many_matches_are_not_counted_to_the_end(
    api: Api, sessions: Sessions, round_id: str, clean: None
) -> None:
    await insert(sessions, round_id, case_list.COUNT_UP_TO + 5)
    found_ = await counts(api)
    assert (found_["matching"], found_["matching_up_to"]) == (case_list.COUNT_UP_TO + 1, case_list.COUNT_UP_TO)
    assert found_["all"] == {"pending_acceptance": case_list.COUNT_UP_TO + 5}


async def test_assigned_by_hand_with_an_answer_for_each(
    api: Api, sessions: Sessions, round_id: str, people: list[StaffMember], clean: None
) -> None:
    open_, closed = (
        (await insert(sessions, round_id, 1))[0],
        (await insert(sessions, round_id, 1, state="approved"))[0],
    )
    nowhere = str(uuid4())
    path = "/api/v1/review/assignments"
    ids = [open_, closed, nowhere]
    given = await api.call("POST", path, DIRECTOR, json={"applications": ids, "assignee": OTHER.account})
    assert [(o["id"], o["done"], o["message"]) for o in await given.json()] == [
        (open_, True, "已分配给另一审核员。"),
        (closed, False, "该申请已批复，无需分配。"),
        (nowhere, False, "未找到该申请。"),
    ]
    [shown] = (await (await api.call("GET", f"{QUEUE}?assignee={OTHER.account}", REVIEWER)).json())["items"]
    assert shown["assignee"] == {"account": OTHER.account, "name": OTHER.name, "mine": False}
    # It is nobody's lease: both can still take it.
    again = await api.call("POST", path, DIRECTOR, json={"applications": [open_], "assignee": OTHER.account})
    assert (await again.json())[0]["done"] is False
    back = await api.call("POST", path, REVIEWER, json={"applications": [open_]})
    assert (await back.json())[0]["message"] == "已取消分配。"
    async with sessions() as session:
        rows = await session.scalars(
            select(Audit).where(Audit.application_id == UUID(open_), Audit.action == "assign").order_by(Audit.id)
        )
        assert [(r.details["before"], r.details["after"]) for r in rows] == [
            (None, OTHER.name),
            (OTHER.name, None),
        ]


async def test_only_a_reviewer_is_given_cases(api: Api, people: list[StaffMember], submitted: str) -> None:
    path = "/api/v1/review/assignments"
    refused = await api.call("POST", path, REVIEWER, json={"applications": [submitted], "assignee": "acc-nobody"})
    assert (refused.status, (await refused.json())["errors"][0]["code"]) == (422, "unknown_reviewer")
    for who in (WHO, factories.staff(Role.AUDITOR), factories.staff(Role.EXPERT)):
        assert (await api.call("POST", path, who, json={"applications": [submitted]})).status == 403


async def test_in_turn_nobody_gets_two_before_another_has_one(
    api: Api, sessions: Sessions, round_id: str, people: list[StaffMember], clean: None
) -> None:
    made = await insert(sessions, round_id, 6)
    path = "/api/v1/review/assignments"
    # Two who deal at the same time.
    answers = await asyncio.gather(
        *(
            api.call("POST", path, who, json={"applications": part, "in_turn": True})
            for who, part in ((REVIEWER, made[:3]), (DIRECTOR, made[3:]))
        )
    )
    for dealt in answers:
        assert [o["done"] for o in await dealt.json()] == [True] * 3
    reviewers = await (await api.call("GET", "/api/v1/review/reviewers", REVIEWER)).json()
    assert [(r["name"], r["waiting"]) for r in reviewers] == [(REVIEWER.name, 3), (OTHER.name, 3)]
    # Who is away is left out; when everybody is, it is said.
    assert (await api.call("PUT", "/api/v1/review/away", OTHER, json={"away": True})).status == 204
    more = await insert(sessions, round_id, 2)
    await api.call("POST", path, DIRECTOR, json={"applications": more, "in_turn": True})
    assert sorted(await found(api, "assignee=me")) == sorted(
        [i for i in made if i in await found(api, "assignee=me")] + more
    )
    await api.call("PUT", "/api/v1/review/away", REVIEWER, json={"away": True})
    refused = await api.call("POST", path, DIRECTOR, json={"applications": more, "in_turn": True})
    assert (refused.status, (await refused.json())["type"]) == (409, "nobody_present")
    for who in (REVIEWER, OTHER):
        await api.call("PUT", "/api/v1/review/away", who, json={"away": False})


async def test_without_the_gateway_nothing_is_assigned(api: Api, submitted: str) -> None:
    refused = await api.call(
        "POST", "/api/v1/review/assignments", REVIEWER, json={"applications": [submitted], "in_turn": True}
    )
    assert (refused.status, (await refused.json())["type"]) == (503, "staff_unknown")


async def test_next_takes_the_oldest_and_two_never_the_same(
    api: Api, sessions: Sessions, round_id: str, clean: None
) -> None:
    made = await insert(sessions, round_id, 3)
    answers = await asyncio.gather(
        *(api.call("POST", "/api/v1/review/next", who, json={}) for who in (REVIEWER, OTHER))
    )
    taken = {(await a.json())["id"] for a in answers}
    assert taken == set(made[1:])
    assert (await api.call("POST", "/api/v1/review/next", REVIEWER, json={})).status == 200
    none = await api.call("POST", "/api/v1/review/next", REVIEWER, json={})
    assert (none.status, (await none.json())["type"]) == (404, "queue_empty")
    assert (await counts(api))["unassigned"] == {}


async def test_lease_is_taken_over_only_with_a_reason(api: Api, sessions: Sessions, submitted: str) -> None:
    path = f"{QUEUE}/{submitted}/lease"
    assert (await api.call("POST", path, REVIEWER, json={})).status == 200
    refused = await api.call("POST", path, OTHER, json={})
    body = await refused.json()
    assert (refused.status, body["type"], body["holder"]) == (409, "lease_held", REVIEWER.name)
    empty = await api.call("POST", path, OTHER, json={"takeover": True, "reason": " "})
    assert (empty.status, (await empty.json())["errors"][0]["field"]) == (422, "reason")
    over = await api.call("POST", path, OTHER, json={"takeover": True, "reason": "原办理人休假"})
    assert (await over.json())["lease"]["mine"] is True
    # The first one's decision meets the new holder's name.
    headers = {"If-Match": await api.etag(REVIEWER, submitted)}
    lost = await api.call("POST", f"{QUEUE}/{submitted}/accept", REVIEWER, json={}, headers=headers)
    body = await lost.json()
    assert (lost.status, body["type"]) == (409, "lease_held")
    assert OTHER.name in body["detail"]
    async with sessions() as session:
        row = await session.scalar(
            select(Audit).where(Audit.application_id == UUID(submitted), Audit.action == "take_over")
        )
        assert row is not None
        assert (row.details["from_holder"], row.details["reason"]) == (REVIEWER.name, "原办理人休假")


async def test_a_claim_lasts_while_its_assignee_goes_on(api: Api, sessions: Sessions, submitted: str) -> None:
    path = f"{QUEUE}/{submitted}"

    async def lease(who: Actor = REVIEWER) -> Any:
        return (await (await api.call("GET", f"/api/v1/applications/{submitted}", who)).json())["lease"]

    async def step(who: Actor, action: str, **body: Any) -> tuple[int, str]:
        headers = {"If-Match": await api.etag(who, submitted)}
        answer = await api.call("POST", f"{path}/{action}", who, json=body, headers=headers)
        return answer.status, "" if answer.status == 200 else (await answer.json())["type"]

    assert await step(REVIEWER, "accept") == (409, "lease_missing")
    assert (await api.call("POST", f"{path}/lease", REVIEWER, json={})).status == 200
    assert await step(REVIEWER, "accept") == (200, "")
    assert (await lease())["mine"] is True
    assert await step(OTHER, "pass") == (409, "lease_held")
    noted = {"section": "contact", "text": "请核对"}
    assert (await api.call("POST", f"{path}/opinions", REVIEWER, json=noted)).status == 201
    # Back from the applicant it is nobody's to wait for, and its assignee need not take it again.
    assert await step(REVIEWER, "return", working_days=5) == (200, "")
    assert await lease() is None
    [opinion] = await (await api.call("GET", f"/api/v1/applications/{submitted}/opinions", WHO)).json()
    reply = f"/api/v1/applications/{submitted}/opinions/{opinion['id']}"
    assert (await api.call("PUT", reply, WHO, json={"reply": "已核对"})).status == 200
    assert (await api.submit(WHO, submitted)).status == 200
    assert await step(OTHER, "accept") == (409, "lease_missing")
    again = await api.call("POST", f"{path}/opinions", REVIEWER, json=noted)
    assert again.status == 201, await again.text()
    # The step took it: others read who works on it.
    assert (await lease(OTHER))["name"] == REVIEWER.name
    gone = f"{path}/opinions/{(await again.json())['id']}"
    # Its words may be changed until it is sent, by whoever has the case, and never to none.
    changed = await api.call("PUT", gone, REVIEWER, json={"text": " 请核对电话 "})
    assert (changed.status, (await changed.json())["text"]) == (200, "请核对电话")
    for who, place, said, status, code in (
        (REVIEWER, gone, " ", 422, "invalid"),
        (OTHER, gone, "别的", 409, "lease_held"),
        (REVIEWER, f"{path}/opinions/{opinion['id']}", "别的", 409, "opinion_sent"),
    ):
        refused = await api.call("PUT", place, who, json={"text": said})
        assert (refused.status, (await refused.json())["type"]) == (status, code)
    assert (await api.call("DELETE", gone, REVIEWER)).status == 204
    # A claim that ran out is no reason to stop, unless a colleague has taken the case meanwhile.
    await run_out(sessions, submitted)
    assert (await api.call("POST", f"{path}/lease", OTHER, json={})).status == 200
    assert await step(REVIEWER, "accept") == (409, "lease_held")
    await run_out(sessions, submitted)
    for action in ("accept", "pass"):
        assert await step(REVIEWER, action) == (200, ""), action
    assert await lease() is None


async def test_many_at_once_are_not_kept(api: Api, submitted: str) -> None:
    body = {"applications": [submitted], "action": "accept"}
    [done] = await (await api.call("POST", "/api/v1/review/moves", REVIEWER, json=body)).json()
    assert done["done"] is True
    found = await (await api.call("GET", f"/api/v1/applications/{submitted}", OTHER)).json()
    assert (found["state"], found["lease"], found["assignee"]["name"]) == ("form_review", None, REVIEWER.name)


async def run_out(sessions: Sessions, id: str) -> None:
    async with sessions.begin() as session:
        past = clock.now() - timedelta(seconds=1)
        await session.execute(update(Application).where(Application.id == UUID(id)).values(lease_until=past))


async def test_a_decision_on_a_lease_that_has_run_out(api: Api, sessions: Sessions, submitted: str) -> None:
    path = f"{QUEUE}/{submitted}"
    # A colleague's case.
    assert (await api.call("POST", f"{path}/lease", OTHER, json={})).status == 200
    await run_out(sessions, submitted)
    assert (await api.call("POST", f"{path}/lease", REVIEWER, json={})).status == 200
    await run_out(sessions, submitted)
    headers = {"If-Match": await api.etag(REVIEWER, submitted)}
    late = await api.call("POST", f"{path}/accept", REVIEWER, json={}, headers=headers)
    assert (late.status, (await late.json())["type"]) == (409, "lease_expired")
    # Renewed, the same decision holds.
    assert (await api.call("POST", f"{path}/lease", REVIEWER, json={})).status == 200
    done = await api.call("POST", f"{path}/accept", REVIEWER, json={}, headers=headers)
    assert done.status == 200, await done.text()


async def test_of_two_decisions_the_second_hears_who_and_what(api: Api, submitted: str) -> None:
    path = f"{QUEUE}/{submitted}"
    headers = {"If-Match": await api.etag(OTHER, submitted)}
    assert (await api.act(REVIEWER, submitted, "accept")).status == 200
    lost = await api.call("POST", f"{path}/refuse", OTHER, json={"reason": "不符合条件"}, headers=headers)
    body = await lost.json()
    assert lost.status == 412
    assert REVIEWER.name in body["detail"]
    assert "纳批" in body["detail"]
    assert "形式审查中" in body["detail"]


async def test_a_kept_view_is_ones_own(api: Api) -> None:
    path = "/api/v1/review/filters"
    kept = await api.call("POST", path, REVIEWER, json={"name": " 朝阳待办 ", "query": {"district": "朝阳区"}})
    assert kept.status == 201
    again = await api.call("POST", path, REVIEWER, json={"name": "朝阳待办", "query": {"state": "form_review"}})
    mine = await (await api.call("GET", path, REVIEWER)).json()
    assert [(f["name"], f["query"]) for f in mine] == [("朝阳待办", {"state": "form_review"})]
    assert await (await api.call("GET", path, OTHER)).json() == []
    id = (await again.json())["id"]
    assert (await api.call("DELETE", f"{path}/{id}", OTHER)).status == 404
    assert (await api.call("DELETE", f"{path}/{id}", REVIEWER)).status == 204
    for bad in ({"name": " ", "query": {}}, {"name": "x", "query": {"sql": "1"}}):
        assert (await api.call("POST", path, REVIEWER, json=bad)).status == 400
    for n in range(30):
        assert (await api.call("POST", path, REVIEWER, json={"name": f"f{n}", "query": {}})).status == 201
    full = await api.call("POST", path, REVIEWER, json={"name": "f30", "query": {}})
    assert (full.status, (await full.json())["type"]) == (409, "too_many_filters")

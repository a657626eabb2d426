"""退回补正: opinions noted at their places, what they open, deadlines in working days, taking back and extending."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.review import phrases
from services.applications.tables.applications import Application, Document, Opinion, Owed
from shared import clock
from shared.contract.review import PhraseInput
from shared.errors import Conflict
from shared.identity import Actor, Role
from shared.workdays import WorkingDays
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.locks import until_waited_for

Sessions = async_sessionmaker[AsyncSession]
WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
OTHER = factories.staff(Role.REVIEWER, "另一审核员")
R = "/api/v1/review/applications"


def soon() -> str:
    return (clock.now() + timedelta(days=5)).isoformat()


async def note(api: Api, id: str, who: Actor = REVIEWER, **opinion: Any) -> Any:
    return await api.call("POST", f"{R}/{id}/opinions", who, json=opinion)


async def take(api: Api, id: str, who: Actor = REVIEWER) -> None:
    assert (await api.call("POST", f"{R}/{id}/lease", who, json={})).status == 200


async def opinions(api: Api, id: str, who: Actor) -> list[dict[str, Any]]:
    return list(await (await api.call("GET", f"/api/v1/applications/{id}/opinions", who)).json())


async def first_row(api: Api, id: str) -> str:
    plan = await (await api.call("GET", f"/api/v1/applications/{id}/sections/fund_plan", WHO)).json()
    return str(plan["saved"]["plan_items"][0]["id"])


async def test_an_opinion_can_be_printed(api: Api, submitted: str) -> None:
    """The notice of return shows it: a character that no font has is refused, and Word's line break is one."""
    await take(api, submitted)
    refused = await note(api, submitted, section="contact", text="请补充\U0001faf8")
    body = await refused.json()
    assert (refused.status, body["type"]) == (400, "unprintable")
    assert "第 4 个字符" in body["detail"]
    opinions = [{"text": "甲"}, {"text": "甲\x07"}]
    refused = await api.act(REVIEWER, submitted, "return", correct_by=soon(), opinions=opinions)
    body = await refused.json()
    assert (refused.status, body["type"]) == (400, "control_character")
    # Which of many it is.
    assert [(e["field"], e["code"], e["message"]) for e in body["errors"]] == [
        ("opinions.1.text", "control_character", body["detail"])
    ]
    noted = await note(api, submitted, section="contact", text="\u202a请补充：\v☑ 营业执照\u200b")
    assert (await noted.json())["text"] == "请补充：\n☑ 营业执照"


async def test_noted_opinions_go_out_with_the_return(api: Api, sessions: Sessions, submitted: str) -> None:
    row = await first_row(api, submitted)
    assert (await note(api, submitted, section="contact", text="x")).status == 409  # not taken yet
    await take(api, submitted)
    for place in (
        {"section": "fund_plan", "field": "plan_items", "row": row},
        {"section": "company", "field": "business_license"},
        {"section": "contact"},
        {},
    ):
        made = await note(api, submitted, **place, text=" 请补充 ")
        assert made.status == 201, await made.text()
        assert (await made.json())["sent"] is False
    # The applicant hears of nothing before the return.
    assert await opinions(api, submitted, WHO) == []
    answer = await api.act(REVIEWER, submitted, "return", correct_by=soon())
    assert answer.status == 200, await answer.text()
    told = await opinions(api, submitted, WHO)
    assert [(o["section"], o["field"], o["row"], o["text"], o["round_trip"]) for o in told] == [
        ("fund_plan", "plan_items", row, "请补充", 1),
        ("company", "business_license", None, "请补充", 1),
        ("contact", None, None, "请补充", 1),
        (None, None, None, "请补充", 1),
    ]
    async with sessions() as session:
        owed = await session.scalar(
            select(Owed).where(
                Owed.application_id == UUID(submitted), Owed.payload["kind"].astext == "application_returned"
            )
        )
        assert owed is not None
        assert [(o["material"], o["field"]) for o in owed.payload["opinions"]] == [
            ("保护发展资金使用规划", "保护发展资金使用计划，第 1 行"),
            ("企业基本情况", "营业执照"),
            ("项目联系人", None),
            ("整体", None),
        ]


@pytest.mark.parametrize(
    ("opinion", "code"),
    [
        ({"section": "nowhere"}, "unknown_section"),
        ({"section": "contact", "field": "nothing"}, "unknown_field"),
        ({"section": "fund_plan", "field": "plan_items.nothing"}, "unknown_field"),
        ({"field": "email"}, "unknown_field"),
        ({"section": "fund_plan", "field": "plan_items", "row": "gone"}, "unknown_row"),
        ({"section": "fund_plan", "field": "bank_name", "row": "gone"}, "unknown_row"),
        ({"section": "fund_plan", "row": "gone"}, "unknown_row"),
        ({"section": "contact", "text": "  "}, "required"),
    ],
)
async def test_an_opinion_stands_somewhere_and_says_something(
    api: Api, sessions: Sessions, submitted: str, opinion: dict[str, Any], code: str
) -> None:
    await take(api, submitted)
    opinion = {"text": "请补充", **opinion}
    headers = {"If-Match": await api.etag(REVIEWER, submitted)}
    body = {"correct_by": soon(), "opinions": [{"section": "contact", "text": "好"}, opinion]}
    for answer in (
        await note(api, submitted, **opinion),
        await api.call("POST", f"{R}/{submitted}/return/preview", REVIEWER, json=body),
        await api.call("POST", f"{R}/{submitted}/return", REVIEWER, json=body, headers=headers),
    ):
        assert (answer.status, [e["code"] for e in (await answer.json())["errors"]]) == (422, [code])
    async with sessions() as session:
        assert (await session.get_one(Application, UUID(submitted))).state == "pending_acceptance"
        assert await session.scalar(select(Opinion).where(Opinion.application_id == UUID(submitted))) is None


async def test_only_the_holder_notes_and_only_what_was_not_sent_is_forgotten(api: Api, submitted: str) -> None:
    await take(api, submitted)
    refused = await note(api, submitted, OTHER, text="x")
    assert (refused.status, (await refused.json())["type"]) == (409, "lease_held")
    id = (await (await note(api, submitted, text="误记")).json())["id"]
    path = f"{R}/{submitted}/opinions/{id}"
    assert (await api.call("DELETE", path, OTHER)).status == 409
    assert (await api.call("DELETE", path, WHO)).status == 403
    assert (await api.call("DELETE", path, REVIEWER)).status == 204
    assert await opinions(api, submitted, REVIEWER) == []
    kept = (await (await note(api, submitted, text="留下")).json())["id"]
    assert (await api.act(REVIEWER, submitted, "return", correct_by=soon())).status == 200
    gone = await api.call("DELETE", f"{R}/{submitted}/opinions/{kept}", REVIEWER)
    assert gone.status == 409


async def test_preview_says_what_opens_and_returns_nothing(api: Api, submitted: str) -> None:
    await take(api, submitted)
    path = f"{R}/{submitted}/return/preview"
    empty = await api.call("POST", path, REVIEWER, json={"correct_by": soon()})
    assert (empty.status, (await empty.json())["type"]) == (409, "opinion_required")
    body = {
        "working_days": 3,
        "opinions": [{"section": "fund_plan", "field": "bank_name", "text": "请填写全称"}],
        "unlock": ["contact"],
    }
    seen = await (await api.call("POST", path, REVIEWER, json=body)).json()
    assert [(u["key"], u["why"]) for u in seen["unlocked"]] == [
        ("contact", "named"), ("project_content", "tied"), ("fund_plan", "opinion"),
    ]  # fmt: skip
    assert (seen["to"], seen["email"]) == ("李响", "lixiang@example.com")
    assert seen["mail"] is None  # notify is not there
    day = WorkingDays().after(clock.now().astimezone(clock.SHANGHAI), 3).date()
    assert datetime.fromisoformat(seen["correct_by"]) == datetime.combine(day, time(18), clock.SHANGHAI)
    whole = await api.call("POST", path, REVIEWER, json={"correct_by": soon(), "opinions": [{"text": "全部"}]})
    assert {u["why"] for u in (await whole.json())["unlocked"]} == {"whole"}
    view = await (await api.call("GET", f"/api/v1/applications/{submitted}", REVIEWER)).json()
    assert view["state"] == "pending_acceptance"


@pytest.mark.parametrize(
    "given", [{}, {"correct_by": "2030-01-01T18:00:00+08:00", "working_days": 3}], ids=["neither", "both"]
)
async def test_one_deadline_and_no_other(api: Api, submitted: str, given: dict[str, Any]) -> None:
    answer = await api.act(REVIEWER, submitted, "return", opinions=[{"text": "x"}], **given)
    assert (answer.status, (await answer.json())["errors"][0]["code"]) == (422, "deadline_required")
    assert (await api.act(REVIEWER, submitted, "return", opinions=[{"text": "x"}], working_days=0)).status == 400


async def test_a_deadline_in_the_past_is_refused(api: Api, submitted: str) -> None:
    before = (clock.now() - timedelta(minutes=1)).isoformat()
    answer = await api.act(REVIEWER, submitted, "return", opinions=[{"text": "x"}], correct_by=before)
    assert (answer.status, (await answer.json())["type"]) == (409, "deadline_required")


async def test_what_is_taken_back_is_noted_again(api: Api, submitted: str) -> None:
    await take(api, submitted)
    await note(api, submitted, section="contact", text="误退的意见")
    assert (await api.act(REVIEWER, submitted, "return", correct_by=soon())).status == 200
    recalled = await api.act(REVIEWER, submitted, "recall")
    assert (recalled.status, (await recalled.json())["state"]) == (200, "pending_acceptance")
    assert await opinions(api, submitted, WHO) == []
    [again] = await opinions(api, submitted, REVIEWER)
    assert (again["text"], again["sent"]) == ("误退的意见", False)
    assert (await api.act(REVIEWER, submitted, "return", working_days=5)).status == 200
    assert [(o["round_trip"], o["text"]) for o in await opinions(api, submitted, WHO)] == [(1, "误退的意见")]


async def test_extended_by_working_days_with_a_reason(api: Api, submitted: str) -> None:
    opinion = [{"section": "contact", "text": "请核对"}]
    assert (await api.act(REVIEWER, submitted, "return", working_days=2, opinions=opinion)).status == 200
    bare = await api.act(REVIEWER, submitted, "extend", working_days=10, reason=" ")
    assert (bare.status, (await bare.json())["type"]) == (409, "reason_required")
    longer = await api.act(REVIEWER, submitted, "extend", working_days=10, reason="材料仍在办理")
    assert longer.status == 200, await longer.text()
    day = WorkingDays().after(clock.now().astimezone(clock.SHANGHAI), 10).date()
    assert datetime.fromisoformat((await longer.json())["correct_by"]) == datetime.combine(
        day, time(18), clock.SHANGHAI
    )


async def test_round_trips_are_numbered_and_answers_judged(api: Api, submitted: str) -> None:
    opinion = [{"section": "contact", "text": "第一次"}, {"section": "contact", "text": "另一条"}]
    assert (await api.act(REVIEWER, submitted, "return", working_days=5, opinions=opinion)).status == 200
    path = f"/api/v1/applications/{submitted}/opinions"
    for found in await opinions(api, submitted, WHO):
        await api.call("PUT", f"{path}/{found['id']}", WHO, json={"reply": "已改"})
    assert (await api.submit(WHO, submitted)).status == 200
    first, second = await opinions(api, submitted, REVIEWER)
    assert (await api.act(REVIEWER, submitted, f"opinions/{first['id']}/accept")).status == 200
    again = await api.act(REVIEWER, submitted, f"opinions/{second['id']}/raise", text="仍未改正")
    assert (await again.json())["sent"] is False
    # Judged once.
    twice = await api.act(REVIEWER, submitted, f"opinions/{first['id']}/raise", text="再来")
    assert (twice.status, (await twice.json())["type"]) == (409, "opinion_not_answered")
    assert (await api.act(REVIEWER, submitted, "return", working_days=5)).status == 200
    assert [(o["round_trip"], o["text"], o["status"]) for o in await opinions(api, submitted, WHO)] == [
        (1, "第一次", "accepted"), (1, "另一条", "accepted"), (2, "仍未改正", "open"),
    ]  # fmt: skip


async def test_two_who_change_to_the_same_phrase_at_once_are_told_so(api: Api, sessions: Sessions) -> None:
    path = "/api/v1/review/phrases"
    first, second = [UUID(p["id"]) for p in await (await api.call("GET", path, REVIEWER)).json()][:2]
    wanted = PhraseInput(text="两人同时改成这一句。")

    async def second_one() -> None:
        async with sessions.begin() as session:
            await phrases.change(session, OTHER, second, wanted)

    async with sessions.begin() as session:
        await phrases.change(session, REVIEWER, first, wanted)
        waiting = asyncio.create_task(second_one())
        await until_waited_for(session)
        assert not waiting.done()
    with pytest.raises(Conflict) as told:
        await waiting
    assert told.value.code == "phrase_exists"


async def test_phrases_are_shared_and_audited(api: Api) -> None:
    path = "/api/v1/review/phrases"
    before = await (await api.call("GET", path, REVIEWER)).json()
    assert before, "the library begins with some"
    made = await api.call("POST", path, REVIEWER, json={"text": " 请附检测报告。 "})
    assert made.status == 201
    phrase = await made.json()
    assert phrase["text"] == "请附检测报告。"
    assert phrase in await (await api.call("GET", path, OTHER)).json()
    for same in (
        await api.call("POST", path, OTHER, json={"text": "请附检测报告。"}),
        await api.call("PUT", f"{path}/{before[0]['id']}", OTHER, json={"text": "请附检测报告。"}),
    ):
        assert (same.status, (await same.json())["type"]) == (409, "phrase_exists")
    changed = await api.call("PUT", f"{path}/{phrase['id']}", OTHER, json={"text": "请附检测报告原件。"})
    assert (await changed.json())["text"] == "请附检测报告原件。"
    assert (await api.call("DELETE", f"{path}/{phrase['id']}", REVIEWER)).status == 204
    assert (await api.call("DELETE", f"{path}/{phrase['id']}", REVIEWER)).status == 404
    assert (await api.call("POST", path, REVIEWER, json={"text": " "})).status == 400
    for who in (WHO, factories.staff(Role.AUDITOR)):
        assert (await api.call("POST", path, who, json={"text": "x"})).status == 403


async def test_an_old_name_breaks_no_notice(api: Api, sessions: Sessions, submitted: str) -> None:
    """Names saved before marks were removed turned the words of the letter and of the mail around them."""
    async with sessions() as session, session.begin():
        application = await session.get_one(Application, UUID(submitted))
        application.project_name = "景泰蓝\v屏\u202e风"
    await take(api, submitted)
    answer = await api.act(REVIEWER, submitted, "return", correct_by=soon(), opinions=[{"text": "甲"}])
    assert answer.status == 200, await answer.text()
    async with sessions() as session:
        query = select(Owed).where(Owed.application_id == UUID(submitted))
        told = [owed.payload for owed in await session.scalars(query) if "project_name" in owed.payload]
        of_it = select(Document).where(Document.application_id == UUID(submitted))
        papers = [d.snapshot["model"] for d in await session.scalars(of_it) if d.snapshot]
    [returned] = [news for news in told if news["kind"] == "application_returned"]
    assert returned["project_name"] == "景泰蓝 屏风"
    [letter] = [paper for paper in papers if paper.get("reference")]
    assert "“景泰蓝 屏风”" in letter["title"]

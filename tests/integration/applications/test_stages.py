"""From 纳批 to 公示: batches, experts who score blind, ranking within a budget, objections, letters."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.decision import batches
from services.applications.decision.decisions import spent
from services.applications.decision.score_sheets import CURRENT, sheet
from services.applications.operations.expert_reminders import remind_experts
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit, Document, Owed, Round
from services.applications.tables.decision import Assessment, KeptSheet, Recusal
from shared import clock
from shared.document import Letter
from shared.http.app import Route, answer, base_app
from shared.identity import Actor, Role, Verifier
from shared.messages import Staff, StaffMember
from shared.workdays import WorkingDays
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

Sessions = async_sessionmaker[AsyncSession]
WHO = factories.applicant()
OTHER_ENTERPRISE = factories.applicant(factories.ENTERPRISE_2)
REVIEWER = factories.staff(Role.REVIEWER)
DIRECTOR = factories.staff(Role.DIRECTOR)
EXPERTS = [factories.staff(Role.EXPERT, name) for name in ("孙专家", "钱专家", "李专家")]
# So many more cases like one, in a batch.
MANY = """
INSERT INTO applications.applications (
  id, round_id, fund_type, form_version, enterprise, enterprise_name, created_by, state, version, revision, round_trips,
  unlocked, project_name, wrapped_key, submitted_at, batch_id)
SELECT gen_random_uuid(), round_id, fund_type, form_version, enterprise, enterprise_name, created_by, 'form_review', 1, 1, 0,
  '{}', '', '', submitted_at, :batch
FROM applications.applications, generate_series(1, :extra) WHERE id = :like
"""
R = "/api/v1/review/applications"
E = "/api/v1/expert/applications"


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[TestServer]:
    """What the gateway tells of the bureau's people."""

    async def tell(request: web.Request) -> web.Response:
        known = [StaffMember(account=e.account, name=e.name) for e in EXPERTS]
        return answer(Staff(items=known if request.query["role"] == Role.EXPERT else []))

    app = base_app("gateway", Verifier("gateway", {}), [Route("GET", "/internal/staff", tell)])
    async with TestServer(app) as running:
        yield running


@pytest.fixture(scope="module")
def settings(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, gateway: TestServer
) -> ApplicationsSettings:
    folder = tmp_path_factory.mktemp("applications")
    return make_settings(database_url, folder, gateway_url=str(gateway.make_url("/")))


def points(value: str = "80", **changes: str) -> dict[str, Any]:
    criteria = sheet(CURRENT).criteria
    scores = {c.key: value for c in criteria} | changes
    return {"scores": scores, "comments": {c.key: "有据" for c in criteria}, "opinion": "建议支持"}


async def call(api: Api, method: str, path: str, who: Actor, status: int, **options: Any) -> Any:
    answer_ = await api.call(method, path, who, **options)
    assert answer_.status == status, await answer_.text()
    return await answer_.json() if answer_.content_type.endswith("json") else None


async def act(api: Api, who: Actor, id: str, action: str, status: int = 200, **body: Any) -> Any:
    headers = {"If-Match": await api.etag(who, id)}
    return await call(api, "POST", f"{R}/{id}/{action}", who, status, json=body, headers=headers)


async def give(api: Api, id: str, experts: list[Actor], status: int = 200) -> Any:
    headers = {"If-Match": await api.etag(REVIEWER, id)}
    body = {"experts": [e.account for e in experts]}
    return await call(api, "PUT", f"{R}/{id}/experts", REVIEWER, status, json=body, headers=headers)


async def state(api: Api, id: str) -> str:
    return str((await call(api, "GET", f"/api/v1/applications/{id}", REVIEWER, 200))["state"])


@pytest.fixture
async def with_experts(api: Api, submitted: str) -> str:
    """A case that experts are to be found for."""
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    await act(api, REVIEWER, submitted, "accept")
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    await act(api, REVIEWER, submitted, "pass")
    return submitted


@pytest.fixture
async def to_decide(api: Api, with_experts: str) -> str:
    """A case that two experts have scored."""
    await give(api, with_experts, EXPERTS[:2])
    for expert in EXPERTS[:2]:
        await call(api, "POST", f"{E}/{with_experts}/sheet", expert, 200, json=points())
    return with_experts


@pytest.fixture
async def in_publicity(api: Api, to_decide: str) -> str:
    await act(api, DIRECTOR, to_decide, "propose", amount_wan="20.00")
    return to_decide


async def set_budget(sessions: Sessions, id: str, budget: Decimal | None) -> None:
    async with sessions.begin() as session:
        case = await session.get_one(Application, UUID(id))
        await session.execute(update(Round).where(Round.id == case.round_id).values(budget_wan=budget))


async def end_publicity(sessions: Sessions, id: str) -> None:
    past = clock.now() - timedelta(seconds=1)
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(id)).values(publicity_until=past))


async def owed(sessions: Sessions, id: str) -> list[str]:
    """The kinds of news that an application owed, in order."""
    query = select(Owed).where(Owed.application_id == UUID(id), Owed.topic == "notify").order_by(Owed.created_at)
    async with sessions() as session:
        return [row.payload["kind"] for row in await session.scalars(query)]


async def letter_of(api: Api, sessions: Sessions, id: str, kind: str) -> tuple[dict[str, Any], Letter]:
    listed = await call(api, "GET", f"/api/v1/applications/{id}/letters", WHO, 200)
    [found] = [letter for letter in listed if letter["kind"] == kind]
    async with sessions() as session:
        documents = await session.scalars(
            select(Document).where(Document.application_id == UUID(id), Document.kind == "letter")
        )
        models = [Letter.model_validate(d.snapshot["model"]) for d in documents if d.snapshot]
    return found, next(m for m in models if m.reference == found["reference"])


async def test_a_case_goes_from_acceptance_to_approval(api: Api, sessions: Sessions, in_publicity: str) -> None:
    id = in_publicity
    listed = (await call(api, "GET", "/internal/publicity", None, 200))["items"]  # type: ignore[arg-type]
    [shown] = [item for item in listed if item["amount_wan"] == "20.00" and item["project_name"]]
    assert set(shown) == {
        "number", "project_name", "enterprise_name", "fund_type_label", "round_title", "amount_wan", "since", "until",
        "announcement",
    }  # fmt: skip
    running = await act(api, DIRECTOR, id, "approve", 409)
    assert running["type"] == "publicity_running"
    await end_publicity(sessions, id)
    await act(api, DIRECTOR, id, "approve")
    assert await state(api, id) == "approved"
    letter, model = await letter_of(api, sessions, id, "approve")
    assert letter["name"] == "批复通知书"
    assert "京工美批" in letter["reference"]
    assert "20.00万元（人民币贰拾万元整）" in "".join(model.paragraphs)
    pdf = await api.call("GET", f"/api/v1/applications/{id}/letters/{letter['id']}", WHO)
    assert pdf.status == 202  # no worker here makes it
    assert (
        await api.call("GET", f"/api/v1/applications/{id}/letters/{letter['id']}", OTHER_ENTERPRISE)
    ).status == 404
    assert await owed(sessions, id) == [
        "submission_received", "application_accepted", "publicity_begun", "application_decided",
    ]  # fmt: skip
    async with sessions() as session:
        moves = await session.scalars(
            select(Audit).where(Audit.application_id == UUID(id), Audit.to_state.is_not(None)).order_by(Audit.id)
        )
        assert [m.action for m in moves] == [
            "start", "submit", "accept", "pass", "conclude", "propose", "approve",
        ]  # fmt: skip


async def decided(api: Api, who: Actor, id: str) -> Any:
    """What the list, the application and its page tell of the decision, which is the same."""
    [listed] = [
        item
        for item in (await call(api, "GET", "/api/v1/applications" if who is WHO else R, who, 200))["items"]
        if item["id"] == id
    ]
    alone = await call(api, "GET", f"/api/v1/applications/{id}", who, 200)
    page = f"/api/v1/applications/{id}/page" if who is WHO else f"{R}/{id}/case"
    shown = (await call(api, "GET", page, who, 200))["application"]
    assert listed["decided"] == alone["decided"] == shown["decided"]
    return listed["decided"]


async def test_every_decision_is_told_with_its_amount_reason_and_letter(
    api: Api, sessions: Sessions, to_decide: str
) -> None:
    assert await decided(api, WHO, to_decide) is None
    await act(api, DIRECTOR, to_decide, "propose", amount_wan="1.05")
    told = await decided(api, WHO, to_decide)
    assert told == await decided(api, DIRECTOR, to_decide)
    assert (told["action"], told["amount_wan"], told["amount_words"]) == (
        "propose", "1.05", "人民币壹万零伍佰元整",
    )  # fmt: skip
    async with sessions() as session:
        case = await session.get_one(Application, UUID(to_decide))
        assert datetime.fromisoformat(told["publicity_until"]) == case.publicity_until
    assert told["letter"] is None
    # Whoever scored it is no party to what follows.
    seen = await call(api, "GET", f"{E}/{to_decide}/case", EXPERTS[0], 200)
    assert seen["application"]["decided"] is None
    await end_publicity(sessions, to_decide)
    await act(api, DIRECTOR, to_decide, "approve")
    told = await decided(api, WHO, to_decide)
    letter, _ = await letter_of(api, sessions, to_decide, "approve")
    assert (told["action"], told["amount_wan"], told["publicity_until"]) == ("approve", "1.05", None)
    assert told["letter"] == {key: letter[key] for key in ("id", "name", "reference")}
    assert "专款专用" in told["next"]


async def test_a_decline_is_told_with_its_reason_and_without_what_was_promised(
    api: Api, in_publicity: str
) -> None:
    await act(api, DIRECTOR, in_publicity, "decline", reason="异议成立：作品非自主设计。")
    told = await decided(api, WHO, in_publicity)
    assert (told["action"], told["label"], told["reason"]) == ("decline", "不予支持", "异议成立：作品非自主设计。")
    assert (told["amount_wan"], told["publicity_until"], told["letter"]["name"]) == (None, None, "不予支持通知书")
    timeline = (await call(api, "GET", f"/api/v1/applications/{in_publicity}/timeline", WHO, 200))["entries"]
    assert [e["actor"] for e in timeline if e["action"] in {"propose", "decline"}] == ["审定人员", "审定人员"]


async def test_a_refusal_is_told_as_such(api: Api, submitted: str) -> None:
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    await act(api, REVIEWER, submitted, "accept")
    await act(api, REVIEWER, submitted, "refuse", reason="申报主体不在本市。")
    told = await decided(api, WHO, submitted)
    assert (told["label"], told["reason"]) == ("不予受理", "申报主体不在本市。")


async def test_batches_take_in_what_is_accepted(api: Api, submitted: str, round_id: str) -> None:
    made = await call(
        api, "POST", "/api/v1/review/batches", REVIEWER, 201, json={"round": round_id, "name": "十一月批"}
    )
    again = await call(
        api, "POST", "/api/v1/review/batches", REVIEWER, 409, json={"round": round_id, "name": "十一月批"}
    )
    assert again["type"] == "batch_exists"
    await call(api, "POST", f"/api/v1/review/batches/{made['id']}/close", REVIEWER, 204)
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    closed = await act(api, REVIEWER, submitted, "accept", 409, batch=made["id"])
    assert closed["type"] == "batch_closed"
    nowhere = await act(api, REVIEWER, submitted, "accept", 422, batch="00000000-0000-0000-0000-000000000000")
    assert nowhere["errors"][0]["code"] == "unknown_batch"
    open_ = await call(
        api, "POST", "/api/v1/review/batches", REVIEWER, 201, json={"round": round_id, "name": "十二月批"}
    )
    await act(api, REVIEWER, submitted, "accept")
    queue = await call(api, "GET", f"{R}?batch={open_['id']}", REVIEWER, 200)
    assert [item["id"] for item in queue["items"]] == [submitted]
    listed = await call(api, "GET", f"/api/v1/review/batches?round={round_id}", REVIEWER, 200)
    assert {b["name"]: b["cases"] for b in listed}["十二月批"] == 1


async def test_a_large_batch_is_counted_up_to_a_thousand(
    api: Api, sessions: Sessions, round_id: str, submitted: str
) -> None:
    made = await call(
        api, "POST", "/api/v1/review/batches", REVIEWER, 201, json={"round": round_id, "name": "大批"}
    )
    async with sessions() as session:
        for extra, counted in ((3, 3), (batches.COUNT_UP_TO, batches.COUNT_UP_TO)):
            await session.execute(text(MANY), {"like": submitted, "batch": made["id"], "extra": extra})
            assert {b.name: n for b, n in await batches.listed(session, UUID(round_id))}["大批"] == counted
        await session.rollback()


async def test_no_case_passes_with_opinions_that_nobody_heard_of(api: Api, submitted: str) -> None:
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    await act(api, REVIEWER, submitted, "accept")
    await call(api, "POST", f"{R}/{submitted}/lease", REVIEWER, 200, json={})
    await call(
        api, "POST", f"{R}/{submitted}/opinions", REVIEWER, 201, json={"section": "contact", "text": "核对"}
    )
    assert (await act(api, REVIEWER, submitted, "pass", 409))["type"] == "opinions_noted"


async def test_experts_score_blind_until_the_last(api: Api, sessions: Sessions, with_experts: str) -> None:
    id = with_experts
    for expert in EXPERTS[:2]:
        assert (await api.call("GET", f"/api/v1/applications/{id}", expert)).status == 404
    few = await give(api, id, EXPERTS[:1], 422)
    assert few["errors"][0]["code"] == "too_few_experts"
    await give(api, id, EXPERTS[:2])
    first, second, outside = EXPERTS
    assert id in {case["id"] for case in await call(api, "GET", E, first, 200)}
    assert (await api.call("GET", f"/api/v1/applications/{id}/revisions/1", first)).status == 200
    # Not the correspondence, and nothing of a case one was not given.
    assert (await api.call("GET", f"/api/v1/applications/{id}/timeline", first)).status == 403
    assert (await api.call("GET", f"{E}/{id}/sheet", outside)).status == 404
    await call(api, "PUT", f"{E}/{id}/sheet", first, 200, json={"scores": {"artistry": "九十"}})
    kept = await call(api, "GET", f"{E}/{id}/sheet", first, 200)
    assert (kept["values"]["scores"], kept["submitted_at"]) == ({"artistry": "九十"}, None)
    await call(api, "POST", f"{E}/{id}/sheet", first, 200, json=points("90"))
    seen = await call(api, "GET", f"{R}/{id}/experts", DIRECTOR, 200)
    assert seen["open"] is False
    assert all(a["total"] is None and a["values"] is None for a in seen["assessments"])
    assert (await call(api, "GET", f"{E}/{id}/sheet", second, 200))["values"]["scores"] == {}
    again = await call(api, "POST", f"{E}/{id}/sheet", first, 409, json=points("10"))
    assert again["type"] == "already_scored"
    scored = await give(api, id, EXPERTS[1:], 422)
    assert scored["errors"][0]["code"] == "expert_scored"
    await call(api, "POST", f"{E}/{id}/sheet", second, 200, json=points("61.5"))
    assert await state(api, id) == "decision"
    seen = await call(api, "GET", f"{R}/{id}/experts", DIRECTOR, 200)
    assert (seen["score"], seen["wide"]) == ("75.75", True)
    assert sorted(a["total"] for a in seen["assessments"]) == ["61.50", "90.00"]
    # The applicant learns that it was concluded, not by whom and how.
    told = await call(api, "GET", f"/api/v1/applications/{id}/timeline", WHO, 200)
    assert "孙专家" not in str(told)
    assert "90.00" not in str(told)


async def test_experts_score_by_a_day_and_are_reminded_twice(
    api: Api, sessions: Sessions, with_experts: str
) -> None:
    id, (first, second, third) = UUID(with_experts), EXPERTS
    await give(api, with_experts, EXPERTS[:2])
    [line] = [case for case in await call(api, "GET", E, first, 200) if case["id"] == with_experts]
    due = datetime.fromisoformat(line["due_at"])
    assert due == WorkingDays().closing(clock.now(), 10)

    async def remind(at: datetime | None = None) -> None:
        """Look as the relay does, once its day is `at`."""
        async with sessions.begin() as session:
            if at is not None:
                waits = Assessment.submitted_at.is_(None)
                mine = update(Assessment).where(Assessment.application_id == id, waits)
                await session.execute(mine.values(due_at=at))
        async with sessions.begin() as session:
            await remind_experts(session)

    async def told(who: Actor) -> list[str]:
        found = await call(api, "GET", "/api/v1/messages", who, 200)
        return [one["kind"] for one in found["items"] if one["application_id"] == with_experts]

    await remind()
    assert await told(first) == ["to_score"]
    soon, past = clock.now() + timedelta(days=1), clock.now() - timedelta(hours=1)
    for at in (soon, soon, past, past):
        await remind(at)
    assert await told(first) == ["score_late", "score_due", "to_score"]
    assert await told(REVIEWER) == ["expert_late", "expert_late"]  # one for each of the two
    listed = await call(api, "GET", "/api/v1/review/score-sheets", DIRECTOR, 200)
    assert [(s["expert"], s["late"], s["begun"]) for s in listed if s["application_id"] == with_experts] == [
        (name, True, False) for name in sorted((first.name, second.name))
    ]
    # What was begun is kept when another takes the place; a new day begins for all who have not scored.
    await call(api, "PUT", f"{E}/{id}/sheet", first, 200, json={"scores": {"artistry": "91"}, "opinion": "初稿"})
    headers = {"If-Match": await api.etag(REVIEWER, with_experts)}
    body = {"experts": [second.account, third.account], "working_days": 3}
    seen = await call(api, "PUT", f"{R}/{id}/experts", REVIEWER, 200, json=body, headers=headers)
    days = {datetime.fromisoformat(a["due_at"]) for a in seen["assessments"]}
    assert days == {WorkingDays().closing(clock.now(), 3)}
    assert not any(a["late"] for a in seen["assessments"])
    assert await told(first) == []
    page = await call(api, "GET", f"{R}/{id}/case", REVIEWER, 200)
    [gone] = page["experts"]["taken_off"]
    assert (gone["name"], gone["begun"], gone["by"]) == (first.name, True, REVIEWER.name)
    async with sessions() as session:
        kept = (await session.scalars(select(KeptSheet).where(KeptSheet.application_id == id))).one()
        assert (kept.values["scores"], kept.values["opinion"]) == ({"artistry": "91"}, "初稿")
    # Late is taken all the same, and once it is in nobody is reminded of it.
    await call(api, "POST", f"{E}/{id}/sheet", second, 200, json=points())
    await remind(past)
    assert await told(second) == ["score_late", "score_due", "to_score"]
    bad = await call(
        api, "PUT", f"{R}/{id}/experts", REVIEWER, 400, json={**body, "working_days": 0}, headers=headers
    )
    assert bad["type"] == "malformed"


BAD_SHEETS: list[tuple[dict[str, Any], str]] = [
    ({"scores": {"artistry": "100.1"}}, "score_out_of_range"),
    ({"scores": {"artistry": "-1"}}, "score_out_of_range"),
    ({"scores": {"artistry": "80.55"}}, "score_out_of_range"),
    ({"scores": {"artistry": "NaN"}}, "score_out_of_range"),
    ({"scores": {"artistry": "8,5"}}, "score_out_of_range"),
    ({"scores": {"artistry": "8_5"}}, "score_out_of_range"),
    ({"scores": {"artistry": ""}}, "required"),
    ({"scores": {"unheard_of": "1"}}, "unknown_criterion"),
    ({"comments": {"artistry": " "}}, "comment_required"),
    ({"scores": {"innovation": "59.9"}, "comments": {"innovation": ""}}, "comment_required"),
    ({"opinion": "  "}, "required"),
]


async def test_an_experts_page_says_what_the_single_questions_say(api: Api, with_experts: str) -> None:
    expert, other = EXPERTS[0], EXPERTS[2]
    await give(api, with_experts, EXPERTS[:2])
    await call(api, "PUT", f"{E}/{with_experts}/sheet", expert, 200, json=points("81"))
    found = await call(api, "GET", f"{E}/{with_experts}/case", expert, 200)
    summary = await call(api, "GET", f"/api/v1/applications/{with_experts}", expert, 200)
    assert found["application"] == {key: summary[key] for key in found["application"]}
    assert found["mine"] == await call(api, "GET", f"{E}/{with_experts}/sheet", expert, 200)
    assert found["checks"] == await call(api, "GET", f"/api/v1/applications/{with_experts}/checks", expert, 200)
    snapshot = await call(api, "GET", f"/api/v1/applications/{with_experts}/revisions/1", expert, 200)
    sections = snapshot["content"]["sections"]
    assert {m["key"] for m in found["materials"]} == {key for key in sections if sections[key] is not None}
    for material in found["materials"]:
        shown = [part["label"] for name in ("values", "tables", "slots") for part in material[name]]
        assert len(shown) == len(sections[material["key"]]), material["key"]
    # Nothing personal: whom to call is the bureau's alone, and files that may tell of persons are named and not shown.
    labels = {value["label"] for m in found["materials"] for value in m["values"]}
    assert "项目名称" in labels
    assert not labels & {"移动电话", "联系人", "联系电话", "Email"}
    files = {f["id"]: f["withheld"] for m in found["materials"] for s in m["slots"] for f in s["files"]}
    known = snapshot["content"]["attachments"]
    assert files == {id: known[id].get("withheld", False) for id in files}
    assert True in files.values()
    await call(api, "GET", f"{E}/{with_experts}/case", other, 404)
    await call(api, "GET", f"{E}/{with_experts}/case", REVIEWER, 403)


async def test_a_bad_sheet_is_refused_at_its_place(api: Api, with_experts: str) -> None:
    await give(api, with_experts, EXPERTS[:2])
    path, good = f"{E}/{with_experts}/sheet", points()
    for changes, code in BAD_SHEETS:
        bad = {k: good[k] | v if isinstance(v, dict) else v for k, v in {**good, **changes}.items()}
        refused = await call(api, "POST", path, EXPERTS[0], 422, json=bad)
        assert [e["code"] for e in refused["errors"]] == [code], changes
    assert (await call(api, "GET", path, EXPERTS[0], 200))["submitted_at"] is None
    doubtful = {**good, "scores": good["scores"] | {"artistry": "8,5"}}
    refused = await call(api, "POST", path, EXPERTS[0], 422, json=doubtful)
    assert "可读作 85 或 8.5" in refused["errors"][0]["message"]
    # At sixty points a comment may be left out.
    good["comments"].pop("innovation")
    await call(
        api, "POST", path, EXPERTS[0], 200, json={**good, "scores": good["scores"] | {"innovation": "60 分"}}
    )


async def test_never_to_a_case_with_a_declared_conflict(
    api: Api, sessions: Sessions, with_experts: str, round_id: str
) -> None:
    id, expert = with_experts, EXPERTS[2]
    async with sessions() as session:
        enterprise = (await session.get_one(Application, UUID(id))).enterprise
    wrong = await call(
        api, "POST", "/api/v1/expert/recusals", expert, 422,
        json={"enterprise": "123", "enterprise_name": "某单位", "reason": "顾问"},
    )  # fmt: skip
    assert wrong["errors"][0]["code"] == "not_uscc"
    await give(api, id, EXPERTS)
    for other in EXPERTS[:2]:
        await call(api, "POST", f"{E}/{id}/sheet", other, 200, json=points("70"))
    assert await state(api, id) == "expert_review"
    # The conflict of the last one concludes the case with the scores there are.
    await call(
        api, "POST", "/api/v1/expert/recusals", expert, 204,
        json={"enterprise": enterprise, "enterprise_name": "本单位", "reason": "曾任顾问"},
    )  # fmt: skip
    assert await state(api, id) == "decision"
    assert (await api.call("GET", f"/api/v1/applications/{id}", expert)).status == 404
    # Another case of the same enterprise.
    created = await api.create(WHO, round_id)
    await api.fill(WHO, created["id"])
    assert (await api.submit(WHO, created["id"])).status == 200
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(created["id"])).values(state="expert_review")
        )
    refused = await give(api, created["id"], EXPERTS, 422)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("experts.2", "expert_recused")]
    assert "曾任顾问" in refused["detail"]
    async with sessions() as session:
        assert (await session.get_one(Application, UUID(created["id"]))).version  # nothing half done
    assert (await call(api, "GET", f"{R}/{created['id']}/experts", REVIEWER, 200))["assessments"] == []
    # One who finds out only now.
    await give(api, created["id"], EXPERTS[:2])
    await call(api, "POST", f"{E}/{created['id']}/recusal", EXPERTS[0], 204, json={"reason": "亲属任职"})
    left = await call(api, "GET", f"{R}/{created['id']}/experts", REVIEWER, 200)
    assert [a["name"] for a in left["assessments"]] == ["钱专家"]
    assert {c["name"] for c in left["choices"] if c["recused"]} == {"孙专家", "李专家"}
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(created["id"])).values(deleted_at=clock.now())
        )


@pytest.fixture(autouse=True)
async def forgotten(sessions: Sessions) -> AsyncIterator[None]:
    """Declared conflicts are a test's own."""
    yield
    async with sessions.begin() as session:
        for found in await session.scalars(select(Recusal)):
            await session.delete(found)


BAD_AMOUNTS: list[tuple[str | None, str | None, int, str]] = [
    ("22.01", None, 409, "amount_too_high"),
    ("0", None, 409, "amount_required"),
    (None, None, 409, "amount_required"),
    ("20.001", None, 400, "malformed"),
    ("许多", None, 400, "malformed"),
    # A comma or a blank off the thousands never multiplies, nor does what Python reads as a number.
    ("1,5", None, 400, "malformed"),
    ("１，５", None, 400, "malformed"),
    ("1 5", None, 400, "malformed"),
    ("1_5", None, 400, "malformed"),
    ("20.00", "19.99", 409, "budget_exceeded"),
]


async def test_an_amount_stays_within_what_was_asked_and_what_there_is(
    api: Api, sessions: Sessions, to_decide: str
) -> None:
    async with sessions() as session:
        used = await spent(session, (await session.get_one(Application, UUID(to_decide))).round_id)
    for amount, budget, status, code in BAD_AMOUNTS:
        await set_budget(sessions, to_decide, used + Decimal(budget) if budget else None)
        refused = await act(api, DIRECTOR, to_decide, "propose", status, amount_wan=amount)
        assert refused["type"] == code, amount
        assert await state(api, to_decide) == "decision"
    await set_budget(sessions, to_decide, None)


async def test_two_who_spend_one_budget_never_spend_it_twice(
    api: Api, sessions: Sessions, to_decide: str, round_id: str
) -> None:
    ids = [to_decide]
    for _ in range(2):
        created = await api.create(WHO, round_id)
        await api.fill(WHO, created["id"])
        assert (await api.submit(WHO, created["id"])).status == 200
        ids.append(created["id"])
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id.in_([UUID(i) for i in ids])).values(state="decision")
        )
        used = await spent(session, UUID(round_id))
    await set_budget(sessions, to_decide, used + Decimal("30.00"))
    tags = {id: await api.etag(DIRECTOR, id) for id in ids}
    answers = await asyncio.gather(
        *(
            api.call(
                "POST", f"{R}/{id}/propose", DIRECTOR, json={"amount_wan": "15.00"}, headers={"If-Match": tag}
            )
            for id, tag in tags.items()
        )
    )
    assert sorted(a.status for a in answers) == [200, 200, 409]
    ranking = await call(api, "GET", f"/api/v1/review/ranking?round={round_id}", DIRECTOR, 200)
    assert ranking["budget"]["left_wan"] == "0.00"
    await set_budget(sessions, to_decide, None)


async def test_ranking_is_by_score_and_equals_share_a_place(
    api: Api, sessions: Sessions, to_decide: str, round_id: str
) -> None:
    ranking = await call(api, "GET", f"/api/v1/review/ranking?round={round_id}", DIRECTOR, 200)
    scores = [Decimal(item["score"]) for item in ranking["items"] if item["score"]]
    assert scores == sorted(scores, reverse=True)
    by_score = {
        item["score"]: {i["rank"] for i in ranking["items"] if i["score"] == item["score"]}
        for item in ranking["items"]
    }
    assert all(len(ranks) == 1 for ranks in by_score.values())
    assert (await api.call("GET", "/api/v1/review/ranking", DIRECTOR)).status == 400
    assert (await api.call("GET", f"/api/v1/review/ranking?round={round_id}", EXPERTS[0])).status == 403


async def test_the_ranking_page_is_the_ranking_with_the_rounds_beside_it(
    api: Api, to_decide: str, round_id: str
) -> None:
    every = await call(api, "GET", "/api/v1/review/ranking/page", DIRECTOR, 200)
    found = await call(api, "GET", f"/api/v1/review/ranking/page?round={round_id}", DIRECTOR, 200)
    # Without a round named: what waits in every round, with its place among all of its round.
    assert (every["round"], every["ranking"], every["rounds"]) == ("", None, found["rounds"])
    whole = found["ranking"]["items"]
    assert {item["state"] for item in whole} > {"decision"}
    waits = [item for item in whole if item["state"] in {"decision", "proposed"}]
    assert to_decide in {item["id"] for item in waits}
    assert {r["round"]: r["items"] for r in every["open"]}[round_id] == waits
    assert all(r["items"] for r in every["open"])
    assert found["round"] == round_id
    assert found["ranking"] == await call(api, "GET", f"/api/v1/review/ranking?round={round_id}", DIRECTOR, 200)
    assert found["rounds"] == (await call(api, "GET", "/api/v1/review/choices", DIRECTOR, 200))["rounds"]
    for nonsense in (str(UUID(int=1)), "nonsense"):
        missing = await call(api, "GET", f"/api/v1/review/ranking/page?round={nonsense}", DIRECTOR, 200)
        assert (missing["round"], missing["ranking"]) == (nonsense, None)
    await call(api, "GET", "/api/v1/review/ranking/page", WHO, 403)


async def test_objections_are_answered_before_anything_is_approved(
    api: Api, sessions: Sessions, in_publicity: str
) -> None:
    id = in_publicity
    said = {
        "objector": "王某",
        "contact": "010-1",
        "text": "作品并非原创",
        "received_on": clock.today().isoformat(),
    }
    late = await call(
        api, "POST", f"{R}/{id}/objections", REVIEWER, 422,
        json={**said, "received_on": (clock.today() + timedelta(days=1)).isoformat()},
    )  # fmt: skip
    assert late["errors"][0]["code"] == "not_in_publicity"
    made = await call(api, "POST", f"{R}/{id}/objections", REVIEWER, 201, json=said)
    await end_publicity(sessions, id)
    assert (await act(api, DIRECTOR, id, "approve", 409))["type"] == "objections_open"
    path = f"{R}/{id}/objections/{made['id']}"
    settled = await call(api, "POST", path, DIRECTOR, 200, json={"upheld": True, "outcome": "经核实属实"})
    assert (settled["upheld"], settled["handled_by"]) == (True, DIRECTOR.name)
    twice = await call(api, "POST", path, REVIEWER, 409, json={"upheld": False, "outcome": "不属实"})
    assert twice["type"] == "objection_settled"
    assert (await act(api, DIRECTOR, id, "decline", 409, reason=" "))["type"] == "reason_required"
    await act(api, DIRECTOR, id, "decline", reason="异议成立")
    stage = await call(api, "GET", f"{R}/{id}/stage", REVIEWER, 200)
    assert stage["approved_wan"] is None
    _, model = await letter_of(api, sessions, id, "reject")
    assert model.paragraphs[-1] == "异议成立"
    assert (await owed(sessions, id))[-1] == "application_decided"


async def test_a_return_has_its_letter_until_it_is_taken_back(
    api: Api, sessions: Sessions, submitted: str
) -> None:
    until = (clock.now() + timedelta(days=10)).isoformat()
    opinions = [{"section": "contact", "field": "email", "text": "请核对 {邮箱}"}, {"text": "整体补充"}]
    assert (await api.act(REVIEWER, submitted, "return", correct_by=until, opinions=opinions)).status == 200
    letter, model = await letter_of(api, sessions, submitted, "return")
    assert letter["name"] == "退回补正通知书"
    assert model.addressee == WHO.enterprise_name
    assert model.paragraphs[1:3] == ["1.项目联系人 · Email：请核对 {邮箱}", "2.整体：整体补充"]
    assert (await api.act(REVIEWER, submitted, "recall")).status == 200
    assert await call(api, "GET", f"/api/v1/applications/{submitted}/letters", WHO, 200) == []
    kept = await call(api, "GET", f"/api/v1/applications/{submitted}/letters", REVIEWER, 200)
    assert kept[0]["recalled_at"] is not None
    assert (await owed(sessions, submitted))[-1] == "return_recalled"


async def test_two_decisions_at_once_and_one_that_is_told(api: Api, to_decide: str) -> None:
    tag = await api.etag(DIRECTOR, to_decide)
    second = factories.staff(Role.DIRECTOR, "副审定")
    await act(api, DIRECTOR, to_decide, "decline", reason="名额已满")
    refused = await call(
        api,
        "POST",
        f"{R}/{to_decide}/propose",
        second,
        412,
        json={"amount_wan": "1.00"},
        headers={"If-Match": tag},
    )
    assert DIRECTOR.name in refused["detail"]
    assert "不予支持" in refused["detail"]


async def test_decisions_that_are_truly_simultaneous_are_one(api: Api, sessions: Sessions, to_decide: str) -> None:
    """Not one after the other with an old tag: both are under way before either has ended."""
    second = factories.staff(Role.DIRECTOR, "副审定")
    headers = {"If-Match": await api.etag(DIRECTOR, to_decide)}
    asked = {
        DIRECTOR.name: ("propose", DIRECTOR, {"amount_wan": "1.00"}),
        second.name: ("decline", second, {"reason": "名额已满"}),
    }
    answers = dict(
        zip(
            asked,
            await asyncio.gather(
                *(
                    api.call("POST", f"{R}/{to_decide}/{action}", who, json=body, headers=headers)
                    for action, who, body in asked.values()
                )
            ),
            strict=True,
        )
    )
    assert sorted(a.status for a in answers.values()) == [200, 412]
    [winner] = [name for name, answer in answers.items() if answer.status == 200]
    [loser] = [name for name, answer in answers.items() if answer.status == 412]
    told = (await answers[loser].json())["detail"]
    assert winner in told
    assert ("公示" if winner == DIRECTOR.name else "不予支持") in told
    kinds = await owed(sessions, to_decide)
    assert sum(kind in {"publicity_begun", "application_decided"} for kind in kinds) == 1

"""公示 and 批复 as one act: a draft of a round's cases that a second person publishes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.stored_contents import kept_pdfs
from services.applications.forms.catalogue import form
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit, Document, Owed, Revision, Round, Section
from services.applications.tables.decision import Announcement, Letter, Listed
from shared import clock
from shared.document import Letter as LetterModel
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

Sessions = async_sessionmaker[AsyncSession]
ONE, OTHER = factories.applicant(), factories.applicant(factories.ENTERPRISE_2)
REVIEWER = factories.staff(Role.REVIEWER)
FIRST, SECOND = factories.staff(Role.DIRECTOR, "甲主任"), factories.staff(Role.DIRECTOR, "乙主任")
L, R = "/api/v1/review/announcements", "/api/v1/review/applications"
Case = Callable[..., Awaitable[str]]


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    return make_settings(database_url, tmp_path_factory.mktemp("applications"), publicity_by_list=True)


@pytest.fixture
async def round_of_our_own(sessions: Sessions, api: Api) -> UUID:
    """A round that no other test has cases in."""
    now = clock.now()
    made = Round(
        id=uuid4(), fund_type="reward", form_version=1, title="二〇二六年第一批", parameters={},
        opens_at=now - timedelta(days=60), closes_at=now - timedelta(days=30), published_at=now,
        budget_wan=Decimal("100.00"),
    )  # fmt: skip
    async with sessions.begin() as session:
        session.add(made)
    return made.id


@pytest.fixture
async def case(sessions: Sessions, round_of_our_own: UUID) -> Case:
    """Make a case that experts have scored: rows alone, for what comes before is tried elsewhere."""
    numbers = iter(range(1, 1000))
    mark = uuid4().hex[:6].upper()

    async def make(
        who: Actor = ONE, amount: str | None = "20.00", state: str = "proposed", district: str = "东城区"
    ) -> str:
        id, n, now = uuid4(), next(numbers), clock.now()
        application = Application(
            id=id, round_id=round_of_our_own, fund_type="reward", form_version=1, enterprise=who.enterprise,
            enterprise_name=who.enterprise_name, created_by=who.account, state=state, revision=1,
            number=f"BL{mark}{n:03}", project_name=f"景泰蓝第{n}号", applied_wan=Decimal("50.00"),
            approved_wan=Decimal(amount) if amount else None, submitted_at=now, submitted_from="draft",
            district=district, wrapped_key=b"", unlocked=[], handler_name="李响", handler_email="li@example.com",
        )  # fmt: skip
        content: dict[str, Any] = {"sections": {}, "attachments": {}}
        revision = Revision(
            application_id=id, number=1, content=content, sha256="", sm3="", received_at=now, submitted_by="",
            receipt={},
        )  # fmt: skip
        async with sessions.begin() as session:
            session.add(application)
            await session.flush()
            session.add(revision)
            session.add_all(Section(application_id=id, key=section.key) for section in form("reward", 1).sections)
        return str(id)

    return make


async def call(
    api: Api, method: str, path: str, who: Actor | None, status: int, etag: str | None = None, **options: Any
) -> Any:
    if etag is not None:
        options["headers"] = {"If-Match": f'"{etag}"'}
    answer = await api.call(method, path, who, **options)
    assert answer.status == status, await answer.text()
    return await answer.json() if answer.content_type.endswith("json") else None


async def act(api: Api, who: Actor, id: str, action: str, status: int = 200, **body: Any) -> Any:
    headers = {"If-Match": await api.etag(who, id)}
    return await call(api, "POST", f"{R}/{id}/{action}", who, status, json=body, headers=headers)


async def drafted(api: Api, round_id: UUID, who: Actor = FIRST, kind: str = "publicity", status: int = 201) -> Any:
    return await call(api, "POST", L, who, status, json={"round": str(round_id), "kind": kind})


async def publish(api: Api, found: Any, who: Actor = SECOND, status: int = 200) -> Any:
    return await call(api, "POST", f"{L}/{found['id']}/publish", who, status, found["etag"], json={})


def body(found: Any, **changes: Any) -> dict[str, Any]:
    kept = {name: found[name] for name in ("title", "text", "working_days")}
    return {**kept, "cases": [c["id"] for c in found["items"]], **changes}


async def owed(sessions: Sessions, ids: list[str]) -> list[dict[str, Any]]:
    query = select(Owed).where(Owed.application_id.in_([UUID(id) for id in ids]), Owed.topic == "notify")
    async with sessions() as session:
        return [row.payload for row in await session.scalars(query.order_by(Owed.created_at))]


async def test_a_list_is_gathered_looked_at_and_published_by_a_second_person(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID
) -> None:
    undecided = await case(state="decision", amount=None)
    await act(api, FIRST, undecided, "propose", amount_wan="10.00")
    own, others = await case(amount="20.50"), await case(OTHER, "5.00", district="通州区")
    overview = await call(api, "GET", L, REVIEWER, 200)
    [waiting] = [w for w in overview["waiting"] if w["round"] == str(round_of_our_own)]
    assert (waiting["kind"], waiting["cases"], waiting["amount_wan"]) == ("publicity", 3, "35.50")
    # Nobody outside knows: it is 待审定, in every way in which an applicant can look.
    seen = await call(api, "GET", f"/api/v1/applications/{undecided}", ONE, 200)
    assert (seen["state"], seen["state_label"], seen["decided"]) == ("decision", "待审定", None)
    for wanted, found in (("proposed", 0), ("decision", 1)):
        items = (await call(api, "GET", f"/api/v1/applications?state={wanted}", ONE, 200))["items"]
        assert sum(item["id"] == undecided for item in items) == found
    told = (await call(api, "GET", f"/api/v1/applications/{undecided}/timeline", ONE, 200))["entries"]
    assert not any(entry["action"] == "propose" for entry in told)
    assert (await call(api, "GET", f"/api/v1/applications/{undecided}", FIRST, 200))["decided"]["amount_wan"]

    draft = await drafted(api, round_of_our_own, REVIEWER)
    assert (await drafted(api, round_of_our_own))["id"] == draft["id"]  # a round has one
    assert (draft["cases"], draft["amount_wan"], draft["own"]) == (3, "35.50", True)
    assert draft["budget"] == {"total_wan": "100.00", "used_wan": "35.50", "left_wan": "64.50"}
    assert [(s["label"], s["cases"], s["amount_wan"]) for s in draft["by_district"]] == [
        ("东城区", 2, "30.50"), ("通州区", 1, "5.00"),
    ]  # fmt: skip
    assert draft["title"] == "关于二〇二六年第一批拟支持项目的公示"
    # Not public yet, whatever is asked for by its id.
    await call(api, "GET", f"/internal/publicity/{draft['id']}", None, 404)
    await call(api, "GET", f"/internal/publicity/{draft['id']}/pdf", None, 404)
    await call(api, "GET", f"{L}/{draft['id']}/pdf", FIRST, 404)

    changed = await call(
        api, "PUT", f"{L}/{draft['id']}", FIRST, 200, draft["etag"],
        json=body(draft, title="拟支持项目公示", text="第一段\n第二段", working_days=7),
    )  # fmt: skip
    assert (changed["drafted_by"], changed["own"]) == ("甲主任", True)
    assert (await publish(api, changed, REVIEWER, 403))["type"] == "not_allowed"
    refused = await publish(api, changed, FIRST, 409)
    assert (refused["type"], refused["detail"]) == (
        "second_person", "名单由您拟定或最后修改，须由另一位审定人员发布。",
    )  # fmt: skip
    published = await publish(api, changed)
    year = clock.today().year
    assert published["reference"].startswith(f"京工美公示〔{year}〕")
    assert published["published_by"] == "乙主任"
    # The second press finds it done, with who did it.
    again = await publish(api, published, SECOND, 409)
    assert again["type"] == "already_published"
    assert "乙主任" in again["detail"]
    for change in (("PUT", body(published)), ("DELETE", None)):
        await call(api, change[0], f"{L}/{draft['id']}", FIRST, 409, published["etag"], json=change[1])

    # One mail a unit, for all that it has on the list.
    events = await owed(sessions, [undecided, own, others])
    assert sorted(len(e["projects"]) for e in events) == [1, 2]
    assert {e["kind"] for e in events} == {"publicity_announced"}
    assert {e["reference"] for e in events} == {published["reference"]}
    seen = await call(api, "GET", f"/api/v1/applications/{undecided}", ONE, 200)
    assert (seen["state"], seen["decided"]["action"], seen["decided"]["announcement"]) == (
        "publicity", "publish", draft["id"],
    )  # fmt: skip
    public = await call(api, "GET", f"/internal/publicity/{draft['id']}", None, 200)
    assert public["publicity_until"] == seen["decided"]["publicity_until"]
    assert public["text"].splitlines()[:2] == ["第一段", "第二段"]
    assert "共 7 个工作日" in public["text"].splitlines()[2]
    assert (public["amount_wan"], public["pdf"]) == ("35.50", False)
    assert not {"甲主任", "乙主任", FIRST.account, SECOND.account} & set(str(public).replace("'", " ").split())
    assert "主任" not in str(public)
    listed = await call(api, "GET", f"/internal/publicity?year={year}", None, 200)
    assert [a["cases"] for a in listed["announcements"] if a["id"] == draft["id"]] == [3]
    assert {i["announcement"] for i in listed["items"] if i["round_title"] == "二〇二六年第一批"} >= {draft["id"]}
    assert year in listed["years"]
    assert (await call(api, "GET", "/internal/publicity?year=1999", None, 200))["announcements"] == []
    # Its letter: of no application, in the register, kept as long as letters are.
    register = await call(api, "GET", "/api/v1/review/letters?series=京工美公示", FIRST, 200)
    [line] = [line for line in register["items"] if line["reference"] == published["reference"]]
    assert (line["announcement_id"], line["application_id"]) == (draft["id"], None)
    async with sessions.begin() as session:
        letter = await session.scalar(select(Letter).where(Letter.reference == published["reference"]))
        assert letter is not None
        document = await session.get_one(Document, letter.document_id)
        assert document.snapshot is not None
        model = LetterModel.model_validate(document.snapshot["model"])
        assert (model.addressee, model.paragraphs[0]) == ("", "第一段")
        assert [row[5] for row in model.tables[0].rows] == ["10.00", "20.50", "5.00"]
        assert model.tables[0].note == "合计（大写）：人民币叁拾伍万伍仟元整"
        document.sha256 = "ab" * 32
        await session.flush()
        assert await kept_pdfs(session, {"ab" * 32}) == {"ab" * 32}
        document.sha256 = None
    assert (await call(api, "GET", f"{L}/{draft['id']}/pdf", FIRST, 202))["status"] == "queued"
    await call(api, "GET", f"/internal/publicity/{draft['id']}/pdf", None, 503)
    async with sessions() as session:
        rows = await session.scalars(
            select(Audit).where(Audit.action.like("%_list")).order_by(Audit.id.desc()).limit(3)
        )
        assert [(r.action, r.actor_name) for r in rows] == [
            ("publish_list", "乙主任"), ("change_list", "甲主任"), ("draft_list", REVIEWER.name),
        ]  # fmt: skip


async def test_whoever_published_at_once_is_one(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID
) -> None:
    ids = [await case() for _ in range(3)]
    draft = await drafted(api, round_of_our_own)
    third = factories.staff(Role.DIRECTOR, "丙主任")
    headers = {"If-Match": f'"{draft["etag"]}"'}
    answers = await asyncio.gather(
        *(
            api.call("POST", f"{L}/{draft['id']}/publish", w, json={}, headers=headers)
            for w in (SECOND, third, SECOND)
        )
    )
    assert sorted(a.status for a in answers) == [200, 409, 409]
    async with sessions() as session:
        one = select(func.count()).where(
            Audit.action == "publish", Audit.application_id.in_([UUID(i) for i in ids])
        )
        assert await session.scalar(one) == 3
        assert (
            len((await session.scalars(select(Listed).where(Listed.announcement_id == UUID(draft["id"])))).all())
            == 3
        )


async def test_nobody_publishes_what_nobody_has_read(api: Api, case: Case, round_of_our_own: UUID) -> None:
    kept, moved = await case(), await case(amount="30.00")
    draft = await drafted(api, round_of_our_own)
    # Its amount is decided anew while somebody looks at the list.
    missing = await act(api, FIRST, moved, "reconsider", 409, reason=" ")
    assert missing["type"] == "reason_required"
    await act(api, FIRST, moved, "reconsider", reason="金额有误")
    assert (await publish(api, draft, SECOND, 412))["type"] == "stale"
    now = await call(api, "GET", f"{L}/{draft['id']}", SECOND, 200)
    assert [c["fault"] for c in now["items"]] == ["", "当前状态为“待审定”，不能执行此操作。"]
    refused = await publish(api, now, SECOND, 422)
    assert refused["type"] == "not_listable"
    assert [e["field"] for e in refused["errors"]] == [moved]
    assert "景泰蓝第2号" in refused["errors"][0]["message"]
    await act(api, FIRST, moved, "propose", amount_wan="12.00")
    assert (await publish(api, now, SECOND, 412))["type"] == "stale"
    now = await call(api, "GET", f"{L}/{draft['id']}", SECOND, 200)
    assert (now["amount_wan"], [c["id"] for c in now["items"]]) == ("32.00", [kept, moved])
    await publish(api, now)


async def test_bad_drafts_are_refused_with_their_place(api: Api, case: Case, round_of_our_own: UUID) -> None:
    nothing = await drafted(api, round_of_our_own, status=409)
    assert nothing["type"] == "nothing_to_list"
    await call(api, "POST", L, FIRST, 404, json={"round": str(uuid4()), "kind": "publicity"})
    await call(api, "POST", L, FIRST, 400, json={"round": "x", "kind": "anything"})
    await call(api, "POST", L, ONE, 403, json={"round": str(round_of_our_own), "kind": "publicity"})
    await case()
    undecided = await case(state="decision", amount=None)
    draft = await drafted(api, round_of_our_own)
    path = f"{L}/{draft['id']}"
    for bad, code in (
        ({"working_days": None}, "required"),
        ({"cases": [undecided]}, "not_listable"),
        ({"cases": [str(uuid4())]}, "not_listable"),
    ):
        refused = await call(api, "PUT", path, REVIEWER, 422, draft["etag"], json=body(draft, **bad))
        assert refused["errors"][0]["code"] == code
    for worse in ({"title": " "}, {"text": ""}, {"working_days": 0}, {"cases": ["x"]}, {"title": "\x00"}):
        await call(api, "PUT", path, REVIEWER, 400, draft["etag"], json=body(draft, **worse))
    await call(api, "PUT", path, REVIEWER, 412, "0.0", json=body(draft))
    for id in (uuid4(), "x"):
        await call(api, "GET", f"{L}/{id}", REVIEWER, 404)
        await call(api, "GET", f"/internal/publicity/{id}", None, 404)
    empty = await call(api, "PUT", path, REVIEWER, 200, draft["etag"], json=body(draft, cases=[]))
    assert (len(empty["others"]), empty["cases"]) == (1, 0)
    assert (await publish(api, empty, FIRST, 409))["type"] == "list_empty"
    await call(api, "DELETE", path, FIRST, 204, empty["etag"])
    await call(api, "GET", path, FIRST, 404)


async def test_a_budget_that_was_lowered_holds_a_list_up(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID
) -> None:
    await case(amount="40.00")
    draft = await drafted(api, round_of_our_own)
    async with sessions.begin() as session:
        await session.execute(
            update(Round).where(Round.id == round_of_our_own).values(budget_wan=Decimal("39.00"))
        )
    refused = await publish(api, draft, SECOND, 409)
    assert (refused["type"], "1.00 万元" in refused["detail"]) == ("budget_exceeded", True)


async def test_what_is_taken_off_stays_on_the_list_as_such(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID
) -> None:
    taken, declined, kept = await case(), await case(OTHER), await case(OTHER)
    draft = await publish(api, await drafted(api, round_of_our_own))
    objection = {
        "objector": "王某",
        "contact": "13800000000",
        "text": "权属有争议",
        "received_on": str(clock.today()),
    }
    noted = await call(api, "POST", f"{R}/{taken}/objections", REVIEWER, 201, json=objection)
    assert noted["announcement_id"] == draft["id"]
    assert (await act(api, SECOND, taken, "take_off", 409, reason=""))["type"] == "reason_required"
    await act(api, REVIEWER, taken, "take_off", 403, reason="权属待查")
    await act(api, SECOND, taken, "take_off", reason="权属待查")
    await act(api, SECOND, declined, "decline", reason="异议成立")
    told = (await call(api, "GET", f"/api/v1/applications/{taken}", ONE, 200))["decided"]
    assert (told["action"], told["label"], told["reason"], told["amount_wan"]) == (
        "take_off", "撤出公示", "权属待查", None,
    )  # fmt: skip
    assert [e["kind"] for e in await owed(sessions, [taken])] == ["publicity_announced", "publicity_left"]
    public = await call(api, "GET", f"/internal/publicity/{draft['id']}", None, 200)
    assert [bool(i["taken_off_on"]) for i in public["items"]] == [True, True, False]
    assert public["amount_wan"] == "20.00"
    assert "权属" not in str(public)  # why is told to the unit and the bureau
    seen = await call(api, "GET", f"{L}/{draft['id']}", REVIEWER, 200)
    assert [(c["reason"], c["taken_off_by"]) for c in seen["items"]][:2] == [
        ("权属待查", "乙主任"), ("异议成立", "乙主任"),
    ]  # fmt: skip
    stage = await call(api, "GET", f"{R}/{kept}/stage", REVIEWER, 200)
    assert stage["announcement"] == {"id": draft["id"], "title": draft["title"], "reference": draft["reference"]}
    assert (await call(api, "GET", f"{R}/{taken}/stage", REVIEWER, 200))["announcement"] is None
    late = await call(api, "POST", f"{R}/{taken}/objections", REVIEWER, 409, json=objection)
    assert late["type"] == "wrong_state"
    # Decided anew, it may stand on the next list.
    await act(api, SECOND, taken, "propose", amount_wan="11.00")
    following = await drafted(api, round_of_our_own)
    assert [c["id"] for c in following["items"]] == [taken]


async def test_one_approval_for_what_nobody_objects_to(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID
) -> None:
    ids = [await case(), await case(OTHER), await case(OTHER)]
    await publish(api, await drafted(api, round_of_our_own))
    assert (await drafted(api, round_of_our_own, kind="approval", status=409))["type"] == "nothing_to_list"
    past = clock.now() - timedelta(seconds=1)
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id.in_([UUID(i) for i in ids])).values(publicity_until=past)
        )
    # Nobody approves alone, one by one or many at once.
    assert (await act(api, SECOND, ids[0], "approve", 409))["type"] == "by_list_only"
    many = {"applications": ids, "action": "approve"}
    outcomes = await call(api, "POST", "/api/v1/review/moves", SECOND, 200, json=many)
    assert not any(outcome["done"] for outcome in outcomes)
    objection = {"objector": "王某", "contact": "电话", "text": "重复申报", "received_on": str(clock.today())}
    noted = await call(api, "POST", f"{R}/{ids[0]}/objections", REVIEWER, 201, json=objection)
    draft = await drafted(api, round_of_our_own, kind="approval")
    assert [c["id"] for c in draft["items"]] == ids[1:]
    # An objection comes in while the list waits for the second person.
    late = await call(api, "POST", f"{R}/{ids[1]}/objections", REVIEWER, 201, json=objection)
    refused = await publish(api, draft, SECOND, 422)
    assert "1 条异议尚未处理" in refused["errors"][0]["message"]
    for id, found in ((ids[0], noted), (ids[1], late)):
        path = f"{R}/{id}/objections/{found['id']}"
        await call(api, "POST", path, REVIEWER, 200, json={"upheld": False, "outcome": "不成立"})
    now = await call(api, "GET", f"{L}/{draft['id']}", FIRST, 200)
    whole = await call(
        api, "PUT", f"{L}/{draft['id']}", FIRST, 200, now["etag"], json=body(now, cases=ids, working_days=None)
    )
    assert (await publish(api, whole, FIRST, 409))["type"] == "second_person"
    published = await publish(api, whole)
    assert published["reference"].startswith("京工美发〔")
    for id, who in zip(ids, (ONE, OTHER, OTHER), strict=True):
        seen = await call(api, "GET", f"/api/v1/applications/{id}", who, 200)
        assert (seen["state"], seen["decided"]["letter"]["name"]) == ("approved", "批复通知书")
    async with sessions() as session:
        letters = await session.scalars(select(Document).where(Document.application_id == UUID(ids[0])))
        [said] = [d.snapshot["model"]["paragraphs"][0] for d in letters if d.snapshot]
        assert f"列入《{published['title']}》（{published['reference']}），现批复如下" in said
        assert (await session.get_one(Announcement, UUID(draft["id"]))).working_days is None
    # Anybody reads the results of a year beside its 公示.
    public = await call(api, "GET", f"/internal/publicity/{draft['id']}", None, 200)
    assert (public["kind"], public["publicity_until"], public["amount_wan"]) == ("approval", None, "60.00")
    listed = await call(api, "GET", f"/internal/publicity?year={clock.today().year}", None, 200)
    assert [a["id"] for a in listed["approvals"]] == [draft["id"]]
    assert draft["id"] not in {a["id"] for a in listed["announcements"]}


async def test_a_list_takes_no_case_of_another_round_or_list(
    api: Api, sessions: Sessions, case: Case, round_of_our_own: UUID, round_id: str
) -> None:
    mine, elsewhere = await case(), await case()
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(elsewhere)).values(round_id=UUID(round_id))
        )
    draft = await drafted(api, round_of_our_own)
    assert [c["id"] for c in draft["items"]] == [mine]
    refused = await call(
        api, "PUT", f"{L}/{draft['id']}", FIRST, 422, draft["etag"], json=body(draft, cases=[mine, elsewhere])
    )
    assert refused["errors"][0]["code"] == "not_listable"
    # Two who save one draft at once: one of them reads again.
    headers = {"If-Match": f'"{draft["etag"]}"'}
    answers = await asyncio.gather(
        *(
            api.call("PUT", f"{L}/{draft['id']}", who, json=body(draft), headers=headers)
            for who in (FIRST, REVIEWER)
        )
    )
    assert sorted(a.status for a in answers) == [200, 412]
    # Two who draft at once: one draft.
    now = await call(api, "GET", f"{L}/{draft['id']}", FIRST, 200)
    await call(api, "DELETE", f"{L}/{draft['id']}", FIRST, 204, now["etag"])
    given = {"round": str(round_of_our_own), "kind": "publicity"}
    answers = await asyncio.gather(*(api.call("POST", L, who, json=given) for who in (FIRST, SECOND, REVIEWER)))
    assert len({(await a.json())["id"] for a in answers}) == 1
    for who, status in ((ONE, 403), (factories.staff(Role.EXPERT), 403), (factories.staff(Role.AUDITOR), 200)):
        await call(api, "GET", L, who, status)
    await call(api, "GET", f"{L}?year=x", FIRST, 400)
    for year in ("0", "10000", "8999"):
        await call(api, "GET", f"{L}?year={year}", FIRST, 200 if year == "8999" else 400)

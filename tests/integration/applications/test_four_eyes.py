"""What one person proposed another confirms: late acceptance and longer correction deadlines; who is told, and the year's report."""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.forms.catalogue import form
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit, Extension, Owed, Revision, Round, Section
from services.applications.tables.four_eyes import Proposal
from shared import clock
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings

Sessions = async_sessionmaker[AsyncSession]
OFFICER, DIRECTOR = factories.staff(Role.OFFICER, "甲业务"), factories.staff(Role.DIRECTOR, "乙主任")
FIRST, SECOND = factories.staff(Role.REVIEWER, "丙审核"), factories.staff(Role.REVIEWER, "丁审核")
C = "/api/v1/confirmations"
Case = Callable[[], Awaitable[str]]


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> ApplicationsSettings:
    folder = tmp_path_factory.mktemp("applications")
    return make_settings(database_url, folder, extensions_by_two=True, rounds_by_two=True)


@pytest.fixture
async def round_of_our_own(sessions: Sessions) -> UUID:
    now = clock.now()
    made = Round(
        id=uuid4(), fund_type="reward", form_version=1, title="二〇二六年第二批", parameters={},
        opens_at=now - timedelta(days=60), closes_at=now + timedelta(days=1), published_at=now - timedelta(days=60),
    )  # fmt: skip
    async with sessions.begin() as session:
        session.add(made)
    return made.id


@pytest.fixture
async def case(sessions: Sessions, round_of_our_own: UUID) -> Case:
    """Make a returned application: rows alone, for what comes before is tried elsewhere."""

    async def make() -> str:
        id, now, who = uuid4(), clock.now(), factories.applicant()
        application = Application(
            id=id, round_id=round_of_our_own, fund_type="reward", form_version=1, enterprise=who.enterprise,
            enterprise_name=who.enterprise_name, created_by=who.account, state="returned", revision=1,
            number=f"GM{id.hex[:8].upper()}", project_name="景泰蓝国礼", applied_wan=Decimal("50.00"), submitted_at=now,
            submitted_from="draft", returned_from="form_review", round_trips=1, returned_at=now, wrapped_key=b"",
            correct_by=now + timedelta(days=2), unlocked=[], handler_name="李响", handler_email="li@example.com",
        )  # fmt: skip
        content: dict[str, Any] = {"sections": {}, "attachments": {}}
        async with sessions.begin() as session:
            session.add(application)
            await session.flush()
            session.add(
                Revision(
                    application_id=id,
                    number=1,
                    content=content,
                    sha256="",
                    sm3="",
                    received_at=now,
                    submitted_by="",
                    receipt={},
                )
            )
            session.add_all(Section(application_id=id, key=section.key) for section in form("reward", 1).sections)
        return str(id)

    return make


async def call(api: Api, method: str, path: str, who: Actor, status: int, **options: Any) -> Any:
    answer = await api.call(method, path, who, **options)
    assert answer.status == status, await answer.text()
    return await answer.json() if answer.content_type.endswith("json") else None


async def extend(api: Api, who: Actor, id: str, days: int = 9, status: int = 202) -> Any:
    body = {"correct_by": (clock.now() + timedelta(days=days)).isoformat(), "reason": "原件在外地公证"}
    headers = {"If-Match": await api.etag(who, id)}
    return await call(
        api, "POST", f"/api/v1/review/applications/{id}/extend", who, status, json=body, headers=headers
    )


async def late(api: Api, round_id: UUID, who: Actor = OFFICER, status: int = 202, **changes: Any) -> Any:
    until = (clock.now() + timedelta(days=9)).isoformat()
    body = {"enterprise": factories.ENTERPRISE_1[0], "until": until, "reason": "停电", **changes}
    return await call(api, "POST", f"/api/v1/rounds/{round_id}/extensions", who, status, json=body)


async def confirm(api: Api, id: str, who: Actor, status: int = 204) -> Any:
    return await call(api, "POST", f"{C}/{id}/confirm", who, status, json={})


async def waiting(api: Api, who: Actor, about: object) -> tuple[list[str], list[str]]:
    """The kinds that wait for somebody about one thing, and of those that they proposed."""
    found = await call(api, "GET", C, who, 200)
    return tuple([one["kind"] for one in found[side] if one["id"] == str(about)] for side in ("mine", "own"))  # type: ignore[return-value]


async def test_a_longer_deadline_is_confirmed_by_another_reviewer(
    api: Api, sessions: Sessions, case: Case
) -> None:
    id = await case()
    before = await api.etag(FIRST, id)
    proposed = await extend(api, FIRST, id)
    # Nothing of the application has changed, and its applicant reads nothing of it.
    assert await api.etag(FIRST, id) == before
    told = await call(api, "GET", f"/api/v1/applications/{id}/timeline", factories.applicant(), 200)
    assert "propose_extension" not in [entry["action"] for entry in told["entries"]]
    assert (await waiting(api, FIRST, id), await waiting(api, SECOND, id)) == (
        ([], ["correction"]),
        (["correction"], []),
    )
    assert await waiting(api, DIRECTOR, id) == ([], [])

    own = await confirm(api, proposed["id"], FIRST, 409)
    assert (own["type"], own["detail"]) == ("second_person", "该事项由您提出，须由另一位工作人员确认。")
    await confirm(api, proposed["id"], DIRECTOR, 403)
    await confirm(api, proposed["id"], factories.applicant(), 403)
    await confirm(api, str(uuid4()), SECOND, 404)
    # A further proposal takes the place of the first, which nobody can confirm any more.
    again = await extend(api, FIRST, id, 12)
    gone = await confirm(api, proposed["id"], SECOND, 409)
    assert gone["type"] == "nothing_proposed"
    page = await call(api, "GET", f"/api/v1/review/applications/{id}/case", SECOND, 200)
    assert (page["extension"]["by"], page["extension"]["own"]) == ("丙审核", False)
    assert (await call(api, "GET", "/api/v1/review/queue", SECOND, 200))["confirmations"] > 0

    # Two confirmations at once are one.
    both = await asyncio.gather(
        *(api.call("POST", f"{C}/{again['id']}/confirm", SECOND, json={}) for _ in range(2))
    )
    assert sorted(answer.status for answer in both) == [204, 409]
    async with sessions() as session:
        application = await session.get_one(Application, UUID(id))
        assert application.correct_by == datetime.fromisoformat(again["until"])
        query = select(Audit).where(Audit.application_id == UUID(id)).order_by(Audit.id)
        rows = list(await session.scalars(query))
        assert [row.action for row in rows] == ["propose_extension", "propose_extension", "extend"]
        assert (rows[-1].actor, rows[-1].details["proposed_by_name"]) == (SECOND.account, "丙审核")
        mails = await session.scalars(select(Owed).where(Owed.application_id == UUID(id), Owed.topic == "notify"))
        assert len(list(mails)) == 1
    assert await waiting(api, SECOND, id) == ([], [])


async def test_what_cannot_be_extended_any_more_is_refused_and_told_to_nobody(
    api: Api, sessions: Sessions, case: Case
) -> None:
    id = await case()
    headers = {"If-Match": await api.etag(FIRST, id)}
    path = f"/api/v1/review/applications/{id}/extend"
    past = {"correct_by": "2020-01-01T00:00:00+08:00", "reason": "x"}
    assert (await call(api, "POST", path, FIRST, 409, json=past, headers=headers))["type"] == "deadline_required"
    proposed = await extend(api, FIRST, id)
    async with sessions.begin() as session:
        changed = update(Application).where(Application.id == UUID(id)).values(state="pending_acceptance")
        await session.execute(changed)
    assert await waiting(api, SECOND, id) == ([], [])
    assert (await confirm(api, proposed["id"], SECOND, 409))["type"] == "wrong_state"


async def test_late_acceptance_is_confirmed_refused_or_given_up(
    api: Api, sessions: Sessions, round_of_our_own: UUID
) -> None:
    round_id = round_of_our_own

    async def accepted() -> bool:
        async with sessions() as session:
            return await session.get(Extension, (round_id, factories.ENTERPRISE_1[0])) is not None

    bad = await late(api, round_id, status=422, until="2020-01-01T00:00:00+08:00")
    assert [e["field"] for e in bad["errors"]] == ["until"]
    first = await late(api, round_id)
    assert await waiting(api, DIRECTOR, round_id) == (["late_acceptance"], [])
    assert await waiting(api, FIRST, round_id) == ([], [])
    silent = await call(api, "POST", f"{C}/{first['id']}/refuse", DIRECTOR, 422, json={})
    assert silent["errors"][0]["code"] == "reason_required"
    await call(api, "POST", f"{C}/{first['id']}/refuse", DIRECTOR, 204, json={"reason": "证明不足"})
    assert (await confirm(api, first["id"], DIRECTOR, 409))["type"] == "nothing_proposed"
    second = await late(api, round_id)
    await call(api, "POST", f"{C}/{second['id']}/refuse", OFFICER, 204, json={})
    assert not await accepted()
    third = await late(api, round_id)
    detail = await call(api, "GET", f"/api/v1/rounds/{round_id}", DIRECTOR, 200)
    assert [(e["by"], e["own"]) for e in detail["waiting_extensions"]] == [("甲业务", False)]
    assert (await confirm(api, third["id"], OFFICER, 409))["type"] == "second_person"
    await confirm(api, third["id"], DIRECTOR)
    assert await accepted()
    detail = await call(api, "GET", f"/api/v1/rounds/{round_id}", OFFICER, 200)
    assert [line["label"] for line in detail["history"]] == [
        "单独延期", "提出单独延期", "撤回单独延期", "提出单独延期", "退回单独延期", "提出单独延期",
    ]  # fmt: skip
    async with sessions() as session:
        outcomes = select(Proposal.outcome).where(Proposal.target == round_id).order_by(Proposal.proposed_at)
        assert list(await session.scalars(outcomes)) == ["refused", "withdrawn", "confirmed"]


async def test_a_late_acceptance_that_the_round_has_overtaken_says_so(
    api: Api, sessions: Sessions, round_of_our_own: UUID
) -> None:
    proposed = await late(api, round_of_our_own)
    async with sessions.begin() as session:
        later = clock.now() + timedelta(days=20)
        await session.execute(update(Round).where(Round.id == round_of_our_own).values(closes_at=later))
    refused = await confirm(api, proposed["id"], DIRECTOR, 422)
    assert [e["code"] for e in refused["errors"]] == ["before_closing"]
    # It waits on, to be refused with a reason.
    assert await waiting(api, DIRECTOR, round_of_our_own) == (["late_acceptance"], [])


async def test_another_address_waits_among_the_rest(api: Api, case: Case) -> None:
    id, event = await case(), str(uuid4())
    body = {
        "application_id": id, "event_id": event, "kind": "returned", "proposed": True, "address": "n***@example.com",
        "on_record": False, "reason": "原邮箱停用",
    }  # fmt: skip
    path = "/internal/resends"
    for _ in range(2):
        assert (await api.call("POST", path, FIRST, service="notify", json=body)).status == 204
    assert (await waiting(api, FIRST, id), await waiting(api, SECOND, id)) == (([], ["resend"]), (["resend"], []))
    agreed = {**body, "proposed": False, "proposed_by": FIRST.account, "reason": "同意改发"}
    assert (await api.call("POST", path, SECOND, service="notify", json=agreed)).status == 204
    assert await waiting(api, SECOND, id) == ([], [])


async def test_the_years_report_tells_who_did_what_alone(
    api: Api, sessions: Sessions, settings: ApplicationsSettings, case: Case, round_of_our_own: UUID
) -> None:
    id, year = await case(), clock.today().year
    for days in (5, 7):
        proposed = await extend(api, FIRST, id, days)
        await confirm(api, proposed["id"], SECOND)
    async with sessions.begin() as session:
        # As an office of one does it.
        alone = {"actor": OFFICER.account, "actor_name": "甲业务", "role": "officer", "request_id": "-"}
        about = {"round": str(round_of_our_own), "enterprise": factories.ENTERPRISE_1[0], "reason": "停电"}
        session.add(Audit(**alone, action="extend_round", details=about))
        session.add(
            Audit(**alone, action="close_round", details={"round": str(round_of_our_own), "reason": "预算用完"})
        )
        session.add(Audit(**alone, action="approve", application_id=UUID(id), details={}))
        session.add(
            Audit(**alone, action="approve", application_id=UUID(id), details={"announcement": str(uuid4())})
        )
    found = await call(api, "GET", "/api/v1/separation", DIRECTOR, 200, params={"year": str(year)})
    acts = [
        (a["action"], a["finding"], a["proposed_by"], a["confirmed_by"], a["times"])
        for a in found["acts"]
        if a["application_id"] == id or a["round_id"] == str(round_of_our_own)
    ]
    assert sorted(acts) == [
        ("approve", "one", "甲业务", "甲业务", 1),
        ("close_round", "exception", "甲业务", "甲业务", 1),
        ("extend", "two", "丙审核", "丁审核", 1),
        ("extend", "two", "丙审核", "丁审核", 2),
        ("extend_round", "one", "甲业务", "甲业务", 1),
    ]
    assert (found["one"] >= 2, found["repeated"] >= 1) == (True, True)
    assert found["rules"]["GM_EXTENSIONS_BY_TWO"] is settings.extensions_by_two
    nothing = await call(api, "GET", "/api/v1/separation", DIRECTOR, 200, params={"year": "2021"})
    assert (nothing["acts"], nothing["two"]) == ([], 0)
    for wrong in ("21", "二〇二六", "9999999", "-001"):
        await call(api, "GET", "/api/v1/separation", DIRECTOR, 400, params={"year": wrong})
    await call(api, "GET", "/api/v1/separation", FIRST, 403)
    auditor = factories.staff(Role.AUDITOR)
    answer = await api.call("GET", "/api/v1/separation/file", auditor, params={"year": str(year)})
    book = zipfile.ZipFile(io.BytesIO(await answer.read()))
    written = book.read("xl/worksheets/sheet1.xml").decode()
    assert all(said in written for said in ("单独延期", "当年第几次", "丁审核", "一人办理"))

"""申报通知: written in versions, confirmed by two, read by everybody, its files kept like any others, its questions asked before a draft."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import STORE
from services.applications.operations import retention, sweeping
from services.applications.rounds import notices, proposals
from services.applications.tables.applications import Application, Audit
from services.applications.tables.notices import Notice, NoticeFile
from shared import clock, codes
from shared.contract.notices import RoundNoticeInput
from shared.errors import Conflict, Invalid
from shared.identity import Role
from shared.store import attachment_key
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_rounds import OFFICER, made

DIRECTOR = factories.staff(Role.DIRECTOR, "任审定")
REVIEWER = factories.staff(Role.REVIEWER)
WHO = factories.applicant()
OTHER = factories.applicant(factories.ENTERPRISE_2)
TEXT = "# 申报要求\n\n见 https://jxj.beijing.gov.cn 。"
QUESTIONS = """\
fields:
  - {key: here, kind: radio, label: 是否在本市登记, options: [是, 否]}
  - {key: staff, kind: integer, label: 职工人数, unit: 人, visible_if: here == "是"}
checks:
  - {holds: here == "是", message: 只受理在本市登记的单位}
  - {holds: staff >= 3, message: 职工须满三人}
"""


async def write(api: Api, round_: dict[str, Any], etag: str | None = None, **given: Any) -> ClientResponse:
    path = f"/api/v1/rounds/{round_['id']}"
    etag = etag or (await api.call("GET", path, OFFICER)).headers["ETag"]
    return await api.call("PUT", f"{path}/notice", OFFICER, json=given, headers={"If-Match": etag})


async def written(api: Api, round_: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = await write(api, round_, **given)
    assert answer.status == 200, await answer.text()
    return dict(await answer.json())


async def noticed(api: Api, **given: Any) -> dict[str, Any]:
    """A round that takes applications, with a notice."""
    round_ = await made(api, title="有通知的批次")
    given = {"text": TEXT, **given}
    await written(api, round_, **given)
    path = f"/api/v1/rounds/{round_['id']}/publish"
    assert (await api.call("POST", path, DIRECTOR, json={})).status == 200
    return round_


async def read(api: Api, round_: dict[str, Any], who: Any = None, **params: Any) -> ClientResponse:
    return await api.call("GET", f"/api/v1/rounds/{round_['id']}/notice", who, params=params)


async def upload(api: Api, round_: dict[str, Any], name: str = "指南.pdf", who: Any = OFFICER) -> ClientResponse:
    form = FormData()
    form.add_field(
        "file", factories.file_for("project_introduction")[1] if name.endswith("pdf") else b"x", filename=name
    )
    return await api.call("POST", f"/api/v1/rounds/{round_['id']}/notice/files", who, data=form)


async def begin(api: Api, round_: dict[str, Any], answers: Any = None, key: str = "") -> ClientResponse:
    body = {"round_id": round_["id"], **({} if answers is None else {"answers": answers})}
    return await api.call(
        "POST", "/api/v1/applications", WHO, json=body, headers={"Idempotency-Key": key or uuid4().hex}
    )


async def test_who_reads_a_notice(api: Api) -> None:
    round_ = await made(api)
    assert (await (await read(api, round_, OFFICER)).json())["number"] == 0
    await written(api, round_, text=TEXT, questions=QUESTIONS)
    # Until the round is published nobody outside knows of it.
    for who in (None, WHO, REVIEWER):
        assert (await read(api, round_, who)).status == 404
    officers = await (await read(api, round_, OFFICER)).json()
    assert (officers["number"], officers["latest"], officers["questions"]) == (1, 1, QUESTIONS.strip())
    await api.call("POST", f"/api/v1/rounds/{round_['id']}/publish", DIRECTOR, json={})
    for who in (None, WHO, OTHER, REVIEWER):
        seen = await (await read(api, round_, who, number="7")).json()
        assert (seen["number"], seen["text"], seen["questions"]) == (1, TEXT, "")
        assert seen["asked"] == ["是否在本市登记", "职工人数"]
        assert seen["conditions"] == ["只受理在本市登记的单位", "职工须满三人"]
    assert (await read(api, round_, OFFICER, number="7")).status == 404
    listed = await (await api.call("GET", "/api/v1/rounds", None)).json()
    assert {r["id"]: r["notice"] for r in listed}[round_["id"]] == 1


async def test_only_officers_write_and_nobody_over_another(api: Api) -> None:
    round_ = await made(api)
    path = f"/api/v1/rounds/{round_['id']}/notice"
    for who in (WHO, DIRECTOR, REVIEWER, factories.staff(Role.OPERATOR)):
        answer = await api.call("PUT", path, who, json={"text": "甲"}, headers={"If-Match": '"1"'})
        assert answer.status == 403
        assert (await upload(api, round_, who=who)).status == 403
    assert (await api.call("PUT", path, OFFICER, json={"text": "甲"})).status == 428
    etag = (await api.call("GET", f"/api/v1/rounds/{round_['id']}", OFFICER)).headers["ETag"]
    assert (await write(api, round_, etag, text="甲")).status == 200
    stale = await write(api, round_, etag, text="乙")
    assert stale.status == 412
    # The same again is nothing new; nothing at all is no notice.
    assert (await written(api, round_, text="甲"))["notice"] == 1
    assert (await written(api, round_, text=" \n"))["notice"] == 0
    # What a version said stands.
    assert (await (await read(api, round_, OFFICER, number="1")).json())["text"] == "甲"
    assert (await written(api, round_, text="甲"))["notice"] == 1


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"text": "[坏](javascript:alert(1))"}, "text", codes.BAD_LINK),
        ({"text": "\U0010ffff"}, "text", codes.UNPRINTABLE),
        ({"questions": "fields:\n  - {key: a, kind: text, label: 名}"}, "questions", codes.BAD_FORM),
        ({"questions": "a: &a [*a]"}, "questions", codes.BAD_FORM),
        ({"text": "甲", "files": [str(uuid4())]}, "files", codes.NOT_FOUND),
    ],
)
async def test_mistakes_stand_at_their_place(api: Api, given: dict[str, Any], field: str, code: str) -> None:
    round_ = await made(api)
    answer = await write(api, round_, **given)
    assert answer.status == 422, await answer.text()
    assert (field, code) in [(e["field"], e["code"]) for e in (await answer.json())["errors"]]
    assert (await (await read(api, round_, OFFICER)).json())["latest"] == 0


async def test_a_published_rounds_notice_is_changed_by_two(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    round_ = await noticed(api)
    officer = OFFICER.model_copy(update={"received_at": clock.now()})
    director = DIRECTOR.model_copy(update={"received_at": clock.now()})
    id = UUID(round_["id"])
    async with sessions.begin() as session:
        changed = await notices.save(
            session, officer, id, None, RoundNoticeInput(text="改过", reason="补充"), by_two=True
        )
        assert (changed.notice, changed.proposal["changes"]) == (1, {"notice": 2})
    assert (await (await read(api, round_)).json())["text"] == TEXT
    assert (await (await read(api, round_, DIRECTOR, number="2")).json())["text"] == "改过"
    with pytest.raises(Conflict, match="由您提出"):
        async with sessions.begin() as session:
            await proposals.confirm(session, officer, id, None)
    async with sessions.begin() as session:
        assert (await proposals.confirm(session, director, id, None)).notice == 2
    assert (await (await read(api, round_)).json())["text"] == "改过"
    detail = await (await api.call("GET", f"/api/v1/rounds/{round_['id']}", OFFICER)).json()
    assert [e["label"] for e in detail["history"]][:3] == ["修改批次", "提出修改", "写申报通知"]
    # A version of another round, or of none, is no change.
    unknown = await api.call("PATCH", f"/api/v1/rounds/{round_['id']}", OFFICER, json={"notice": 9})
    assert unknown.status == 422


async def test_questions_stay_once_applications_are_taken(api: Api) -> None:
    round_ = await noticed(api, questions=QUESTIONS)
    stricter = QUESTIONS.replace(">= 3", ">= 30")
    refused = await write(api, round_, text=TEXT, questions=stricter)
    assert (refused.status, (await refused.json())["type"]) == (409, codes.ELIGIBILITY_FIXED)
    # The text may change, and a condition may go.
    looser = "\n".join(QUESTIONS.splitlines()[:-1])
    assert (await written(api, round_, text="新的正文", questions=looser))["notice"] == 2
    # What was let go cannot come back, by an older version either.
    back = await api.call("PATCH", f"/api/v1/rounds/{round_['id']}", OFFICER, json={"notice": 1})
    assert (back.status, (await back.json())["type"]) == (409, codes.ELIGIBILITY_FIXED)
    # Before it opens all of it may change.
    coming = await made(api, opens_at=(clock.now() + timedelta(hours=1)).isoformat())
    await written(api, coming, questions=QUESTIONS)
    await api.call("POST", f"/api/v1/rounds/{coming['id']}/publish", DIRECTOR, json={})
    assert (await written(api, coming, questions=stricter))["notice"] == 2


async def test_questions_are_asked_before_a_draft(
    api: Api, server: TestServer, sessions: async_sessionmaker[AsyncSession]
) -> None:
    round_ = await noticed(api, questions=QUESTIONS)
    path = f"/api/v1/rounds/{round_['id']}/eligibility"
    shown = await (await api.call("POST", path, WHO, json={})).json()
    assert (shown["errors"], shown["refusals"], shown["page"]["section"]["now"]["hidden"]) == ([], [], ["staff"])
    seen = await (await api.call("POST", path, WHO, json={"values": {"here": "是", "staff": "2"}})).json()
    assert (seen["refusals"], seen["page"]["section"]["now"]["hidden"]) == (["职工须满三人"], [])
    missing = await begin(api, round_)
    assert (missing.status, (await missing.json())["type"]) == (422, codes.ELIGIBILITY_MISSING)
    wrong = await begin(api, round_, {"here": "是"})
    assert [e["field"] for e in (await wrong.json())["errors"]] == ["staff"]
    refused = await begin(api, round_, {"here": "否"})
    said = await refused.json()
    assert (refused.status, said["type"], said["refusals"]) == (
        409,
        codes.NOT_ELIGIBLE,
        ["只受理在本市登记的单位"],
    )
    # The same press with better answers, and the same press again.
    key = uuid4().hex
    assert (await begin(api, round_, {"here": "否"}, key)).status == 409
    first, again = [await begin(api, round_, {"here": "是", "staff": "3"}, key) for _ in range(2)]
    assert (first.status, again.status) == (201, 201)
    id = (await first.json())["id"]
    assert (await again.json())["id"] == id
    # Of no use where nothing is asked.
    assert (await begin(api, await noticed(api), {"whatever": 1})).status == 201

    await api.fill(WHO, id)
    assert (await api.submit(WHO, id)).status == 200
    case = await (await api.call("GET", f"/api/v1/review/applications/{id}/case", REVIEWER)).json()
    assert case["eligibility"] == [
        {"label": "是否在本市登记", "answer": "是"},
        {"label": "职工人数", "answer": "3 人"},
    ]


async def test_answers_go_with_a_forgotten_draft(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    round_ = await noticed(api, questions=QUESTIONS)
    id = UUID((await (await begin(api, round_, {"here": "是", "staff": "3"})).json())["id"])
    async with sessions.begin() as session:
        draft = await session.get_one(Application, id)
        await retention.forget(session, [retention.Due("删除的草稿", True, [draft])])
    async with sessions.begin() as session:
        assert await session.scalar(select(Application.eligibility).where(Application.id == id)) is None


async def test_files_of_a_notice(api: Api, server: TestServer, sessions: async_sessionmaker[AsyncSession]) -> None:
    round_ = await made(api)
    refused = await upload(api, round_, "宏.docx")
    assert refused.status == 415
    kept, spare = [(await (await upload(api, round_)).json())["id"] for _ in range(2)]
    path = f"/api/v1/rounds/{round_['id']}/notice/files"
    await written(api, round_, text=TEXT, files=[kept])
    assert (await api.call("GET", f"{path}/{kept}", None)).status == 404
    await api.call("POST", f"/api/v1/rounds/{round_['id']}/publish", DIRECTOR, json={})
    for who in (None, WHO):
        file = await api.call("GET", f"{path}/{kept}", who)
        assert (file.status, file.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert file.headers["Content-Disposition"].startswith("attachment")
        # What the notice does not name is nobody's, of another round neither.
        assert (await api.call("GET", f"{path}/{spare}", who)).status == 404
    assert (await api.call("GET", f"{path}/{spare}", OFFICER)).status == 200
    other = await noticed(api)
    assert (await api.call("GET", f"/api/v1/rounds/{other['id']}/notice/files/{kept}", OFFICER)).status == 404
    foreign = await write(api, other, text=TEXT, files=[kept])
    assert foreign.status == 422

    # What no version names for a week goes; what a former version names stays with its content.
    await written(api, round_, text=TEXT)
    old = clock.now() - timedelta(days=8)
    async with sessions.begin() as session:
        await session.execute(update(NoticeFile).values(created_at=old))
    assert await sweeping.give_up_abandoned(sessions) == 1
    await sweeping.remove_orphans(sessions, server.app[STORE], timedelta(0))
    async with sessions.begin() as session:
        left = list(await session.scalars(select(NoticeFile).where(NoticeFile.round_id == UUID(round_["id"]))))
    assert [str(file.id) for file in left] == [kept]
    assert await server.app[STORE].exists(attachment_key(left[0].sha256))
    # An infected one is given to nobody, and no new notice names it.
    async with sessions.begin() as session:
        await session.execute(update(NoticeFile).where(NoticeFile.id == UUID(kept)).values(infected="Eicar"))
    assert (await api.call("GET", f"{path}/{kept}", OFFICER)).status == 409
    assert (await write(api, round_, text="又", files=[kept])).status == 422


async def test_a_following_round_begins_with_the_notice(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    round_ = await made(api, title="2026年度批次")
    file = (await (await upload(api, round_)).json())["id"]
    await written(api, round_, text="2026年3月1日前报送，2026号文有效。", questions=QUESTIONS, files=[file])
    next_ = await (await api.call("POST", f"/api/v1/rounds/{round_['id']}/successor", OFFICER)).json()
    seen = await (await read(api, next_, OFFICER)).json()
    assert (next_["notice"], seen["text"], seen["questions"]) == (
        1,
        "2027年3月1日前报送，2026号文有效。",
        QUESTIONS.strip(),
    )
    assert [f["name"] for f in seen["files"]] == ["指南.pdf"]
    assert seen["files"][0]["id"] != file


async def test_two_writers_at_once_leave_two_versions(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    round_ = await noticed(api)
    id = UUID(round_["id"])
    officer = OFFICER.model_copy(update={"received_at": clock.now()})
    for text in ("甲", "乙", "甲"):
        async with sessions.begin() as session:
            await notices.save(session, officer, id, None, RoundNoticeInput(text=text), by_two=False)
    async with sessions.begin() as session:
        kept = list(
            await session.scalars(select(Notice.text).where(Notice.round_id == id).order_by(Notice.number))
        )
        acts = list(await session.scalars(select(Audit.action).where(Audit.details["round"].astext == str(id))))
    assert kept == [TEXT, "甲", "乙", "甲"]
    assert acts.count("write_notice") == 4


async def test_questions_may_be_tried_before_they_are_kept(api: Api) -> None:
    round_ = await made(api)
    path = f"/api/v1/rounds/{round_['id']}/notice/trial"
    body = {"questions": QUESTIONS, "values": {"here": "否"}}
    tried = await (await api.call("POST", path, OFFICER, json=body)).json()
    assert (tried["faults"], tried["refusals"]) == ([], ["只受理在本市登记的单位"])
    bad = await (await api.call("POST", path, OFFICER, json={"questions": "fields: 3"})).json()
    assert (bad["definition"], bad["faults"][0]["severity"]) == (None, "error")
    assert (await api.call("POST", path, WHO, json=body)).status == 403
    with pytest.raises(Invalid):
        notices.must_be_sound(RoundNoticeInput(questions="fields: 3"), [])

"""What colleagues tell each other about a case: notes, files of the desk, questions; who reads what, and what is refused."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deploy.demo.files import pdf
from services.applications.attachments.resources import SCANNER
from services.applications.colleagues import files, inquiries, notes
from services.applications.core import stored_contents
from services.applications.core.context import STORE
from services.applications.operations import sweeping
from services.applications.tables.applications import Application, Audit, Revision, Round
from services.applications.tables.colleagues import CaseFile, CaseNote, InquiryAnswer
from shared import clock, codes
from shared.errors import Conflict, Invalid, NotFound
from shared.identity import Actor, Role
from shared.messages import StaffMember
from shared.store import attachment_key
from shared.workdays import WorkingDays
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
FIRST, SECOND, THIRD = (factories.staff(Role.REVIEWER, name) for name in ("甲审核", "乙审核", "丙审核"))
DIRECTOR, AUDITOR = factories.staff(Role.DIRECTOR, "丁主任"), factories.staff(Role.AUDITOR, "戊审计")
R = "/api/v1/review/applications"


def member(actor: Actor) -> StaffMember:
    return StaffMember(account=actor.account, name=actor.name)


@pytest.fixture
async def case(sessions: Sessions) -> UUID:
    """A case in 形式审查, with the first reviewer: rows alone."""
    id, now, who = uuid4(), clock.now(), factories.applicant()
    async with sessions.begin() as session:
        round_id = await session.scalar(select(Round.id).where(Round.fund_type == "reward").limit(1))
        session.add(
            Application(
                id=id, round_id=round_id, fund_type="reward", form_version=1, enterprise=who.enterprise,
                enterprise_name=who.enterprise_name, created_by=who.account, state="form_review", revision=1,
                number=f"GM{id.hex[:8].upper()}", project_name="景泰蓝国礼", applied_wan=Decimal("50.00"),
                submitted_at=now, submitted_from="draft", wrapped_key=b"key", unlocked=[], assignee=FIRST.account,
                assignee_name=FIRST.name,
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            Revision(
                application_id=id, number=1, content={"sections": {}, "attachments": {}}, sha256="", sm3="",
                received_at=now, submitted_by="", receipt={},
            )
        )  # fmt: skip
    return id


async def audited(sessions: Sessions, case: UUID, *actions: str) -> list[dict[str, Any]]:
    async with sessions() as session:
        query = select(Audit).where(Audit.application_id == case, Audit.action.in_(actions)).order_by(Audit.id)
        return [{"action": row.action, "actor": row.actor, **row.details} for row in await session.scalars(query)]


async def talk(api: Api, case: UUID, who: Actor = FIRST) -> dict[str, Any]:
    answer = await api.call("GET", f"{R}/{case}/colleagues", who)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def note(api: Api, case: UUID, who: Actor, text: str, id: UUID | None = None) -> ClientResponse:
    return await api.call("PUT", f"{R}/{case}/notes/{id or uuid4()}", who, json={"text": text})


async def test_a_note_is_one_however_often_it_is_sent(api: Api, case: UUID, sessions: Sessions) -> None:
    id, text = uuid4(), "<script>alert(1)</script>\n\u200b设备发票需到现场核对"
    sent = await asyncio.gather(*(note(api, case, FIRST, text, id) for _ in range(4)))
    assert [answer.status for answer in sent] == [200] * 4
    [kept] = (await talk(api, case, AUDITOR))["notes"]
    assert (kept["text"], kept["author"], kept["mine"]) == (text.replace("\u200b", ""), FIRST.name, False)
    assert await audited(sessions, case, "note_case") == [
        {"action": "note_case", "actor": FIRST.account, "note": str(id), "mentions": []}
    ]
    # Not over another's, nor over what one has said; not without words; not as long as a book; not about what is not there.
    for who, words, status, code in (
        (SECOND, text, 409, codes.LOST_RACE),
        (FIRST, "另外的话", 409, codes.ALREADY_SAVED),
        (FIRST, " \u200b\n", 422, codes.REQUIRED),
        (FIRST, "长" * 4001, 422, codes.TOO_LONG),
    ):
        refused = await note(api, case, who, words, id)
        assert (refused.status, code in await refused.text()) == (status, True), words[:9]
    assert (await note(api, uuid4(), FIRST, "x")).status == 404
    # Nobody else reads any of it, or writes.
    for who in (factories.applicant(), factories.staff(Role.EXPERT), factories.staff(Role.OPERATOR)):
        assert (await api.call("GET", f"{R}/{case}/colleagues", who)).status == 403
        assert (await note(api, case, who, "x")).status == 403
    assert (await note(api, case, AUDITOR, "x")).status == 403


async def test_a_note_is_withdrawn_by_its_author(api: Api, case: UUID, sessions: Sessions) -> None:
    id = uuid4()
    async with sessions.begin() as session:
        await notes.write(session, FIRST, case, id, "请@乙审核 看", [member(SECOND), member(FIRST)])
    [kept] = (await talk(api, case))["notes"]
    assert kept["mentions"] == [SECOND.name]  # nobody is reminded by oneself
    path = f"{R}/{case}/notes/{id}"
    refused = await api.call("DELETE", path, SECOND)
    assert (refused.status, (await refused.json())["type"]) == (403, codes.NOT_YOURS)
    assert (await api.call("DELETE", f"{R}/{case}/notes/{uuid4()}", FIRST)).status == 404
    for _ in range(2):
        assert (await api.call("DELETE", path, FIRST)).status == 204
    [kept] = (await talk(api, case))["notes"]
    assert (kept["text"], kept["mentions"], kept["withdrawn"]) == ("", [], True)
    assert len(await audited(sessions, case, "withdraw_note")) == 1
    async with sessions() as session:
        assert (await session.get_one(CaseNote, id)).text == ""


async def upload(
    api: Api, case: UUID, who: Actor, content: bytes, query: str, name: str = "记录.pdf"
) -> ClientResponse:
    form = FormData()
    form.add_field("file", BytesIO(content), filename=name)
    return await api.call("POST", f"{R}/{case}/files?{query}", who, data=form)


async def test_files_keep_the_rules_of_attachments(
    api: Api, case: UUID, server: TestServer, sessions: Sessions
) -> None:
    content = pdf("a visit")
    for body, query, name, status, code in (
        (content, "kind=diary", "记录.pdf", 400, codes.NOT_AN_OPTION),
        (content, "kind=minutes", "记录.docx", 415, codes.FILE_TYPE),
        (b"PK\x03\x04 a document of an office", "kind=minutes", "记录.pdf", 415, codes.FILE_CONTENT),
        (b"%PDF-1.4 broken", "kind=minutes", "记录.pdf", 422, codes.FILE_BROKEN),
    ):
        refused = await upload(api, case, FIRST, body, query, name)
        assert (refused.status, (await refused.json())["type"]) == (status, code)
    assert (await upload(api, case, AUDITOR, content, "kind=minutes")).status == 403
    twice = [await upload(api, case, FIRST, content, "kind=site_visit") for _ in range(2)]
    assert [answer.status for answer in twice] == [201, 201]
    [kept] = (await talk(api, case, AUDITOR))["files"]
    assert (kept["kind_label"], kept["name"], kept["withheld"]) == ("现场核查记录", "记录.pdf", False)
    path = f"{R}/{case}/files/{kept['id']}"
    read = await api.call("GET", path, AUDITOR)
    assert (read.status, await read.read()) == (200, content)
    assert read.headers["Content-Disposition"].startswith("attachment;")
    for who in (factories.applicant(), factories.staff(Role.EXPERT)):
        assert (await api.call("GET", path, who)).status == 403
    # An applicant's own way to attachments does not lead to it.
    way = f"/api/v1/applications/{case}/attachments/{kept['id']}"
    assert (await api.call("GET", way, factories.applicant())).status == 404
    # It stays while it stands, and goes with the sweep once it was removed.
    store, key = server.app[STORE], attachment_key(await _sha256(sessions, kept["id"]))
    await sweeping.remove_orphans(sessions, store, timedelta(0))
    assert await store.exists(key)
    assert (await api.call("DELETE", path, SECOND)).status == 403
    assert (await api.call("DELETE", path, DIRECTOR)).status == 204
    assert (await api.call("GET", path, FIRST)).status == 404
    await sweeping.remove_orphans(sessions, store, timedelta(0))
    assert not await store.exists(key)
    actions = [
        row["action"]
        for row in await audited(sessions, case, *("add_case_file", "read_case_file", "remove_case_file"))
    ]
    assert actions == ["add_case_file", "read_case_file", "remove_case_file"]


async def _sha256(sessions: Sessions, id: str) -> str:
    async with sessions() as session:
        return (await session.get_one(CaseFile, UUID(id))).sha256


async def test_a_limited_file_is_refused_to_the_others(api: Api, case: UUID, sessions: Sessions) -> None:
    made = await upload(api, case, SECOND, pdf("x"), "kind=minutes&limited=1", "内部会议.pdf")
    path = f"{R}/{case}/files/{(await made.json())['id']}"
    readers = {
        who.account: (await api.call("GET", path, who)).status for who in (FIRST, SECOND, THIRD, DIRECTOR, AUDITOR)
    }
    # The second added it, the first has the case, the director may.
    assert list(readers.values()) == [200, 200, 403, 200, 403]
    [seen] = (await talk(api, case, THIRD))["files"]
    assert (seen["withheld"], seen["name"]) == (True, "")
    # Who is asked about the case reads it.
    async with sessions.begin() as session:
        until = clock.now() + timedelta(days=3)
        await inquiries.ask(session, FIRST, case, uuid4(), "如何处理？", [member(THIRD)], until)
    assert (await api.call("GET", path, THIRD)).status == 200
    assert (await api.call("GET", f"{R}/{uuid4()}/files/{path[-36:]}", SECOND)).status == 404


async def test_what_no_scanner_has_seen_is_for_whoever_added_it(sessions: Sessions, case: UUID, api: Api) -> None:
    made = await (await upload(api, case, FIRST, pdf("y"), "kind=other")).json()
    id = UUID(made["id"])

    async def read(who: Actor) -> CaseFile:
        async with sessions.begin() as session:
            return await files.to_read(session, who, case, id, scanning=True)

    assert (await read(FIRST)).id == id
    with pytest.raises(Conflict) as waits:
        await read(SECOND)
    assert waits.value.code == codes.SCAN_PENDING
    async with sessions.begin() as session:
        [waiting] = [one for one in await stored_contents.unscanned(session, 100) if one.id == id]
        await sweeping._note(session, waiting, "Eicar-Test")
    with pytest.raises(Conflict) as infected:
        await read(FIRST)
    assert infected.value.code == codes.FILE_INFECTED
    assert len(await audited(sessions, case, "infected")) == 1


async def test_two_are_asked_at_once_and_each_answers_once(api: Api, case: UUID, sessions: Sessions) -> None:
    id, now = uuid4(), clock.now()
    both = [member(SECOND), member(THIRD), member(FIRST)]
    until = now + timedelta(days=3)

    async def ask(who: Actor = FIRST, question: str = "金额是否合理？", asked: list[StaffMember] = both) -> None:
        async with sessions.begin() as session:
            await inquiries.ask(session, who, case, id, question, asked, until)

    crowd = [StaffMember(account=str(n), name=str(n)) for n in range(11)]
    for nobody in ([], [member(FIRST)], crowd):
        with pytest.raises(Invalid):
            await ask(asked=nobody)
    with pytest.raises(Invalid):
        await ask(question="")
    await asyncio.gather(ask(), ask())
    for other in (lambda: ask(SECOND), lambda: ask(question="另一问题")):
        with pytest.raises(Conflict):
            await other()
    [one] = (await talk(api, case, SECOND))["inquiries"]
    assert [(a["name"], a["mine"], a["answer"]) for a in one["asked"]] == [
        (THIRD.name, False, None),
        (SECOND.name, True, None),
    ]
    assert (one["open"], one["overdue"], one["mine"]) == (True, False, False)

    path = f"{R}/{case}/inquiries/{id}"

    async def answer(who: Actor, text: str, at: datetime = now) -> tuple[int, str]:
        said = await api.call("POST", f"{path}/answer", who, json={"answer": text}, received_at=at)
        return said.status, "" if said.status == 204 else (await said.json())["type"]

    assert await answer(DIRECTOR, "合理") == (403, codes.NOT_ASKED)
    assert [await answer(SECOND, "合理") for _ in range(2)] == [(204, "")] * 2
    assert await answer(SECOND, "不合理") == (409, codes.ALREADY_SAVED)
    assert (await answer(THIRD, " "))[0] == 422
    # Late is told, not refused; once it is over nothing is taken any more.
    assert (await api.call("POST", f"{path}/close", SECOND, json={})).status == 403
    assert await answer(THIRD, "偏高", now + timedelta(days=4)) == (204, "")
    [one] = (await talk(api, case))["inquiries"]
    assert [(a["answer"], a["late"]) for a in one["asked"]] == [("偏高", True), ("合理", False)]
    assert one["open"] is False
    asked = await audited(sessions, case, "ask_colleagues", "answer_colleague")
    assert [row["action"] for row in asked] == ["ask_colleagues", "answer_colleague", "answer_colleague"]
    assert (asked[0]["colleagues"], asked[2]["late"]) == ([SECOND.name, THIRD.name], True)
    assert not any("合理" in str(row) or "偏高" in str(row) for row in asked)


async def test_an_ended_question_takes_no_answer(api: Api, case: UUID, sessions: Sessions) -> None:
    id = uuid4()
    async with sessions.begin() as session:
        await inquiries.ask(session, FIRST, case, id, "？", [member(SECOND)], clock.now() - timedelta(days=1))
    path = f"{R}/{case}/inquiries/{id}"
    [one] = (await talk(api, case))["inquiries"]
    assert (one["open"], one["overdue"]) == (True, True)
    for who in (DIRECTOR, FIRST):
        assert (await api.call("POST", f"{path}/close", who, json={})).status == 204
    refused = await api.call("POST", f"{path}/answer", SECOND, json={"answer": "同意"})
    assert (refused.status, (await refused.json())["type"]) == (409, codes.INQUIRY_CLOSED)
    async with sessions() as session:
        assert (await session.get_one(InquiryAnswer, (id, SECOND.account))).answer is None
    assert len(await audited(sessions, case, "close_inquiry")) == 1
    with pytest.raises(NotFound):
        async with sessions.begin() as session:
            await inquiries.close(session, FIRST, case, uuid4())


async def test_nothing_is_added_to_what_was_forgotten(case: UUID, sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == case).values(wrapped_key=b""))
    async with sessions.begin() as session:
        with pytest.raises(Conflict) as refused:
            await notes.write(session, FIRST, case, uuid4(), "x", [])
        assert refused.value.code == codes.FORGOTTEN
        with pytest.raises(Conflict):
            await inquiries.ask(session, FIRST, case, uuid4(), "x", [member(SECOND)], clock.now())
        with pytest.raises(Conflict):
            await files.may_add(session, FIRST, case, 1, total_mb=1)


async def test_a_colleague_who_is_none_is_refused_where_nobody_can_be_looked_up(
    api: Api, case: UUID, server: TestServer
) -> None:
    # The gateway is away here: a note that names nobody is kept, one that names somebody says why it is not.
    assert (await note(api, case, FIRST, "没有提醒")).status == 200
    refused = await note(api, case, FIRST, "@乙审核")
    assert (refused.status, (await refused.json())["type"]) == (503, codes.STAFF_UNKNOWN)
    assert server.app[SCANNER] is None


def test_a_working_day_ends_at_six() -> None:
    friday = datetime(2026, 12, 4, 9, 30, tzinfo=clock.SHANGHAI)
    assert WorkingDays().closing(friday, 1) == datetime(2026, 12, 7, 18, tzinfo=clock.SHANGHAI)

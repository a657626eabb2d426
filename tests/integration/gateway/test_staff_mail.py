"""Mail to the bureau's people: whose address counts, what is mailed when, once, and what is said of mail that comes back."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, select, text, update

from services.applications.core.context import PEERS, SESSIONS, SETTINGS
from services.applications.messages.tell import tell
from services.applications.operations.mailroom import Mailroom
from services.applications.operations.staff_mail import forget_old
from services.applications.tables.applications import Application, Owed
from services.applications.tables.messages import MessageChoice, StaffMessage
from services.gateway.accounts.models import Account, StaffMail
from services.gateway.web.context import DATABASE
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser

# A Tuesday, and a day of the national holiday.
TUESDAY = datetime(2026, 3, 10, 9, 30, tzinfo=clock.SHANGHAI)
HOLIDAY = datetime(2026, 10, 1, 9, 30, tzinfo=clock.SHANGHAI)
SYSTEM = factories.staff(Role.SYSTEM, "系统")


@pytest.fixture
async def case(applications: TestServer) -> UUID:
    """A case that was submitted; nothing is told or owed of what other tests did."""
    async with ClientSession() as http:
        api, who = Api(http, applications), factories.applicant()
        rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
        open_ = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
        id = str((await api.create(who, open_))["id"])
        await api.fill(who, id)
        assert (await api.submit(who, id)).status == 200
    async with applications.app[SESSIONS].begin() as session:
        for table in (StaffMessage, MessageChoice):
            await session.execute(delete(table))
        await session.execute(delete(Owed).where(Owed.application_id.is_(None)))
    return UUID(id)


async def owed(applications: TestServer, kind: str) -> list[dict[str, Any]]:
    """What was owed to notify of a kind, oldest first."""
    async with applications.app[SESSIONS]() as session:
        rows = await session.scalars(
            select(Owed).where(Owed.application_id.is_(None)).order_by(Owed.created_at, Owed.id)
        )
        return [row.payload for row in rows if row.payload["kind"] == kind]


async def post(who: Browser, path: str, status: int = 200, **fields: str) -> str:
    answer = await who.go("POST", path, data={"csrf_token": who.csrf_token, **fields})
    page = await answer.text()
    assert answer.status == status, page
    return page


async def verified(who: Browser, applications: TestServer, email: str) -> str:
    """Give an address and show that it is one's own; the account."""
    await post(who, "/messages/address", email=email)
    sent = (await owed(applications, "staff_address_check"))[-1]
    page = await post(who, "/messages/address/confirm", code=sent["code"])
    assert "邮箱已验证" in page
    return str(sent["account"])


def rooms(applications: TestServer, n: int = 1) -> list[Mailroom]:
    return [
        Mailroom(applications.app[SESSIONS], applications.app[PEERS], applications.app[SETTINGS]) for _ in range(n)
    ]


async def test_an_address_counts_once_its_code_came_back(
    browser: Browser, other: Browser, gateway: TestServer, applications: TestServer, case: UUID
) -> None:
    await browser.sign_in("shencha")
    await other.sign_in("shencha2")
    typed = "不是邮箱<b>"
    page = await post(browser, "/messages/address", 422, email=typed)
    assert "不是邮箱&lt;b&gt;" in page
    assert 'aria-describedby="email-fault"' in page
    assert not await owed(applications, "staff_address_check")
    await post(browser, "/messages/address", email=" LiShen@Example.com\u200b ")
    [check] = await owed(applications, "staff_address_check")
    assert (check["to"]["email"], check["to"]["enterprise"]) == ("LiShen@example.com", "")
    # Another code only after a minute; somebody else's code is nothing.
    assert "一分钟后" in await post(browser, "/messages/address", 429, email="b@example.com")
    await post(other, "/messages/address/confirm", 409, code=check["code"])
    wrong = f"{(int(check['code']) + 1) % 10**6:06d}"
    for _ in range(5):
        assert 'id="code-fault"' in await post(browser, "/messages/address/confirm", 422, code=wrong)
    # Guessed at too often, the right one is void as well.
    assert "错误次数过多" in await post(browser, "/messages/address/confirm", 409, code=check["code"])
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(StaffMail).values(asked_at=StaffMail.asked_at - timedelta(minutes=2)))
    await post(browser, "/messages/address", email="lishen@example.com")
    code = (await owed(applications, "staff_address_check"))[-1]["code"]
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)  # as an input method of full width gives it
    assert "lishen@example.com" in await post(browser, "/messages/address/confirm", code=f" {wide[:3]} {wide[3:]}")
    # Once is enough, and a code that is past its time is none.
    await post(browser, "/messages/address/confirm", 409, code=code)
    async with gateway.app[DATABASE].begin() as session:
        rows = await session.execute(
            text("SELECT action, result FROM identity.audit WHERE action LIKE 'mail_address%' ORDER BY id")
        )
        assert [tuple(row) for row in rows][-2:] == [
            ("mail_address_asked", "ok"),
            ("mail_address_confirmed", "ok"),
        ]
        stored = "".join(str(row) for row in await session.execute(text("SELECT * FROM identity.staff_mail")))
        assert code not in stored
        details = await session.scalars(
            text("SELECT details::text FROM identity.audit WHERE action = 'mail_address_asked'")
        )
        assert not any("lishen@" in said.lower() for said in details)
    assert "未登记邮箱" in await post(browser, "/messages/address/remove")
    applicant = await Browser(gateway).sign_in("qiye1")
    assert (
        await applicant.go("POST", "/messages/address", data={"csrf_token": applicant.csrf_token})
    ).status == 403
    await applicant.http.close()


async def test_what_is_unread_is_mailed_once_as_each_chose(
    browser: Browser, other: Browser, gateway: TestServer, applications: TestServer, case: UUID
) -> None:
    await browser.sign_in("shencha")
    await other.sign_in("shending")
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(StaffMail))
    reviewer = await verified(browser, applications, "reviewer@example.com")
    director = await verified(other, applications, "director@example.com")
    ways = {"way.assigned": "at_once", "way.mention": "digest", "way.resubmitted": "portal", "way.asked": "none"}
    page = await post(browser, "/messages/choices", **ways, digest_hour="9")
    assert re.search(r'name="way\.assigned">.*?value="at_once" selected', page)
    await post(browser, "/messages/choices", 400, **{"way.assigned": "pigeon"})
    await post(browser, "/messages/choices", 400, digest_hour="24")
    sessions = applications.app[SESSIONS]
    async with sessions.begin() as session:
        number, name = (
            await session.execute(
                select(Application.number, Application.project_name).where(Application.id == case)
            )
        ).one()
        for kind in ("assigned", "mention", "resubmitted", "asked"):
            await tell(session, SYSTEM, [reviewer, director, "nobody"], kind, case)  # type: ignore[arg-type]
    first, second = rooms(applications, 2)
    # Before the hour, and on a holiday, only what goes at once; of two relays one owes it.
    early = TUESDAY.replace(hour=8)
    assert sum(await asyncio.gather(first.mail(early), second.mail(early))) == 1
    assert await first.mail(HOLIDAY) == 0
    [at_once] = await owed(applications, "staff_news")
    assert at_once["to"] == {"name": "陈审查", "email": "reviewer@example.com", "enterprise": "", "mobile": None}
    assert at_once["items"] == [{"label": "分配给我办理", "title": name, "number": number}]
    assert at_once["digest"] is False
    # Nobody of an enterprise, and nothing of it but the title and the number.
    assert factories.ENTERPRISE_1[1] not in str(at_once)
    assert sum(await asyncio.gather(first.mail(TUESDAY), second.mail(TUESDAY))) == 2
    mails = {mail["account"]: mail for mail in (await owed(applications, "staff_news"))[1:]}
    assert [item["label"] for item in mails[reviewer]["items"]] == ["在内部备注中提醒我"]
    assert len(mails[director]["items"]) == 4
    assert mails[director]["digest"] is True
    # Nothing more on that day, nothing at all where nothing is unread.
    async with sessions.begin() as session:
        await tell(session, SYSTEM, [reviewer, director], "mention", case)
    assert await first.mail(TUESDAY) == 0
    await post(browser, "/messages")
    tomorrow = TUESDAY + timedelta(days=1)
    await post(other, "/messages/choices", **{"way.mention": "portal"}, digest_hour="9")
    assert await first.mail(tomorrow) == 0
    # Whoever may not sign in any more, or has other work by now, is written to no longer.
    async with sessions.begin() as session:
        await session.execute(delete(MessageChoice))
        await tell(session, SYSTEM, [reviewer, director], "mention", case)
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(Account).where(Account.id == UUID(reviewer)).values(disabled_at=clock.now()))
        await session.execute(update(Account).where(Account.id == UUID(director)).values(roles=["operator"]))
    try:
        assert await first.mail(tomorrow) == 0
    finally:
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(update(Account).where(Account.id == UUID(reviewer)).values(disabled_at=None))
            await session.execute(update(Account).where(Account.id == UUID(director)).values(roles=["director"]))
    # Many are one mail, which lists the latest fifty.
    async with sessions.begin() as session:
        await session.execute(delete(MessageChoice))
        for n in range(60):
            await tell(session, SYSTEM, [reviewer], "mention", case, due_key=f"{uuid4()}:{n}")
    assert await first.mail(tomorrow + timedelta(days=1)) == 1
    last = (await owed(applications, "staff_news"))[-1]
    assert (len(last["items"]), last["more"]) == (50, 10)
    async with sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE applications.outbox SET created_at = now() - interval '181 days' WHERE application_id IS NULL"
            )
        )
        assert await forget_old(session, 180) >= 4
    assert await owed(applications, "staff_news") == []


async def test_what_came_back_and_what_waits_is_told_once(
    browser: Browser, gateway: TestServer, applications: TestServer, case: UUID
) -> None:
    await browser.sign_in("shencha")
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(StaffMail))
    reviewer = await verified(browser, applications, "gone@example.com")
    [check] = [c for c in await owed(applications, "staff_address_check") if c["account"] == reviewer][-1:]
    sessions = applications.app[SESSIONS]
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == case).values(assignee=reviewer, assignee_name="陈审查")
        )
        row = (
            "INSERT INTO notify.notifications (event_id, channel, kind, application_id, enterprise, occurred_at, payload,"
            " contacts, contact, domain, tried, state, attempts, message_id, last_error)"
            " VALUES (:id, 'email', :kind, :about, '', now(), CAST(:payload AS jsonb),"
            """ '[{"name": "x", "email": "gone@example.com"}]', 0, 'example.com', '[]', 'undeliverable', 1, 'x', '550 no')"""
        )
        event = factories.returned_event(application_id=case)
        of_staff = await session.scalar(select(Owed.payload).where(Owed.id == UUID(check["event_id"])))
        for about, payload in ((case, event.model_dump(mode="json")), (None, of_staff)):
            values = {"id": payload["event_id"], "kind": payload["kind"], "about": about}
            await session.execute(text(row), {**values, "payload": json.dumps(payload)})
        # An extension that an officer proposed.
        await session.execute(
            text(
                "INSERT INTO applications.proposals (id, kind, target, subject, until, reason, proposed_by,"
                " proposed_by_name) SELECT gen_random_uuid(), 'late_acceptance', round_id, 'x', now(), 'r', 'acc', '钱业务'"
                " FROM applications.applications WHERE id = :id"
            ),
            {"id": case},
        )
    first, second = rooms(applications, 2)
    for room in (first, second, first):
        await room.news()
    page = await (await browser.go("GET", "/messages")).text()
    assert page.count("通知未能送达申报单位</span></td>") == 1
    assert page.count("发给我的邮件未能送达</span></td>") == 1
    assert "延期、补时待复核</span></td>" not in page  # a reviewer confirms no extension
    officer = await Browser(gateway).sign_in("yewu")
    theirs = await (await officer.go("GET", "/messages")).text()
    assert theirs.count("延期、补时待复核</span></td>") == 1
    assert "钱业务" in theirs
    assert 'href="/confirmations"' in theirs
    await officer.http.close()
    # What came back is seen by those who tell people, and nobody sends it elsewhere.
    listed = await (await browser.go("GET", "/notices/parked")).text()
    assert "由本人在“消息”中更正邮箱" in listed
    again = await browser.call(
        "POST", f"/notifications/{check['event_id']}/resend", json={"reason": "x", "email": "a@b.cn"}
    )
    assert (again.status, (await again.json())["type"]) == (409, "own_address")
    async with sessions.begin() as session:
        await session.execute(text("DELETE FROM notify.notifications"))
        await session.execute(text("DELETE FROM applications.proposals"))

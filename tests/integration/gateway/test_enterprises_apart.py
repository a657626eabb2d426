"""Nothing of one enterprise by another: every route of the public port and of the API that has an id in it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.demo.files import pdf
from services.applications.core.context import SESSIONS
from services.applications.routes import ROUTES as APPLICATIONS
from services.applications.tables.carried_over import LeftOver
from services.gateway import routes
from services.gateway.accounts import phone_links
from services.gateway.accounts.models import SessionRow
from services.gateway.accounts.sessions import digest
from services.gateway.web.context import DATABASE
from services.notify import ledger
from services.notify.routes import ROUTES as NOTIFY
from shared.database import engine
from shared.identity import Role, Signer
from shared.live_hints import CHANNEL, Hint, signed
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser
from tests.integration.notify.conftest import make_settings as notify_settings

OWNER = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
# What belongs to nobody: forms are everybody's to read, those of published rounds as papers, too; whoever holds a document may check it.
NOBODYS = frozenset(
    {
        "/api/v1/forms/{fund_type}/{version}", "/api/v1/common-returns/{fund_type}", "/api/v1/rounds/{id}/form.pdf", "/projects/form/{id}", "/verify/{token}",
        # An invitation is for whom its link was sent to, and refused to all others in words of its own (`test_members.py`).
        "/api/v1/{rest:.+}", "/invitations/{secret}",
    }
)  # fmt: skip
JSON_BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/applications/{id}/attachments/joined": {
        "section": "company", "slot": "business_license", "files": [str(uuid4()), str(uuid4())],
    },
    "POST /api/v1/applications/{id}/attachments/earlier": {
        "section": "company", "slot": "business_license", "source": str(uuid4()),
    },
    "PUT /api/v1/applications/{id}/workbook/agreed": {
        "form_version": 2, "sections": [{"key": "contact", "etag": "1", "values": {}}],
    },
    "POST /api/v1/applications/{id}/confirmation": {"outcome": "confirmed"},
    "PUT /api/v1/applications/{id}/rating": {"score": 5},
    "PUT /api/v1/applications/{id}/sms": {"agreed": True},
    "POST /api/v1/applications/{id}/unlock-requests": {"section": "company", "reason": "地址有误"},
    "PUT /api/v1/applications/{id}/opinions/{opinion}": {"reply": "已核对"},
    "PUT /api/v1/applications/{id}/sections/{key}": {"values": {}},
    "PUT /api/v1/applications/{id}/sections/{key}/draft": {"values": {}},
    "PUT /api/v1/applications/{id}/sections/{key}/page": {"values": {}},
}  # fmt: skip


@dataclass
class Belongings:
    """What the first enterprise has: by the name of its place in a path."""

    ids: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    session: str = ""
    texts: set[str] = field(default_factory=set)

    def path(self, route: str) -> str:
        places = dict(self.ids)
        if "/notifications/{id}" in route:
            places["id"] = self.notice
        if "/account/sessions/{id}" in route:
            places["id"] = self.session
        if "/changes" in route:
            # The first revision has none before it to be compared with.
            places["n"] = "2"
        return re.sub(r"\{(\w+)[^}]*\}", lambda found: places[found[1]], route)


def reachable() -> list[tuple[str, str, bool]]:
    """(method, path, is a page with a form) of everything with an id that an applicant's role opens."""
    pages = [
        (page.method, page.path, page.form)
        for page in routes.table(development=False)
        if "{" in page.path and Role.APPLICANT in page.roles and page.path not in NOBODYS
    ]
    services = [
        (route.method, route.path, False)
        for route in (*APPLICATIONS, *NOTIFY)
        if "{" in route.path and Role.APPLICANT in route.roles and route.path not in NOBODYS
    ]
    return sorted(set(pages) | set(services))


@pytest.fixture
async def api(applications: TestServer) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        yield Api(http, applications)


@pytest.fixture
async def theirs(
    api: Api, database_url: str, gateway: TestServer, applications: TestServer, browser: Browser
) -> Belongings:
    """An application that was returned: values, files, a revision with its PDF owed, an opinion, a notice, a
    session."""
    rounds = await (await api.call("GET", "/api/v1/rounds", OWNER)).json()
    made = await api.create(OWNER, next(r["id"] for r in rounds if r["is_open"]))
    id = made["id"]
    slot, section = next(iter(factories.REWARD_SLOTS.items()))
    file = await api.upload(OWNER, id, section, slot)
    await api.fill(OWNER, id)
    assert (await api.submit(OWNER, id)).status == 200
    opinion = {"section": "contact", "field": "mobile", "text": "手机号码与营业执照不符"}
    due = {"correct_by": "2099-01-01T00:00:00+08:00", "opinions": [opinion], "unlock": []}
    assert (await api.act(REVIEWER, id, "return", **due)).status == 200
    found = Belongings({"id": id, "key": "contact", "n": "1"}, texts={id, "手机号码与营业执照不符"})
    [listed] = await (await api.call("GET", f"/api/v1/applications/{id}/opinions", REVIEWER)).json()
    found.ids["opinion"] = listed["id"]
    [letter] = await (await api.call("GET", f"/api/v1/applications/{id}/letters", OWNER)).json()
    found.ids["letter"] = letter["id"]
    found.ids["attachment"] = file
    found.ids["item"], found.ids["invitation"] = str(uuid4()), str(uuid4())
    form = FormData()
    form.add_field("file", pdf("minutes"), filename="会议纪要.pdf")
    desk_files = f"/api/v1/review/applications/{id}/files"
    added = await api.call("POST", f"{desk_files}?kind=minutes", REVIEWER, data=form)
    found.ids["file"] = (await added.json())["id"]
    async with applications.app[SESSIONS].begin() as session:
        session.add(
            LeftOver(
                id=UUID(found.ids["item"]), application_id=UUID(id), position=0, section="contact",
                section_label="项目联系人", label="传真", code="no_home", message="新版表单没有此项", content={},
            )
        )  # fmt: skip
    event = factories.returned_event(application_id=id)
    database = engine(notify_settings(database_url, "smtp://127.0.0.1:9"))
    with Session(database) as session, session.begin():
        ledger.accept(session, event, "noreply@gm.example.cn")
    database.dispose()
    found.notice = str(event.event_id)
    await browser.sign_in("qiye1")
    async with gateway.app[DATABASE].begin() as session:
        own = select(SessionRow).where(SessionRow.id_sha256 == digest(browser.cookie()))
        row = (await session.scalars(own)).one()
        found.session = str(row.id)
        link = await phone_links.make(
            session, row.account_id, UUID(id), section, slot, row="", label="附件", help="", room=1
        )
        found.ids["link"] = str(link.id)
    return found


async def ask(browser: Browser, theirs: Belongings, method: str, route: str, form: bool) -> Any:
    headers = {
        "X-CSRF-Token": browser.csrf_token,
        "Accept": "application/json",
        "If-Match": '"1"',
        "Idempotency-Key": uuid4().hex,
    }
    options: dict[str, Any] = {}
    if route.endswith("/attachments") and method == "POST":
        options["data"] = FormData({"file": "x"})
    elif form and "sections" in route:
        multipart = FormData(default_to_multipart=True)
        for name, value in {"csrf_token": browser.csrf_token, "action": "keep", "etag": "1"}.items():
            multipart.add_field(name, value)
        options["data"] = multipart
    elif form:
        options["data"] = {"csrf_token": browser.csrf_token, "key": uuid4().hex, "etag": "1"}
    elif method in {"POST", "PUT", "DELETE"} and route.startswith("/api"):
        options["json"] = JSON_BODIES.get(f"{method} {route}", {})
    return await browser.go(method, theirs.path(route), headers=headers, allow_redirects=False, **options)


async def snapshot(api: Api, theirs: Belongings) -> list[Any]:
    """Everything of the application that a stranger could have changed."""
    base = f"/api/v1/applications/{theirs.ids['id']}"
    parts = ("", "/sections/contact", "/revisions", "/revisions/1", "/opinions", "/checks")
    seen = []
    for part in parts:
        answer = await api.call("GET", base + part, REVIEWER if part != "/sections/contact" else OWNER)
        assert answer.status == 200, part
        seen.append(await answer.json())
    file = await api.call("GET", f"{base}/attachments/{theirs.ids['attachment']}", OWNER)
    assert file.status == 200
    return seen


async def test_no_route_opens_anothers(api: Api, theirs: Belongings, browser: Browser, other: Browser) -> None:
    await other.sign_in("qiye2")
    before = await snapshot(api, theirs)
    faults = []
    for method, route, form in reachable():
        answer = await ask(other, theirs, method, route, form)
        text = await answer.text(errors="replace")
        if answer.status != 404:
            faults.append(f"{method} {route}: {answer.status} {answer.headers.get('Location', '')}")
        if any(word in text for word in theirs.texts - {theirs.ids["id"]}):
            faults.append(f"{method} {route} says what is theirs")
    assert not faults
    assert await snapshot(api, theirs) == before
    # The owner is still signed in, the notice still unread.
    inbox = await (await browser.call("GET", "/notifications")).json()
    assert [n["read_at"] for n in inbox["items"] if n["id"] == theirs.notice] == [None]


async def test_the_owner_does_get_there(theirs: Belongings, browser: Browser) -> None:
    """Not everything is 404: the same requests are answered to whom they belong."""
    for method, route, form in reachable():
        # There is no newer form to move to, and nothing moves any more.
        if method == "GET" and "/changes" not in route and not route.endswith("}/rebase"):
            answer = await ask(browser, theirs, method, route, form)
            assert answer.status in {200, 202, 303}, f"{route}: {answer.status} {await answer.text()}"


async def test_lists_and_searches_show_ones_own(theirs: Belongings, other: Browser) -> None:
    await other.sign_in("qiye2")
    for path in ("/applications", "/applications?q=景泰蓝", f"/applications?q={theirs.ids['id']}",
                 "/applications?state=returned", "/notifications"):  # fmt: skip
        answer = await other.call("GET", path)
        assert answer.status == 200
        assert theirs.ids["id"] not in await answer.text(), path
        assert theirs.notice not in await answer.text(), path
    for path in ("/projects", "/notifications", "/account/sessions", "/account/data"):
        text = await (await other.go("GET", path)).text()
        assert not [word for word in (*theirs.texts, theirs.notice, theirs.session) if word in text], path


async def test_a_foreign_part_in_ones_own_application_is_not_found(
    api: Api, theirs: Belongings, other: Browser
) -> None:
    """An id of one's own before an id of somebody else's: neither read nor named nor removed."""
    me = factories.applicant(factories.ENTERPRISE_2)
    rounds = await (await api.call("GET", "/api/v1/rounds", me)).json()
    mine = (await api.create(me, next(r["id"] for r in rounds if r["is_open"])))["id"]
    await other.sign_in("qiye2")
    file, opinion = theirs.ids["attachment"], theirs.ids["opinion"]
    assert (await other.call("GET", f"/applications/{mine}/attachments/{file}")).status == 404
    assert (await other.call("DELETE", f"/applications/{mine}/attachments/{file}")).status == 404
    answered = await other.call("PUT", f"/applications/{mine}/opinions/{opinion}", json={"reply": "已核对"})
    # There is nothing to answer in a draft, whosever opinion it is.
    assert answered.status == 409
    slot, section = next(iter(factories.REWARD_SLOTS.items()))
    path = f"/applications/{mine}/sections/{section}"
    etag = {"If-Match": (await other.call("GET", path)).headers["ETag"]}
    saved = await other.call("PUT", path, json={"values": {slot: [file]}}, headers=etag)
    assert saved.status == 422
    assert slot in {fault["field"] for fault in (await saved.json())["errors"]}
    # 暂存 keeps what was typed, whatever it is, and shows nothing for it.
    kept = await other.call("PUT", f"{path}/draft", json={"values": {slot: [file]}}, headers=etag)
    assert kept.status == 200
    shown = await (await other.call("GET", path)).json()
    assert shown.pop("draft") == {slot: [file]}
    assert file not in str(shown)


async def test_events_reach_their_own(
    browser: Browser, other: Browser, gateway: TestServer, redis_url: str
) -> None:
    """What is published for one enterprise goes to its streams, and to staff where it says so; to no other's."""
    await browser.sign_in("qiye1")
    await other.sign_in("qiye2")
    clerk = await Browser(gateway).sign_in("shencha")
    people = {"owner": browser, "other": other, "clerk": clerk}
    streams = {who: await one.http.get(gateway.make_url("/api/v1/events")) for who, one in people.items()}
    heard: dict[str, str] = dict.fromkeys(people, "")
    try:
        for stream in streams.values():
            assert stream.content_type == "text/event-stream"
            assert await stream.content.readline() == b"retry: 5000\n"

        async def publish(publisher: redis.Redis, enterprise: str, name: str, *, staff: bool) -> None:
            hint = Hint(
                type="application.state", enterprise=enterprise, staff=staff, application_id=uuid4(), name=name
            )
            publisher.publish(CHANNEL, signed(Signer("applications", factories.private_key("applications")), hint))
            # Whoever can write Redis, and is none of our services, is heard by nobody.
            forged = hint.model_copy(update={"name": "forged"})
            stranger = Signer("applications", b"x" * 32)
            for text in (forged.model_dump_json(), signed(stranger, forged), "{}", b"\xff"):
                publisher.publish(CHANNEL, text)

        with redis.Redis.from_url(redis_url) as publisher:
            ours, theirs = factories.ENTERPRISE_1[0], factories.ENTERPRISE_2[0]
            # The gateway subscribes in its own time; what tells of that is the first thing heard.
            until = asyncio.get_running_loop().time() + 20
            while publisher.pubsub_numsub(CHANNEL)[0][1] < 1:
                assert asyncio.get_running_loop().time() < until
                await asyncio.sleep(0.05)
            await publish(publisher, ours, "for-one", staff=False)
            await publish(publisher, ours, "for-one-and-staff", staff=True)
            await publish(publisher, theirs, "for-two", staff=False)
            # The last one everybody here may hear: who has heard it has heard all that came before.
            await publish(publisher, ours, "end", staff=True)
            await publish(publisher, theirs, "end", staff=True)
        for who, stream in streams.items():
            while '"name": "end"' not in heard[who]:
                heard[who] += (await asyncio.wait_for(stream.content.readline(), 20)).decode()
    finally:
        for stream in streams.values():
            stream.close()
        await clerk.http.close()
    names = {who: set(re.findall(r'"name": "([^"]+)"', text)) - {"end"} for who, text in heard.items()}
    assert names == {
        "owner": {"for-one", "for-one-and-staff"},
        "other": {"for-two"},
        "clerk": {"for-one-and-staff"},
    }

"""Mail goes where the record says: again to who is on record, elsewhere when two people want it, always recorded."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from services.applications.app import create_app as create_applications
from services.applications.core.context import SESSIONS
from services.applications.rounds.seed import seed
from services.applications.tables.applications import Audit
from services.notify import ledger
from services.notify.app import create_app
from services.notify.models import Notification
from services.notify.settings import NotifySettings
from shared.identity import Actor, Role, Signer
from shared.messages import ApplicationReturned
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.conftest import make_settings as applications_settings
from tests.integration.notify.conftest import make_settings

OPERATOR, REVIEWER = factories.staff(Role.OPERATOR), factories.staff(Role.REVIEWER)
ON_RECORD = "lixiang@example.com"


@pytest.fixture(scope="module")
async def recorder(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestServer]:
    """applications, on the same database: it keeps the audit."""
    settings = applications_settings(database_url, tmp_path_factory.mktemp("applications"))
    app = create_applications(settings)
    async with TestServer(app) as running:
        async with app[SESSIONS].begin() as session:
            await seed(session)
        yield running


@pytest.fixture
async def client(settings: NotifySettings, recorder: TestServer) -> AsyncIterator[TestClient]:
    reaching = make_settings(
        settings.database_url.get_secret_value(), settings.smtp_url.get_secret_value(),
        applications_url=str(recorder.make_url("")),
    )  # fmt: skip
    async with TestClient(TestServer(create_app(reaching))) as made:
        yield made


@pytest.fixture
async def event(recorder: TestServer, sessions: sessionmaker[Session]) -> ApplicationReturned:
    """A notice that was refused by the mail server, of an application that exists."""
    async with ClientSession() as http:
        api = Api(http, recorder)
        rounds = await (await api.call("GET", "/api/v1/rounds", factories.applicant())).json()
        made = await api.create(factories.applicant(), next(r["id"] for r in rounds if r["is_open"]))
    event = factories.returned_event().model_copy(update={"application_id": UUID(made["id"])})
    with sessions.begin() as session:
        ledger.accept(session, event, "noreply@gm.example.cn")
        [claim] = ledger.claim(session, timedelta(seconds=60), event.event_id)
        ledger.refused(session, claim, "550 no such user", timedelta(hours=1))
    return event


async def resend(client: TestClient, event_id: object, who: Actor, **body: str) -> ClientResponse:
    signer = Signer("gateway", factories.private_key("gateway"))
    path = f"/api/v1/notifications/{event_id}/resend"
    return await client.post(path, headers=signer.headers("notify", "POST", path, who), json=body)


def audited(sessions: sessionmaker[Session], event: ApplicationReturned) -> list[dict[str, Any]]:
    with sessions.begin() as session:
        rows = session.scalars(
            select(Audit)
            .where(Audit.application_id == event.application_id, Audit.action.startswith("resend"))
            .order_by(Audit.id)
        )
        return [{"action": r.action, "actor": r.actor, **r.details} for r in rows]


async def test_to_who_is_on_record_with_a_reason(
    client: TestClient, event: ApplicationReturned, sessions: sessionmaker[Session]
) -> None:
    assert (await resend(client, event.event_id, factories.applicant(), reason="x")).status == 403
    for without in ({}, {"reason": "  "}):
        refused = await resend(client, event.event_id, REVIEWER, **without)
        assert (refused.status, (await refused.json())["errors"][0]["code"]) == (422, "reason_required")
    wrong = await resend(client, event.event_id, REVIEWER, reason="x", email="a b@c\r\nBcc: x@y.cn")
    assert (wrong.status, (await wrong.json())["errors"][0]["code"]) == (422, "not_email")
    assert (await resend(client, uuid4(), REVIEWER, reason="x")).status == 404
    assert audited(sessions, event) == []
    again = await (await resend(client, event.event_id, REVIEWER, reason="单位来电未收到")).json()
    assert (again["state"], again["address"], again["attempts"]) == ("pending", ON_RECORD, 0)
    # What was tried before stays to be seen.
    assert [t["outcome"] for t in again["tried"]] == ["refused"]
    [row] = audited(sessions, event)
    assert (row["action"], row["actor"], row["reason"]) == ("resend", REVIEWER.account, "单位来电未收到")
    assert (row["address"], row["on_record"]) == ("l***@example.com", True)
    still = await resend(client, event.event_id, REVIEWER, reason="x")
    assert (still.status, (await still.json())["type"]) == (409, "still_sending")


async def test_elsewhere_only_when_two_people_ask_for_the_same(
    client: TestClient, event: ApplicationReturned, sessions: sessionmaker[Session]
) -> None:
    new = "new@example.com"
    for _ in range(3):
        # Asking again and again is still one person.
        asked = await (await resend(client, event.event_id, OPERATOR, reason="原邮箱停用", email=new)).json()
        assert (asked["state"], asked["address"], asked["proposal"]["email"]) == ("undeliverable", ON_RECORD, new)
    other = await (await resend(client, event.event_id, REVIEWER, reason="y", email="other@example.com")).json()
    # Another address is another proposal, not an agreement.
    assert (other["state"], other["proposal"]["by"]) == ("undeliverable", REVIEWER.account)
    done = await (await resend(client, event.event_id, OPERATOR, reason="同意", email="OTHER@example.com")).json()
    assert (done["state"], done["address"], done["proposal"]) == ("pending", "other@example.com", None)
    rows = audited(sessions, event)
    assert [row["action"] for row in rows] == [*["resend_proposed"] * 4, "resend"]
    assert (rows[-1]["on_record"], rows[-1]["proposed_by"]) == (False, REVIEWER.account)
    assert new not in str(rows)


async def test_one_person_is_enough_where_the_office_says_so(
    settings: NotifySettings, recorder: TestServer, event: ApplicationReturned, sessions: sessionmaker[Session]
) -> None:
    alone = make_settings(
        settings.database_url.get_secret_value(), settings.smtp_url.get_secret_value(),
        applications_url=str(recorder.make_url("")), resends_by_two=False,
    )  # fmt: skip
    async with TestClient(TestServer(create_app(alone))) as client:
        sent = await resend(client, event.event_id, REVIEWER, reason="原邮箱停用", email="new@example.com")
        assert ((await sent.json())["state"], (await sent.json())["address"]) == ("pending", "new@example.com")
    [row] = audited(sessions, event)
    assert (row["action"], row["on_record"], "proposed_by" in row) == ("resend", False, False)


async def test_nothing_is_sent_that_cannot_be_recorded(
    settings: NotifySettings, event: ApplicationReturned, sessions: sessionmaker[Session]
) -> None:
    # Its applications does not answer.
    async with TestClient(TestServer(create_app(settings))) as alone:
        refused = await resend(alone, event.event_id, REVIEWER, reason="x")
        assert refused.status == 503
        asked = await resend(alone, event.event_id, REVIEWER, reason="x", email="new@example.com")
        assert asked.status == 503
    with sessions.begin() as session:
        row = session.get_one(Notification, (event.event_id, "email"))
        assert (row.state, row.proposal) == ("undeliverable", None)


async def test_only_notify_writes_these_rows(recorder: TestServer, event: ApplicationReturned) -> None:
    async with ClientSession() as http:
        api = Api(http, recorder)
        answer = await api.call("POST", "/internal/resends", REVIEWER, json={})
        assert (answer.status, (await answer.json())["type"]) == (403, "caller_not_trusted")
        as_applicant = await api.call(
            "POST", "/internal/resends", factories.applicant(), service="notify", json={}
        )
        assert as_applicant.status == 403

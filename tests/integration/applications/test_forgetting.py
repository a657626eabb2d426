"""Forgetting reaches every copy: values are planted, the deletion is carried out, and all that is stored is searched."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import sessionmaker

from deploy.backup import manifest
from deploy.backup.create import create as back_up
from deploy.demo.files import pdf
from deploy.embedded.system import ROOT
from services.applications.colleagues import inquiries, notes
from services.applications.core import peers
from services.applications.core.context import SETTINGS, STORE, Peers
from services.applications.operations import retention, sweeping
from services.applications.operations.reconcile import reconcile
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Base, Owed
from services.applications.tables.decision import Objection
from services.documents import rendering
from services.documents.rendering import Press
from services.gateway.accounts.models import Base as GatewayBase
from services.notify import ledger
from services.notify.app import create_app as create_notify
from services.notify.models import Base as NotifyBase
from services.notify.settings import NotifySettings
from shared import clock
from shared.database import engine
from shared.identity import Role, Signer
from shared.messages import NOTIFY, StaffMember
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.papers import made, told
from tests.integration.notify.conftest import make_settings as notify_settings

WHO = factories.applicant()
REGISTER = ROOT / "docs" / "operating" / "personal-data.md"
# Planted: of a person, in values, file names, files, a ledger.
NAME, EMAIL, MOBILE = "欧阳马克尔", "ouyang.marker@example.cn", "13987650123"
IN_FILE, FILE, OBJECTOR, ACCOUNT = "MARKER-IN-FILE", "身份证-markerfile.pdf", "异议人马克尔", "6222021234567890128"
# What colleagues told each other: words of a note, a question and its answer; a file of the desk and its name.
NOTE, DESK_FILE, IN_DESK_FILE = "内部备注马克尔", "现场-deskmarker.pdf", "MARKER-IN-DESK-FILE"
MARKERS = (NAME, EMAIL, MOBILE, IN_FILE, FILE, OBJECTOR, ACCOUNT, NOTE, DESK_FILE, IN_DESK_FILE)


@pytest.fixture(scope="module")
def press() -> Press:
    return rendering.press()


@pytest.fixture(scope="module")
async def told_by(
    settings: ApplicationsSettings, server: TestServer
) -> AsyncIterator[tuple[NotifySettings, Peers]]:
    """notify on the same database, and how applications reaches it."""
    own = notify_settings(settings.database_url.get_secret_value(), "smtp://127.0.0.1:9")
    async with TestServer(create_notify(own)) as running, ClientSession() as http:
        signer = Signer("applications", factories.private_key("applications"))
        yield own, Peers(http, signer, "http://127.0.0.1:9", str(running.make_url("")))


async def stored(sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings) -> dict[str, str]:
    """Everything that is kept, as text: a table, or a file of the store (PDFs with the text of their pages)."""
    found = {}
    async with sessions.begin() as session:
        tables = await session.execute(
            text(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema IN ('applications', 'notify')"
            )
        )
        for schema, table in tables.all():
            rows = await session.scalars(text(f'SELECT t::text FROM "{schema}"."{table}" t'))
            found[f"{schema}.{table}"] = "\n".join(rows)
    folder = Path(settings.store_url.removeprefix("file://"))
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            found[str(file.relative_to(folder))] = content.decode("latin-1") + (
                told(content)[0] if file.suffix == ".pdf" else ""
            )
    return found


def places(found: dict[str, str]) -> dict[str, set[str]]:
    """Where each marker stands."""
    return {
        marker: {name for name, content in found.items() if marker in content or marker in name}
        for marker in MARKERS
    }


async def plant(
    api: Api,
    server: TestServer,
    press: Press,
    round_id: str,
    sessions: async_sessionmaker[AsyncSession],
    own: NotifySettings,
) -> str:
    """A submitted application full of markers, with its PDFs, previews, pictures of pages, notices."""
    id = str((await api.create(WHO, round_id))["id"])
    values = await api.fill(WHO, id)
    form = FormData()
    form.add_field("file", pdf(IN_FILE), filename=FILE)
    where = f"/api/v1/applications/{id}/attachments"
    slot = "?section=project_content&slot=ip_proof"
    uploaded = await (await api.call("POST", where + slot, WHO, data=form)).json()
    section = "project_content"
    await api.save(WHO, id, section, {**values[section], "ip_proof": [uploaded["id"]]})
    contact = {**values["contact"], "contact_name": NAME, "email": EMAIL, "mobile": MOBILE}
    await api.save(WHO, id, "contact", contact)
    await api.save(WHO, id, "fund_plan", {**values["fund_plan"], "bank_account": ACCOUNT})
    assert (await api.call("POST", f"/api/v1/applications/{id}/preview", WHO, json={})).status == 202
    submitted = await api.submit(WHO, id)
    assert submitted.status == 200, await submitted.text()
    await made(api, server, press, id, WHO)
    await made(api, server, press, id, factories.staff(factories.Role.AUDITOR))
    drawn = await api.call("GET", f"{where}/{uploaded['id']}/pages/1", WHO)
    assert drawn.status == 200
    await _tell_colleagues(api, id, sessions)
    async with sessions.begin() as session:
        session.add(
            Objection(
                id=UUID(int=UUID(id).int ^ 1), application_id=UUID(id), objector=OBJECTOR, contact=MOBILE,
                text="", received_on=clock.today(), recorded_by="test",
            )
        )  # fmt: skip
        events = [
            ledger.EVENT.validate_python(row.payload)
            for row in await session.scalars(
                select(Owed).where(Owed.application_id == UUID(id), Owed.topic == NOTIFY)
            )
        ]
    database = engine(own)
    with sessionmaker(database).begin() as taking:
        for event in events:
            ledger.accept(taking, event, own.mail_from)
            [claim] = ledger.claim(taking, timedelta(minutes=1), event.event_id)
            ledger.refused(taking, claim, f"550 no such user {EMAIL}", timedelta(hours=1))
    database.dispose()
    return id


async def _tell_colleagues(api: Api, id: str, sessions: async_sessionmaker[AsyncSession]) -> None:
    one, two = factories.staff(Role.REVIEWER, "甲"), factories.staff(Role.REVIEWER, "乙")
    form = FormData()
    form.add_field("file", pdf(IN_DESK_FILE), filename=DESK_FILE)
    path = f"/api/v1/review/applications/{id}/files?kind=site_visit"
    assert (await api.call("POST", path, one, data=form)).status == 201
    async with sessions.begin() as session:
        asked = [StaffMember(account=two.account, name=two.name)]
        await notes.write(session, one, UUID(id), uuid4(), f"请@乙 看：{NOTE}", asked)
        inquiry = await inquiries.ask(session, one, UUID(id), uuid4(), NOTE, asked, clock.now())
        await inquiries.answer(session, two, UUID(id), inquiry.id, f"已看：{NOTE}")


async def end(sessions: async_sessionmaker[AsyncSession], id: str, **changes: object) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(id)).values(**changes))


@pytest.mark.parametrize("how", ["ended", "withdrawn"])
async def test_nothing_of_a_forgotten_person_is_found_anywhere(
    api: Api, server: TestServer, press: Press, round_id: str, submitted: str, how: str,
    sessions: async_sessionmaker[AsyncSession], told_by: tuple[NotifySettings, Peers], tmp_path: Path,
) -> None:  # fmt: skip
    settings, store = server.app[SETTINGS], server.app[STORE]
    own, reach = told_by
    id = await plant(api, server, press, round_id, sessions, own)
    await made(api, server, press, submitted, WHO)
    before = places(await stored(sessions, settings))
    # The search finds what is there.
    for marker, somewhere in {
        NAME: {"applications.sections", "applications.revisions", "applications.outbox", "notify.notifications"},
        EMAIL: {"applications.sections", "applications.outbox", "notify.notifications"},
        FILE: {"applications.attachments", "applications.revisions"},
        OBJECTOR: {"applications.objections"},
    }.items():
        assert somewhere <= before[marker], marker
    # What colleagues told each other stands where they wrote it and nowhere else: in no paper, letter, receipt, notice, revision or record.
    assert before[NOTE] == {f"applications.{name}" for name in ("case_notes", "inquiries", "inquiry_answers")}
    assert before[DESK_FILE] == {"applications.case_files"}
    assert all(name.startswith("attachments/") for name in before[IN_DESK_FILE])
    assert len(before[IN_DESK_FILE]) == 1
    assert all(any(name.startswith("pdf/") for name in before[value]) for value in (MOBILE, ACCOUNT))
    assert any(name.startswith("attachments/") for name in before[IN_FILE])

    long_ago = clock.now() - timedelta(days=11 * 365)
    if how == "ended":
        await end(sessions, id, state="rejected", submitted_at=long_ago)
    else:
        await end(sessions, id, state="draft", submitted_at=None, deleted_at=long_ago)
    async with sessions.begin() as session:
        found = await retention.due(session, settings)
        ids = [a.id for one in found for a in one.applications]
        assert ids == [UUID(id)]
        await peers.forget(reach, ids)
        assert await retention.forget(session, found) == 1
    await sweeping.sweep(sessions, store, timedelta(0))

    after = await stored(sessions, settings)
    assert {marker: where for marker, where in places(after).items() if where} == {}
    # Pictures of pages cannot be searched: none is left of a file that is gone.
    kept = {name.rpartition("/")[2] for name in after if name.startswith("attachments/")}
    assert {name.split("/")[1] for name in after if name.startswith("pictures/")} <= kept
    # A backup that is made now is whole, and names nothing of it.
    where = (settings.database_url.get_secret_value(), settings.store_url, factories.b64(b"m" * 32))
    _, listed = manifest.verify(await asyncio.to_thread(back_up, *where, tmp_path / "backups"))
    assert {key for key in listed if not key.startswith("pictures/")} <= after.keys()
    # Somebody else's is as it was.
    assert (await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1/pdf", WHO)).status == 200
    async with sessions.begin() as session:
        report = await reconcile(session, store, lambda: peers.deliveries(reach))
        number = (await session.get_one(Application, UUID(id))).number
    # Its state was set by hand above, which the audit does not know of; nothing else is amiss.
    named = [line for line in report.differences if number and number in line]
    assert all("审计记录止于" in line for line in named), named
    if how == "ended":
        gone = await api.call("GET", f"/api/v1/applications/{id}/revisions/1/pdf", WHO)
        assert gone.status == 409
        assert (await gone.json())["type"].endswith("forgotten")
        again = await api.call("POST", f"/api/v1/applications/{id}/revisions/1/pdf", WHO, json={})
        assert again.status in {200, 409}
        # Nor is another rendition made of what is left.
        auditor = factories.staff(Role.AUDITOR)
        masked = await api.call("GET", f"/api/v1/applications/{id}/revisions/1/pdf", auditor)
        assert (masked.status, (await masked.json())["type"]) == (409, "forgotten")
        assert (await api.call("GET", f"/api/v1/applications/{id}/revisions/1", WHO)).status == 200


async def test_nothing_is_forgotten_while_notify_is_away(
    settings: ApplicationsSettings, server: TestServer
) -> None:
    signer = Signer("applications", factories.private_key("applications"))
    async with ClientSession() as http:
        nobody = Peers(http, signer, "http://127.0.0.1:9", "http://127.0.0.1:9")
        with pytest.raises(peers.Unavailable):
            await peers.forget(nobody, [UUID(int=1)])


def test_register_names_every_table_and_folder() -> None:
    told_of = REGISTER.read_text(encoding="utf-8")
    tables = [t.fullname for base in (Base, GatewayBase, NotifyBase) for t in base.metadata.sorted_tables]
    assert [name for name in tables if f"`{name}`" not in told_of] == []
    for folder in ("attachments/", "pdf/", "pictures/", "recipes/", "audit-heads/"):
        assert f"`{folder}`" in told_of

"""Attachments: what is refused and where, totals, names, the scanner near and away, and what sweeps leave alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, ClientSession, FormData
from aiohttp.test_utils import TestServer
from PIL import Image
from pypdf import PdfReader, PdfWriter
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deploy.demo.files import pdf, png
from services.applications.app import create_app
from services.applications.attachments.clamd import Clamd
from services.applications.attachments.sending import content_disposition
from services.applications.core import stored_contents
from services.applications.core.context import SESSIONS, STORE
from services.applications.operations import sweeping
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Attachment, Audit
from shared import clock
from shared.identity import Actor, Role
from shared.store import Store, attachment_key
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.locks import until_waited_for
from tests.system.clamd_server import EICAR, ClamdServer

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
NO_GRACE = timedelta(0)


@pytest.fixture
async def draft(api: Api, round_id: str) -> str:
    return str((await api.create(WHO, round_id))["id"])


@pytest.fixture
def store(server: TestServer) -> Store:
    return server.app[STORE]


async def send(
    api: Api, id: str, content: bytes, *, name: str = "营业执照.pdf", place: str = "company business_license"
) -> ClientResponse:
    section, slot = place.split()
    form = FormData()
    form.add_field("file", BytesIO(content), filename=name)
    path = f"/api/v1/applications/{id}/attachments?section={section}&slot={slot}"
    return await api.call("POST", path, WHO, data=form)


async def sent(api: Api, id: str, content: bytes, **options: str) -> dict[str, Any]:
    answer = await send(api, id, content, **options)
    assert answer.status == 201, await answer.text()
    return dict(await answer.json())


async def fetch(api: Api, id: str, attachment: str, who: Actor = WHO) -> ClientResponse:
    return await api.call("GET", f"/api/v1/applications/{id}/attachments/{attachment}", who)


def locked() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf())))
    writer.encrypt(user_password="geheim", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (locked(), "x.pdf", "file_encrypted"),
        (pdf(weight=90_000)[:40_000], "x.pdf", "file_broken"),
        (png(20_000, 20_000), "x.png", "image_too_large"),
        (png()[:-20], "x.png", "file_broken"),
    ],
)
async def test_bad_files_are_refused_at_their_slot(
    api: Api, draft: str, content: bytes, name: str, code: str
) -> None:
    answer = await send(api, draft, content, name=name)
    said = await answer.json()
    assert (answer.status, said["type"]) == (422, code)
    [error] = said["errors"]
    assert (error["section"], error["field"], error["code"]) == ("company", "business_license", code)
    assert error["message"] == said["detail"]
    section = await (await api.call("GET", f"/api/v1/applications/{draft}/sections/company", WHO)).json()
    assert section["attachments"] == []


async def test_same_content_is_kept_once_and_each_name_comes_back(api: Api, draft: str, store: Store) -> None:
    content = pdf("same")
    first = await sent(api, draft, content, name="一号 “样本”.pdf")
    second = await sent(api, draft, content, name="second.pdf")
    assert first["sha256"] == second["sha256"]
    assert [len(page) async for page in store.list(attachment_key(first["sha256"]).rpartition("/")[0] + "/")] == [
        1
    ]
    down = await fetch(api, draft, first["id"])
    assert await down.read() == content
    assert down.content_disposition is not None
    assert down.content_disposition.filename == "一号 “样本”.pdf"
    assert down.content_disposition.type == "attachment"


def test_names_in_the_header_hold_nothing_that_ends_it() -> None:
    assert (
        content_disposition('a"b\\c.pdf') == "attachment; filename=\"a_b_c.pdf\"; filename*=UTF-8''a%22b%5Cc.pdf"
    )


async def test_total_of_an_application_is_bounded(settings: ApplicationsSettings, round_id: str) -> None:
    app = create_app(settings.model_copy(update={"attachments_total_mb": 1}))
    async with TestServer(app) as server, ClientSession() as http:
        api = Api(http, server)
        id = (await api.create(WHO, round_id))["id"]
        first = await sent(api, id, pdf(weight=600_000))
        answer = await send(api, id, pdf(weight=600_001), place="project_content ip_proof")
        assert (answer.status, (await answer.json())["type"]) == (413, "total_too_large")
        await api.call("DELETE", f"/api/v1/applications/{id}/attachments/{first['id']}", WHO)
        await sent(api, id, pdf(weight=600_001), place="project_content ip_proof")


async def test_two_uploads_at_once_do_not_pass_the_total_together(
    settings: ApplicationsSettings, round_id: str
) -> None:
    app = create_app(settings.model_copy(update={"attachments_total_mb": 1}))
    async with TestServer(app) as server, ClientSession() as http:
        api = Api(http, server)
        id = (await api.create(WHO, round_id))["id"]
        answers = await asyncio.gather(*(send(api, id, pdf(weight=600_000 + n)) for n in range(4)))
        assert sorted(a.status for a in answers) == [201, 413, 413, 413]


def endless() -> bytes:
    """A small progressive JPEG that repeats its last pass over the picture thousands of times."""
    out = BytesIO()
    Image.new("L", (3000, 3000)).save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * 3000 + content[-2:]


async def test_more_files_at_once_than_there_are_connections_wait_their_turn_and_none_is_sent_away(
    settings: ApplicationsSettings, round_id: str
) -> None:
    # One connection for requests and two beside them: whoever had to wait for one would be told to send the file again.
    few = settings.model_copy(update={"database_pool_size": 3, "database_pool_timeout": 0.01})
    assert few.places == 1
    async with TestServer(create_app(few)) as server, ClientSession() as http:
        api = Api(http, server)
        drafts = [(await api.create(WHO, round_id))["id"] for _ in range(2)]
        files = [api.upload(WHO, id, "company", "financial_statements") for id in drafts * 4]
        assert all(await asyncio.gather(*files))


async def test_file_that_takes_too_long_is_refused(settings: ApplicationsSettings, round_id: str) -> None:
    app = create_app(settings.model_copy(update={"inspection_seconds": 0.5}))
    async with TestServer(app) as server, ClientSession() as http:
        api = Api(http, server)
        id = (await api.create(WHO, round_id))["id"]
        answer = await send(api, id, endless(), name="x.jpg")
        assert (answer.status, (await answer.json()).get("type")) == (422, "file_too_complex")
        # The process that hung is gone; the next file is looked into by another.
        await sent(api, id, pdf())


# ---- the scanner -----------------------------------------------------------------------------------------


@pytest.fixture
async def clamd() -> AsyncIterator[ClamdServer]:
    server = ClamdServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def scanned(settings: ApplicationsSettings, clamd: ClamdServer) -> AsyncIterator[Api]:
    """The service with a scanner. Its verdict has to come within a second."""
    app = create_app(settings.model_copy(update={"clamd_url": clamd.url, "clamd_seconds": 1.0}))
    async with TestServer(app) as server, ClientSession() as http:
        yield Api(http, server)


INFECTED = pdf() + b"% " + EICAR + b"\n"


async def test_infected_file_is_refused(scanned: Api, round_id: str, clamd: ClamdServer) -> None:
    id = (await scanned.create(WHO, round_id))["id"]
    answer = await send(scanned, id, INFECTED)
    said = await answer.json()
    assert (answer.status, said["type"]) == (422, "file_infected")
    assert "Eicar-Test-Signature" in said["detail"]
    assert said["errors"][0]["field"] == "business_license"
    clean = await sent(scanned, id, pdf(weight=500_000))
    assert clean["scanned_at"] is not None
    assert clamd.seen[-1] == clean["size"]


@pytest.mark.parametrize("trouble", ["silent", "limit"])
async def test_scanner_without_a_verdict_keeps_nobody_from_the_deadline(
    scanned: Api, round_id: str, clamd: ClamdServer, trouble: str
) -> None:
    setattr(clamd, trouble, {"silent": True, "limit": 100_000}[trouble])
    id = (await scanned.create(WHO, round_id))["id"]
    kept = await sent(scanned, id, pdf(weight=2_000_000))
    assert (kept["scanned_at"], kept["infected"]) == (None, None)
    assert (await fetch(scanned, id, kept["id"])).status == 200


async def test_what_came_while_the_scanner_was_away_is_scanned_later(
    settings: ApplicationsSettings, round_id: str, clamd: ClamdServer, sessions: async_sessionmaker[AsyncSession]
) -> None:
    away = create_app(settings.model_copy(update={"clamd_url": "tcp://127.0.0.1:9"}))
    async with TestServer(away) as server, ClientSession() as http:
        api = Api(http, server)
        id = (await api.create(WHO, round_id))["id"]
        await api.fill(WHO, id)
        good = await sent(api, id, pdf("good"), place="project_content ip_proof")
        bad = await sent(api, id, INFECTED, place="project_content ip_proof")
        section = await (await api.call("GET", f"/api/v1/applications/{id}/sections/project_content", WHO)).json()
        values = section["saved"] | {"ip_proof": [good["id"], bad["id"]]}
        await api.save(WHO, id, "project_content", values)
        assert (await api.submit(WHO, id)).status == 200
        pending = await fetch(api, id, good["id"], REVIEWER)
        assert (pending.status, (await pending.json())["type"]) == (409, "scan_pending")

        scanner = Clamd("tcp://127.0.0.1:9", seconds=1)
        assert await sweeping.scan_waiting(sessions, away[STORE], scanner) == 0
        scanner = Clamd(clamd.url, seconds=5)
        while await sweeping.scan_waiting(sessions, away[STORE], scanner):
            pass
        assert (await fetch(api, id, good["id"], REVIEWER)).status == 200
        for who in (WHO, REVIEWER):
            answer = await fetch(api, id, bad["id"], who)
            assert (answer.status, (await answer.json())["type"]) == (409, "file_infected")
        async with sessions.begin() as session:
            noted = await session.scalar(select(Audit).where(Audit.action == "infected"))
            assert noted is not None
            assert (noted.actor, noted.details["attachment"]) == ("system", bad["id"])
        # It counts for nothing any more: saved again, the form says so at its slot.
        answer = await api.call(
            "POST",
            f"/api/v1/applications/{id}/withdraw",
            WHO,
            json={},
            headers={"If-Match": await api.etag(WHO, id)},
        )
        assert answer.status == 200
        refused = await (await api.submit(WHO, id)).json()
        assert [(e["section"], e["field"], e["code"]) for e in refused["errors"]] == [
            ("project_content", "ip_proof", "unknown_file")
        ]


@pytest.mark.slow
async def test_a_real_clamd_finds_eicar(tmp_path: Path) -> None:
    """Debian's clamav-daemon with a database of one signature."""
    import shutil

    clamd = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    assert clamd, "deploy/bootstrap.sh test-all brings clamav-daemon"
    tmp_path.chmod(0o755)
    # A body signature at any offset: name, any file, anywhere, the text.
    (tmp_path / "one.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
    socket = tmp_path / "clamd.ctl"
    config = tmp_path / "clamd.conf"
    config.write_text(f"LocalSocket {socket}\nDatabaseDirectory {tmp_path}\nForeground yes\nStreamMaxLength 25M\n")
    process = await asyncio.create_subprocess_exec(
        clamd, "--config-file", str(config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(60):
            while not socket.exists():
                assert process.returncode is None, (await process.stdout.read()).decode()  # type: ignore[union-attr]
                await asyncio.sleep(0.1)
        scanner = Clamd(f"unix://{socket}", seconds=30)
        path = tmp_path / "upload"
        path.write_bytes(pdf(weight=20_000_000))
        assert await scanner.scan_file(path) is None
        path.write_bytes(INFECTED)
        found = await scanner.scan_file(path)
        assert found is not None
        assert "Eicar-Test-Signature" in found
    finally:
        process.terminate()
        await process.wait()


# ---- sweeps ----------------------------------------------------------------------------------------------


async def swept(server: TestServer, store: Store) -> int:
    return await sweeping.sweep(server.app[SESSIONS], store, NO_GRACE)


async def test_sweep_removes_what_nothing_names_and_nothing_else(
    api: Api, server: TestServer, store: Store, draft: str, submitted: str
) -> None:
    await swept(server, store)
    live = await sent(api, draft, pdf("live"))
    gone = await sent(api, draft, pdf("gone"))
    await api.call("DELETE", f"/api/v1/applications/{draft}/attachments/{gone['id']}", WHO)
    # A revision's file whose attachment was taken away since is still the revision's.
    content = await (await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1", WHO)).json()
    named = content["content"]["attachments"]
    async with server.app[SESSIONS].begin() as session:
        await session.execute(
            update(Attachment).where(Attachment.id.in_(list(named))).values(deleted_at=clock.now())
        )
    assert await swept(server, store) == 1
    assert await store.exists(attachment_key(live["sha256"]))
    assert not await store.exists(attachment_key(gone["sha256"]))
    assert (await fetch(api, draft, gone["id"])).status == 404
    for id, file in named.items():
        assert await store.exists(attachment_key(file["sha256"]))
        assert (await fetch(api, submitted, id, REVIEWER)).status == 200


async def test_fresh_contents_are_left_alone(api: Api, server: TestServer, store: Store, draft: str) -> None:
    gone = await sent(api, draft, pdf("fresh"))
    await api.call("DELETE", f"/api/v1/applications/{draft}/attachments/{gone['id']}", WHO)
    await sweeping.sweep(server.app[SESSIONS], store, timedelta(minutes=5))
    assert await store.exists(attachment_key(gone["sha256"]))
    await swept(server, store)


async def test_files_go_with_their_draft(api: Api, server: TestServer, store: Store, draft: str) -> None:
    kept = await sent(api, draft, pdf("of a draft"))
    headers = {"If-Match": await api.etag(WHO, draft)}
    assert (await api.call("DELETE", f"/api/v1/applications/{draft}", WHO, headers=headers)).status == 204
    await swept(server, store)
    assert not await store.exists(attachment_key(kept["sha256"]))


async def test_upload_of_what_is_being_swept_is_never_lost(
    api: Api, server: TestServer, store: Store, draft: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    content = pdf("raced")
    first = await sent(api, draft, content)
    await api.call("DELETE", f"/api/v1/applications/{draft}/attachments/{first['id']}", WHO)
    # The sweep has looked and is about to delete; meanwhile the same file is uploaded again.
    async with sessions.begin() as session:
        await stored_contents.hold(session, first["sha256"], alone=True)
        upload = asyncio.create_task(sent(api, draft, content))
        await until_waited_for(session)
        assert not upload.done()
        await store.delete(attachment_key(first["sha256"]))
    again = await upload
    assert await (await fetch(api, draft, again["id"])).read() == content
    # The other order: an upload that has begun to be recorded is waited for, and seen.
    await swept(server, store)
    assert await (await fetch(api, draft, again["id"])).read() == content


async def test_sweeps_and_uploads_side_by_side_lose_nothing(
    api: Api, server: TestServer, store: Store, draft: str
) -> None:
    """The same few contents come and go while sweeps run without a pause."""
    done = asyncio.Event()

    async def sweeps() -> None:
        while not done.is_set():
            await swept(server, store)
            await asyncio.sleep(0)

    sweeping_task = asyncio.create_task(sweeps())
    try:
        for turn in range(15):
            content = pdf(f"turn {turn % 2}")
            kept = await sent(api, draft, content)
            assert await (await fetch(api, draft, kept["id"])).read() == content
            await api.call("DELETE", f"/api/v1/applications/{draft}/attachments/{kept['id']}", WHO)
    finally:
        done.set()
        await sweeping_task


async def test_abandoned_uploads_are_given_up_after_a_week(
    api: Api, server: TestServer, store: Store, draft: str
) -> None:
    files = {name: await sent(api, draft, pdf(name)) for name in ("saved", "drafted", "abandoned", "new")}
    path = f"/api/v1/applications/{draft}/sections/company"
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    named = {"business_license": [files["saved"]["id"], files["drafted"]["id"]]}
    answer = await api.call("PUT", f"{path}/draft", WHO, json={"values": named}, headers={"If-Match": etag})
    assert answer.status == 200
    async with server.app[SESSIONS].begin() as session:
        await session.execute(
            update(Attachment)
            .where(Attachment.id.in_([files[n]["id"] for n in ("saved", "drafted", "abandoned")]))
            .values(created_at=clock.now() - timedelta(days=8))
        )
    await swept(server, store)
    section = await (await api.call("GET", path, WHO)).json()
    assert {a["id"] for a in section["attachments"]} == {files[n]["id"] for n in ("saved", "drafted", "new")}


def photograph() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    out = BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "HEIF")
    return out.getvalue()


async def test_photographs_are_converted_and_joined(api: Api, draft: str, store: Store) -> None:
    first = await sent(api, draft, photograph(), name="执照.HEIC")
    assert (first["name"], first["media_type"]) == ("执照.jpg", "image/jpeg")
    second = await sent(api, draft, pdf(), name="副本.pdf")
    there = {"section": "company", "slot": "business_license", "files": [first["id"], second["id"]]}
    path = f"/api/v1/applications/{draft}/attachments/joined"
    answer = await api.call("POST", path, WHO, json=there)
    assert answer.status == 201, await answer.text()
    made = await answer.json()
    assert made["name"] == "执照等2个文件.pdf"
    whole = PdfReader(BytesIO(await (await fetch(api, draft, made["id"])).read()))
    assert len(whole.pages) == 1 + len(PdfReader(BytesIO(pdf())).pages)
    # Of this slot, of this application, of this enterprise; two at least.
    elsewhere = await sent(api, draft, pdf(), place="company financial_statements")
    other = factories.applicant(factories.ENTERPRISE_2)
    for who, changes, status in (
        (WHO, {"files": [first["id"], elsewhere["id"]]}, 404),
        (WHO, {"files": [first["id"], str(uuid4())]}, 404),
        (other, {}, 404),
        (WHO, {"files": [first["id"]]}, 400),
        (WHO, {"slot": "nothing"}, 404),
    ):
        assert (await api.call("POST", path, who, json=there | changes)).status == status
    broken = await send(api, draft, b"\0\0\0\x18ftypheic" + b"x" * 2000, name="照片.heic")
    assert (broken.status, (await broken.json())["errors"][0]["code"]) == (422, "file_broken")


async def test_unknown_attachment_is_not_found(api: Api, draft: str) -> None:
    assert (await fetch(api, draft, str(uuid4()))).status == 404


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"x" * 2000, "照片.jpg", "WebP"),
        (png(), "照片.jpg", "PNG"),
        (b"PK\x03\x04" + b"x" * 2000, "扫描件.pdf", "输出为PDF"),
        (b"x" * 1024 + pdf(), "扫描件.pdf", "重新导出"),
    ],
)
async def test_what_a_file_really_is_and_what_to_do(
    api: Api, draft: str, content: bytes, name: str, said: str
) -> None:
    answer = await send(api, draft, content, name=name)
    assert answer.status == 415
    assert said in (await answer.json())["detail"]


@pytest.mark.parametrize("before", [b"\n", b"\xef\xbb\xbf", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1024])
async def test_a_pdf_with_bytes_before_its_mark_is_taken(api: Api, draft: str, before: bytes) -> None:
    kept = await sent(api, draft, before[: 1024 - 5] + pdf())
    assert kept["media_type"] == "application/pdf"

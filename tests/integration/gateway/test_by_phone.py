"""A telephone puts files into one slot by a link, which opens nothing else; the desk adds them."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from PIL import Image
from sqlalchemy import select, update

from deploy.demo.files import pdf
from services.applications.core.context import SESSIONS
from services.applications.tables.applications import Application, Attachment
from services.applications.tables.applications import Audit as Done
from services.gateway.accounts import phone_links
from services.gateway.accounts.models import Account, Audit, PhoneLink
from services.gateway.web.context import DATABASE, KEYS
from shared import clock
from shared.identity import Signer
from tests import factories
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_calls_of_applicants_pages import begun, fields, multipart


def photograph() -> bytes:
    """A photograph that lies on its side, as telephones keep it."""
    image, out = Image.new("RGB", (120, 80), "red"), BytesIO()
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


async def opened(browser: Browser, here: str, slot: str = "business_license", **typed: str) -> tuple[str, str]:
    """Press 用手机拍照上传 beside a slot: the desk's page, and the link on it."""
    section = f"{here}/sections/company"
    form = fields(await (await browser.go("GET", section)).text()) | typed
    desk = await browser.go("POST", section, data=multipart({**form, "action": f"phone:{slot}"}))
    assert desk.url.path.startswith(f"{here}/phone/"), await desk.text()
    found = re.search(r'class="digest">http://[^/]+(/phone/[\w-]+)<', await desk.text())
    assert found
    return desk.url.path, found[1]


async def put(telephone: Browser, link: str, *files: tuple[str, bytes], **headers: str) -> ClientResponse:
    form = FormData(default_to_multipart=True)
    for name, content in files:
        form.add_field("file", BytesIO(content), filename=name)
    return await telephone.go("POST", link, data=form, headers=headers)


async def told(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, unescape(re.sub(r"<[^>]+>", "", (await answer.text()).split("<main", 1)[1]))


async def act(browser: Browser, desk: str, action: str) -> ClientResponse:
    return await browser.go("POST", desk, data={"csrf_token": browser.csrf_token, "action": action})


@pytest.fixture
async def telephone(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield made
    await made.http.close()


async def test_a_telephone_fills_one_slot(
    browser: Browser, telephone: Browser, applications: TestServer, gateway: TestServer
) -> None:
    here = await begun(browser)
    id = UUID(here.rpartition("/")[2])
    desk, link = await opened(browser, here, **{"f.org_profile": "刚才输入的简介"})
    page = await (await browser.go("GET", desk)).text()
    assert "<svg" in page
    assert "营业执照" in page
    status, said = await told(await telephone.go("GET", link))
    assert (status, "营业执照" in said) == (200, True)
    # The telephone reads what the slot is called, and nothing of the application or of whose it is.
    assert "简介" not in said
    assert factories.ENTERPRISE_1[1] not in said
    assert "gm_session" not in {cookie.key for cookie in telephone.http.cookie_jar}
    status, said = await told(
        await put(telephone, link, ("image.jpg", photograph()), ("a.pdf", pdf()), ("b.exe", b"MZ" * 50))
    )
    assert status == 422
    assert "b.exe：此处只接受" in said
    assert "已上传（2 个）" in said
    # What was wrong keeps nothing else back, and is not sent again with a reload of the page.
    assert "image.jpg" in await (await browser.go("GET", desk)).text()
    section = f"{here}/sections/company"
    shown = await (await browser.go("GET", section)).text()
    assert shown.count("手机已上传、尚未加入") == 2
    back = await act(browser, desk, "add")
    assert back.url.path == section
    shown = await back.text()
    assert "手机上传的文件已加入并暂存" in shown
    assert "尚未加入" not in shown
    kept = await (await browser.call("GET", section)).json()
    files = {file["name"]: file for file in kept["attachments"]}
    assert kept["draft"]["business_license"] == [files["image.jpg"]["id"], files["a.pdf"]["id"]]
    assert kept["draft"]["org_profile"] == "刚才输入的简介"
    # Pressed once more it is added once; the link is over.
    await act(browser, desk, "add")
    assert (await (await browser.call("GET", section)).json())["draft"] == kept["draft"]
    status, said = await told(await put(telephone, link, ("late.pdf", pdf("late"))))
    assert (status, "已停用" in said) == (409, True)
    small = await browser.call("GET", f"{here}/attachments/{files['image.jpg']['id']}/thumbnail")
    drawn = Image.open(BytesIO(await small.read()))
    assert (small.status, drawn.format) == (200, "WEBP")
    assert drawn.height > drawn.width
    assert drawn.height <= 112
    # Who made the link and what came by it stand in both audits, and what opens it stands nowhere.
    async with applications.app[SESSIONS].begin() as session:
        rows = await session.scalars(select(Done).where(Done.application_id == id, Done.action == "attach"))
        came = [(row.actor, row.details["phone"]) for row in rows]
        links = set(await session.scalars(select(Attachment.phone_link).where(Attachment.application_id == id)))
    async with gateway.app[DATABASE].begin() as session:
        row = (await session.scalars(select(PhoneLink).where(PhoneLink.application == id))).one()
        done = await session.scalars(select(Audit).where(Audit.action.startswith("phone_link_")))
        noted = [(one.action, one.details) for one in done if one.details["link"] == str(row.id)]
    assert came == [(str(row.account_id), str(row.id))] * 2
    assert links == {row.id}
    assert [action for action, _ in noted] == ["phone_link_made", "phone_link_ended"]
    assert link.rpartition("/")[2] not in str(vars(row)) + str(noted)
    assert "通过手机链接" in await (await browser.go("GET", f"{here}/view")).text()


async def test_who_may_not_use_a_link_is_told_why(
    browser: Browser, other: Browser, telephone: Browser, gateway: TestServer, applications: TestServer
) -> None:
    here = await begun(browser)
    desk, link = await opened(browser, here, "tax_certificate")
    id = UUID(desk.rpartition("/")[2])
    await other.sign_in("qiye2")
    assert [(await other.go("GET", desk)).status, (await act(other, desk, "end")).status] == [404, 404]
    forged = await browser.go("POST", desk, data={"csrf_token": "x", "action": "end"})
    assert forged.status == 403
    keys = gateway.app[KEYS]
    for wrong in (f"{link}x", link[:-3], "/phone/x", "/phone/" + "é" * 40):
        status, said = await told(await telephone.go("GET", wrong))
        assert (status, "链接无效" in said) == (404, True), wrong
    assert (await put(telephone, f"{link}A", ("a.pdf", pdf()))).status == 404
    # Whoever looks first binds nobody; whoever sends first has it.
    await other.go("GET", link)
    await telephone.go("GET", link)
    assert (await told(await put(telephone, link)))[1].count("请先选择照片或文件") == 1
    assert (await put(telephone, link, ("a.pdf", pdf()))).status == 200
    for answer in (await other.go("GET", link), await put(other, link, ("b.pdf", pdf("b")))):
        status, said = await told(answer)
        assert (status, "另一部手机" in said) == (409, True)
    nobody = Browser(gateway)
    status, said = await told(await put(nobody, link, ("b.pdf", pdf("b"))))
    await nobody.http.close()
    assert (status, "另一部手机" in said) == (409, True)
    # Another site's form, which knows the link and has the telephone's cookie.
    foreign = await put(telephone, link, ("b.pdf", pdf("b")), Origin="https://elsewhere.example")
    assert foreign.status == 403

    async def changed(**values: object) -> tuple[int, str]:
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(update(PhoneLink).where(PhoneLink.id == id).values(**values))
        return await told(await put(telephone, link, ("b.pdf", pdf("b"))))

    status, said = await changed(tries=phone_links.MOST_TRIES)
    assert (status, "次数过多" in said) == (422, True)
    status, said = await changed(tries=0, most=1)
    assert (status, "已传满" in said) == (422, True)
    status, said = await changed(most=9, expires_at=clock.now() - timedelta(seconds=1))
    assert (status, "过期" in said) == (409, True)
    # What came is there all the same; anew is another link.
    assert "已传的文件仍可加入本项" in await (await browser.go("GET", desk)).text()
    renewed = await act(browser, desk, "again")
    assert renewed.url.path not in (desk, here)
    await changed(expires_at=clock.now() + timedelta(minutes=5))
    async with gateway.app[DATABASE].begin() as session:
        row = await session.get_one(PhoneLink, id)
        mine = update(Account).where(Account.id == row.account_id)
        await session.execute(mine.values(duties=["check"], administers=False))
    try:
        status, said = await told(await put(telephone, link, ("b.pdf", pdf("b"))))
        assert (status, "不能填报本项目" in said) == (403, True)
    finally:
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(mine.values(duties=None, administers=True))
    # The application has gone on meanwhile: said of the file, in the words of every upload.
    application = update(Application).where(Application.id == UUID(here.rpartition("/")[2]))
    async with applications.app[SESSIONS].begin() as session:
        await session.execute(application.values(state="pending_acceptance"))
    status, said = await told(await put(telephone, link, ("b.pdf", pdf("b"))))
    async with applications.app[SESSIONS].begin() as session:
        await session.execute(application.values(state="draft"))
    assert (status, "不能修改申报材料" in said) == (422, True)
    names = phone_links.opened(keys, link.rpartition("/")[2])
    assert names == (id, row.account_id)


async def test_a_telephones_actor_opens_one_route(browser: Browser, applications: TestServer) -> None:
    """Whatever the gateway were made to ask for it."""
    here = await begun(browser)
    signer = Signer("gateway", factories.private_key("gateway"))
    who = factories.applicant().model_copy(update={"phone": uuid4(), "received_at": clock.now()})
    for method, path in (
        ("GET", here),
        ("GET", f"{here}/sections/company"),
        ("GET", "/applications"),
        ("PUT", f"{here}/sections/company/draft"),
        ("POST", f"{here}/submit"),
    ):
        full = f"/api/v1{path}"
        headers = signer.headers("applications", method, full, who)
        async with browser.http.request(
            method, applications.make_url(full), headers=headers, json=None if method == "GET" else {}
        ) as refused:
            assert refused.status == 404, path

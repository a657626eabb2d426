"""What a reviewer sees of a case: pages of attachments, where values came from, other cases, what changed."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from PIL import Image

from services.applications.core.context import PEERS, STORE, Peers
from services.applications.operations.sweeping import remove_orphans
from shared import clock
from shared.http.app import Route, answer, base_app
from shared.identity import Role, Verifier
from shared.messages import Profile
from shared.store import Store
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


def pdf(pages: int) -> bytes:
    """A PDF with so many empty pages."""
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


async def upload(api: Api, id: str, name: str, content: bytes) -> str:
    form = FormData()
    form.add_field("file", content, filename=name)
    path = f"/api/v1/applications/{id}/attachments?section=company&slot=business_license"
    made = await api.call("POST", path, WHO, data=form)
    assert made.status == 201, await made.text()
    return str((await made.json())["id"])


async def test_pages_of_a_pdf_and_of_a_picture(api: Api, server: TestServer, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    paper = await upload(api, id, "执照.pdf", pdf(3))
    raw = io.BytesIO()
    Image.new("RGB", (3000, 1000), "red").save(raw, "JPEG")
    photo = await upload(api, id, "照片.jpg", raw.getvalue())
    path = f"/api/v1/applications/{id}/attachments"
    assert await (await api.call("GET", f"{path}/{paper}/pages", WHO)).json() == {"pages": 3}
    assert await (await api.call("GET", f"{path}/{photo}/pages", WHO)).json() == {"pages": 1}
    for file, number, size in ((paper, 3, (1240, 1754)), (photo, 1, (1240, 413))):
        for _ in range(2):  # drawn, then kept
            shown = await api.call("GET", f"{path}/{file}/pages/{number}", WHO)
            assert (shown.status, shown.content_type) == (200, "image/webp")
            width, height = Image.open(io.BytesIO(await shown.read())).size
            assert abs(width - size[0]) <= 1
            assert abs(height - size[1]) <= 1
    for file, number in ((paper, 4), (paper, 0), (photo, 2), (paper, "x"), (paper, "²")):
        assert (await api.call("GET", f"{path}/{file}/pages/{number}", WHO)).status == 404
    other = factories.applicant(factories.ENTERPRISE_2)
    assert (await api.call("GET", f"{path}/{paper}/pages/1", other)).status == 404
    assert (await api.call("GET", f"{path}/{paper}/pages/1", factories.staff(Role.OPERATOR))).status == 403


async def test_pictures_go_with_their_file(api: Api, server: TestServer, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    file = await upload(api, id, "作废.pdf", pdf(2))
    path = f"/api/v1/applications/{id}/attachments/{file}"
    assert (await api.call("GET", f"{path}/pages/2", WHO)).status == 200
    store: Store = server.app[STORE]

    async def pictures() -> set[str]:
        return {key async for page in store.list("pictures/") for key in page}

    before = await pictures()
    assert (await api.call("DELETE", path, WHO)).status == 204
    from services.applications.core.context import SESSIONS

    await remove_orphans(server.app[SESSIONS], store, timedelta(0))
    assert len(before - await pictures()) >= 1


async def test_a_file_that_cannot_be_drawn_is_said(api: Api, server: TestServer, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    file = await upload(api, id, "损坏.pdf", pdf(5))
    # What stands in the store is no longer what came in.
    from services.applications.core.context import SESSIONS
    from services.applications.tables.applications import Attachment
    from shared.store import attachment_key

    async with server.app[SESSIONS].begin() as session:
        found = await session.get_one(Attachment, file)
        found.sha256 = "f" * 64
    server.app[STORE].put(attachment_key("f" * 64), b"%PDF-1.7 nothing")
    for what in ("pages", "pages/1"):
        refused = await api.call("GET", f"/api/v1/applications/{id}/attachments/{file}/{what}", WHO)
        assert (refused.status, (await refused.json())["type"]) == (409, "no_picture")


@pytest.fixture
async def registry(server: TestServer) -> AsyncIterator[dict[str, str]]:
    """A gateway whose registry says what the test puts in."""
    said = {"ORG_NAME": factories.ENTERPRISE_1[1], "ORG_ADDRESS": "北京市朝阳区工体北路1号", "REG_MONEY": "500.00"}

    async def tell(_: Any) -> Any:
        now = clock.now()
        return answer(Profile(registry=said, registry_fetched_at=now, account={}, account_fetched_at=None))

    gateway = base_app("gateway", Verifier("gateway", {}), [Route("GET", "/internal/profiles/{account}", tell)])
    before = server.app[PEERS]
    async with TestServer(gateway) as running:
        server.app._state[PEERS] = Peers(before.http, before.signer, str(running.make_url("")), before.notify_url)
        yield said
        server.app._state[PEERS] = before


async def test_origins_say_what_drifted_and_what_was_changed(
    api: Api, round_id: str, registry: dict[str, str]
) -> None:
    created = await api.create(WHO, round_id)
    id = created["id"]
    values = await api.fill(WHO, id)
    company = values["company"] | {"registered_address": "北京市海淀区学院路20号"}
    await api.save(WHO, id, "company", company)
    assert (await api.submit(WHO, id)).status == 200
    registry["REG_MONEY"] = "800"
    path = f"/api/v1/review/applications/{id}/origins"
    found = {o["field"]: o for o in await (await api.call("GET", path, REVIEWER)).json()}
    assert found.keys() == {"org_name", "registered_address", "registered_capital_wan"}
    name, address, capital = found["org_name"], found["registered_address"], found["registered_capital_wan"]
    assert (name["source"], name["drifted"], name["changed_by_applicant"]) == ("法人库", False, False)
    assert name["fetched_at"]
    assert (capital["prefilled"], capital["now"], capital["drifted"]) == ("500.00", "800.00", True)
    assert (address["submitted"], address["changed_by_applicant"]) == ("北京市海淀区学院路20号", True)
    # The registry is away: what was known stays, what is now is not guessed.
    registry.clear()
    found = {o["field"]: o for o in await (await api.call("GET", path, REVIEWER)).json()}
    assert (found["org_name"]["now"], found["org_name"]["drifted"]) == (None, False)
    assert (await api.call("GET", path, WHO)).status == 403


async def test_the_enterprises_other_cases(api: Api, round_id: str, submitted: str) -> None:
    draft = (await api.create(WHO, round_id))["id"]
    path = f"/api/v1/review/applications/{submitted}/others"
    others = {a["id"] for a in await (await api.call("GET", path, REVIEWER)).json()}
    # Neither itself nor what was never handed in.
    assert submitted not in others
    assert draft not in others
    second = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, second)
    assert (await api.submit(WHO, second)).status == 200
    assert second in {a["id"] for a in await (await api.call("GET", path, REVIEWER)).json()}


async def test_what_nobody_asked_for_stands_out(api: Api, submitted: str) -> None:
    due = (clock.now() + timedelta(days=5)).isoformat()
    plan = (await (await api.call("GET", f"/api/v1/applications/{submitted}/sections/fund_plan", WHO)).json())[
        "saved"
    ]
    row = plan["plan_items"][0]["id"]
    opinions = [
        {"section": "fund_plan", "field": "bank_name", "text": "请填写全称"},
        {"section": "fund_plan", "field": "plan_items.remark", "row": row, "text": "请写明材料"},
    ]
    back = await api.act(REVIEWER, submitted, "return", correct_by=due, opinions=opinions, unlock=["contact"])
    assert back.status == 200, await back.text()
    path = f"/api/v1/applications/{submitted}"
    for opinion in await (await api.call("GET", f"{path}/opinions", WHO)).json():
        await api.call("PUT", f"{path}/opinions/{opinion['id']}", WHO, json={"reply": "已改"})
    plan["bank_name"] = "中国工商银行股份有限公司北京朝阳支行"
    plan["bank_account"] = "0200001009000000999"
    plan["plan_items"][0]["remark"] = "铜胎、釉料与金箔"
    plan["plan_items"][0]["amount_wan"] = "12.00"
    plan["plan_items"].append({"id": "another", "subject_name": "设备费", "amount_wan": "10.00", "remark": "窑炉"})
    await api.save(WHO, submitted, "fund_plan", plan)
    assert (await api.submit(WHO, submitted)).status == 200
    changed = await (await api.call("GET", f"{path}/revisions/2/changes", REVIEWER)).json()
    assert {(c["field"], c["row"], c["column"]): c["asked"] for c in changed} == {
        ("bank_name", None, None): True,
        ("bank_account", None, None): False,
        ("plan_items", row, "remark"): True,
        ("plan_items", row, "amount_wan"): False,
        ("plan_items", "another", "subject_name"): False,
        ("plan_items", "another", "amount_wan"): False,
        ("plan_items", "another", "remark"): False,
    }

"""The applicant's pages without scripts, of a form in which rows, files and options follow: filled in, taken back, forged, handed in, read."""

from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
from aiohttp import FormData

from deploy.demo.files import pdf
from services.applications.documents import document_model
from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.documents import rendering
from services.documents.checking import plain
from shared.document import Proof
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_generated_forms import reader, started
from tests.unit.applications.test_forms_following import BOOK, form_of
from tests.unit.documents import models

__all__ = ["reader"]
Json = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def form() -> Iterator[Form]:
    found = form_of(BOOK.replace("fund_type: example", "fund_type: following"))
    catalogue.forms()[found.fund_type, 1] = found
    yield found
    del catalogue.forms()[found.fund_type, 1]


class Applicant:
    def __init__(self, browser: Browser, id: str) -> None:
        self._browser = browser
        self.id = id

    def path(self, section: str) -> str:
        return f"/applications/{self.id}/sections/{section}"

    async def opened(self, section: str) -> Json:
        found: Json = await (await self._browser.call("GET", self.path(section))).json()
        return found

    async def page(self, section: str) -> str:
        return unescape(await (await self._browser.go("GET", self.path(section))).text())

    async def press(self, section: str, action: str, values: Json, **files: bytes) -> str:
        """Send the form as a browser does, and return the page that it leads to."""
        body = FormData(default_to_multipart=True)
        tag = (await self.opened(section))["etag"]
        for name, value in {
            "csrf_token": self._browser.csrf_token,
            "etag": tag,
            "action": action,
            **values,
        }.items():
            body.add_field(name, value)
        for place, content in files.items():
            body.add_field(f"file.deed.{place}", BytesIO(content), filename=f"{place}.pdf")
        answer = await self._browser.go("POST", self.path(section), data=body)
        return unescape(await answer.text())

    async def put(self, section: str, values: Json) -> Json:
        headers = {"If-Match": (await self.opened(section))["etag"]}
        answer = await self._browser.call("PUT", self.path(section), json={"values": values}, headers=headers)
        found: Json = await answer.json()
        return found


def rows(*ids: str) -> Json:
    typed = {f"t.partners.{n}.id": id for n, id in enumerate(ids)}
    return typed | {f"t.partners.{n}.org": f"{id} 公司" for n, id in enumerate(ids)}


BASE = {"f.name": "随行的项目", "f.class": "织绣", "f.craft": "rug", "f.joint": "1"}


async def test_rows_files_and_options_follow_without_scripts(
    browser: Browser, other: Browser, reader: Browser, form: Form
) -> None:
    await browser.sign_in("qiye1")
    await other.sign_in("yewu")
    me = Applicant(browser, await started(browser, other, form))

    # The options of what is chosen come with the next page; what is forged is refused at its place.
    text = await me.press("a", "draft", {"f.name": "随行的项目", "f.class": "雕塑"})
    assert '<option value="玉雕">' in text
    assert '<option value="rug">' not in text
    text = await me.press("a", "save", BASE | {"f.class": "雕塑"})
    assert "“宫毯”不属于所选的“门类”，请重新选择" in text

    # A place for each row, once it is known; a file without one is asked for by the row's name.
    text = await me.press("a", "draft", BASE)
    assert "填写并暂存“联合单位”后，在此为每一行上传文件。" in text
    text = await me.press("a", "draft", BASE | rows("p", "q"))
    assert 'name="file.deed.p"' in text
    assert 'name="file.deed.q"' in text
    text = await me.press("a", "save", BASE | rows("p", "q"), p=pdf("P"))
    assert "请上传“合作协议（q 公司）”" in text
    assert 'href="#file-deed.q"' in text
    assert 'id="file-deed.q"' in text
    held = (await me.opened("a"))["draft"]["deed"]
    assert list(held.values()) == ["p"]

    # A new file takes the place of the former; a row takes its file with it, and the page says so.
    filed = BASE | rows("p", "q") | {f"s.deed.{row}": file for file, row in held.items()}
    await me.press("a", "upload:deed.p", filed, p=pdf("P2"), q=pdf("Q"))
    held = (await me.opened("a"))["draft"]["deed"]
    assert sorted(held.values()) == ["p", "q"]
    filed |= {f"s.deed.{row}": file for file, row in held.items()}
    text = await me.press("a", "remove:partners:q", filed)
    assert "随该行填写的内容、为该行上传的附件也一并移除" in text
    assert list((await me.opened("a"))["draft"]["deed"].values()) == ["p"]
    # Another tab that still holds the removed row's file: it is not kept.
    assert "已保存表单" in await me.press("a", "save", filed | {"t.partners.1.org": ""})
    assert list((await me.opened("a"))["saved"]["deed"].values()) == ["p"]

    # What follows a row of another material has its name, and no button to add or remove one.
    text = await me.page("b")
    assert 'id="t-costs-p-org"' in text
    assert "p 公司" in text
    assert "add:costs" not in text
    assert "remove:costs" not in text

    # Forged: rows of another application, a file for a row that is not there, a file that is not ours, a thousand rows.
    kept = await me.put(
        "b", {"costs": [{"id": "p", "wan": "3"}, {"id": uuid4().hex, "wan": "9"}, {"id": "q", "wan": "1"}]}
    )
    assert kept["values"] == {"costs": [{"id": "p", "wan": "3.00"}]} | {
        k: v for k, v in kept["values"].items() if k != "costs"
    }
    [file] = (await me.opened("a"))["saved"]["deed"]
    saved = (await me.opened("a"))["saved"]
    refused = await me.put("a", saved | {"deed": {file: "p", str(uuid4()): "p"}})
    assert {e["code"] for e in refused["errors"]} == {"too_many_files", "unknown_file"}
    kept = await me.put("a", saved | {"deed": {file: "p", str(uuid4()): "nobody"}})
    assert kept["values"]["deed"] == {file: "p"}
    many = await me.put("b", {"costs": [{"id": f"x{n}", "wan": "1"} for n in range(10_000)]})
    assert "too_many_rows" in {e["code"] for e in many["errors"]}

    # A file that saved values name by a row is in use.
    answer = await browser.call("DELETE", f"/applications/{me.id}/attachments/{file}")
    assert (answer.status, (await answer.json())["type"]) == (409, "attachment_in_use")

    # Handed in, it is read and printed by the names of the rows.
    await me.put("b", {"costs": [{"id": "p", "wan": "3"}]})
    view = await (await browser.call("GET", f"/applications/{me.id}")).json()
    headers = {"If-Match": f'"{view["version"]}"', "Idempotency-Key": uuid4().hex}
    answer = await browser.call("POST", f"/applications/{me.id}/submit", json={}, headers=headers)
    assert answer.status == 200, await answer.text()
    receipt = (await answer.json())["receipt"]
    content = (await (await browser.call("GET", f"/applications/{me.id}/revisions/1")).json())["content"]
    assert content["sections"]["a"]["deed"] == {file: "p"}
    await reader.sign_in("shencha")
    for reads, where in ((browser, f"/applications/{me.id}/view"), (reader, f"/review/{me.id}")):
        text = unescape(await (await reads.go("GET", where)).text())
        assert "p 公司：p.pdf" in text
        assert "宫毯" in text
    # Taken over into another application, the file is still that of its row.
    body = {"round_id": view["round_id"], "copy_from": me.id}
    made = await browser.call("POST", "/applications", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert made.status == 201, await made.text()
    copied = Applicant(browser, (await made.json())["id"])
    draft = (await copied.opened("a"))["draft"]
    [(taken, row)] = draft["deed"].items()
    assert (row, draft["partners"][0]["id"]) == ("p", "p")
    assert taken != file
    assert "p 公司" in await copied.page("a")
    assert "已保存表单" in await copied.press("a", "save", BASE | rows("p") | {"s.deed.p": taken})

    proof = Proof(url=models.PROOF.url, sha256=receipt["sha256"], sm3=receipt["sm3"])
    model = document_model.of_revision(form, content, proof=proof, canonical="{}")
    printed = pypdfium2.PdfDocument(rendering.render(model, rendering.press()).content)
    said = plain("".join(page.get_textpage().get_text_bounded() for page in printed))
    assert plain("合作协议（p 公司）") in said

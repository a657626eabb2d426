"""Forms that others wrote are served, validated, checked, submitted and printed like ours: random ones, through the gateway."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from html import unescape
from random import Random
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
import yaml
from aiohttp import FormData
from aiohttp.test_utils import TestServer

from services.applications.documents import document_model
from services.applications.forms import catalogue
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form
from services.documents import rendering
from services.documents.checking import plain
from shared import clock
from shared.document import Proof
from tests import generated
from tests.integration.gateway.conftest import Browser
from tests.unit.documents import models

Json = dict[str, Any]
SMALL = [{"sections": Random(seed).randint(1, 7), "fields": 25, "conditions": 12} for seed in range(5)]
# What forms of other funds have been seen to reach.
LARGE = {"sections": 60, "fields": 150, "conditions": 40}


MEDIUM = {"sections": 12, "fields": 60, "conditions": 25}
SIZES = [*enumerate(SMALL[:3]), (7, MEDIUM), (77, LARGE)]


@pytest.fixture(scope="module", autouse=True)
def written() -> Iterator[dict[int, tuple[Json, Form]]]:
    """Random forms by their seeds, standing in the catalogue for as long as their applications do."""
    found = {}
    for seed, size in SIZES:
        data = generated.form(seed, **size)
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        assert [fault for fault in lint_text(text) if fault.severity == "error"] == []
        form, _, _ = read_form(text)
        assert form
        found[seed] = (data, form)
    known = {(form.fund_type, 1): form for _, form in found.values()}
    catalogue.forms().update(known)
    yield found
    for key in known:
        del catalogue.forms()[key]


async def started(applicant: Browser, officer: Browser, form: Form) -> str:
    """An application of a round of this form; its id."""
    now = clock.now()
    body = {
        "fund_type": form.fund_type,
        "form_version": 1,
        "title": "随机批次",
        "opens_at": (now - timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        # A check for which the round sets no limit is left out.
        "parameters": generated.ROUND | {"not_there": "不设限"},
    }
    round_ = await officer.call("POST", "/rounds", json=body)
    assert round_.status == 201, await round_.text()
    made = await applicant.call(
        "POST",
        "/applications",
        json={"round_id": (await round_.json())["id"]},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert made.status == 201, await made.text()
    return str((await made.json())["id"])


def inputs(section: Json, values: Json) -> FormData:
    """A section's values as a browser sends them."""
    form = FormData(default_to_multipart=True)

    def put(name: str, field: Json, value: Any) -> None:
        if field["kind"] in ("computed", "fixed_text") or value is None or value is False:
            return
        for item in value if isinstance(value, list) else [value]:
            form.add_field(name, "1" if item is True else str(item))

    for field in section["fields"]:
        put(f"f.{field['key']}", field, values.get(field["key"]))
    for table in section["tables"]:
        for n, row in enumerate(values[table["key"]]):
            key = "row" if table.get("fixed_rows") else "id"
            form.add_field(f"t.{table['key']}.{n}.{key}", row[key])
            if table.get("levels"):
                form.add_field(f"t.{table['key']}.{n}.row", row["row"])
            for column in table["columns"]:
                put(f"t.{table['key']}.{n}.{column['key']}", column, row.get(column["key"]))
    return form


@pytest.fixture
async def reader(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield made
    await made.http.close()


@pytest.mark.parametrize("seed", [pytest.param(s, marks=pytest.mark.slow) if z is LARGE else s for s, z in SIZES])
async def test_a_form_that_nobody_here_wrote(
    browser: Browser, other: Browser, reader: Browser, written: dict[int, tuple[Json, Form]], seed: int
) -> None:
    data, form = written[seed]
    await browser.sign_in("qiye1")
    await other.sign_in("yewu")
    id = await started(browser, other, form)
    values = generated.values(data, 1, rows=4)
    for number, section in enumerate(data["sections"]):
        path = f"/applications/{id}/sections/{section['key']}"
        page = await browser.go("GET", path)
        assert page.status == 200, await page.text()
        opened = await (await browser.call("GET", path)).json()
        text = unescape(await page.text())
        assert section["title"] in text
        for field in section["fields"]:
            if field["key"] not in opened["now"]["hidden"] and field.get("label"):
                assert field["label"] in text, field
                if field.get("options_from") == "shared":
                    assert all(option["label"] in text for option in generated.SHARED), field
        if number % 7:
            headers = {"If-Match": opened["etag"]}
            saved = await browser.call("PUT", path, json={"values": values[section["key"]]}, headers=headers)
            assert saved.status == 200, await saved.text()
        else:  # as a browser does it
            body = inputs(section, values[section["key"]])
            for name, value in (("csrf_token", browser.csrf_token), ("etag", opened["etag"]), ("action", "save")):
                body = _with_first(body, name, value)
            answer = await browser.go("POST", path, data=body, allow_redirects=False)
            assert answer.status == 303, await answer.text()
            assert "done=saved" in answer.headers["Location"]

    view = await (await browser.call("GET", f"/applications/{id}")).json()
    assert {s["status"] for s in view["sections"]} == {"saved"}
    checks = {c["id"]: c for c in await (await browser.call("GET", f"/applications/{id}/checks")).json()}
    assert "without" not in checks
    assert all(c["holds"] for c in checks.values() if c["severity"] == "error"), checks
    headers = {"If-Match": f'"{view["version"]}"', "Idempotency-Key": uuid4().hex}
    answer = await browser.call("POST", f"/applications/{id}/submit", json={}, headers=headers)
    assert answer.status == 200, await answer.text()
    receipt = (await answer.json())["receipt"]
    content = (await (await browser.call("GET", f"/applications/{id}/revisions/1")).json())["content"]
    await reader.sign_in("shencha")
    for reads, where in ((browser, f"/applications/{id}/view"), (reader, f"/review/{id}")):
        text = unescape(await (await reads.go("GET", where)).text())
        assert view["sections"][0]["label"] in text
        # Kept as `kept-2`, said as 共用丙.
        assert not re.search(r"\bkept-\d", text)
        assert ("共用" in text) == ("kept-" in json.dumps(content["sections"]))

    proof = Proof(url=models.PROOF.url, sha256=receipt["sha256"], sm3=receipt["sm3"])
    model = document_model.of_revision(form, content, proof=proof, canonical="{}")
    printed = pypdfium2.PdfDocument(rendering.render(model, rendering.press()).content)
    said = plain("".join(page.get_textpage().get_text_bounded() for page in printed))
    assert receipt["number"] in said
    for key, kept in content["sections"].items():
        assert plain(form.by_key[key].title) in said
        for table in form.by_key[key].tables:
            for name in [row["row"] for row in kept.get(table.key, ()) if "row" in row]:
                assert plain(table.row_names[name].rpartition(" · ")[2]) in said
        for field in form.by_key[key].fields:
            if field.kind in ("phone", "mobile", "uscc", "passport", "postcode") and field.key in kept:
                assert kept[field.key] in said, field


def _with_first(body: FormData, name: str, value: str) -> FormData:
    """The fields that stand before all others."""
    found = FormData(default_to_multipart=True)
    found.add_field(name, value)
    found._fields += body._fields
    return found

"""The pages of a newer form version and of 复制往年申报, as somebody without a script meets them."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer

from services.applications.forms import catalogue
from services.gateway.web import calls
from shared import clock
from tests.integration.gateway.conftest import Browser

Json = dict[str, Any]
EDITS = (
    ("version: 1", "version: 3"),
    ("{key: mobile, kind: mobile,", "{key: cell, was: mobile, kind: mobile,"),
    (
        "{key: contact_phone, kind: phone,",
        "{key: wechat, kind: text, label: 微信号, required: false}\n      - {key: contact_phone, kind: phone,",
    ),
    ("      - {key: economic_benefit, kind: textarea, label: 经济效益, max: 2000, required: false}\n", ""),
)


@pytest.fixture(autouse=True)
def next_version(tmp_path: Path) -> Iterator[None]:
    source = (catalogue.FOLDER / "reward" / "1.yaml").read_text(encoding="utf-8")
    for before, after in EDITS:
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    (tmp_path / "reward").mkdir()
    (tmp_path / "reward" / "3.yaml").write_text(source, encoding="utf-8")
    catalogue.also(tmp_path)
    yield
    catalogue.FOLDERS.remove(tmp_path)
    catalogue.forms.cache_clear()
    calls._FORMS.clear()


@pytest.fixture
async def person(gateway: TestServer) -> AsyncIterator[Browser]:
    browser = Browser(gateway)
    yield await browser.sign_in("qiye1")
    await browser.http.close()


@pytest.fixture
async def officer(gateway: TestServer) -> AsyncIterator[Browser]:
    browser = Browser(gateway)
    yield await browser.sign_in("yewu")
    await browser.http.close()


async def new_round(officer: Browser, **changes: Any) -> Json:
    now = clock.now()
    body = {
        "fund_type": "reward", "form_version": 1, "title": f"批次{uuid4().hex[:6]}",
        "opens_at": (now - timedelta(days=1)).isoformat(), "closes_at": (now + timedelta(days=90)).isoformat(),
        "parameters": {
            "per_item_wan": "50", "org_year_cap_wan": "300", "directions": ["国家级重大活动礼品设计开发"]
        },
        **changes,
    }  # fmt: skip
    answer = await officer.call("POST", "/rounds", json=body)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def begun(person: Browser, round_: Json) -> str:
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await person.call("POST", "/applications", json={"round_id": round_["id"]}, headers=headers)
    id = (await answer.json())["id"]
    for key, values in (
        ("contact", {"project_name": "换版的项目", "mobile": "13800138000"}),
        ("social_benefit", {"social_benefit": "社会效益正文", "economic_benefit": "经济效益正文，新版已无此项"}),
    ):
        path = f"/applications/{id}/sections/{key}"
        etag = (await (await person.call("GET", path)).json())["etag"]
        headers = {"If-Match": f'"{etag}"'}
        kept = await person.call("PUT", f"{path}/draft", json={"values": values}, headers=headers)
        assert kept.status == 200
    return str(id)


async def look(person: Browser, path: str) -> str:
    answer = await person.go("GET", path)
    assert answer.status == 200, await answer.text()
    return await answer.text()


def hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`."""
    form = re.search(rf'<form [^>]*action="{re.escape(action)}".*?</form>', text, flags=re.S)
    assert form, action
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return {name: unescape(value) for name, value in found}


async def test_a_draft_is_moved_by_pages_alone(person: Browser, officer: Browser) -> None:
    round_ = await new_round(officer)
    id = await begun(person, round_)
    section = f"/applications/{id}/sections/contact"
    assert "新版申报表" not in await look(person, section)
    assert (await person.go("GET", f"/applications/{id}/rebase", allow_redirects=False)).status == 303

    # The officer's page offers the newer version, and sends it with everything else.
    page = await look(officer, f"/rounds/{round_['id']}")
    assert '<option value="3"' in page
    here = f"/rounds/{round_['id']}"
    found = await (await officer.call("GET", f"/rounds/{round_['id']}")).json()
    local = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1]  # type: ignore[index]
        for name in ("title", "opens_at", "closes_at")
    }
    lines = {
        f"p.{n}.{part}": value
        for n, (name, kept) in enumerate(found["parameters"].items())
        for part, value in (
            ("name", name),
            ("kind", "options" if isinstance(kept, list) else "number"),
            ("value", "\n".join(kept) if isinstance(kept, list) else kept),
        )
    }
    data = {**hidden(page, here), **local, **lines, "form_version": "3", "action": "change"}
    answer = await officer.go("POST", here, data=data)
    assert answer.status == 200, await answer.text()
    assert "表单版本：1 → 3" in await answer.text()

    page = await look(person, section)
    assert "本批次已启用新版申报表（第 3 版）" in page
    foreseen = await look(person, f"/applications/{id}/rebase")
    assert "确认更新" in foreseen
    assert "微信号" in foreseen
    assert "经济效益" in foreseen
    assert "本批次已启用新版申报表" in await look(person, section)
    path = f"/applications/{id}/rebase"
    answer = await person.go("POST", path, data=hidden(foreseen, path))
    report = await answer.text()
    assert str(answer.url).endswith(f"/applications/{id}/report")
    assert "已更新为第 3 版申报表" in report
    assert "经济效益正文，新版已无此项" in report
    # What is typed and not yet kept stays when something is dismissed beside it.
    benefit = f"/applications/{id}/sections/social_benefit"
    page = await look(person, benefit)
    assert "经济效益正文，新版已无此项" in page
    dismiss = re.search(r'value="(dismiss:[0-9a-f-]+)"', page)
    assert dismiss
    form = FormData(default_to_multipart=True)
    for name, value in {**hidden(page, benefit), "f.social_benefit": "刚刚改的正文", "action": dismiss[1]}.items():
        form.add_field(name, value)
    answer = await person.go("POST", benefit, data=form)
    page = await answer.text()
    assert "刚刚改的正文" in page
    assert "经济效益正文，新版已无此项" not in page
    # A page that was opened before: what was typed in it is given back, whatever became of its fields.
    stale = FormData(default_to_multipart=True)
    typed = {
        "f.economic_benefit": "旧页面里刚写的",
        "action": "save",
        "form_version": "1",
        "etag": "1",
        "base": "",
    }
    for name, value in {**hidden(page, benefit), **typed}.items():
        stale.add_field(name, value)
    answer = await person.go("POST", benefit, data=stale)
    assert answer.status == 409
    assert "旧页面里刚写的" in await answer.text()
    assert "没有保存" in await answer.text()
    # A second press of an old page's button is told that there is nothing to move.
    again = await person.go("POST", path, data=hidden(foreseen, path), allow_redirects=False)
    assert again.status in (303, 409)


async def test_last_years_application_is_copied_by_pages_alone(person: Browser, officer: Browser) -> None:
    source = await begun(person, await new_round(officer))
    this_year = await new_round(officer, form_version=3)
    page = await look(person, "/projects/new")
    here = f"/projects/copy?round={this_year['id']}"
    assert here in page
    page = await look(person, here)
    assert "换版的项目" in page
    assert f'value="{source}"' in page
    data = {**hidden(page, "/projects/new"), "copy_from": source}
    answer = await person.go("POST", "/projects/new", data=data)
    report = await answer.text()
    assert "已复制往年申报" in report
    assert "承诺须重新作出" in report
    assert "项目名称沿用往年" in report
    assert "经济效益正文，新版已无此项" in report
    id = str(answer.url).split("/")[-2]
    contact = await look(person, f"/applications/{id}/sections/contact")
    assert "13800138000" in contact
    # A draft of the same round is offered before another is begun.
    assert "继续申报：" in await look(person, here)
    # The report's own button takes away what is left over.
    dismiss = re.search(r'value="(dismiss:[0-9a-f-]+)"', report)
    assert dismiss
    path = f"/applications/{id}/report"
    answer = await person.go("POST", path, data={**hidden(report, path), "action": dismiss[1]})
    assert "经济效益正文，新版已无此项" not in await answer.text()


async def test_pages_that_have_nothing_to_show(person: Browser, officer: Browser) -> None:
    id = await begun(person, await new_round(officer))
    answer = await person.go("GET", f"/applications/{id}/report", allow_redirects=False)
    assert answer.status == 303
    assert (await person.go("GET", f"/projects/copy?round={uuid4()}")).status == 404
    assert (await officer.go("GET", f"/applications/{id}/report")).status == 403
    rounds = await (await person.call("GET", "/rounds")).json()
    subsidy = next(r["id"] for r in rounds if r["fund_type"] == "subsidy" and r["is_open"])
    assert "还没有" in await look(person, f"/projects/copy?round={subsidy}")
    # Somebody else's is not there to be copied.
    stranger = await Browser(person.server).sign_in("qiye2")
    page = await look(stranger, f"/projects/copy?round={(await new_round(officer))['id']}")
    assert "换版的项目" not in page
    await stranger.http.close()

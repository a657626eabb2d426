"""A newer version of a form during a round: an edit of data, and drafts that move to it with nothing lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.forms import catalogue
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
OFFICER = factories.staff(Role.OFFICER, "杨业务")
Json = dict[str, Any]

# A version after the newest, as an editor would make it: the first one's text with a few lines changed.
EDITS = (
    # The bureau's lists are filtered by what another field says.
    ("version: 1", "version: 3\ndistrict: company.economic_type"),
    # A field more,
    (
        "{key: contact_phone, kind: phone,",
        "{key: wechat, kind: text, label: 微信号, required: false}\n      - {key: contact_phone, kind: phone,",
    ),
    # a required one,
    (
        "{key: content, kind: textarea,",
        "{key: audience, kind: text, label: 受众说明}\n      - {key: content, kind: textarea,",
    ),
    # one renamed, one gone, a column gone, an attachment's place moved and another gone.
    ("{key: mobile, kind: mobile,", "{key: cell, was: mobile, kind: mobile,"),
    (
        "      - {key: industry, kind: text, label: 所属行业, required: false, prefill: registry.INDUSTRY_CODE}\n",
        "",
    ),
    ("          - {key: tax_wan, kind: money, label: 纳税总额, allow_zero: true}\n", ""),
    ("      - {key: photos, label: 作品照片, accept: [jpg, jpeg, png]}\n", ""),
    ("      - {key: tax_certificate, label: 上一年度完税证明, required: false}\n", ""),
    (
        "    slots:\n      - {key: acceptance_proof",
        "    slots:\n      - {key: tax_proof, was: company.tax_certificate, label: 完税证明, required: false}\n"
        "      - {key: acceptance_proof",
    ),
)


@pytest.fixture(autouse=True)
def next_version(tmp_path: Path) -> Iterator[None]:
    """Nothing but a file: no line of code knows of it."""
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


@pytest.fixture
async def running(api: Api) -> Json:
    """An open round of the first version."""
    now = clock.now()
    body = {
        "fund_type": "reward", "form_version": 1, "title": "换版批次",
        "opens_at": (now - timedelta(days=1)).isoformat(), "closes_at": (now + timedelta(days=9)).isoformat(),
        "parameters": {
            "per_item_wan": "50", "org_year_cap_wan": "300", "directions": ["国家级重大活动礼品设计开发", "其他方向"]
        },
    }  # fmt: skip
    answer = await api.call("POST", "/api/v1/rounds", OFFICER, json=body)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def renew(api: Api, round_: Json) -> None:
    answer = await api.call(
        "PATCH", f"/api/v1/rounds/{round_['id']}", OFFICER, json={"form_version": 3, "reason": "补充受众说明"}
    )
    assert answer.status == 200, await answer.text()


async def get(api: Api, path: str, who: Any = WHO) -> Any:
    answer = await api.call("GET", f"/api/v1/applications/{path}", who)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def keep(api: Api, id: str, key: str, values: Json) -> None:
    etag = (await get(api, f"{id}/sections/{key}"))["etag"]
    path = f"/api/v1/applications/{id}/sections/{key}/draft"
    answer = await api.call("PUT", path, WHO, json={"values": values}, headers={"If-Match": f'"{etag}"'})
    assert answer.status == 200, await answer.text()


async def rebase(api: Api, id: str, *, status: int = 200) -> Json:
    headers = {"If-Match": await api.etag(WHO, id)}
    answer = await api.call("POST", f"/api/v1/applications/{id}/rebase", WHO, headers=headers)
    assert answer.status == status, await answer.text()
    return await answer.json()


def told(report: Json, kind: str) -> set[tuple[str, str | None]]:
    return {(e["section"], e["field"]) for e in report["entries"] if e["kind"] == kind}


async def test_a_field_more_is_an_edit_of_data_only(api: Api, running: Json) -> None:
    form = await (await api.call("GET", "/api/v1/forms/reward/3", WHO)).json()
    assert "wechat" in {f["key"] for f in form["sections"][0]["fields"]}
    await renew(api, running)
    made = await api.create(WHO, running["id"])
    assert made["form_version"] == 3
    values = {
        **factories.reward_values({slot: [] for slot in factories.REWARD_SLOTS})["contact"],
        "wechat": "jingtailan",
    }
    values["cell"] = values.pop("mobile")
    kept = await api.save(WHO, made["id"], "contact", values)
    assert kept["values"]["wechat"] == "jingtailan"


async def test_an_application_stays_with_its_version(api: Api, running: Json) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    await api.fill(WHO, id)
    assert (await get(api, id))["newer_form_version"] is None
    await rebase(api, id, status=409)
    await renew(api, running)
    shown = await get(api, id)
    assert (shown["form_version"], shown["newer_form_version"]) == (1, 3)
    # It may still be handed in as it is; what was handed in keeps its form for good.
    assert (await api.submit(WHO, id)).status == 200
    assert (await get(api, id))["newer_form_version"] is None
    await rebase(api, id, status=409)


async def test_a_draft_moves_with_everything_that_was_typed(api: Api, running: Json) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    before = await api.fill(WHO, id)
    file = await api.upload(WHO, id, "company", "tax_certificate")
    company = {**before["company"], "tax_certificate": [file], "org_profile": "暂存的新简介"}
    await keep(api, id, "company", company)
    await renew(api, running)

    foreseen = await get(api, f"{id}/rebase")
    assert (await get(api, id))["form_version"] == 1
    assert (await get(api, f"{id}/reports")) == []
    assert (await get(api, f"{id}/left-over")) == []

    done = await rebase(api, id)
    report = done["report"]
    assert report["entries"] == foreseen["entries"]
    assert (report["from_version"], report["to_version"]) == (1, 3)
    assert (done["application"]["form_version"], done["application"]["newer_form_version"]) == (3, None)
    assert ("contact", "cell") in told(report, "moved")
    assert ("project_content", "tax_proof") in told(report, "moved") | told(report, "attention")
    assert {("contact", "wechat"), ("project_content", "audience")} <= told(report, "new")
    assert {("company", "industry"), ("company", "finance"), ("project_content", "photos")} <= told(
        report, "left_over"
    )

    status = {s["key"]: s["status"] for s in done["application"]["sections"]}
    # What fits whole stays saved; what has a new required field is a 暂存 to be saved again.
    assert status["contact"] == status["fund_plan"] == "saved"
    assert status["project_content"] == "draft"
    assert ("project_content", None) in told(report, "attention")
    contact = await get(api, f"{id}/sections/contact")
    assert contact["saved"]["cell"] == before["contact"]["mobile"]
    assert contact["prefill"] == {}
    content = await get(api, f"{id}/sections/project_content")
    assert content["saved"] is None
    assert content["draft"]["content"] == before["project_content"]["content"]
    # The attachment's place moved, and its file with it.
    assert content["draft"]["tax_proof"] == [file]
    assert file in {a["id"] for a in content["attachments"]}
    company_now = await get(api, f"{id}/sections/company")
    assert company_now["draft"]["org_profile"] == "暂存的新简介"
    assert company_now["saved"]["org_profile"] == before["company"]["org_profile"]
    assert "tax_wan" not in company_now["draft"]["finance"][0]

    left = {(x["section"], x["label"]): x for x in await get(api, f"{id}/left-over")}
    assert left["company", "所属行业"]["text"] == before["company"]["industry"]
    taxes = left["company", "近两年经营情况 · 纳税总额"]["text"]
    assert before["company"]["finance"][0]["tax_wan"] in taxes.replace(",", "")
    photos = left["project_content", "作品照片"]
    assert [f["id"] for f in photos["files"]] == before["project_content"]["photos"]
    assert done["application"]["left_over"] == len(left)

    # It can be handed in once what is new is filled in.
    await api.save(WHO, id, "company", company_now["draft"])
    await api.save(WHO, id, "project_content", {**content["draft"], "audience": "参会贵宾"})
    assert (await api.submit(WHO, id)).status == 200
    snapshot = await get(api, f"{id}/revisions/1")
    assert snapshot["content"]["form"] == {"fund_type": "reward", "version": 3}
    assert snapshot["content"]["sections"]["contact"]["cell"] == before["contact"]["mobile"]
    path = f"/api/v1/review/applications?district={company_now['saved']['economic_type']}"
    answer = await api.call("GET", path, factories.staff(Role.REVIEWER, "李审查"))
    assert [found["id"] for found in (await answer.json())["items"]] == [id]


async def test_what_is_left_over_stays_until_it_is_dismissed(
    api: Api, running: Json, sessions: async_sessionmaker[AsyncSession]
) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    before = await api.fill(WHO, id)
    await renew(api, running)
    await rebase(api, id)
    photos = next(x for x in await get(api, f"{id}/left-over") if x["label"] == "作品照片")
    file = before["project_content"]["photos"][0]
    assert (await api.call("GET", f"/api/v1/applications/{id}/attachments/{file}", WHO)).status == 200
    other = factories.applicant(factories.ENTERPRISE_2)
    path = f"/api/v1/applications/{id}/left-over/{photos['id']}"
    assert (await api.call("DELETE", path, other)).status == 404
    assert (await api.call("GET", f"/api/v1/applications/{id}/left-over", other)).status == 404
    assert (await api.call("DELETE", path, WHO)).status == 204
    assert (await api.call("DELETE", path, WHO)).status == 404
    assert photos["id"] not in {x["id"] for x in await get(api, f"{id}/left-over")}
    assert (await api.call("GET", f"/api/v1/applications/{id}/attachments/{file}", WHO)).status == 404
    async with sessions() as session:
        query = text("SELECT action, details FROM applications.audit WHERE application_id = :id ORDER BY id")
        rows = {row.action: row.details for row in await session.execute(query, {"id": id})}
        kept = await session.scalar(
            text("SELECT content::text FROM applications.left_over WHERE id = :id"), {"id": photos["id"]}
        )
    assert (rows["rebase"]["before"], rows["rebase"]["after"]) == (1, 3)
    assert "作品照片" in rows["dismiss_left_over"]["place"]
    # Seen and put away, not destroyed; and sealed like every value that may be sensitive.
    assert "sealed" in kept
    assert file not in kept


async def test_a_superseded_saved_copy_is_left_over_too(api: Api, running: Json) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    before = await api.fill(WHO, id)
    await keep(api, id, "project_content", {**before["project_content"], "innovation": "暂存的另一种说法"})
    await renew(api, running)
    await rebase(api, id)
    left = {x["label"]: x for x in await get(api, f"{id}/left-over")}
    assert left["设计与工艺创新点"]["text"] == before["project_content"]["innovation"]
    assert left["设计与工艺创新点"]["code"] == "was_saved"
    content = await get(api, f"{id}/sections/project_content")
    assert content["draft"]["innovation"] == "暂存的另一种说法"


async def test_a_stale_page_does_not_write_over_the_new_version(api: Api, running: Json) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    contact = await get(api, f"{id}/sections/contact")
    version = await api.etag(WHO, id)
    await renew(api, running)
    await rebase(api, id)
    path = f"/api/v1/applications/{id}/sections/contact/draft"
    values = {"values": {"mobile": "13800138000"}}
    answer = await api.call("PUT", path, WHO, json=values, headers={"If-Match": f'"{contact["etag"]}"'})
    assert answer.status == 412
    answer = await api.call("POST", f"/api/v1/applications/{id}/rebase", WHO, headers={"If-Match": version})
    assert answer.status == 412


async def test_nobody_elses_draft_is_moved(api: Api, running: Json) -> None:
    id = (await api.create(WHO, running["id"]))["id"]
    etag = await api.etag(WHO, id)
    await renew(api, running)
    other = factories.applicant(factories.ENTERPRISE_2)
    headers = {"If-Match": etag}
    assert (await api.call("POST", f"/api/v1/applications/{id}/rebase", other, headers=headers)).status == 404
    assert (await api.call("GET", f"/api/v1/applications/{id}/rebase", other)).status == 404
    reviewer = factories.staff(Role.REVIEWER)
    assert (await api.call("POST", f"/api/v1/applications/{id}/rebase", reviewer, headers=headers)).status == 403


async def test_a_round_goes_to_newer_versions_only(api: Api, running: Json) -> None:
    await renew(api, running)
    for change, status, code in (
        ({"form_version": 1}, 409, "form_pinned"),
        ({"fund_type": "subsidy"}, 409, "form_pinned"),
        ({"form_version": 4}, 404, "not_found"),
    ):
        answer = await api.call("PATCH", f"/api/v1/rounds/{running['id']}", OFFICER, json=change)
        assert (answer.status, (await answer.json())["type"]) == (status, code)

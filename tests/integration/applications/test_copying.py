"""复制往年申报: an application begun with an earlier one's values, and a report of what became of each."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import STORE
from shared import clock
from shared.identity import Role
from shared.store import attachment_key
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
OFFICER = factories.staff(Role.OFFICER, "杨业务")
Json = dict[str, Any]


async def this_year(api: Api, **changes: Any) -> str:
    """A new round, whose directions are others than last year's."""
    now = clock.now()
    body = {
        "fund_type": "reward", "form_version": 1, "title": "今年批次",
        "opens_at": (now - timedelta(days=1)).isoformat(), "closes_at": (now + timedelta(days=90)).isoformat(),
        "parameters": {"per_item_wan": "50", "org_year_cap_wan": "300", "directions": ["今年的方向"]},
        **changes,
    }  # fmt: skip
    answer = await api.call("POST", "/api/v1/rounds", OFFICER, json=body)
    assert answer.status == 201, await answer.text()
    return str((await answer.json())["id"])


async def copy(api: Api, round_id: str, source: str, *, who: Any = WHO, key: str = "", status: int = 201) -> Json:
    answer = await api.call(
        "POST",
        "/api/v1/applications",
        who,
        json={"round_id": round_id, "copy_from": source},
        headers={"Idempotency-Key": key or uuid4().hex},
    )
    assert answer.status == status, await answer.text()
    return await answer.json()


async def get(api: Api, path: str, who: Any = WHO) -> Any:
    answer = await api.call("GET", f"/api/v1/applications/{path}", who)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def report_of(api: Api, id: str) -> Json:
    [found] = await get(api, f"{id}/reports")
    return found


def codes(report: Json, kind: str) -> set[tuple[str, str | None, str]]:
    return {(e["section"], e["field"], e["code"]) for e in report["entries"] if e["kind"] == kind}


async def test_values_come_as_drafts_and_files_by_their_contents(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    made = await copy(api, await this_year(api), submitted)
    id = made["id"]
    assert (made["state"], made["revision"], made["number"]) == ("draft", 0, None)
    source = await get(api, f"{submitted}/sections/company")
    company = await get(api, f"{id}/sections/company")
    assert company["saved"] is None
    assert company["draft"]["org_profile"] == source["saved"]["org_profile"]
    assert company["draft"]["finance"] == source["saved"]["finance"]
    # Sensitive values are this application's own, sealed with its own key.
    contact = await get(api, f"{id}/sections/contact")
    assert contact["draft"]["mobile"] == (await get(api, f"{submitted}/sections/contact"))["saved"]["mobile"]

    old, new = ({a["slot"]: a for a in found["attachments"]} for found in (source, company))
    assert new["business_license"]["sha256"] == old["business_license"]["sha256"]
    assert new["business_license"]["id"] != old["business_license"]["id"]
    assert company["draft"]["business_license"] == [new["business_license"]["id"]]
    path = f"/api/v1/applications/{id}/attachments/{new['business_license']['id']}"
    assert await (await api.call("GET", path, WHO)).read() == factories.file_for("business_license")[1]

    report = await report_of(api, id)
    assert (report["kind"], report["source"]["id"]) == ("copy", submitted)
    assert report["source"]["number"]
    looked_at = codes(report, "attention")
    assert ("company", "business_license", "look_at_files") in looked_at
    assert ("contact", "project_name", "same_name") in looked_at
    assert ("company", "org_profile", "kept") in codes(report, "kept")
    # The direction is no longer one of the round's: kept beside the form, not in it.
    assert ("project_content", "direction", "not_an_option") in codes(report, "left_over")
    left = {x["label"]: x for x in await get(api, f"{id}/left-over")}
    assert left["支持方向"]["text"] == "国家级重大活动礼品设计开发"
    assert "direction" not in (await get(api, f"{id}/sections/project_content"))["draft"]
    # What was promised then is not promised now.
    assert ("commitment", None, "declare_anew") in looked_at
    commitment = await get(api, f"{id}/sections/commitment")
    assert commitment["saved"] is commitment["draft"] is None
    assert commitment["attachments"] == []
    async with sessions() as session:
        query = text("SELECT details FROM applications.audit WHERE application_id = :id AND action = 'copy'")
        details = (await session.execute(query, {"id": id})).scalar_one()
    assert details["source"] == submitted
    assert details["files"] > 0


async def test_a_copy_can_be_completed_and_submitted(api: Api, submitted: str) -> None:
    id = (await copy(api, await this_year(api), submitted))["id"]
    for key in ("contact", "company", "project_content", "fund_plan", "social_benefit"):
        draft = (await get(api, f"{id}/sections/{key}"))["draft"]
        changes = {"project_name": "今年的项目"} if key == "contact" else {}
        changes |= {"direction": "今年的方向"} if key == "project_content" else {}
        await api.save(WHO, id, key, {**draft, **changes})
    scan = await api.upload(WHO, id, "commitment", "commitment_scan")
    values = factories.reward_values({slot: [scan] for slot in factories.REWARD_SLOTS})["commitment"]
    await api.save(WHO, id, "commitment", values)
    answer = await api.submit(WHO, id)
    assert answer.status == 200, await answer.text()
    # The earlier one is as it was.
    assert (await get(api, submitted))["state"] == "pending_acceptance"


async def test_dates_out_of_range_are_said(api: Api, round_id: str) -> None:
    source = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, source)
    far = clock.now() + timedelta(days=365 * 5)
    later = await this_year(api, closes_at=far.isoformat())
    report = await report_of(api, (await copy(api, later, source))["id"])
    assert ("project_content", "event_on", "out_of_bounds") in codes(report, "attention")


async def test_a_draft_can_be_copied_with_what_was_typed_last(api: Api, round_id: str) -> None:
    source = (await api.create(WHO, round_id))["id"]
    path = f"/api/v1/applications/{source}/sections/social_benefit"
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    typed = {"values": {"social_benefit": "写了一半"}}
    await api.call("PUT", f"{path}/draft", WHO, json=typed, headers={"If-Match": etag})
    id = (await copy(api, await this_year(api), source))["id"]
    assert (await get(api, f"{id}/sections/social_benefit"))["draft"] == {"social_benefit": "写了一半"}
    assert (await get(api, f"{id}/sections/fund_plan"))["draft"] is None


async def test_files_that_cannot_be_taken_are_to_be_uploaded_anew(
    api: Api, server: Any, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    content = await get(api, f"{submitted}/sections/project_content")
    files = {a["slot"]: a for a in content["attachments"]}
    async with sessions.begin() as session:
        infected = "UPDATE applications.attachments SET infected = 'Eicar' WHERE id = :id"
        await session.execute(text(infected), {"id": files["photos"]["id"]})
        huge = "UPDATE applications.attachments SET size = 600000000 WHERE id = :id"
        await session.execute(text(huge), {"id": files["contracts_invoices"]["id"]})
    proof = files["acceptance_proof"]
    store = server.app[STORE]
    stored = store.get(attachment_key(proof["sha256"]))
    await store.delete(attachment_key(proof["sha256"]))
    id = (await copy(api, await this_year(api), submitted))["id"]
    report = await report_of(api, id)
    said = {e["field"]: e["message"] for e in report["entries"] if e["code"] == "upload_again"}
    assert "查出病毒" in said["photos"]
    assert "超过" in said["contracts_invoices"]
    assert "原文件已不在" in said["acceptance_proof"]
    draft = (await get(api, f"{id}/sections/project_content"))["draft"]
    assert not {"photos", "contracts_invoices", "acceptance_proof"} & draft.keys()
    store.put(attachment_key(proof["sha256"]), stored)


async def test_only_ones_own_of_the_same_type(api: Api, submitted: str, round_id: str) -> None:
    rounds = await (await api.call("GET", "/api/v1/rounds", WHO)).json()
    other = factories.applicant(factories.ENTERPRISE_2)
    before = len((await (await api.call("GET", "/api/v1/applications?limit=100", other)).json())["items"])
    await copy(api, round_id, submitted, who=other, status=404)
    await copy(api, round_id, str(uuid4()), status=404)
    # Nothing was begun.
    after = len((await (await api.call("GET", "/api/v1/applications?limit=100", other)).json())["items"])
    assert before == after
    subsidy = next(r["id"] for r in rounds if r["fund_type"] == "subsidy" and r["is_open"])
    refused = await copy(api, subsidy, submitted, status=422)
    assert refused["errors"][0]["code"] == "other_fund_type"


async def test_copied_once_however_often_it_is_sent(api: Api, submitted: str) -> None:
    round_id, key = await this_year(api), uuid4().hex
    first = await copy(api, round_id, submitted, key=key)
    again = await copy(api, round_id, submitted, key=key)
    assert first["id"] == again["id"]

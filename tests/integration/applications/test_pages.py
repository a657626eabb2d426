"""A page's read model says what the questions it stands for say, in one call and without asking anybody else."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.submission.expected import PACES
from services.applications.tables.applications import Audit
from shared import clock
from shared.http import profile_header
from shared.identity import BESIDE, Signer
from shared.messages import Profile
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_bad_input import problem
from tests.integration.applications.test_unlocking import ask, returned

WHO = factories.applicant()
OTHER = factories.applicant(factories.ENTERPRISE_2)
KNOWN = Profile(
    registry={"LEGAL_PERSON": "赵法人"},
    registry_fetched_at=clock.now(),
    registry_answered=True,
    account={},
    account_fetched_at=None,
)


async def got(api: Api, path: str, **options: Any) -> Any:
    answer = await api.call("GET", f"/api/v1/applications/{path}", WHO, **options)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def put(api: Api, id: str, key: str, values: dict[str, Any], **changes: Any) -> Any:
    path = f"/api/v1/applications/{id}/sections/{key}"
    etag = changes.pop("etag", None) or (await api.call("GET", path, WHO)).headers["ETag"]
    body = {"values": values, **changes}
    return await api.call("PUT", f"{path}/page", WHO, json=body, headers={"If-Match": etag})


@pytest.mark.parametrize("steps", ["begun", "saved", "returned"])
async def test_a_form_page_says_what_its_questions_say(
    api: Api, round_id: str, submitted: str, steps: str
) -> None:
    id = submitted if steps == "returned" else (await api.create(WHO, round_id))["id"]
    if steps == "saved":
        await api.fill(WHO, id)
        draft = {"values": {"email": "不是邮箱"}}
        path = f"/api/v1/applications/{id}/sections/contact"
        etag = (await api.call("GET", path, WHO)).headers["ETag"]
        await api.call("PUT", f"{path}/draft", WHO, json=draft, headers={"If-Match": etag})
    if steps == "returned":
        await returned(api, id)
        assert (await ask(api, id, "fund_plan")).status == 201
    for key in ("contact", "project_content", "fund_plan"):
        page = await got(api, f"{id}/sections/{key}/page")
        assert page["application"] == await got(api, id)
        assert page["section"] == await got(api, f"{id}/sections/{key}")
        assert page["problems"] == await got(api, f"{id}/problems")
        assert page["checks"] == await got(api, f"{id}/checks", params={"typed": "1"})
        assert page["left_over"] == await got(api, f"{id}/left-over")
        asked = steps == "returned"
        assert page["opinions"] == (await got(api, f"{id}/opinions") if asked else [])
        assert page["requests"] == (await got(api, f"{id}/unlock-requests") if asked else [])
        assert bool(page["requests"]) == asked
    before = await got(api, f"{id}/submission/page")
    assert before["problems"] == await got(api, f"{id}/problems")
    assert before["checks"] == await got(api, f"{id}/checks")
    assert [d["key"] for d in before["drafts"]] == (["contact"] if steps == "saved" else [])


async def test_saving_answers_with_the_page_after_it(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    values = factories.reward_values(defaultdict(list))["contact"]
    answer = await put(api, id, "contact", values)
    assert answer.status == 200, await answer.text()
    taken = await answer.json()
    assert taken["saved"] is True
    assert taken["page"] == await got(api, f"{id}/sections/contact/page")
    assert answer.headers["ETag"] == f'"{taken["page"]["section"]["etag"]}"'
    assert taken["page"]["section"]["saved"]["email"] == values["email"]


async def test_what_does_not_hold_is_kept_and_said(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    taken = await (await put(api, id, "contact", {"email": "不是邮箱"})).json()
    assert taken["saved"] is False
    assert taken["page"]["section"]["saved"] is None
    assert taken["page"]["section"]["draft"]["email"] == "不是邮箱"
    assert ("contact", "email") in {(p["section"], p["field"]) for p in taken["page"]["problems"]}
    assert taken["page"] == await got(api, f"{id}/sections/contact/page")


async def test_values_typed_into_another_version_are_told_apart(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    version = (await got(api, id))["form_version"]
    assert (await put(api, id, "contact", {}, form_version=version)).status == 200
    await problem(await put(api, id, "contact", {}, form_version=version + 1), 412, "form_changed")
    path = f"/api/v1/applications/{id}/sections/contact"
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    body = {"values": {}, "form_version": version + 1}
    kept = await api.call("PUT", f"{path}/draft", WHO, json=body, headers={"If-Match": etag})
    await problem(kept, 412, "form_changed")
    await problem(await put(api, id, "contact", {}, etag='"99"'), 412, "stale")


async def test_reading_shows_texts_and_sums_of_the_one_engine(api: Api, submitted: str) -> None:
    page = await got(api, f"{submitted}/page")
    assert page["number"] == 1
    assert [r["number"] for r in page["revisions"]] == [1]
    assert page["timeline"]["entries"] == (await got(api, f"{submitted}/timeline"))["entries"]
    read = {m["key"]: m for m in page["materials"]}
    assert [m["number"] for m in page["materials"]] == list(range(1, len(read) + 1))
    content = (await got(api, f"{submitted}/revisions/1", params={"masked": "1"}))["content"]["sections"]
    texts = {v["label"]: v["text"] for v in read["contact"]["values"]}
    assert content["contact"]["mobile"] in texts.values()
    sums = [(t["rows"], t["totals"]) for m in page["materials"] for t in m["tables"] if t["totals"]]
    assert sums
    for rows, under in sums:
        for column, said in enumerate(under):
            if said.replace(",", "").replace(".", "").isdecimal():
                cells = [float(row[column].replace(",", "")) for row in rows if row[column] != "—"]
                assert float(said.replace(",", "")) == pytest.approx(sum(cells))
    await problem(
        await api.call("GET", f"/api/v1/applications/{submitted}/page?revision=7", WHO), 404, "not_found"
    )


async def test_what_comes_next_is_told_by_five_cases_or_more(
    api: Api, submitted: str, server: TestServer, sessions: async_sessionmaker[AsyncSession]
) -> None:
    page = await got(api, f"{submitted}/page")
    assert page["next"]["text"].startswith("审核人员核对材料")
    assert (page["next"]["days"], page["next"]["cases"], page["next"]["about"]) == (None, 0, None)

    def moved(from_state: str, to_state: str, at: datetime) -> Audit:
        said = {"actor": "x", "actor_name": "x", "role": "reviewer", "action": "accept", "request_id": "x"}
        return Audit(application_id=UUID(submitted), from_state=from_state, to_state=to_state, at=at, **said)

    now = clock.now()
    async with sessions.begin() as session:
        for n in range(5):
            at = now - timedelta(days=100 - 10 * n)
            session.add(moved("returned", "pending_acceptance", at))
            await session.flush()
            session.add(moved("pending_acceptance", "form_review", at + timedelta(days=5, hours=3)))
            await session.flush()
        session.add(moved("returned", "pending_acceptance", now - timedelta(days=1)))
    server.app[PACES]._known.clear()
    step = (await got(api, f"{submitted}/page"))["next"]
    # The submission itself is the sixth to have left the state, at once; so did those of other tests.
    assert step["days"] == 6
    assert step["cases"] >= 6
    about = datetime.fromisoformat(step["about"]) - now
    assert timedelta(days=4, hours=2) < about < timedelta(days=4, hours=4)


async def test_revealing_is_recorded(api: Api, submitted: str) -> None:
    masked = await got(api, f"{submitted}/page")
    answer = await api.call("POST", f"/api/v1/applications/{submitted}/page", WHO, json={})
    whole = await answer.json()
    mobile = factories.reward_values(defaultdict(list))["contact"]["mobile"]
    assert mobile not in str(masked["materials"])
    assert mobile in str(whole["materials"])


async def test_pages_are_the_enterprises_own(api: Api, submitted: str) -> None:
    for path in ("page", "submission/page", "sections/contact/page"):
        await problem(await api.call("GET", f"/api/v1/applications/{submitted}/{path}", OTHER), 404, "not_found")
    missing = f"/api/v1/applications/{submitted}/sections/nowhere/page"
    await problem(await api.call("GET", missing, WHO), 404, "unknown_section")


async def test_the_profile_travels_with_the_call_and_nobody_else_can_bring_it(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, id)
    path = f"/api/v1/applications/{id}/sections/company/page"
    signer, who = (
        Signer("gateway", factories.private_key("gateway")),
        WHO.model_copy(update={"received_at": clock.now()}),
    )
    beside = profile_header.written(KNOWN)
    signed = signer.headers("applications", "GET", path, who, beside)
    with_it = await (await api.call("GET", path, WHO, headers=signed)).json()
    without = await (await api.call("GET", path, WHO)).json()
    assert with_it["checks"] != without["checks"]
    # Unsigned, or other than what was signed: nobody's.
    await problem(await api.call("GET", path, WHO, headers={BESIDE: beside}), 401, "not_signed_in")
    other = profile_header.written(KNOWN.model_copy(update={"registry": {"LEGAL_PERSON": "孙法人"}}))
    await problem(await api.call("GET", path, WHO, headers={**signed, BESIDE: other}), 401, "not_signed_in")
    await problem(
        await api.call("GET", path, WHO, headers={"Authorization": signed["Authorization"]}), 401, "not_signed_in"
    )


async def test_every_material_is_saved_and_shown(api: Api, round_id: str) -> None:
    """With an amount that the list follows, and with a name that other applications of the year are looked up by."""
    first, id = [(await api.create(WHO, round_id))["id"] for _ in range(2)]
    await api.fill(WHO, first, name="同名的项目")
    assert (await api.submit(WHO, first)).status == 200
    for key, kept in (await api.fill(WHO, id, name="另外的项目")).items():
        answer = await put(api, id, key, kept)
        assert answer.status == 200, await answer.text()
        taken = await answer.json()
        assert taken["saved"] is True, taken["page"]["problems"]
        assert taken["page"] == await got(api, f"{id}/sections/{key}/page")
    page = await got(api, f"{id}/sections/contact/page")
    renamed = {**page["section"]["saved"], "project_name": "同名的项目"}
    answer = await put(api, id, "contact", renamed)
    assert answer.status == 200, await answer.text()
    again = (await answer.json())["page"]
    assert again == await got(api, f"{id}/sections/contact/page")
    assert {c["id"]: c["holds"] for c in again["checks"]} != {c["id"]: c["holds"] for c in page["checks"]}

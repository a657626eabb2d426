"""What the applicant is told before pressing 提交申请: everything that is missing, and what has changed."""

from datetime import timedelta
from uuid import uuid4

from aiohttp import ClientResponse

from shared import clock
from shared.contract.checks import Obstacle
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


async def problems(api: Api, id: str) -> list[Obstacle]:
    answer = await api.call("GET", f"/api/v1/applications/{id}/problems", WHO)
    assert answer.status == 200, await answer.text()
    return [Obstacle.model_validate(item) for item in await answer.json()]


async def test_problems_are_those_that_refuse_the_submission(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    asked = {(p.section, p.code) for p in await problems(api, id)}
    refused = await (await api.submit(WHO, id)).json()
    assert asked == {(e["section"], e["code"]) for e in refused["errors"]}

    values = await api.fill(WHO, id, name=f"不与他案重名 {id[:8]}")
    assert await problems(api, id) == []

    # A 暂存 is named, and judged itself; what is saved still counts for the checks.
    path = f"/api/v1/applications/{id}/sections/contact"
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    typed = {**values["contact"], "email": "nobody", "contact_phone": ""}
    await api.call("PUT", f"{path}/draft", WHO, json={"values": typed}, headers={"If-Match": etag})
    found = await problems(api, id)
    assert next((p.field, p.code) for p in found) == (None, "unsaved_draft")
    assert {p.field for p in found} == {None, "email", "contact_phone"}
    await api.save(WHO, id, "contact", values["contact"])

    # The checks are about what is saved; asked so, about what is typed.
    path = f"/api/v1/applications/{id}/sections/fund_plan"
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    typed = {**values["fund_plan"], "applied_total_wan": " ２,000 "}
    await api.call("PUT", f"{path}/draft", WHO, json={"values": typed}, headers={"If-Match": etag})
    for query, said in (("", "22.00"), ("?typed=1", "2000.00")):
        checks = await (await api.call("GET", f"/api/v1/applications/{id}/checks{query}", WHO)).json()
        assert next(c["right"] for c in checks if c["section"] == "fund_plan") == said

    # A sum that does not agree is said with both sides.
    wrong = {**values["fund_plan"], "applied_total_wan": "1.00"}
    await api.save(WHO, id, "fund_plan", wrong)
    found = await problems(api, id)
    assert found
    assert all(p.code.startswith("check.") and "1.00" in p.message for p in found if p.severity == "error")
    assert (await api.submit(WHO, id)).status == 422


async def test_what_is_unusual_is_submitted_with_a_reason_that_the_bureau_reads(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    values = await api.fill(WHO, id, name=f"不与他案重名 {id[:8]}")
    values["company"]["finance"][0] |= {"revenue_wan": "100.00", "profit_wan": "50000.00"}
    values["fund_plan"]["team_members"][1]["name"] = values["fund_plan"]["team_members"][0]["name"]
    for key in ("company", "fund_plan"):
        await api.save(WHO, id, key, values[key])
    assert {(p.code, p.severity, p.confirm) for p in await problems(api, id)} == {
        ("check.profit_over_revenue", "warning", True),
        ("check.member_twice", "warning", True),
    }
    given = {"profit_over_revenue": "出让专利技术的一次性收益", "member_twice": " \u3000"}
    refused = await submit(api, id, given)
    assert refused.status == 422
    assert [(e["section"], e["field"], e["code"]) for e in (await refused.json())["errors"]] == [
        ("fund_plan", "team_members", "reason_required")
    ]
    # One that cannot be printed or is too long is refused as any text is; one for what holds is dropped.
    assert (await submit(api, id, {**given, "member_twice": "\U000f0000"})).status == 400
    assert (await submit(api, id, {**given, "member_twice": "长" * 501})).status == 400
    given |= {"member_twice": "两人同名，电话 13800138000", "plan_sum": "没有问题"}
    done = await submit(api, id, given)
    assert done.status == 200, await done.text()
    assert {w["id"] for w in (await done.json())["warnings"]} == {"profit_over_revenue", "member_twice"}

    snapshot = await (await api.call("GET", f"/api/v1/applications/{id}/revisions/1", WHO)).json()
    del given["plan_sum"]
    assert snapshot["content"]["reasons"] == given
    page = await (await api.call("GET", f"/api/v1/review/applications/{id}/case", REVIEWER)).json()
    assert {c["id"]: c["reason"] for c in page["checks"] if c["reason"]} == given
    # Whoever must not see personal data sees no number in it.
    masked = await (
        await api.call("GET", f"/api/v1/applications/{id}/revisions/1", factories.staff(Role.AUDITOR))
    ).json()
    assert "13800138000" not in masked["content"]["reasons"]["member_twice"]

    # What was explained is offered again at the next submission.
    await api.act(
        REVIEWER,
        id,
        "return",
        correct_by=(clock.now() + timedelta(days=5)).isoformat(),
        opinions=[{"text": "请核对"}],
    )
    page = await (await api.call("GET", f"/api/v1/applications/{id}/submission/page", WHO)).json()
    assert {c["id"]: c["reason"] for c in page["checks"] if c["confirm"] and not c["holds"]} == given


async def test_a_submission_without_reasons_has_the_content_it_always_had(api: Api, submitted: str) -> None:
    snapshot = await (await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1", WHO)).json()
    assert "reasons" not in snapshot["content"]


async def submit(api: Api, id: str, reasons: dict[str, str]) -> ClientResponse:
    body = {"reasons": [{"check": check, "reason": reason} for check, reason in reasons.items()]}
    headers = {"If-Match": await api.etag(WHO, id), "Idempotency-Key": uuid4().hex}
    return await api.call("POST", f"/api/v1/applications/{id}/submit", WHO, json=body, headers=headers)


async def test_a_closed_round_is_a_problem_too(api: Api, round_id: str) -> None:
    id = (await api.create(WHO, round_id))["id"]
    late = {"received_at": clock.now() + timedelta(days=400)}
    answer = await api.call("GET", f"/api/v1/applications/{id}/problems", WHO, **late)
    assert "round_closed" in {p["code"] for p in await answer.json()}


async def test_what_changed_since_the_last_submission(api: Api, submitted: str) -> None:
    path = f"/api/v1/applications/{submitted}/changes"
    assert await (await api.call("GET", path, WHO)).json() == []
    returned = await api.act(
        REVIEWER,
        submitted,
        "return",
        correct_by=(clock.now() + timedelta(days=5)).isoformat(),
        opinions=[{"section": "contact", "field": "contact_phone", "text": "请核对"}],
    )
    assert returned.status == 200
    assert await (await api.call("GET", path, WHO)).json() == []
    section = await (await api.call("GET", f"/api/v1/applications/{submitted}/sections/contact", WHO)).json()
    await api.save(WHO, submitted, "contact", {**section["saved"], "contact_phone": "010-85235981"})
    changes = await (await api.call("GET", path, WHO)).json()
    assert [(c["field"], c["after"], c["asked"]) for c in changes] == [("contact_phone", "010-85235981", True)]
    # Nobody else's business, and nothing to submit any more once it is submitted.
    other = factories.applicant(factories.ENTERPRISE_2)
    assert (await api.call("GET", path, other)).status == 404
    assert (await api.call("GET", f"/api/v1/applications/{submitted}/problems", other)).status == 404

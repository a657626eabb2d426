"""申请开放材料: what a return left locked can be asked for; a reviewer says yes or no."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_bad_input import problem

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


async def returned(api: Api, id: str) -> None:
    """With one opinion, on 项目联系人."""
    body = {
        "correct_by": (clock.now() + timedelta(days=5)).isoformat(),
        "opinions": [{"section": "contact", "field": "email", "text": "请核对"}],
    }
    answer = await api.act(REVIEWER, id, "return", **body)
    assert answer.status == 200, await answer.text()


async def ask(api: Api, id: str, section: str, reason: str = "金额写错", **changes: Any) -> Any:
    body = {"section": section, "reason": reason}
    return await api.call("POST", f"/api/v1/applications/{id}/unlock-requests", WHO, json=body, **changes)


async def decide(api: Api, id: str, request: str, action: str, note: str = "") -> Any:
    path = f"/api/v1/review/applications/{id}/unlock-requests/{request}/{action}"
    return await api.call("POST", path, REVIEWER, json={"note": note})


async def editable(api: Api, id: str) -> set[str]:
    found = await (await api.call("GET", f"/api/v1/applications/{id}", WHO)).json()
    return {s["key"] for s in found["sections"] if s["editable"]}


async def test_a_yes_opens_the_material_and_those_tied_to_it(api: Api, submitted: str) -> None:
    await problem(await ask(api, submitted, "fund_plan"), 409, "wrong_state")
    await returned(api, submitted)
    before = await editable(api, submitted)
    assert "fund_plan" not in before
    made = await ask(api, submitted, "fund_plan")
    assert made.status == 201
    id = (await made.json())["id"]
    await problem(await ask(api, submitted, "fund_plan"), 409, "already_asked")
    await problem(await ask(api, submitted, "contact"), 409, "already_unlocked")
    await problem(await ask(api, submitted, "nowhere"), 422, "invalid")
    await problem(await ask(api, submitted, "company", "  "), 422, "invalid")
    late = {"received_at": clock.now() + timedelta(days=9)}
    await problem(await ask(api, submitted, "company", **late), 409, "correction_overdue")
    assert (await decide(api, submitted, id, "grant")).status == 200
    # The amount stands in 项目主要内容 as well: one without the other could never agree.
    assert await editable(api, submitted) == before | {"fund_plan", "project_content"}
    await problem(await decide(api, submitted, id, "grant"), 409, "already_decided")
    [listed] = await (await api.call("GET", f"/api/v1/applications/{submitted}/unlock-requests", WHO)).json()
    assert (listed["status"], listed["section_label"]) == ("granted", "保护发展资金使用规划")
    timeline = await (await api.call("GET", f"/api/v1/applications/{submitted}/timeline", WHO)).json()
    assert [e["label"] for e in timeline["entries"]][-2:] == ["申请开放材料", "同意开放材料"]


async def test_a_no_says_why_and_can_be_asked_again(api: Api, submitted: str) -> None:
    await returned(api, submitted)
    id = (await (await ask(api, submitted, "commitment")).json())["id"]
    await problem(await decide(api, submitted, id, "refuse"), 422, "invalid")
    await problem(await decide(api, submitted, uuid4().hex, "refuse", "不需要"), 404, "not_found")
    assert (await decide(api, submitted, id, "refuse", "承诺书无需修改")).status == 200
    assert "commitment" not in await editable(api, submitted)
    assert (await ask(api, submitted, "commitment")).status == 201
    # Another enterprise neither asks nor sees.
    other = factories.applicant(factories.ENTERPRISE_2)
    path = f"/api/v1/applications/{submitted}/unlock-requests"
    assert (await api.call("GET", path, other)).status == 404


async def test_the_queue_says_who_waits_for_an_answer(api: Api, submitted: str) -> None:
    async def queue() -> tuple[int, dict[str, int]]:
        counts = await (await api.call("GET", "/api/v1/review/counts?unlock=1", REVIEWER)).json()
        assert counts["matching"] == counts["unlock"]
        listed = await (await api.call("GET", "/api/v1/review/applications?unlock=1", REVIEWER)).json()
        return counts["unlock"], {a["id"]: a["unlock_requests"] for a in listed["items"]}

    before, others = await queue()
    await returned(api, submitted)
    first = (await (await ask(api, submitted, "commitment")).json())["id"]
    await ask(api, submitted, "company")
    assert await queue() == (before + 1, {**others, submitted: 2})
    await decide(api, submitted, first, "refuse", "日期无误")
    assert await queue() == (before + 1, {**others, submitted: 1})
    # Of an application that is no longer in correction nobody waits for an answer.
    recalled = await api.act(REVIEWER, submitted, "recall")
    assert recalled.status == 200, await recalled.text()
    assert await queue() == (before, others)
    await problem(await api.call("GET", "/api/v1/review/applications?unlock=yes", REVIEWER), 400, "bad_unlock")

"""撤回退回: a return that nobody has opened is taken back, and nothing that stood before it is."""

from datetime import timedelta
from typing import Any

from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


async def send_back(api: Api, id: str, *texts: str) -> None:
    opinions = [{"section": "contact", "field": "email", "text": text} for text in texts]
    correct_by = (clock.now() + timedelta(days=5)).isoformat()
    answer = await api.act(REVIEWER, id, "return", correct_by=correct_by, opinions=opinions)
    assert answer.status == 200, await answer.text()


async def opinions(api: Api, id: str) -> list[dict[str, Any]]:
    """As the reviewer sees them; to read them does not count as opening the return."""
    return list(await (await api.call("GET", f"/api/v1/applications/{id}/opinions", REVIEWER)).json())


async def test_opinions_raised_again_outlive_a_recall(api: Api, submitted: str) -> None:
    id = submitted
    await send_back(api, id, "请核对邮箱")
    [first] = await opinions(api, id)
    path = f"/api/v1/applications/{id}/opinions/{first['id']}"
    assert (await api.call("PUT", path, WHO, json={"reply": "已核对"})).status == 200
    assert (await api.submit(WHO, id)).status == 200
    raised = await api.act(REVIEWER, id, f"opinions/{first['id']}/raise", text="邮箱仍无法送达")
    assert raised.status == 200, await raised.text()

    await send_back(api, id, "另请补充联系电话")
    assert {o["text"] for o in await opinions(api, id)} == {"请核对邮箱", "邮箱仍无法送达", "另请补充联系电话"}
    assert (await api.act(REVIEWER, id, "recall")).status == 200
    left = {o["text"]: (o["round_trip"], o["sent"]) for o in await opinions(api, id)}
    assert left == {"请核对邮箱": (1, True), "邮箱仍无法送达": (2, False), "另请补充联系电话": (2, False)}
    # They go out with the next return, and have to be answered there.
    await send_back(api, id)
    refused = await api.submit(WHO, id)
    assert (refused.status, (await refused.json())["type"]) == (409, "opinions_open")


async def test_opened_return_cannot_be_taken_back(api: Api, submitted: str) -> None:
    await send_back(api, submitted, "请核对邮箱")
    assert (await api.call("GET", f"/api/v1/applications/{submitted}/opinions", WHO)).status == 200
    refused = await api.act(REVIEWER, submitted, "recall")
    assert (refused.status, (await refused.json())["type"]) == (409, "already_seen")

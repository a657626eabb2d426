"""A reviewer ticks the 形式审查 list of a case: kept, audited, by whoever has the case, and never over another tab's."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Audit
from shared import codes
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api

FIRST = factories.staff(Role.REVIEWER)
SECOND = factories.staff(Role.REVIEWER, "另一审核员")


async def save(api: Api, id: str, ticks: dict[str, Any], version: int | str, who: Actor = FIRST) -> Any:
    return await api.call(
        "PUT", f"/api/v1/review/applications/{id}/checklist", who,
        json={"ticks": ticks}, headers={"If-Match": f'"{version}"'},
    )  # fmt: skip


async def test_a_list_is_ticked_by_whoever_has_the_case(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    path = f"/api/v1/review/applications/{submitted}"
    # Read by all of the bureau, by no applicant.
    assert (await api.call("GET", f"{path}/checklist", factories.applicant())).status == 403
    empty = await (await api.call("GET", f"{path}/checklist", factories.staff(Role.DIRECTOR))).json()
    assert (empty["version"], empty["revision"], empty["saved_at"]) == (0, None, None)
    assert {"license", "rights", "trust"} <= {line["id"] for line in empty["lines"]}
    assert {line["met"] for line in empty["lines"]} == {None}
    [license_] = [line for line in empty["lines"] if line["id"] == "license"]
    assert [place["label"] for place in license_["look"]] == ["企业基本情况 · 营业执照"]

    # Not by somebody who has not taken it, and not by somebody who may only read.
    refused = await save(api, submitted, {"license": {"met": True}}, 0)
    assert refused.status == 409
    assert (await save(api, submitted, {}, 0, factories.staff(Role.DIRECTOR))).status == 403
    await api.call("POST", f"{path}/lease", FIRST)
    assert (await save(api, submitted, {"license": {"met": True}}, 0, SECOND)).status == 409

    # What is not met needs a word; an unknown line is named.
    wrong = await save(api, submitted, {"rights": {"met": False}, "nothing": {"met": True}}, 0)
    assert wrong.status == 422
    faults = {fault["field"]: fault["code"] for fault in (await wrong.json())["errors"]}
    assert faults == {"ticks.nothing": codes.UNKNOWN_FIELD, "ticks.rights.note": codes.REQUIRED}

    kept = await save(api, submitted, {"license": {"met": True}, "rights": {"met": False, "note": "无证明"}}, 0)
    assert kept.status == 200, await kept.text()
    said = await kept.json()
    assert kept.headers["ETag"] == '"1"'
    assert (said["version"], said["revision"], said["saved_by"]) == (1, 1, FIRST.name)
    assert {line["id"]: (line["met"], line["note"]) for line in said["lines"] if line["met"] is not None} == {
        "license": (True, ""),
        "rights": (False, "无证明"),
    }

    # Another tab that read it before loses nothing of this one.
    stale = await save(api, submitted, {"trust": {"met": True}}, 0)
    assert stale.status == 412
    told = await stale.json()
    assert told["current"] == {"etag": "1"}
    assert FIRST.name in told["detail"]
    again = await (await save(api, submitted, {"trust": {"met": True, "note": "已查询"}}, 1)).json()
    assert again["version"] == 2
    assert [line["id"] for line in again["lines"] if line["met"]] == ["trust"]

    # The case's page tells it, its timeline who filled it in; the applicant's does not.
    page = await (await api.call("GET", f"{path}/case", FIRST)).json()
    assert page["checklist"]["version"] == 2
    assert "填写形式审查表" in [event["label"] for event in page["events"]]
    history = await (
        await api.call("GET", f"/api/v1/applications/{submitted}/history", factories.applicant())
    ).text()
    assert "形式审查表" not in history
    async with sessions() as session:
        rows = (
            await session.scalars(select(Audit).where(Audit.action == "save_checklist").order_by(Audit.id))
        ).all()
    assert [row.details["changed"] for row in rows if str(row.application_id) == submitted] == [
        {"license": True, "rights": False},
        {"license": None, "rights": None, "trust": True},
    ]


async def test_it_closes_with_the_stage_and_tells_which_revision_was_looked_at(api: Api, submitted: str) -> None:
    path = f"/api/v1/review/applications/{submitted}"
    await api.call("POST", f"{path}/lease", FIRST)
    assert (await save(api, submitted, {"license": {"met": True}}, 0)).status == 200
    returned = await api.act(
        FIRST, submitted, "return", working_days=5, opinions=[{"section": "contact", "text": "请核对"}]
    )
    assert returned.status == 200, await returned.text()
    closed = await save(api, submitted, {"license": {"met": True}}, 1)
    assert closed.status == 409
    assert codes.WRONG_STATE in await closed.text()
    who = factories.applicant()
    opinions = await (await api.call("GET", f"/api/v1/applications/{submitted}/opinions", who)).json()
    for opinion in opinions:
        answered = await api.call(
            "PUT", f"/api/v1/applications/{submitted}/opinions/{opinion['id']}", who, json={"reply": "已核对"}
        )
        assert answered.status == 200
    assert (await api.submit(who, submitted)).status == 200
    now = await (await api.call("GET", f"{path}/checklist", FIRST)).json()
    assert (now["version"], now["revision"]) == (1, 1)
    await api.call("POST", f"{path}/lease", FIRST)
    assert (await (await save(api, submitted, {"license": {"met": True}}, 1)).json())["revision"] == 2

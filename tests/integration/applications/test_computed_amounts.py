"""An amount that a form computes: a database of its own, for the round of a form that only this test knows stays in it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.applications.core.context import SESSIONS
from services.applications.forms import catalogue
from services.applications.forms.authoring.source import read_form
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
Json = dict[str, Any]


async def test_an_amount_that_is_computed_is_the_applied_amount(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form may compute what is applied for; the list, the bureau and the other applications see that sum."""
    data = (
        (catalogue.FOLDER / "reward" / "1.yaml")
        .read_text("utf-8")
        .replace("fund_type: reward", "fund_type: computing")
    )
    data = data.replace("applied_amount: fund_plan.applied_total_wan", "applied_amount: fund_plan.planned_wan")
    data = data.replace(
        "      - key: applied_total_wan\n",
        "      - {key: planned_wan, kind: computed, gives: money, label: 合计, value: sum(plan_items.amount_wan)}\n      - key: applied_total_wan\n",
    )
    form, faults, _ = read_form(data)
    assert form, faults
    monkeypatch.setitem(catalogue.forms(), ("computing", 1), form)
    now = clock.now()
    body = {
        "fund_type": "computing", "form_version": 1, "title": "测试",
        "opens_at": (now - timedelta(hours=1)).isoformat(), "closes_at": (now + timedelta(days=1)).isoformat(),
        "parameters": {"directions": ["国家级重大活动礼品设计开发"], "per_item_wan": "50", "org_year_cap_wan": "300"},
    }  # fmt: skip
    who = factories.applicant(("52110000MJ0TE5T940", "北京市工艺美术协会"))
    round_ = await (await api.call("POST", "/api/v1/rounds", factories.staff(Role.OFFICER), json=body)).json()
    id = str((await api.create(who, round_["id"]))["id"])
    await api.fill(who, id, amount="33.00")
    answer = await api.submit(who, id)
    assert answer.status == 200, await answer.text()
    case = await (
        await api.call(
            "GET",
            f"/api/v1/review/applications?q={(await answer.json())['receipt']['number']}",
            factories.staff(Role.REVIEWER),
        )
    ).json()
    assert [item.get("applied_wan") for item in case["items"]] == ["33.00"]
    async with api._server.app[SESSIONS].begin() as session:
        # Nothing of this type is left for tests that list everything.
        await session.execute(
            text("UPDATE applications.applications SET deleted_at = now() WHERE id = :id"), {"id": id}
        )

"""单位确认: a round that asks for it takes no draft that the enterprise's own checker has not confirmed as it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update

from services.applications.core.context import SESSIONS
from services.applications.rounds.parameters import CONFIRMATION, CONFIRMATION_ASKED
from services.applications.tables.applications import Round
from services.applications.tables.confirmation import UnitConfirmation
from shared.identity import Actor, Duty
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
FILLER, CHECKER, SIGNER = (
    WHO.model_copy(update={"account": f"{WHO.account}-{d}", "name": d, "duties": frozenset({d})}) for d in Duty
)


@pytest.fixture
async def draft(api: Api, server: TestServer, round_id: str) -> str:
    """A whole draft in a round that asks for 单位确认; its id."""
    asked = Round.parameters.concat({CONFIRMATION: [CONFIRMATION_ASKED]})
    async with server.app[SESSIONS].begin() as session:
        await session.execute(update(Round).where(Round.id == round_id).values(parameters=asked))
    id = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, id)
    return str(id)


async def say(
    api: Api, id: str, who: Actor, outcome: str | None = None, **body: Any
) -> tuple[int, dict[str, Any]]:
    """Ask for a confirmation, or say what became of it."""
    path = f"/api/v1/applications/{id}"
    etag = {"If-Match": (await api.call("GET", path, who)).headers["ETag"]}
    path += "/confirmation" if outcome else "/confirmation/ask"
    given = {"outcome": outcome, **body} if outcome else {}
    answer = await api.call("POST", path, who, json=given, headers=etag)
    return answer.status, await answer.json()


async def page(api: Api, id: str, who: Actor = SIGNER) -> dict[str, Any]:
    found: dict[str, Any] = await (await api.call("GET", f"/api/v1/applications/{id}/submission/page", who)).json()
    return found


async def refused(api: Api, id: str, who: Actor = SIGNER) -> tuple[int, str]:
    answer = await api.submit(who, id)
    return answer.status, (await answer.json())["type"]


async def test_what_was_confirmed_is_submitted(api: Api, draft: str) -> None:
    assert await refused(api, draft) == (409, "not_confirmed")
    assert (await say(api, draft, CHECKER))[0] == 403
    assert (await say(api, draft, FILLER, "confirmed"))[0] == 403
    assert (await say(api, draft, FILLER))[0] == 200
    assert "已送审" in (await page(api, draft))["problems"][0]["message"]
    opinion = {"section": "contact", "field": "mobile", "text": "手机号码有误"}
    assert (await say(api, draft, CHECKER, "returned"))[0] == 422
    wrong = [{"section": "contact", "field": "nowhere", "text": "x"}, {"section": "none", "text": "x"}]
    status, said = await say(api, draft, CHECKER, "returned", opinions=wrong)
    assert (status, [e["code"] for e in said["errors"]]) == (422, ["unknown_field", "unknown_section"])
    assert (await say(api, draft, CHECKER, "returned", opinions=[opinion]))[0] == 200
    shown = await (await api.call("GET", f"/api/v1/applications/{draft}/sections/contact/page", FILLER)).json()
    [told] = shown["confirmation"]["opinions"]
    assert (told["field_label"], told["text"]) == ("移动电话", "手机号码有误")
    assert await refused(api, draft) == (409, "not_confirmed")
    assert (await say(api, draft, CHECKER, "confirmed"))[0] == 200
    assert (await page(api, draft))["problems"] == []
    # Whatever is changed afterwards is to be confirmed again.
    path = f"/api/v1/applications/{draft}/sections/contact"
    opened = await (await api.call("GET", path, FILLER)).json()
    await api.save(FILLER, draft, "contact", opened["saved"] | {"mobile": "13800138001"})
    assert await refused(api, draft) == (409, "not_confirmed")
    assert "又有修改" in (await page(api, draft))["problems"][0]["message"]
    assert (await say(api, draft, CHECKER, "confirmed"))[0] == 200
    assert (await api.submit(SIGNER, draft)).status == 200
    assert (await say(api, draft, CHECKER, "confirmed"))[1]["type"] == "wrong_state"


@pytest.mark.parametrize(("hours", "changed", "status"), [(2, False, 200), (2, True, 409), (25, False, 409)])
async def test_what_was_asked_in_time_counts(
    api: Api, server: TestServer, draft: str, hours: int, changed: bool, status: int
) -> None:
    """Asked for before the close, confirmed and submitted some hours after it."""
    assert (await say(api, draft, FILLER))[0] == 200
    found = UnitConfirmation.application_id == draft
    round_id = (await (await api.call("GET", f"/api/v1/applications/{draft}", WHO)).json())["round_id"]
    async with server.app[SESSIONS].begin() as session:
        if changed:
            # As if all that was filled in had come after it.
            earlier = UnitConfirmation.at - timedelta(hours=1)
            await session.execute(update(UnitConfirmation).where(found).values(at=earlier))
        asked = (await session.scalars(select(UnitConfirmation.at).where(found))).one()
        before = (await session.get_one(Round, round_id)).closes_at
        closes = asked + timedelta(seconds=1)
        await session.execute(update(Round).where(Round.id == round_id).values(closes_at=closes))
    try:
        assert (await say(api, draft, CHECKER, "confirmed"))[0] == 200
        late = closes + timedelta(hours=hours)
        path = f"/api/v1/applications/{draft}/submission/page"
        shown = await (await api.call("GET", path, SIGNER, received_at=late)).json()
        assert (shown["confirmation"]["counts_from"] is not None) is (status == 200)
        answer = await api.submit(SIGNER, draft, received_at=late)
        assert answer.status == status, await answer.text()
        if status == 200:
            assert datetime.fromisoformat((await answer.json())["receipt"]["received_at"]) == asked
    finally:
        async with server.app[SESSIONS].begin() as session:
            await session.execute(update(Round).where(Round.id == round_id).values(closes_at=before))

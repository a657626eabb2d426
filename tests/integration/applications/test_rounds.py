"""Rounds: prepared, published, opened, extended, closed; judged to the second; every change audited."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import SESSIONS
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.catalogue import form, forms
from services.applications.forms.definition import Form
from services.applications.forms.formulas.rules import rules_of
from services.applications.rounds import manage, proposals, seed
from services.applications.rounds.views import detail, round_view
from services.applications.tables.applications import Document, Round
from shared import clock
from shared.contract.rounds import NewRound, RoundChange, RoundDetail
from shared.errors import Conflict, Invalid, Stale
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api

OFFICER = factories.staff(Role.OFFICER, "杨业务")
WHO = factories.applicant()
OTHER = factories.applicant(factories.ENTERPRISE_2)
PARAMETERS = {
    "directions": ["国家级重大活动礼品设计开发", "其他方向"],
    "per_item_wan": "50",
    "org_year_cap_wan": "300",
}


def round_body(**changes: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "fund_type": "reward",
        "form_version": 1,
        "title": "测试批次",
        "opens_at": (now - timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "parameters": PARAMETERS,
        "publish": False,
        **changes,
    }


async def new_round(api: Api, **changes: Any) -> ClientResponse:
    return await api.call("POST", "/api/v1/rounds", OFFICER, json=round_body(**changes))


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await new_round(api, **changes)
    assert answer.status == 201, await answer.text()
    return dict(await answer.json())


async def do(
    api: Api, round_: dict[str, Any], what: str = "", method: str = "POST", **body: Any
) -> ClientResponse:
    path = f"/api/v1/rounds/{round_['id']}" + (f"/{what}" if what else "")
    return await api.call(method, path, OFFICER, json=body)


async def seen(api: Api, round_: dict[str, Any], who: Any = WHO) -> dict[str, Any] | None:
    rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
    return next((r for r in rounds if r["id"] == round_["id"]), None)


async def start(api: Api, round_: dict[str, Any], who: Any = WHO, **options: Any) -> ClientResponse:
    headers = {"Idempotency-Key": uuid4().hex}
    return await api.call(
        "POST", "/api/v1/applications", who, json={"round_id": round_["id"]}, headers=headers, **options
    )


async def refused(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    said = await answer.json()
    assert (answer.status, said["type"]) == (status, code), said
    return dict(said)


def test_what_the_form_needs_is_read_from_the_form() -> None:
    found = {need.name: need for need in needs(form("reward", 1))}
    assert found["directions"].kind == "options"
    assert found["directions"].used_by == ("项目主要内容 · 支持方向",)
    assert found["per_item_wan"].kind == "number"


async def test_unpublished_round_is_known_to_those_who_make_rounds(api: Api) -> None:
    round_ = await made(api)
    assert (round_["state"], round_["is_open"]) == ("unpublished", False)
    assert await seen(api, round_) is None
    assert await seen(api, round_, factories.staff(Role.REVIEWER)) is None
    assert await seen(api, round_, OFFICER) is not None
    await refused(await start(api, round_), 404, "not_found")
    for who in (WHO, factories.staff(Role.REVIEWER)):
        assert (await api.call("GET", f"/api/v1/rounds/{round_['id']}", who)).status == 403

    published = await (await do(api, round_, "publish")).json()
    assert published["state"] == "open"
    shown = await seen(api, round_)
    assert shown is not None
    assert shown["is_open"]
    assert (await start(api, round_)).status == 201
    again = await do(api, round_, "publish")
    assert (await again.json())["version"] == published["version"]


async def test_plain_call_makes_a_round_that_applicants_see(api: Api) -> None:
    body = {name: value for name, value in round_body().items() if name != "publish"}
    body["parameters"] = {
        "directions": PARAMETERS["directions"],
        "per_item_wan": "不设限",
        "org_year_cap_wan": "不设限",
    }
    answer = await api.call("POST", "/api/v1/rounds", OFFICER, json=body)
    assert answer.status == 201, await answer.text()
    round_ = await answer.json()
    assert round_["is_open"]
    assert await seen(api, round_) is not None
    created = await (await start(api, round_)).json()
    # The check that the round sets no limit for is left out; the others are there.
    checks = await (await api.call("GET", f"/api/v1/applications/{created['id']}/checks", WHO)).json()
    assert "gift_cap" not in {check["id"] for check in checks}
    assert "plan_sum" in {check["id"] for check in checks}
    said = await refused(await new_round(api, parameters={}, publish=True), 422, "parameters_missing")
    assert [e["field"] for e in said["errors"]] == [f"parameters.{name}" for name in PARAMETERS]


async def test_missing_parameters_are_named(api: Api) -> None:
    round_ = await made(api, parameters={})
    assert {n["name"]: n["missing"] for n in round_["needs"]} == {
        "directions": True,
        "per_item_wan": True,
        "org_year_cap_wan": True,
        # What a return proposes is nothing that a form needs.
        "correction_working_days": False,
        "unit_confirmation": False,
    }
    said = await refused(await do(api, round_, "publish"), 422, "parameters_missing")
    assert {(e["field"], e["code"]) for e in said["errors"]} == {
        ("parameters.directions", "parameter_missing"),
        ("parameters.per_item_wan", "parameter_missing"),
        ("parameters.org_year_cap_wan", "parameter_missing"),
    }
    assert all("表单需要参数" in e["message"] for e in said["errors"])
    # A list without which nobody could choose is never done without, nor is what limits money: it is marked.
    await do(api, round_, method="PATCH", parameters={"directions": ["甲"], "note": "7"})
    said = await refused(await do(api, round_, "publish", accept_missing=True), 422, "parameters_missing")
    assert [e["field"] for e in said["errors"]] == ["parameters.per_item_wan", "parameters.org_year_cap_wan"]
    unlimited = {
        "correction_working_days": "１０",
        "directions": ["甲"],
        "note": "7",
        "per_item_wan": "50",
        "org_year_cap_wan": "不设限",
    }
    await do(api, round_, method="PATCH", parameters=unlimited)
    published = await do(api, round_, "publish")
    assert published.status == 200
    detail = await published.json()
    assert detail["unused"] == ["note"]
    assert detail["parameters"]["correction_working_days"] == "10"
    # What stands in a published round does not vanish unsaid.
    answer = await do(api, round_, method="PATCH", parameters={"directions": ["甲"], "per_item_wan": "50"})
    await refused(answer, 422, "parameters_missing")


async def test_a_number_that_limits_no_money_may_be_missing_knowingly(api: Api) -> None:
    entry = default_round("subsidy")
    counts = {"platform_staff_min", "platform_served_firms_min"}
    parameters = {name: value for name, value in entry.parameters.items() if name not in counts}
    round_ = await made(api, fund_type="subsidy", form_version=2, parameters=parameters)
    money = {n["name"] for n in round_["needs"] if n["limits_money"]}
    assert money == {
        "cap_wan", "platform_cap_wan", "ratio_max", "collection_ratio_max", "progress_min", "min_verified_investment_wan",
        "platform_min_investment_wan", "platform_revenue_min_wan", "platform_assets_min_wan",
    }  # fmt: skip
    said = await refused(await do(api, round_, "publish"), 422, "parameters_missing")
    assert {e["field"] for e in said["errors"]} == {f"parameters.{name}" for name in counts}
    published = await (await do(api, round_, "publish", accept_missing=True)).json()
    assert set(published["history"][0]["details"]["missing"]) == counts


def default_round(key: str) -> seed.DemoRound:
    entries = (seed.DemoRound.model_validate(e) for e in yaml.safe_load(seed.FILE.read_text("utf-8")))
    return next(entry for entry in entries if entry.key.startswith(key))


async def test_a_subset_is_ticked_among_the_options_and_nothing_else_is_taken(api: Api) -> None:
    parameters: dict[str, Any] = dict(default_round("subsidy").parameters)
    typed = parameters | {"platform_directions": ["工艺美术专业服务平台 建设"]}
    answer = await new_round(api, fund_type="subsidy", form_version=2, parameters=typed)
    said = await refused(answer, 422, "invalid")
    assert [(e["field"], e["code"]) for e in said["errors"]] == [
        ("parameters.platform_directions", "not_an_option")
    ]
    assert "“工艺美术专业服务平台 建设”不是“支持方向”的选项" in said["errors"][0]["message"]

    round_ = await made(api, fund_type="subsidy", form_version=2, parameters=parameters)
    need = next(n for n in round_["needs"] if n["name"] == "platform_directions")
    assert (need["chosen_from"], need["choices_from"]) == ("支持方向", "directions")
    assert need["choices"] == parameters["directions"]
    # None of them is said in so many words: an empty list. A direction taken away is missed where it was ticked.
    none = await do(api, round_, method="PATCH", parameters=parameters | {"collection_directions": []})
    assert none.status == 200
    fewer = parameters | {"directions": parameters["directions"][:1]}
    said = await refused(await do(api, round_, method="PATCH", parameters=fewer), 422, "invalid")
    assert {e["field"] for e in said["errors"]} == {
        "parameters.platform_directions",
        "parameters.collection_directions",
    }
    empty = await do(api, round_, method="PATCH", parameters=parameters | {"directions": []})
    assert (await refused(empty, 422, "invalid"))["errors"][0]["code"] == "bad_options"
    assert (await do(api, round_, "publish")).status == 200


async def test_a_round_is_rehearsed_before_it_is_published(api: Api) -> None:
    entry = default_round("subsidy")
    parameters: dict[str, Any] = entry.parameters | {"platform_cap_wan": "不设限"}
    round_ = await made(api, fund_type="subsidy", form_version=2, parameters=parameters)
    played = {a["choice"]: a for a in round_["made_up"]}
    assert list(played) == parameters["directions"]
    for direction, application in played.items():
        checks = {c["id"]: c for c in application["checks"]}
        platform = direction in parameters["platform_directions"]
        assert ("platform_staff" in checks) == platform
        assert ("amount_cap" in checks) != platform
        # The figure of the round stands beside every amount, which is 100 万元.
        if not platform:
            assert (checks["amount_cap"]["left"], checks["amount_cap"]["right"]) == ("100.00", "500.00")
        assert [c["missing"] for c in application["left_out"]] == [["单个服务平台支持上限"]]
        assert all(m["asked"] for m in application["materials"])
    assert (await (await do(api, round_, "publish")).json())["made_up"] == []
    lone = await made(api, fund_type="master_studio", form_version=2, parameters={"ratio": "0.5", "cap_wan": "50"})
    assert [a["choice"] for a in lone["made_up"]] == [None]
    assert "ratio_cap" in {c["id"] for c in lone["made_up"][0]["checks"]}


async def test_a_round_follows_the_last_one_with_its_dates_moved(api: Api) -> None:
    opens = clock.now().replace(month=3, day=1, hour=1, minute=0, second=0, microsecond=0) - timedelta(days=365)
    body = {
        "fund_type": "subsidy", "form_version": 2, "parameters": default_round("subsidy").parameters, "publish": False,
        "title": f"{opens.year}年度第一批", "opens_at": opens.isoformat(), "budget_wan": "800",
        "closes_at": (clock.now() + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    first = await made(api, **body)
    assert first["previous"] is None
    assert (await do(api, first, "publish")).status == 200
    answer = await do(api, first, "successor")
    assert answer.status == 201, await answer.text()
    made_ = await answer.json()
    years = datetime.fromisoformat(made_["opens_at"]).year - opens.year
    assert datetime.fromisoformat(made_["opens_at"]) > clock.now()
    assert datetime.fromisoformat(made_["opens_at"]) == opens.replace(year=opens.year + years)
    assert (made_["state"], made_["budget_wan"], made_["title"]) == (
        "unpublished",
        "800.00",
        f"{opens.year + years}年度第一批",
    )
    assert made_["previous"]["id"] == first["id"]
    differ = {d["name"]: (d["before"], d["after"]) for d in made_["previous"]["differences"]}
    assert set(differ) == {"title", "opens_at", "closes_at", "parameters.earliest_start"}
    assert differ["parameters.earliest_start"] == ("2022-01-01", f"{2022 + years}-01-01")
    assert made_["history"][0]["details"]["follows"] == first["id"]
    for who in (WHO, factories.staff(Role.REVIEWER)):
        assert (await api.call("POST", f"/api/v1/rounds/{first['id']}/successor", who, json={})).status == 403


async def test_a_round_after_one_without_a_usual_length_of_returns_has_one(api: Api) -> None:
    first = await made(api)
    following = await (await do(api, first, "successor")).json()
    assert following["parameters"] == {**PARAMETERS, "correction_working_days": "10"}
    other = await made(api, parameters={**PARAMETERS, "correction_working_days": "7"})
    assert (await (await do(api, other, "successor")).json())["parameters"]["correction_working_days"] == "7"


async def test_what_was_mistyped_in_the_last_round_is_mended_before_the_next(api: Api, server: TestServer) -> None:
    parameters: dict[str, Any] = dict(default_round("subsidy").parameters)
    first = await made(api, fund_type="subsidy", form_version=2, parameters=parameters, publish=True)
    async with server.app[SESSIONS].begin() as session:
        # As it could be published before lists were ticked.
        mistyped = parameters | {"platform_directions": ["平台"]}
        await session.execute(update(Round).where(Round.id == UUID(first["id"])).values(parameters=mistyped))
    later = {"closes_at": (clock.now() + timedelta(days=3)).isoformat()}
    assert (await do(api, first, method="PATCH", **later)).status == 200
    made_ = await (await do(api, first, "successor")).json()
    said = await refused(await do(api, made_, "publish"), 422, "invalid")
    assert [e["field"] for e in said["errors"]] == ["parameters.platform_directions"]


async def test_numbers_of_a_round_are_kept_as_plain_decimals(api: Api) -> None:
    round_ = await made(api, parameters={**PARAMETERS, "per_item_wan": "1,500.50"}, budget_wan="12,000.00")
    assert (round_["parameters"]["per_item_wan"], round_["budget_wan"]) == ("1500.50", "12000.00")
    for typed in ("1,5", "1_5", "15 00"):
        await refused(await do(api, round_, method="PATCH", budget_wan=typed), 400, "malformed")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("per_item_wan", "五十", "not_number"),
        ("correction_working_days", "0", "not_integer"),
        ("correction_working_days", "9" * 5000, "not_integer"),
        ("correction_working_days", ["10"], "not_integer"),
        ("per_item_wan", "-1", "not_number"),
        ("per_item_wan", "NaN", "not_number"),
        ("per_item_wan", ["50"], "not_number"),
        ("per_item_wan", "5_0", "not_number"),
        ("per_item_wan", "1,5", "two_readings"),
        ("directions", "国家级", "not_options"),
        ("directions", [], "bad_options"),
        ("directions", ["甲", "甲"], "bad_options"),
        ("directions", ["甲", ""], "bad_options"),
        ("directions", ["甲 "], "bad_options"),
        ("Upper", "1", "bad_name"),
    ],
)
async def test_bad_parameters_are_refused_at_their_name(api: Api, name: str, value: Any, code: str) -> None:
    said = await refused(await new_round(api, parameters={**PARAMETERS, name: value}), 422, "invalid")
    assert [(e["field"], e["code"]) for e in said["errors"]] == [(f"parameters.{name}", code)]
    round_ = await made(api)
    await refused(await do(api, round_, method="PATCH", parameters={**PARAMETERS, name: value}), 422, "invalid")


async def test_window_must_be_one(api: Api) -> None:
    now = clock.now()
    said = await refused(await new_round(api, closes_at=(now - timedelta(days=1)).isoformat()), 422, "invalid")
    assert said["errors"][0]["code"] == "before_opening"
    assert (await new_round(api, closes_at="2026-12-01T17:30:00")).status == 400  # without a zone it is no instant
    past = await made(
        api, opens_at=(now - timedelta(days=9)).isoformat(), closes_at=(now - timedelta(days=8)).isoformat()
    )
    said = await refused(await do(api, past, "publish"), 422, "invalid")
    assert said["errors"][0]["code"] == "in_the_past"
    assert (await new_round(api, form_version=99)).status == 404


async def test_published_round_keeps_its_form_and_closes_only_later(api: Api) -> None:
    round_ = await made(api, publish=True)
    await refused(await do(api, round_, method="PATCH", form_version=3), 404, "not_found")
    await refused(await do(api, round_, method="PATCH", fund_type="subsidy"), 409, "form_pinned")
    earlier = (clock.now() + timedelta(hours=1)).isoformat()
    await refused(await do(api, round_, method="PATCH", closes_at=earlier), 409, "only_later")
    await refused(await do(api, round_, method="PATCH", opens_at=earlier), 409, "already_open")
    later = (clock.now() + timedelta(days=3)).replace(microsecond=0).isoformat()
    changed = await (await do(api, round_, method="PATCH", closes_at=later, reason="平台维护")).json()
    assert changed["closes_at"].replace("Z", "+00:00") == later
    [line] = [h for h in changed["history"] if h["action"] == "change_round"]
    assert line["actor"] == "杨业务"
    assert line["details"]["reason"] == "平台维护"
    assert line["details"]["after"] == {"closes_at": later}
    assert line["details"]["before"]["closes_at"] == round_["closes_at"].replace("Z", "+00:00")
    # Before it opens everything but the form may still move.
    soon = (clock.now() + timedelta(hours=5)).isoformat()
    coming = await made(api, opens_at=soon, publish=True)
    answer = await do(
        api, coming, method="PATCH",
        opens_at=(clock.now() + timedelta(hours=2)).isoformat(),
        closes_at=(clock.now() + timedelta(hours=9)).isoformat(),
    )  # fmt: skip
    assert answer.status == 200


async def test_closing_is_judged_by_the_gateways_stamp_to_the_second(api: Api) -> None:
    closes = (clock.now() + timedelta(days=1)).replace(microsecond=0)
    round_ = await made(api, closes_at=(closes + timedelta(microseconds=900)).isoformat(), publish=True)
    assert round_["closes_at"].replace("Z", "+00:00") == closes.isoformat()
    id = (await (await start(api, round_)).json())["id"]
    await api.fill(WHO, id)
    late = await api.submit(WHO, id, received_at=closes + timedelta(microseconds=1))
    await refused(late, 409, "round_closed")
    await refused(await start(api, round_, received_at=closes + timedelta(seconds=1)), 409, "round_closed")
    assert (await api.submit(WHO, id, received_at=closes)).status == 200


async def test_close_now_and_late_acceptance_for_one_enterprise(api: Api) -> None:
    round_ = await made(api, publish=True)
    mine, theirs = [(await (await start(api, round_, who)).json())["id"] for who in (WHO, OTHER)]
    for who, id in ((WHO, mine), (OTHER, theirs)):
        await api.fill(who, id)
    assert (await do(api, round_, "close", reason="")).status == 400
    closed = await (await do(api, round_, "close", reason="预算已用完")).json()
    assert closed["state"] == "closed"
    await refused(await do(api, round_, "close", reason="再一次"), 409, "not_open")
    assert await seen(api, round_) is None
    until = (clock.now() + timedelta(days=2)).replace(microsecond=0)
    extension = {"enterprise": factories.ENTERPRISE_1[0], "until": until.isoformat(), "reason": "停电"}
    assert (await do(api, round_, "extensions", **extension)).status == 201

    later = clock.now() + timedelta(minutes=5)
    await refused(await api.submit(OTHER, theirs, received_at=later), 409, "round_closed")
    await refused(await start(api, round_, OTHER, received_at=later), 409, "round_closed")
    assert await seen(api, round_, OTHER) is None
    shown = await seen(api, round_)
    assert shown is not None
    assert shown["is_open"]
    assert shown["accepts_until"].replace("Z", "+00:00") == until.isoformat()
    assert (await start(api, round_, received_at=later)).status == 201
    assert (await api.submit(WHO, mine, received_at=until)).status == 200

    detail = await (await api.call("GET", f"/api/v1/rounds/{round_['id']}", OFFICER)).json()
    assert [e["enterprise"] for e in detail["extensions"]] == [factories.ENTERPRISE_1[0]]
    assert detail["applications"] == {"draft": 2, "pending_acceptance": 1}
    assert [h["action"] for h in detail["history"]] == [
        "extend_round", "close_round", "publish_round", "create_round",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"enterprise": "91110105MA00TE5T20"}, "enterprise", "not_uscc"),
        ({"until": "2020-01-01T00:00:00+08:00"}, "until", "before_closing"),
        ({"reason": " "}, "reason", "required"),
    ],
)
async def test_bad_extension(api: Api, changes: dict[str, str], field: str, code: str) -> None:
    round_ = await made(api, publish=True)
    until = (clock.now() + timedelta(days=9)).isoformat()
    body = {"enterprise": factories.ENTERPRISE_1[0], "until": until, "reason": "停电", **changes}
    said = await refused(await do(api, round_, "extensions", **body), 422, "invalid")
    assert [(e["field"], e["code"]) for e in said["errors"]] == [(field, code)]
    unpublished = await made(api)
    body = {"enterprise": factories.ENTERPRISE_1[0], "until": until, "reason": "停电"}
    await refused(await do(api, unpublished, "extensions", **body), 409, "not_published")


async def test_two_officers_do_not_overwrite_each_other(api: Api) -> None:
    round_ = await made(api)
    path = f"/api/v1/rounds/{round_['id']}"
    etag = (await api.call("GET", path, OFFICER)).headers["ETag"]
    first = await api.call("PATCH", path, OFFICER, json={"title": "甲改的"}, headers={"If-Match": etag})
    assert first.status == 200
    for what, body in (("PATCH", {"title": "乙改的"}), ("POST", {})):
        target = path if what == "PATCH" else f"{path}/publish"
        answer = await api.call(what, target, OFFICER, json=body, headers={"If-Match": etag})
        await refused(answer, 412, "stale")
    assert (await (await api.call("GET", path, OFFICER)).json())["title"] == "甲改的"


async def test_a_second_person_publishes(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Whoever wrote a round or changed it last does not publish it; whoever did not may, also at the same moment."""
    first, second = OFFICER, factories.staff(Role.OFFICER, "许业务")
    now = {"received_at": clock.now()}
    first, second = first.model_copy(update=now), second.model_copy(update=now)
    new = NewRound.model_validate(round_body())
    by_two = {"accept_missing": False, "by_two": True}
    async with sessions() as session:
        with pytest.raises(Conflict) as refusal:
            await manage.create(session, first, new.model_copy(update={"publish": True}), by_two=True)
        assert refusal.value.code == "second_person"
        await session.rollback()

        round_ = await manage.create(session, first, new, by_two=True)
        assert (await detail(session, round_, first, by_two=True)).own
        assert not (await detail(session, round_, first, by_two=False)).own
        assert not (await detail(session, round_, second, by_two=True)).own
        with pytest.raises(Conflict) as refusal:
            await manage.publish(session, first, round_.id, None, **by_two)
        assert refusal.value.code == "second_person"
        # Who changes it has written it last: the first reads it and publishes.
        await manage.change(session, second, round_.id, "1", RoundChange(title="第二人改的"))
        assert (await detail(session, round_, second, by_two=True)).drafted_by == "许业务"
        with pytest.raises(Conflict):
            await manage.publish(session, second, round_.id, "2", **by_two)
        # What was open before somebody changed it publishes nothing.
        with pytest.raises(Stale):
            await manage.publish(session, first, round_.id, "1", **by_two)
        published = await manage.publish(session, first, round_.id, "2", **by_two)
        assert published.published_at == now["received_at"]
        # Of the time before anybody kept who drafted: whoever has the role publishes.
        old = await manage.create(session, first, new, by_two=True)
        old.drafted_by = old.drafted_by_name = None
        assert (await manage.publish(session, first, old.id, None, **by_two)).published_at
        await session.rollback()


async def test_a_second_person_confirms_what_changes_in_a_published_round(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    """Nobody alone raises a limit or the budget of a round that two people published; its close moves at once."""
    now = {"received_at": clock.now()}
    first = OFFICER.model_copy(update=now)
    second = factories.staff(Role.OFFICER, "许业务").model_copy(update=now)
    async with sessions() as session:
        round_ = await manage.create(session, first, NewRound.model_validate(round_body(publish=True)))
        id, close = round_.id, round_.closes_at
        limit = round_.parameters["per_item_wan"]

        async def change(actor: Actor, **changes: Any) -> RoundDetail:
            given = RoundChange(**changes)
            changed = await proposals.change(session, actor, id, str(round_.version), given, by_two=True)
            return await detail(session, changed, actor, by_two=True)

        more = {**round_.parameters, "per_item_wan": "500"}
        told = await change(
            first, parameters=more, budget_wan="900", closes_at=close + timedelta(days=1), reason="追加"
        )
        # In one press: the close at once, the rest when somebody else says so.
        assert told.proposal is not None
        assert (told.closes_at, told.budget_wan, told.parameters["per_item_wan"]) == (
            close + timedelta(days=1),
            None,
            limit,
        )
        assert [(d.name, d.after) for d in told.proposal.differences] == [
            ("budget_wan", "900.00"),
            ("parameters.per_item_wan", "500"),
        ]
        assert (told.proposal.own, told.proposal.reason) == (True, "追加")
        with pytest.raises(Conflict) as refusal:
            await proposals.confirm(session, first, id, None)
        assert refusal.value.code == "second_person"
        # What was open before the proposal confirms nothing: it showed something else.
        with pytest.raises(Stale):
            await proposals.confirm(session, second, id, "1")
        # What could not be made is refused when it is proposed.
        with pytest.raises(Invalid):
            await change(second, parameters={**more, "per_item_wan": "五百"})
        with pytest.raises(Conflict):
            await change(second, fund_type="subsidy")
        # Another proposal takes its place, and then the first one may confirm it.
        told = await change(second, parameters={**more, "per_item_wan": "600"})
        with pytest.raises(Conflict):
            await proposals.confirm(session, second, id, None)
        confirmed = await proposals.confirm(session, first, id, str(told.version))
        assert (confirmed.parameters["per_item_wan"], confirmed.budget_wan, confirmed.proposal) == (
            "600",
            None,
            None,
        )
        with pytest.raises(Conflict) as refusal:
            await proposals.confirm(session, first, id, None)
        assert refusal.value.code == "nothing_proposed"
        # Given up: everything stays, and the history says what.
        await change(first, title="换个名称")
        given_up = await proposals.withdraw(session, second, id, None)
        assert (given_up.title, given_up.proposal) == (round_.title, None)
        history = (await detail(session, round_, first, by_two=True)).history
        assert [line.action for line in history[:5]] == [
            "withdraw_round_change", "propose_round_change", "change_round", "propose_round_change", "change_round",
        ]  # fmt: skip
        assert history[2].details["proposed_by"] == "许业务"
        # Nothing of it is told to whoever only sees rounds that are published.
        await change(first, title="换个名称")
        assert not round_view(round_, now["received_at"]).proposed
        # An office of one: at once, as before.
        alone = await proposals.change(session, first, id, None, RoundChange(title="一人"), by_two=False)
        assert alone.title == "一人"
        await session.rollback()


async def test_a_proposed_change_over_http(api: Api) -> None:
    """Without a proposal there is nothing to confirm, and only those who publish rounds are asked."""
    path = f"/api/v1/rounds/{(await made(api, publish=True))['id']}/proposal"
    for method in ("POST", "DELETE"):
        await refused(await api.call(method, path, OFFICER), 409, "nothing_proposed")
        await refused(await api.call(method, path, factories.staff(Role.OPERATOR)), 403, "not_allowed")


async def test_another_ceiling_is_an_edit_of_data(api: Api) -> None:
    """The same form, the same values; only the round's parameter differs, and so does the check."""
    holds = []
    for ceiling in ("50", "10"):
        round_ = await made(api, parameters={**PARAMETERS, "per_item_wan": ceiling}, publish=True)
        id = (await (await start(api, round_)).json())["id"]
        await api.fill(WHO, id, amount="22.00")
        checks = await (await api.call("GET", f"/api/v1/applications/{id}/checks", WHO)).json()
        holds.append(next(c["holds"] for c in checks if c["id"] == "gift_cap"))
    assert holds == [True, False]


async def test_forms_a_round_may_be_opened_for(api: Api) -> None:
    found = await (await api.call("GET", "/api/v1/forms", OFFICER)).json()
    reward = {
        "fund_type": "reward",
        "version": 1,
        "label": "奖励类",
        "title": "工美资金（奖励）",
        "retired": False,
    }
    assert reward in found


@pytest.mark.parametrize("definition", forms().values(), ids=lambda form: f"{form.fund_type}-{form.version}")
async def test_a_round_for_every_form_of_the_catalogue(api: Api, definition: Form) -> None:
    """What a form needs of its round is asked for by kind: a number, a date, a text, a list."""
    round_ = await made(api, fund_type=definition.fund_type, form_version=definition.version, parameters={})
    wanted = {need["name"]: need["kind"] for need in round_["needs"]}
    assert set(wanted) >= rules_of(definition).parameters
    fitting: dict[str, Any] = {"number": "1", "date": "2026-01-01", "text": "甲", "options": ["甲", "乙"]}
    # 单位确认 is ticked or not, whatever the form.
    given = {name: fitting[kind] for name, kind in wanted.items()} | {"unit_confirmation": []}
    answer = await do(api, round_, method="PATCH", parameters=given)
    assert answer.status == 200, await answer.text()
    unfit: dict[str, Any] = {"number": "一", "date": "2026-02-30", "text": [], "options": "甲"}
    for name, kind in wanted.items():
        said = await refused(await do(api, round_, method="PATCH", parameters={name: unfit[kind]}), 422, "invalid")
        assert [e["field"] for e in said["errors"]] == [f"parameters.{name}"]


async def test_the_empty_form_of_a_round_is_read_before_one_begins(
    api: Api, round_id: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    """Made once for all who ask, of published rounds only."""
    for who in (WHO, OTHER, WHO):
        answer = await api.call("GET", f"/api/v1/rounds/{round_id}/form.pdf", who)
        assert (answer.status, (await answer.json())["status"]) == (202, "queued")
    async with sessions() as session:
        [document] = await session.scalars(select(Document).where(Document.kind == "form"))
        assert document.application_id is None
        assert {"项目联系人信息", "企业基本情况"} <= set((document.snapshot or {})["model"]["expected"])
    hidden = await made(api)
    assert (await api.call("GET", f"/api/v1/rounds/{hidden['id']}/form.pdf", WHO)).status == 404

"""Wrong values of a section, over HTTP: all at once, each at its field, row and column, and nothing of them in the database."""

from datetime import timedelta
from io import BytesIO
from json import dumps
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
Json = dict[str, Any]


@pytest.fixture
async def subsidy(api: Api) -> str:
    """A draft of the longest form; its id."""
    rounds = await (await api.call("GET", "/api/v1/rounds", WHO)).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "subsidy")
    return str((await api.create(WHO, round_id))["id"])


def path_of(id: str, key: str) -> str:
    return f"/api/v1/applications/{id}/sections/{key}"


async def written(api: Api, id: str, key: str, values: Json, *, draft: bool = False) -> tuple[int, Json]:
    """Status and answer of one write."""
    path = path_of(id, key)
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    answer = await api.call(
        "PUT", f"{path}/draft" if draft else path, WHO, json={"values": values}, headers={"If-Match": etag}
    )
    return answer.status, await answer.json()


async def stored(sessions: async_sessionmaker[AsyncSession], id: str, key: str) -> Json:
    """A section's row as it is in the database."""
    async with sessions() as session:
        found = await session.execute(
            text("SELECT saved, draft, etag FROM applications.sections WHERE application_id = :id AND key = :key"),
            {"id": id, "key": key},
        )
        return dict(found.mappings().one())


async def test_every_mistake_of_a_section_at_once(api: Api, subsidy: str) -> None:
    status, found = await written(
        api, subsidy, "project_content",
        {
            "direction": "没有这个方向",
            "location": "长" * 300,
            "start_on": "2026-02-30",
            "end_on": True,
            "background": ["一"],
            "content": "x\x07",
            "invested_wan": "1e3",
            "expenses": [
                {"id": "a", "item": "窑炉", "category": "设备购置", "planned_wan": "1.234", "paid_wan": "-1"},
                {"id": "b", "item": "", "category": "没有", "planned_wan": "12", "paid_wan": 22.5},
                {"id": "c", "item": "x", "category": "设备购置", "planned_wan": "12", "paid_wan": "3", "secret": "y"},
            ],
            "funding_sources": [
                {"row": "own_fund", "amount_wan": "一百"},
                {"row": "applied_fund", "amount_wan": "80"},
                {"row": "nowhere", "amount_wan": "80"},
            ],
            "contracts_invoices": [str(uuid4())],
            "feasibility": "x",
            "nickname": "y",
        },
    )  # fmt: skip
    assert status == 422
    places = {(e["field"], e["row"], e["column"]): e["code"] for e in found["errors"]}
    wanted = {
        ("direction", None, None): "not_an_option",
        ("location", None, None): "too_long",
        ("start_on", None, None): "no_such_date",
        ("end_on", None, None): "type",
        ("background", None, None): "type",
        ("invested_wan", None, None): "not_money",
        ("expenses", "a", "planned_wan"): "too_precise",
        ("expenses", "a", "paid_wan"): "negative",
        ("expenses", "b", "item"): "required",
        ("expenses", "b", "category"): "not_an_option",
        ("expenses", "b", "paid_wan"): "type",
        ("expenses", "c", "secret"): "unknown_field",
        ("funding_sources", "own_fund", "amount_wan"): "not_money",
        ("funding_sources", "nowhere", None): "unknown_row",
        ("funding_sources", "bank_loan", "amount_wan"): "required",
        ("contracts_invoices", None, None): "unknown_file",
        ("feasibility", None, None): "type",
        ("nickname", None, None): "unknown_field",
    }
    assert wanted.items() <= places.items(), wanted.items() - places.items()
    for error in found["errors"]:
        assert error["section"] == "project_content"
        assert error["code"].isascii()
        assert any("一" <= c <= "鿿" for c in error["message"]), error


async def test_nothing_wrong_is_saved_and_nothing_typed_is_lost(
    api: Api, subsidy: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    before = await stored(sessions, subsidy, "fund_plan")
    assert (await written(api, subsidy, "fund_plan", {"applied_total_wan": "1e3"}))[0] == 422
    assert await stored(sessions, subsidy, "fund_plan") == before
    typed = {
        "applied_total_wan": "1e3",
        "plan_items": [{"id": "a", "subject_name": "材料费", "amount_wan": "约 20"}],
    }
    assert (await written(api, subsidy, "fund_plan", typed, draft=True))[0] == 200
    shown = await (await api.call("GET", path_of(subsidy, "fund_plan"), WHO)).json()
    assert shown["draft"] == typed
    assert shown["saved"] is None


UNSEEN = "\u202a\u200b\ufeff"


async def test_what_nobody_sees_is_no_part_of_a_value(api: Api, subsidy: str) -> None:
    contact = {
        "project_name": f"{UNSEEN}景泰蓝\u200b屏风\u00ad", "contact_name": "李\u200e响", "contact_phone": "010\u201358511090\u202c",
        "mobile": "\u202d13800138000\u202c", "email": f"lixiang@example.com{UNSEEN}",
    }  # fmt: skip
    status, found = await written(api, subsidy, "contact", contact)
    assert status == 200, found
    assert found["values"] == {
        "project_name": "景泰蓝屏风", "contact_name": "李响", "contact_phone": "010-58511090", "mobile": "13800138000",
        "email": "lixiang@example.com",
    }  # fmt: skip
    status, found = await written(api, subsidy, "contact", {**contact, "contact_name": UNSEEN})
    assert [(e["field"], e["code"]) for e in found["errors"]] == [("contact_name", "required")]


async def test_what_cannot_be_printed_is_named_with_its_place(api: Api, subsidy: str) -> None:
    contact = {
        "contact_name": "李响",
        "contact_phone": "010-58511090",
        "mobile": "13800138000",
        "email": "a@example.com",
    }
    for name, code, said in (
        ("景泰蓝\U0001faf8屏风", "unprintable", "第 4 个字符“\U0001faf8”（U+1FAF8）无法打印"),
        ("景泰\ue000蓝", "unprintable", "第 3 个字符"),
        ("景\x07泰蓝", "control_character", "第 2 个字符"),
        ("景泰蓝\v屏风", "line_break", "不能换行"),
    ):
        status, found = await written(api, subsidy, "contact", {**contact, "project_name": name})
        assert status == 422
        assert [(e["field"], e["code"]) for e in found["errors"]] == [("project_name", code)]
        assert said in found["errors"][0]["message"]
        # 暂存 keeps it as it was typed.
        assert (await written(api, subsidy, "contact", {**contact, "project_name": name}, draft=True))[0] == 200
    status, found = await written(api, subsidy, "contact", {**contact, "project_name": "SiO₂ 釉 ☑ ⅓ 😀 𪚥"})
    assert status == 200, found


async def test_an_amount_is_not_guessed(api: Api, subsidy: str) -> None:
    plan = {
        "applied_total_wan": "12,5",
        "plan_items": [{"id": "a", "subject_name": "材料费", "amount_wan": "1,2345.00"}],
    }
    status, found = await written(api, subsidy, "fund_plan", plan)
    assert status == 422
    said = {(e["field"], e["row"]): e for e in found["errors"] if e["code"] == "two_readings"}
    assert "可读作 125 或 12.5" in said["applied_total_wan", None]["message"]
    assert ("plan_items", "a") in said


async def test_full_width_is_normalised_before_it_is_judged(api: Api, subsidy: str) -> None:
    status, found = await written(
        api, subsidy, "contact",
        {
            "project_name": "　景泰蓝（２期）　", "contact_name": " 李响 ", "contact_phone": "０１０－５８５１１０９０",
            "mobile": "１３８　００１３ ８０００", "email": " lixiang@example.com ",
        },
    )  # fmt: skip
    assert status == 200, found
    # Names stay as they were typed; numbers are numbers.
    assert found["values"] == {
        "project_name": "景泰蓝（２期）", "contact_name": "李响", "contact_phone": "010-58511090",
        "mobile": "13800138000", "email": "lixiang@example.com",
    }  # fmt: skip
    plan = {
        "applied_total_wan": "１，２３４．５０",
        "bank_name": "北京银行",
        "bank_account": "０２００ ００１０ ０９００ ００００ ００１",
        "plan_items": [{"id": "a", "subject_name": "材料费", "amount_wan": "￥１２"}],
        "team_members": [{"id": "b", "name": "李响", "specialty": "设计"}],
    }
    status, found = await written(api, subsidy, "fund_plan", plan)
    assert [(e["field"], e["row"], e["column"], e["code"]) for e in found["errors"]] == [
        ("plan_items", "a", "amount_wan", "not_money")
    ]
    plan["plan_items"] = [{"id": "a", "subject_name": "材料费", "amount_wan": "１２"}]
    status, found = await written(api, subsidy, "fund_plan", plan)
    assert status == 200, found
    assert found["values"]["applied_total_wan"] == "1234.50"
    assert found["values"]["bank_account"] == "0200001009000000001"
    assert found["values"]["plan_items"][0]["amount_wan"] == "12.00"


@pytest.mark.parametrize("draft", [False, True], ids=["save", "draft"])
async def test_ten_thousand_rows_are_refused_by_size(
    api: Api, subsidy: str, sessions: async_sessionmaker[AsyncSession], draft: bool
) -> None:
    before = await stored(sessions, subsidy, "project_content")
    rows = [{"id": str(n)} for n in range(10_000)]
    status, found = await written(api, subsidy, "project_content", {"expenses": rows}, draft=draft)
    assert status == 422
    assert ("expenses", "too_many_rows") in {(e["field"], e["code"]) for e in found["errors"]}
    # Written out they are more than any body may be.
    full = [
        {"id": str(n), "item": "窑炉" * 20, "category": "设备购置", "planned_wan": "1", "paid_wan": "1"}
        for n in range(10_000)
    ]
    path = path_of(subsidy, "project_content") + ("/draft" if draft else "")
    body = BytesIO(dumps({"values": {"expenses": full}}).encode())
    headers = {"If-Match": "1", "Content-Type": "application/json"}
    answer = await api.call("PUT", path, WHO, data=body, headers=headers)
    assert (answer.status, (await answer.json())["type"]) == (413, "too_large")
    assert await stored(sessions, subsidy, "project_content") == before


DEEP: Any = "x"
for _ in range(40):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "values",
    [
        {"project_name": "长" * 50_000},
        {"project_name": DEEP},
        {"project_name": {"a": 1}},
        {"project_name": 10**400},
        {"project_name": 1.5},
        {"project_name": True},
        {f"key{n}": 1 for n in range(5000)},
        {"x" * 100_000: 1},
    ],
    ids=["long", "deep", "object", "huge", "float", "bool", "keys", "key"],
)
async def test_too_long_too_deep_or_of_another_type_never_reaches_the_database(
    api: Api, subsidy: str, sessions: async_sessionmaker[AsyncSession], values: Json
) -> None:
    before = await stored(sessions, subsidy, "contact")
    status, found = await written(api, subsidy, "contact", values)
    assert status in (400, 422)
    assert any("一" <= c <= "鿿" for c in found["detail"])
    assert len(dumps(found)) < 200_000
    assert await stored(sessions, subsidy, "contact") == before


@pytest.mark.parametrize(
    "values",
    [
        {"project_name": DEEP},
        {"project_name": "长" * 50_000},
        {f"key{n}": 1 for n in range(5000)},
        {"expenses": [[["x"]]]},
    ],
    ids=["deep", "long", "keys", "foreign"],
)
async def test_a_draft_takes_what_was_typed_but_not_anything(
    api: Api, subsidy: str, sessions: async_sessionmaker[AsyncSession], values: Json
) -> None:
    """暂存 judges no value, but its shape: keys of the section, texts and rows of a size that people type."""
    before = await stored(sessions, subsidy, "contact")
    status, found = await written(api, subsidy, "contact", values, draft=True)
    assert status in (400, 413, 422), found
    assert await stored(sessions, subsidy, "contact") == before


ODD: list[Any] = [None, 5, 1.5, True, "x", [], [1], ["x"], {}, {"a": 1}, [{"row": ["x"], "id": {}}], [None]]


@pytest.mark.parametrize("shift", range(0, len(ODD), 3))
async def test_whatever_a_draft_holds_its_section_can_be_opened(api: Api, subsidy: str, shift: int) -> None:
    """Clients that send odd shapes meet a message, never a failure, now and when the section is opened again."""
    definition = (await (await api.call("GET", "/api/v1/forms/subsidy/1", WHO)).json())["sections"]
    for section in definition:
        keys = [p["key"] for kind in ("fields", "tables", "slots") for p in section[kind]]
        for draft in (True, False):
            status, found = await written(
                api,
                subsidy,
                section["key"],
                {key: ODD[(n + shift) % len(ODD)] for n, key in enumerate(keys)},
                draft=draft,
            )
            assert status in (200, 400, 422), found
        opened = await api.call("GET", path_of(subsidy, section["key"]), WHO)
        assert opened.status == 200, await opened.text()
    for what in ("checks", "problems"):
        assert (await api.call("GET", f"/api/v1/applications/{subsidy}/{what}", WHO)).status == 200


async def test_a_round_takes_no_formula(api: Api) -> None:
    """What an officer types as a parameter is a value, never something that is evaluated."""
    officer = factories.staff(Role.OFFICER)
    now = clock.now()
    body = {
        "fund_type": "reward", "form_version": 1, "title": "测试", "publish": False,
        "opens_at": now.isoformat(), "closes_at": (now + timedelta(days=1)).isoformat(),
        "parameters": {"per_item_wan": "9**9**9", "org_year_cap_wan": "__import__('os')"},
    }  # fmt: skip
    answer = await api.call("POST", "/api/v1/rounds", officer, json=body)
    found = await answer.json()
    assert answer.status == 422
    assert {e["code"] for e in found["errors"]} == {"not_number"}

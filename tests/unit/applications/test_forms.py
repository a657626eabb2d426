"""The form of 奖励类: what it keeps, what it refuses, and where it says so."""

from copy import deepcopy
from typing import Any

import pytest

from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled import reading, validation
from services.applications.forms.filled.checks import evaluate, tied
from services.applications.forms.filled.situation import Facts
from shared.errors import Invalid
from tests import factories

FILES = {slot: [f"{slot}-1"] for slot in factories.REWARD_SLOTS}
ROUND = RoundFacts(
    parameters={
        "directions": ["国家级重大活动礼品设计开发"],
        "per_piece_cap_wan": "50.00",
        "per_enterprise_cap_wan": "300.00",
    },
    closes_on="2099-12-31",
)


@pytest.fixture(scope="module")
def form() -> Form:
    return catalogue_form("reward", 1)


def validated(form: Form, key: str, **changes: Any) -> dict[str, Any]:
    section = form.section(key)
    assert section is not None
    values = deepcopy(factories.reward_values(FILES)[key]) | changes
    round_ = ROUND.model_copy(update={"closes_on": "2027-01-31"})
    context = reading.Context(
        form=form,
        facts=Facts(round_),
        files={slot: frozenset(ids) for slot, ids in FILES.items()},
        prefill={"org_name": None},
    )
    return validation.validate(section, values, context)


def refusals(form: Form, key: str, **changes: Any) -> list[tuple[str | None, str | None, str]]:
    with pytest.raises(Invalid) as refused:
        validated(form, key, **changes)
    for error in refused.value.errors:
        assert error.section == key
        assert any("一" <= c <= "鿿" for c in error.message), error
    return [(e.field, e.column, e.code) for e in refused.value.errors]


def test_the_manuals_six_materials_in_their_order(form: Form) -> None:
    assert [s.label for s in form.sections] == [
        "项目联系人",
        "企业基本情况",
        "项目主要内容",
        "保护发展资金使用规划",
        "项目完成后实现的社会效益",
        "诚信承诺",
    ]
    assert form.title == "工美资金（奖励）"


@pytest.mark.parametrize("key", list(factories.reward_values(FILES)))
def test_realistic_values_are_kept_and_keeping_them_again_changes_nothing(form: Form, key: str) -> None:
    kept = validated(form, key)
    assert validated(form, key, **kept) == kept


def test_every_mistake_is_said_at_once(form: Form) -> None:
    changes = {"project_name": " ", "mobile": "1380013800", "email": "a@b", "contact_phone": "85235981"}
    assert refusals(form, "contact", **changes) == [
        ("project_name", None, "required"),
        ("contact_phone", None, "not_phone"),
        ("mobile", None, "not_mobile"),
        ("email", None, "not_email"),
    ]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("0", "not_positive"),
        ("1.234", "too_precise"),
        ("1e3", "not_money"),
        ("-1", "negative"),
        ("NaN", "not_money"),
        ("", "required"),
        (22.0, "type"),
        (True, "type"),
        ("100000000000", "too_large"),
    ],
)
def test_wrong_amounts(form: Form, typed: Any, code: str) -> None:
    assert refusals(form, "fund_plan", applied_total_wan=typed) == [("applied_total_wan", None, code)]


@pytest.mark.parametrize(
    ("typed", "kept"), [("22", "22.00"), ("0.01", "0.01"), ("1234.5", "1234.50"), ("１，２３４.50", "1234.50")]
)
def test_right_amounts(form: Form, typed: str, kept: str) -> None:
    assert validated(form, "fund_plan", applied_total_wan=typed)["applied_total_wan"] == kept


def test_a_mistake_in_a_row_names_row_and_column(form: Form) -> None:
    rows = [{"id": "a1", "subject_name": "材料费", "amount_wan": "22"}, {"id": "b2", "subject_name": "设备费"}]
    with pytest.raises(Invalid) as refused:
        validated(form, "fund_plan", plan_items=rows)
    [error] = refused.value.errors
    assert (error.field, error.row, error.column, error.code) == ("plan_items", "b2", "amount_wan", "required")


def test_rows(form: Form) -> None:
    blank = {"id": "x", "subject_name": "", "amount_wan": ""}
    full = {"id": "a1", "subject_name": "材料费", "amount_wan": "22"}
    assert [r["id"] for r in validated(form, "fund_plan", plan_items=[blank, full])["plan_items"]] == ["a1"]
    assert refusals(form, "fund_plan", plan_items=[]) == [("plan_items", None, "too_few_rows")]
    assert refusals(form, "fund_plan", plan_items="x") == [("plan_items", None, "type")]
    assert refusals(form, "fund_plan", plan_items=[full, full])[0][2] == "duplicate_row"
    assert refusals(form, "fund_plan", plan_items=[full | {"secret": 1}])[0] == (
        "plan_items",
        "secret",
        "unknown_field",
    )
    many = [full | {"id": f"r{n}"} for n in range(51)]
    assert refusals(form, "fund_plan", plan_items=many)[0][2] == "too_many_rows"


def test_fixed_rows_are_all_there_whatever_was_sent(form: Form) -> None:
    found = refusals(form, "project_content", funding_sources=[{"row": "applied_fund", "amount_wan": "22"}])
    assert found == [("funding_sources", "amount_wan", "required")] * 4
    assert (
        refusals(form, "project_content", funding_sources=[{"row": "gift", "amount_wan": "1"}])[0][2]
        == "unknown_row"
    )


def test_unknown_fields_are_named(form: Form) -> None:
    assert refusals(form, "contact", nickname="x") == [("nickname", None, "unknown_field")]
    section = form.section("contact")
    assert section is not None
    with pytest.raises(Invalid):
        reading.draft(section, {"nickname": "x"})


def test_draft_keeps_whatever_was_typed(form: Form) -> None:
    section = form.section("fund_plan")
    assert section is not None
    typed = {"applied_total_wan": "about 20", "plan_items": [{"subject_name": "材"}]}
    kept = reading.draft(section, typed)
    assert kept["applied_total_wan"] == "about 20"
    assert kept["plan_items"][0]["subject_name"] == "材"
    assert kept["plan_items"][0]["id"]


def test_dates_are_bound_to_one_another(form: Form) -> None:
    assert refusals(form, "project_content", start_on="2026-02-02", end_on="2026-02-01") == [
        ("end_on", None, "out_of_bounds")
    ]
    assert refusals(form, "project_content", end_on="2026-02-30") == [("end_on", None, "no_such_date")]
    assert refusals(form, "project_content", event_on="2020-01-01") == [("event_on", None, "out_of_bounds")]


def test_attachments(form: Form) -> None:
    assert refusals(form, "commitment", commitment_scan=[]) == [("commitment_scan", None, "required")]
    assert refusals(form, "commitment", commitment_scan=["else"]) == [("commitment_scan", None, "unknown_file")]
    assert refusals(form, "commitment", agreed=False) == [("agreed", None, "required")]


def test_checks_between_materials(form: Form) -> None:
    saved = {key: validated(form, key) for key in factories.reward_values(FILES)}
    outcomes = {o.id: o for o in evaluate(form, saved, Facts(ROUND))}
    assert all(o.holds for o in outcomes.values() if o.severity == "error")
    saved["fund_plan"] = validated(form, "fund_plan", applied_total_wan="23.00")
    outcomes = {o.id: o for o in evaluate(form, saved, Facts(ROUND))}
    wrong = outcomes["plan_sum"]
    assert (wrong.holds, wrong.left, wrong.right, wrong.difference) == (False, "22.00", "23.00", "-1.00")
    assert not outcomes["linked_total"].holds
    # What is not saved yet is neither right nor wrong by a number.
    [nothing] = [o for o in evaluate(form, {}, Facts(ROUND)) if o.id == "plan_sum"]
    assert (nothing.holds, nothing.left, nothing.difference) == (False, None, None)


def test_unlocking_one_amount_unlocks_what_must_agree_with_it(form: Form) -> None:
    assert tied(form, {"contact"}) == {"contact"}
    assert tied(form, {"fund_plan"}) == {"fund_plan", "project_content"}

"""The four fund types: complete values validate, every check has values that keep it and values that break it."""

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from services.applications.forms.authoring.source import read_form
from services.applications.forms.catalogue import FOLDER, forms
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form, OtherApplications, RoundFacts
from services.applications.forms.filled import reading, validation
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.section_state import effective
from services.applications.forms.filled.situation import Facts
from services.applications.forms.versions.rebase import rebase
from services.applications.rounds import seed
from shared import clock
from shared.contract.checks import Outcome
from shared.errors import Invalid
from tests import factories

TYPES = ["reward", "subsidy", "master_studio", "innovation_cluster"]
VERSIONS = [1, 2]
ROUNDS = {
    entry["fund_type"]: entry["parameters"] for entry in reversed(yaml.safe_load(seed.FILE.read_text("utf-8")))
}
Sections = dict[str, dict[str, Any]]


def files_of(fund_type: str) -> dict[str, list[str]]:
    slots = {*factories.SLOTS[fund_type], *({"result_proof"} if fund_type == "reward" else ())}
    return {slot: [f"{slot}-1"] for slot in slots}


def facts_of(fund_type: str, *, others: OtherApplications | None = None, **parameters: Any) -> Facts:
    given = {k: v for k, v in {**ROUNDS[fund_type], **parameters}.items() if v is not None}
    close = clock.today().replace(month=12, day=31).isoformat()
    return Facts(
        RoundFacts(parameters=given, closes_on=close), others or OtherApplications(), started_on=clock.today()
    )


def kept(form: Form, values: Sections, facts: Facts) -> Sections:
    """Every section as 保存表单 keeps it; `Invalid` for the first that it refuses."""
    saved: Sections = {}
    for section in form.sections:
        files = {slot.key: frozenset(values[section.key].get(slot.key) or ()) for slot in section.slots}
        context = reading.Context(form=form, facts=facts, files=files, saved=saved)
        saved[section.key] = validation.validate(section, values[section.key], context)
    return saved


def outcomes(fund_type: str, values: Sections, facts: Facts | None = None, version: int = 1) -> dict[str, Outcome]:
    form = catalogue_form(fund_type, version)
    facts = facts or facts_of(fund_type)
    return {o.id: o for o in evaluate(form, kept(form, values, facts), facts)}


def values_of(fund_type: str, **changes: Any) -> Sections:
    return deepcopy(factories.values_of(fund_type, files_of(fund_type), **changes))


def test_every_type_of_the_manual_has_a_form_and_an_open_demo_round() -> None:
    assert {form.fund_type: form.label for form in forms().values()} == {
        "reward": "奖励类",
        "subsidy": "补助类",
        "master_studio": "大师示范工作室类",
        "innovation_cluster": "产业创新集群",
    }
    assert set(ROUNDS) == set(TYPES)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fund_type", TYPES)
def test_complete_values_are_kept_and_their_checks_hold(fund_type: str, version: int) -> None:
    form, facts = catalogue_form(fund_type, version), facts_of(fund_type)
    saved = kept(form, values_of(fund_type), facts)
    assert kept(form, saved, facts) == saved
    found = evaluate(form, saved, facts)
    assert [o for o in found if not (o.holds and o.known)] == []
    assert {o.id for o in found} >= {"plan_sum", "linked_total", "applied_positive"}
    counted = effective(form, saved, facts)
    assert list(counted) == [section.key for section in form.sections]


@pytest.mark.parametrize("fund_type", TYPES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("key", ["project_content", "fund_plan", "commitment"])
def test_an_empty_section_names_everything_it_lacks(fund_type: str, version: int, key: str) -> None:
    form, facts = catalogue_form(fund_type, version), facts_of(fund_type)
    section = form.section(key)
    assert section is not None
    with pytest.raises(Invalid) as refused:
        validation.validate(section, {}, reading.Context(form=form, facts=facts))
    missing = {e.field for e in refused.value.errors}
    wanted = {f.key for f in section.fields if f.required and not f.visible_if and f.asked}
    wanted |= {t.key for t in section.tables if not t.visible_if}
    wanted |= {s.key for s in section.slots if s.required and not s.visible_if}
    assert missing == wanted


def set_amount(values: Sections, amount: str) -> None:
    """Apply for another amount, in all the places that must agree, the total investment staying as it is."""
    sources = values["project_content"]["funding_sources"]
    total = sum(Decimal(row["amount_wan"]) for row in sources)
    sources[0]["amount_wan"] = amount
    sources[1]["amount_wan"] = str(total - Decimal(amount))
    values["fund_plan"]["applied_total_wan"] = amount
    values["fund_plan"]["plan_items"] = [{"subject_name": "材料费", "amount_wan": amount}]


def applied(amount: str) -> Any:
    return lambda values: set_amount(values, amount)


def put(section: str, **changes: Any) -> Any:
    return lambda values: values[section].update(changes)


def cell(section: str, table: str, column: str, value: Any, row: int = 0) -> Any:
    return lambda values: values[section][table][row].update({column: value})


RESCUE = {"direction": "挖掘抢救保护品种技艺"}
PLATFORM = {"direction": factories.PLATFORM}
COLLECTION = {"direction": "收藏和组织创作工艺美术优秀作品"}
# Type, check, what the values start from, what keeps it, what breaks it, and the difference that is told then.
CASES: list[tuple[str, str, dict[str, Any], Any, Any, str]] = [
    *((t, "plan_sum", {}, None, cell("fund_plan", "plan_items", "amount_wan", "1.00"), d) for t, d in
      [("reward", "-21.00"), ("subsidy", "-79.00"), ("master_studio", "-39.00"), ("innovation_cluster", "-149.00")]),
    *((t, "linked_total", {}, None, cell("project_content", "funding_sources", "amount_wan", "1.00"), d) for t, d in
      [("reward", "21.00"), ("subsidy", "79.00"), ("master_studio", "39.00"), ("innovation_cluster", "149.00")]),
    *((t, "applied_positive", {}, None, cell("project_content", "funding_sources", "amount_wan", "0"), None) for t in TYPES),
    ("reward", "gift_cap", {}, applied("50.00"), applied("50.01"), "0.01"),
    ("subsidy", "expense_sum", {}, None, cell("project_content", "expenses", "planned_wan", "180.01"), "0.01"),
    ("subsidy", "paid_sum", {}, None, put("project_content", invested_wan="209.99"), "0.01"),
    ("subsidy", "ratio_cap", {}, applied("90.00"), applied("90.01"), "0.01"),
    ("subsidy", "collection_ratio_cap", COLLECTION, applied("300.00"), None, ""),
    ("subsidy", "progress_min", {}, put("project_content", invested_wan="150.00"), put("project_content", invested_wan="149.99"), "-0.01"),
    ("subsidy", "platform_served", PLATFORM, put("project_content", served_firms=20), put("project_content", served_firms=19), "-1"),
    ("subsidy", "platform_staff", PLATFORM, put("project_content", platform_staff=15), put("project_content", platform_staff=14), "-1"),
    ("master_studio", "expense_sum", {}, None, cell("project_content", "expenses", "amount_wan", "61.00"), "-1.00"),
    ("master_studio", "ratio_cap", {}, applied("50.00"), applied("50.01"), "0.01"),
    ("master_studio", "amount_cap", {}, applied("50.00"), applied("50.01"), "0.01"),
    ("innovation_cluster", "member_share", {}, cell("cluster", "members", "share_wan", "450.00"), cell("cluster", "members", "share_wan", "450.01"), "0.01"),
]  # fmt: skip

THIS = clock.today().year
TEN_YEARS_BEFORE = f"{THIS - 10}-12-31"
# What only version 2 asks: the same columns without the difference, and whether a warning is confirmed with a reason.
NEW_CASES: list[tuple[str, str, dict[str, Any], Any, Any, bool]] = [
    *((t, "finance_years", {}, None, cell("company", "finance", "year", THIS - 3, 1), False) for t in TYPES),
    *((t, "profit_over_revenue", {}, cell("company", "finance", "profit_wan", "1234.50"), cell("company", "finance", "profit_wan", "1234.51", 1), True) for t in TYPES),
    *((t, "member_twice", {}, None, cell("fund_plan", "team_members", "name", "王㙍 ", 1), True) for t in TYPES),
    *((t, "early_start", {}, put("project_content", start_on=TEN_YEARS_BEFORE), put("project_content", start_on="1990-01-01"), True) for t in ("reward", "master_studio", "innovation_cluster")),
    ("reward", "expense_sum", RESCUE, None, cell("project_content", "expenses", "amount_wan", "12.01"), False),
    ("subsidy", "paid_over_planned", {}, cell("project_content", "expenses", "paid_wan", "180.00"), cell("project_content", "expenses", "paid_wan", "180.01"), True),
    ("subsidy", "platform_operation", PLATFORM, put("company", established_on=f"{THIS - 3}-12-31"), put("company", established_on=f"{THIS - 2}-01-01"), False),
    ("subsidy", "platform_revenue", PLATFORM, lambda v: revenue(v, "250.00", "250.00"), lambda v: revenue(v, "250.00", "249.99"), False),
    ("subsidy", "platform_assets", PLATFORM, cell("company", "finance", "assets_wan", "200.00"), cell("company", "finance", "assets_wan", "199.99"), False),
    ("master_studio", "master_twice", {}, None, lambda v: v["studio"]["masters"].append(dict(v["studio"]["masters"][0])), True),
]  # fmt: skip


def revenue(values: Sections, *amounts: str) -> None:
    for row, amount in zip(values["company"]["finance"], amounts, strict=True):
        row |= {"revenue_wan": amount, "profit_wan": "1.00"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("fund_type", "id", "start", "keeping", "breaking", "apart"), CASES)
def test_a_check_holds_and_breaks(
    fund_type: str, version: int, id: str, start: dict[str, Any], keeping: Any, breaking: Any, apart: str | None
) -> None:
    values = values_of(fund_type, **start)
    if keeping:
        keeping(values)
    assert outcomes(fund_type, values, version=version)[id].holds
    if breaking:
        values = values_of(fund_type, **start)
        breaking(values)
        said = outcomes(fund_type, values, version=version)[id]
        assert (said.holds, said.known) == (False, True)
        assert said.difference == apart
        assert said.section in {s.key for s in catalogue_form(fund_type, version).sections}


@pytest.mark.parametrize(("fund_type", "id", "start", "keeping", "breaking", "confirmed"), NEW_CASES)
def test_a_check_of_version_2_holds_and_breaks(
    fund_type: str, id: str, start: dict[str, Any], keeping: Any, breaking: Any, confirmed: bool
) -> None:
    values = values_of(fund_type, **start)
    if keeping:
        keeping(values)
    assert outcomes(fund_type, values, version=2)[id].holds
    values = values_of(fund_type, **start)
    breaking(values)
    said = outcomes(fund_type, values, version=2)[id]
    assert (said.holds, said.known, said.confirm) == (False, True, confirmed)
    assert (said.severity == "warning") == confirmed


def years(first: int, second: int) -> Any:
    def change(values: Sections) -> None:
        for row, year in zip(values["company"]["finance"], (first, second), strict=True):
            row["year"] = year

    return change


# What nobody honest fills in, one a row: type, what the values start from, the nonsense, where it is refused and how.
NONSENSE: list[tuple[str, dict[str, Any], Any, set[tuple[str, str | None, str]]]] = [
    *((t, {}, years(1999, 2001), {("finance", "year", "out_of_bounds")}) for t in TYPES),
    *((t, {}, years(2099, 2098), {("finance", "year", "out_of_bounds")}) for t in TYPES),
    *((t, {}, years(THIS - 1, THIS - 1), {("finance", "year", "not_unique")}) for t in TYPES),
    *((t, {}, years(THIS, THIS - 1), {("finance", "year", "out_of_bounds")}) for t in TYPES),
    *((t, {}, put("commitment", signed_on="2001-01-01"), {("signed_on", None, "out_of_bounds")}) for t in TYPES),
    *((t, {}, put("commitment", signed_on=(clock.today() - timedelta(days=1)).isoformat()), {("signed_on", None, "out_of_bounds")}) for t in TYPES),
    ("reward", {}, cell("project_content", "gifts", "accepted_on", f"{THIS - 3}-12-30"), {("gifts", "accepted_on", "out_of_bounds")}),
    ("reward", {}, put("project_content", event_on=f"{THIS - 3}-12-30"), {("event_on", None, "out_of_bounds")}),
    ("subsidy", {}, put("project_content", start_on="1990-01-01"), {("start_on", None, "out_of_bounds"), ("end_on", None, "out_of_bounds")}),
]  # fmt: skip


@pytest.mark.parametrize(("fund_type", "start", "nonsense", "refused"), NONSENSE)
def test_nonsense_is_refused_at_its_place(
    fund_type: str, start: dict[str, Any], nonsense: Any, refused: set[tuple[str, str | None, str]]
) -> None:
    form, facts, values = catalogue_form(fund_type, 2), facts_of(fund_type), values_of(fund_type, **start)
    kept(form, values, facts)
    nonsense(values)
    with pytest.raises(Invalid) as caught:
        kept(form, values, facts)
    assert {(e.field, e.column, e.code) for e in caught.value.errors} == refused


def test_a_draft_of_version_1_is_whole_in_version_2() -> None:
    for fund_type in TYPES:
        old, new = catalogue_form(fund_type, 1), catalogue_form(fund_type, 2)
        facts = facts_of(fund_type)
        saved = kept(old, values_of(fund_type), facts)
        done = rebase([old, new], saved, new.choices(facts.round))
        assert done.left_over == []
        again = kept(new, done.sections, facts)
        for key, values in saved.items():
            assert {name: again[key][name] for name in values} == values
            # What is new is hidden where there are gifts, and empty.
            assert not any(again[key][name] for name in again[key].keys() - values.keys())


@pytest.mark.parametrize(
    ("fund_type", "id", "start", "keeping", "breaking"),
    [
        ("subsidy", "amount_cap", {}, {"cap_wan": "80"}, {"cap_wan": "79.99"}),
        ("subsidy", "platform_cap", PLATFORM, {"platform_cap_wan": "80"}, {"platform_cap_wan": "79.99"}),
        ("subsidy", "min_investment", {}, {"min_verified_investment_wan": "300"}, {"min_verified_investment_wan": "301"}),
        ("subsidy", "platform_min_investment", PLATFORM, {"platform_min_investment_wan": "300"}, {"platform_min_investment_wan": "301"}),
        ("subsidy", "collection_ratio_cap", COLLECTION, {"collection_ratio_max": "0.50"}, {"collection_ratio_max": "0.20"}),
        ("master_studio", "amount_cap", {}, {"cap_wan": "40"}, {"cap_wan": "39"}),
        ("reward", "org_year_cap", {}, {"org_year_cap_wan": "22"}, {"org_year_cap_wan": "21"}),
        ("reward", "project_cap", RESCUE, {"project_cap_wan": "22"}, {"project_cap_wan": "21.99"}),
    ],
)  # fmt: skip
def test_ceilings_and_ratios_are_the_rounds(
    fund_type: str, id: str, start: dict[str, Any], keeping: dict[str, str], breaking: dict[str, str]
) -> None:
    """Another ceiling is an edit of the round's data, nothing else."""
    values = values_of(fund_type, **start)
    assert outcomes(fund_type, values, facts_of(fund_type, **keeping), 2)[id].holds
    assert not outcomes(fund_type, values, facts_of(fund_type, **breaking), 2)[id].holds
    # Without its parameter a check is left out.
    lacking = dict.fromkeys(keeping)
    assert id not in outcomes(fund_type, values, facts_of(fund_type, **lacking), 2)


def test_other_applications_of_the_year_count() -> None:
    values = values_of("reward")
    others = OtherApplications(same_type_applied_wan=Decimal("278"), same_type_count=3)
    said = outcomes("reward", values, facts_of("reward", others=others))["org_year_cap"]
    assert (said.holds, said.left, said.right) == (True, "300.00", "300.00")
    others = OtherApplications(same_type_applied_wan=Decimal("278.01"), same_name_count=1)
    found = outcomes("reward", values, facts_of("reward", others=others))
    assert (found["org_year_cap"].holds, found["org_year_cap"].difference) == (False, "0.01")
    assert (found["org_year_cap"].severity, found["same_project"].holds) == ("warning", False)


def test_every_check_of_the_catalogue_is_tried_above() -> None:
    tried = {(t, id) for t, id, *_ in (*CASES, *NEW_CASES)} | {
        ("subsidy", id) for id in ("amount_cap", "platform_cap", "min_investment", "platform_min_investment")
    }
    tried |= {("reward", "org_year_cap"), ("reward", "project_cap")} | {(t, "same_project") for t in TYPES}
    assert tried == {(form.fund_type, check.id) for form in forms().values() for check in form.checks}


def test_a_platform_is_asked_more_and_others_are_not() -> None:
    form = catalogue_form("subsidy", 1)
    values = values_of("subsidy", **PLATFORM)
    saved = kept(form, values, facts_of("subsidy"))
    assert saved["project_content"]["served_firms"] == 26
    del values["project_content"]["served_firms"]
    values["project_content"]["site_proof"] = []
    with pytest.raises(Invalid) as refused:
        kept(form, values, facts_of("subsidy"))
    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("served_firms", "required"),
        ("site_proof", "required"),
    ]
    # What another direction does not ask for is not submitted either.
    values = values_of("subsidy")
    values["project_content"]["served_firms"] = 26
    counted = effective(form, kept(form, values, facts_of("subsidy")), facts_of("subsidy"))
    assert "served_firms" not in counted["project_content"]
    assert counted["project_content"]["progress_pct"] == "70.00"


def test_periods_and_earliest_dates_are_the_rounds() -> None:
    form, values = catalogue_form("subsidy", 1), values_of("subsidy")
    year = clock.today().year
    values["project_content"]["end_on"] = f"{year + 2}-03-01"
    kept(form, values, facts_of("subsidy"))
    with pytest.raises(Invalid, match="invalid") as refused:
        kept(form, values, facts_of("subsidy", period_years_max="2", earliest_start=f"{year}-01-01"))
    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("start_on", "out_of_bounds"),
        ("end_on", "out_of_bounds"),
    ]


def test_a_studio_must_be_recognised_for_the_first_time() -> None:
    values = values_of("master_studio")
    values["studio"]["first_recognized"] = "否"
    with pytest.raises(Invalid) as refused:
        kept(catalogue_form("master_studio", 1), values, facts_of("master_studio"))
    assert [(e.field, e.code) for e in refused.value.errors] == [("first_recognized", "must_be")]


def test_no_member_of_a_cluster_twice() -> None:
    form, values = catalogue_form("innovation_cluster", 1), values_of("innovation_cluster")
    members = values["cluster"]["members"]
    members[1]["uscc"] = members[0]["uscc"]
    members[1]["id"] = "b"
    with pytest.raises(Invalid) as refused:
        kept(form, values, facts_of("innovation_cluster"))
    assert [(e.field, e.row, e.column, e.code) for e in refused.value.errors] == [
        ("members", "b", "uscc", "not_unique")
    ]
    counted = effective(form, kept(form, values_of("innovation_cluster"), facts_of("innovation_cluster")), facts_of("innovation_cluster"))  # fmt: skip
    assert counted["cluster"]["member_count"] == 2


def test_names_are_told_apart_as_people_read_them() -> None:
    """A ceiling per gift does not double by a blank, a bracket or a mark that nobody sees."""
    values = values_of("reward")
    gifts = values["project_content"]["gifts"]
    gifts[:] = [
        {**gifts[0], "id": f"g{n}", "gift_name": name}
        for n, name in enumerate(("景泰蓝瓶（大）", "景泰蓝瓶 (大)", "景泰蓝\u200b瓶（大）"))
    ]
    assert outcomes("reward", values)["gift_cap"].right == "50.00"
    gifts[1]["gift_name"] = "景泰蓝瓶（小）"
    assert outcomes("reward", values)["gift_cap"].right == "100.00"


UNIQUE = """fund_type: unique
version: 1
label: 编号
title: 编号
document_title: 编号
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲
    fields:
      - {key: name, kind: text, label: 名称}
    tables:
      - key: rows
        label: 明细
        columns:
          - {key: item, kind: text, label: 费用名称, unique: true}
"""


@pytest.mark.parametrize("other", ["材料费 ", "材料费（）", "材 料费", "材料\u200b费", "“材料费”"])
def test_a_unique_column_compares_as_people_read(other: str) -> None:
    form, _, _ = read_form(UNIQUE)
    assert form
    rows = [{"id": "a", "item": "材料费"}, {"id": "b", "item": "人工费"}, {"id": "c", "item": other}]
    with pytest.raises(Invalid) as refused:
        validation.validate(
            form.by_key["a"], {"name": "x", "rows": rows}, reading.Context(form, Facts(RoundFacts()))
        )
    assert [(e.row, e.column, e.code) for e in refused.value.errors] == [("c", "item", "not_unique")]


def test_a_field_more_in_a_new_version_is_an_edit_of_data() -> None:
    text = (FOLDER / "master_studio" / "1.yaml").read_text("utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
    field = "      - {key: opened_days, kind: integer, label: 每年开放天数, unit: 天, min: 1}\n"
    text = text.replace("      - {key: studio_address,", f"{field}      - {{key: studio_address,")
    form, faults, _ = read_form(text)
    assert form is not None
    assert faults == []
    values, facts = values_of("master_studio"), facts_of("master_studio")
    with pytest.raises(Invalid) as refused:
        kept(form, values, facts)
    assert [(e.field, e.code, e.message) for e in refused.value.errors] == [
        ("opened_days", "required", "请填写“每年开放天数”")
    ]
    values["studio"]["opened_days"] = "200"
    assert kept(form, values, facts)["studio"]["opened_days"] == 200

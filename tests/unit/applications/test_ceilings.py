"""What a round's parameters are called, and what a card of 新增项目 says of them."""

import pytest

from services.applications.forms.authoring.lint import problems
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.catalogue import form, forms
from services.applications.forms.definition import Form, RoundParameter
from services.applications.rounds.ceilings import ceilings
from services.applications.rounds.parameters import fitted
from shared.contract.rounds import NO_LIMIT
from shared.errors import Invalid


def with_ratio(**ratio: object) -> Form:
    said = RoundParameter.model_validate({"label": "支持比例", "share": True, "card": "支持比例 {}", **ratio})
    return form("master_studio", 2).model_copy(update={"parameters": {"ratio": said}})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.3", "30%"),
        ("0.30", "30%"),
        ("0.125", "12.5%"),
        ("1", "100%"),
        (1, "100%"),
        ("30%", "30%"),
        ("三成", "三成"),
    ],
)
def test_a_share_is_exact_and_breaks_no_page(value: str | int, shown: str) -> None:
    assert ceilings(with_ratio(), {"ratio": value, "unknown": "x"}) == [f"支持比例 {shown}"]


def test_a_card_says_numbers_with_their_units_in_the_forms_order_and_no_limit_that_is_none() -> None:
    parameters = {
        "org_year_cap_wan": "3000",
        "per_item_wan": "50",
        "project_cap_wan": NO_LIMIT,
        "directions": ["甲"],
    }
    assert ceilings(form("reward", 2), parameters) == ["单项最高 50 万元", "同一企业当年最高 3,000 万元"]
    assert ceilings(with_ratio(card=None), {"ratio": "0.5"}) == []


@pytest.mark.parametrize("key", forms(), ids=str)
def test_every_parameter_that_a_published_form_asks_for_has_a_label(key: tuple[str, int]) -> None:
    asked = {need.name: need for need in needs(forms()[key])}
    said = forms()[key].parameters
    assert asked.keys() <= said.keys()
    assert all(asked[name].kind == "number" for name in asked if said[name].share or said[name].card)
    assert all(label.isascii() is False for label in (part.label for part in said.values()))


@pytest.mark.parametrize("fund", sorted({fund for fund, _ in forms()}))
def test_no_label_is_for_what_no_version_asks_for(fund: str) -> None:
    asked = {need.name for key in forms() if key[0] == fund for need in needs(forms()[key])}
    assert {name for key in forms() if key[0] == fund for name in forms()[key].parameters} <= asked


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("30%", "0.3"), ("３０％", "0.3"), (" 12.5 % ", "0.125"), ("0.30", "0.30"), ("100%", "1"), ("0%", "0")],
)
def test_a_share_may_be_typed_as_a_percentage(typed: str, kept: str) -> None:
    assert fitted(with_ratio(), {"ratio": typed})["ratio"] == kept


@pytest.mark.parametrize("typed", ["%", "三成%", "-5%", "30%%"])
def test_what_is_no_percentage_is_told_at_its_name(typed: str) -> None:
    with pytest.raises(Invalid) as told:
        fitted(with_ratio(), {"ratio": typed})
    assert [(e.field, e.code) for e in told.value.errors] == [("parameters.ratio", "not_number")]


def test_lint_names_a_label_without_use_and_a_parameter_without_label() -> None:
    found = with_ratio().model_copy(update={"parameters": {"nothing": RoundParameter(label="没有用处")}})
    told = [problem.message for problem in problems(found) if problem.at[0] == "parameters"]
    assert told == [
        "没有公式或选项用到批次参数“nothing”",
        "批次参数“ratio”没有名称，请在 parameters 里写 label",
        "批次参数“cap_wan”没有名称，请在 parameters 里写 label",
    ]

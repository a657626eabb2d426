"""What a form asks of its round is read off its formulas: a number, a day, a text, or a list."""

import pytest

from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.authoring.source import read_form
from services.applications.rounds.parameters import fitted
from shared.errors import Invalid
from tests.unit.applications.test_forms_lint import HEAD, NUMBERS


def sort_of(*rest: str) -> str:
    """What the parameter `x` has to be in a form with these fields besides."""
    fields = "".join(
        f"      - {{key: more{i}, label: 更多, kind: {attributes}}}\n" for i, attributes in enumerate(rest)
    )
    form, faults, _ = read_form(f"{HEAD}{NUMBERS}{fields}")
    assert form
    assert [fault for fault in faults if fault.severity == "error"] == []
    [need] = needs(form)
    assert need.name == "x"
    return need.kind


@pytest.mark.parametrize(
    ("condition", "sort"),
    [
        ("n > round.x", "number"),
        ("on >= round.x", "date"),
        ("name == round.x", "text"),
        ("name in round.x", "options"),
        ("round.x in ('甲', '乙')", "text"),
        ("round.x in (1, 2)", "number"),
        ("contains(name, round.x)", "text"),
        ("ends_with(name, round.x)", "text"),
        ("year(round.x) > 2020", "date"),
        ("days(on, round.x) > 3", "date"),
        ("add_days(on, round.x) > today", "number"),
        ("count(round.x) > 3", "options"),
        ("max(on, round.x) == on", "date"),
        ("max(n, round.x) == n", "number"),
        ("default(round.x, '甲') == s", "text"),
        ("on > (round.x if n > 3 else today)", "date"),
        ("m > n * round.x", "number"),
        ("filled(round.x)", "number"),
    ],
)
def test_a_parameter_is_what_it_stands_beside(condition: str, sort: str) -> None:
    assert sort_of(f'text, visible_if: "{condition}"') == sort


@pytest.mark.parametrize(
    ("attributes", "sort"),
    [
        ("select, options_from: x", "options"),
        ("computed, value: round.x, gives: date", "date"),
        ("computed, value: round.x, gives: text", "text"),
        ("computed, value: round.x", "number"),
        ("date, bounds: [{op: '<=', than: round.x, message: 过晚}]", "date"),
    ],
)
def test_and_where_it_stands(attributes: str, sort: str) -> None:
    assert sort_of(attributes) == sort


def test_the_first_formula_that_says_it_counts() -> None:
    assert sort_of("text, visible_if: filled(round.x)", "text, visible_if: on > round.x") == "date"


def test_a_day_is_kept_in_the_one_way_that_formulas_compare() -> None:
    form, _, _ = read_form(
        f"{HEAD}{NUMBERS}      - {{key: more, label: 更多, kind: text, visible_if: 'on >= round.x'}}\n"
    )
    assert form
    assert fitted(form, {"x": "20260501"}) == fitted(form, {"x": "\u202a2026-05-01\u202c"}) == {"x": "2026-05-01"}
    for wrong in ("2026-02-30", "五月一日\U0001f9ff"):
        with pytest.raises(Invalid):
            fitted(form, {"x": wrong})

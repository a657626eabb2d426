"""What a case counts for, and what is said of many."""

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.applications.statistics.facts import Case, Move, counts, days_spent, quantile, reached
from shared import clock

T0 = datetime(2026, 3, 2, 23, 30, tzinfo=clock.SHANGHAI)
DAY = timedelta(days=1)


def moves(*steps: tuple[float, str, str | None]) -> list[Move]:
    return [Move(T0 + days * DAY, action, to) for days, action, to in steps]


def test_a_case_counts_where_it_stands_where_it_came_and_how_long_it_took() -> None:
    way = moves(
        (0, "submit", "pending_acceptance"),
        (1, "return", "returned"),
        (5.6, "submit", "pending_acceptance"),
        (6, "accept", "form_review"),
        (6.2, "pass", "expert_review"),
    )
    case = Case(
        True,
        "expert_review",
        Decimal("80.50"),
        Decimal("99"),
        "设计创新",
        "reward.2",
        way,
        ["company.name", "company.name"],
    )
    found = counts(case)
    # What is not promised is not given, whatever the row still says.
    assert (found.applied, found.approved) == (Decimal("80.50"), 0)
    assert found.cells == {
        ("state", "expert_review"): 1,
        ("direction", "设计创新"): 1,
        ("form", "reward.2"): 1,
        ("reached", "pending_acceptance"): 1,
        ("reached", "form_review"): 1,
        ("reached", "expert_review"): 1,
        # 1 day and 0.4 of one: both visits together.
        ("stage", "pending_acceptance:0001"): 1,
        ("stage", "returned:0005"): 1,
        ("stage", "form_review:0000"): 1,
        ("reason", "company.name"): 2,
        # Days are Beijing's: the first was half an hour before midnight.
        ("day", "2026-03-02:submit"): 1,
        ("day", "2026-03-03:return"): 1,
        ("day", "2026-03-08:submit"): 1,
        ("day", "2026-03-08:accept"): 1,
        ("day", "2026-03-09:pass"): 1,
    }
    assert counts(Case(False, "draft", Decimal(1), Decimal(0), "", "reward.2", way, [])).cells == {}


def test_a_stage_counts_once_it_is_left_for_good() -> None:
    way = moves(
        (0, "submit", "pending_acceptance"),
        (2, "return", "returned"),
        (3, "extend", "returned"),
        (4, "note", None),
    )
    assert days_spent(way) == {"pending_acceptance": 2}
    assert days_spent([*way, *moves((9, "submit", "pending_acceptance"))]) == {"returned": 7}
    assert days_spent([]) == {}
    # Published at once, a case was proposed all the same.
    assert reached(moves((0, "propose", "publicity")), "publicity") == {
        "pending_acceptance", "form_review", "expert_review", "decision", "proposed",
    }  # fmt: skip


@given(st.lists(st.integers(0, 400), max_size=60), st.sampled_from([0.5, 0.9, 1.0]))
def test_quantiles_are_those_of_the_list(values: list[int], share: float) -> None:
    histogram = [(value, values.count(value)) for value in sorted(set(values))]
    found = quantile(histogram, share)
    if not values:
        assert found is None
        return
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)

"""What people read of a check: its rule, what stands on each side, numbers as what they are."""

from typing import Any

import pytest

from services.applications.forms.catalogue import forms
from services.applications.forms.definition import Form, OtherApplications, RoundFacts
from services.applications.forms.filled.checks import evaluate, rule_of
from services.applications.forms.filled.situation import Facts
from shared.contract.checks import Outcome


def judged(values: dict[str, Any], check: dict[str, Any], **others: Any) -> Outcome:
    """The outcome of one check on a material of an amount and a count."""
    fields = [
        {"key": "paid", "label": "已支付", "kind": "money", "unit": "万元", "allow_zero": True},
        {"key": "people", "label": "人数", "kind": "integer", "unit": "人"},
    ]
    form = Form.model_validate(
        {
            "fund_type": "test", "version": 1, "label": "测试", "title": "测试", "document_title": "测试",
            "project_name": "a.paid", "contact_name": "a.paid", "contact_email": "a.paid",
            "sections": [{"key": "a", "label": "甲表", "title": "甲表", "fields": fields}],
            "checks": [{"id": "c", "message": "不对", "section": "a", **check}],
        }
    )  # fmt: skip
    facts = Facts(round=RoundFacts(parameters={"cap": "20", "least": "5"}), others=OtherApplications(**others))
    [found] = evaluate(form, {"a": values}, facts)
    return found


def test_two_sides_are_named_and_written_as_what_they_are() -> None:
    values = {"paid": "1234.50", "people": 12}
    money = judged(values, {"left": "a.paid", "op": "<=", "right": "round.cap", "rule": "已支付不超过上限"})
    assert (money.title, money.holds) == ("已支付不超过上限", False)
    assert (money.left, money.right, money.difference) == ("1234.50", "20.00", "1214.50")
    assert (money.left_of, money.right_of) == ("“甲表·已支付”", "本批次规定的数值")
    people = judged(values, {"left": "a.people", "op": ">=", "right": "round.least"})
    assert (people.left, people.right, people.difference) == ("12", "5", "7")
    # A form that says one text says it as both.
    assert people.title == people.message == "不对"


@pytest.mark.parametrize(
    "check",
    [
        {"left": "a.paid", "op": ">", "right": "0"},
        {"left": "others.same_name_count", "op": "==", "right": "0"},
        {"holds": "a.paid > 0"},
    ],
)
def test_what_has_no_two_sides_shows_none(check: dict[str, Any]) -> None:
    found = judged({"paid": "3.00", "people": 1}, check)
    assert (found.holds, found.left, found.right, found.difference) == (True, None, None, None)
    assert (found.left_of, found.right_of) == (None, None)


def test_what_is_not_filled_in_is_neither_met_nor_broken() -> None:
    found = judged({"paid": None, "people": 1}, {"left": "a.paid", "op": "<=", "right": "round.cap"})
    assert (found.known, found.left, found.right) == (False, None, "20.00")


def test_every_check_that_was_published_has_a_rule() -> None:
    checks = [check for form in forms().values() for check in form.checks]
    assert [check.id for check in checks if rule_of(check) is None] == []

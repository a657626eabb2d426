"""Examples beside a form: judged as a submission is, made of a real one without persons."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.applications.forms.authoring.examples import Example, run, without_persons
from services.applications.forms.authoring.made_up import made_up
from services.applications.forms.catalogue import form
from services.applications.forms.definition import RoundFacts
from services.applications.forms.filled.situation import Facts
from services.applications.workbench.trial import with_lists

FORM = form("reward", 2)
ROUND = with_lists(FORM, RoundFacts())
DAY = date(2026, 6, 1)


def passing() -> Example:
    values = made_up(FORM, Facts(ROUND, today=DAY, started_on=DAY))
    return Example("通过", False, "", values, ROUND, DAY)


def test_a_made_up_application_is_judged_as_a_submission_is() -> None:
    outcome = run(FORM, passing())
    assert outcome.forbidden == ()
    # What a made-up one lacks is told at its place, by section and field.
    assert all(
        place.partition(".")[0] in {*FORM.by_key, *(c.id for c in FORM.checks)} for place in outcome.refused
    )


@pytest.mark.parametrize("type_", ["subsidy", "reward", "master_studio", "innovation_cluster"])
def test_what_a_real_one_says_of_persons_is_gone_and_amounts_stay(type_: str) -> None:
    found = form(type_, 2)
    round_ = with_lists(found, RoundFacts())
    values = made_up(found, Facts(round_, today=DAY, started_on=DAY))
    secret = "王小明住在幸福里"

    def marked(part: Any) -> Any:
        if isinstance(part, dict):
            return {k: v if k in ("id", "row") else marked(v) for k, v in part.items()}
        if isinstance(part, list):
            return [marked(v) for v in part]
        return {"sealed": "x"} if part == "11010519491231002X" else secret if part == "示例" else part

    changed = without_persons(found, marked(values))
    assert secret not in str(changed)
    assert "sealed" not in str(changed)
    amounts = [v for v in str(values).split("'") if v.replace(".", "").isdigit() and "." in v]
    assert [v for v in str(changed).split("'") if v.replace(".", "").isdigit() and "." in v] == amounts
    again = Example("真实", False, "", changed, round_, DAY)
    assert run(found, again).forbidden == ()


def test_the_same_text_stays_the_same_and_as_long() -> None:
    company = FORM.sections[0]
    texts = [f.key for f in company.fields if f.kind == "text"][:2]
    given = {company.key: dict.fromkeys(texts, "同一段文字，共十个字")}
    changed = without_persons(FORM, given)[company.key]
    assert len(set(changed.values())) == 1
    assert {len(v) for v in changed.values()} == {10}


def test_disagreements_are_said_in_words() -> None:
    example = passing()
    refused = run(FORM, example)
    if refused.refused:
        assert "应当通过，却不能提交" in str(refused.disagreement(example))
    assert refused.disagreement(replace(example, refused=True, by="nothing")) is not None
    empty = replace(example, values={})
    assert "没有填写" in str(run(FORM, empty).disagreement(empty))
    must = replace(empty, refused=True, by=FORM.sections[0].key)
    assert run(FORM, must).disagreement(must) is None


def test_what_is_sensitive_may_not_be_real() -> None:
    section, field = next(
        (s, f) for s in FORM.sections for f in s.fields if f.kind in ("mobile", "phone", "id_card", "bank_account")
    )
    values = {section.key: {field.key: "13911112222"}}
    outcome = run(FORM, replace(passing(), values=values))
    assert any("样例里只能写示例值" in said and field.label in said for said in outcome.forbidden)

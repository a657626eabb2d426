"""The lists of 形式审查 say what the notices ask and no check decides, at places that the forms have."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.embedded.system import ROOT
from services.applications.forms import catalogue
from services.applications.forms.catalogue import forms, newest
from services.applications.forms.checklist import ENDING, Checklist, checklist
from services.applications.forms.definition import RoundFacts
from services.applications.forms.filled.labels import field_label
from services.applications.forms.formulas.rules import rules_of

FUNDS = sorted({fund for fund, _ in forms()})
ROUND = RoundFacts(
    parameters={"platform_directions": ["平台"], "collection_directions": ["收藏"], "gift_directions": ["礼品"]}
)


@pytest.mark.parametrize("fund", FUNDS)
def test_every_form_has_a_list_whose_places_and_lists_exist(fund: str) -> None:
    form, found = newest(fund), checklist(fund)
    assert len(found.lines) >= 7
    for line in found.lines:
        for place in line.look:
            section, _, part = place.partition(".")
            assert field_label(form, section, part), place
        assert {line.of, line.not_of} - {None} <= rules_of(form).parameters, line.id
    if found.direction:
        assert form.by_key[found.direction.partition(".")[0]].field(found.direction.partition(".")[2])


def ids(fund: str, direction: str | None, facts: RoundFacts = ROUND) -> set[str]:
    lines = checklist(fund).lines_for({"project_content": {"direction": direction}}, facts)
    return {line.id for line in lines}


def test_lines_follow_the_direction() -> None:
    assert {"site", "platform_people", "progress"} <= ids("subsidy", "平台")
    assert not {"collection"} & ids("subsidy", "平台")
    assert "collection" in ids("subsidy", "收藏")
    assert not {"site", "platform_people", "progress"} & ids("subsidy", "收藏")
    assert {"gift_proof", "gift_once"} <= ids("reward", "礼品")
    assert not {"gift_proof", "gift_once"} & ids("reward", "研发")
    assert {"finished", "vouchers"} <= ids("reward", "研发")
    # No direction chosen, and a round without the lists: what is asked of all, and what is not asked of some.
    assert ids("reward", None) == ids("reward", "礼品", RoundFacts()) == ids("reward", "研发")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [{"id": "a", "text": "甲", "source": "乙"}] * 2},
        {"lines": [{"id": "a", "text": "甲", "source": "乙", "of": "x"}]},
        {"direction": "a.b", "lines": [{"id": "a", "text": "甲", "source": "乙", "of": "x", "not_of": "y"}]},
        {"lines": [{"id": "a", "text": "", "source": "乙"}]},
        {"lines": [{"id": "甲", "text": "甲", "source": "乙"}]},
        {"lines": [{"id": "a", "text": "甲", "source": "乙", "look": ["company"]}]},
        {"lines": [{"id": "a", "text": "甲", "source": "乙", "more": 1}]},
    ],
)
def test_a_wrong_list_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Checklist.model_validate(wrong)


def test_an_office_s_own_form_may_bring_its_own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"own{ENDING}").write_text("lines: [{id: a, text: 甲, source: 通知}]\n", encoding="utf-8")
    monkeypatch.setattr(catalogue, "FOLDERS", [*catalogue.FOLDERS, tmp_path])
    checklist.cache_clear()
    assert [line.id for line in checklist("own").lines] == ["a"]
    assert checklist("none").lines == ()
    checklist.cache_clear()


def test_the_table_of_conditions_names_lines_that_exist() -> None:
    text = (ROOT / "docs" / "conditions.md").read_text(encoding="utf-8")
    named = set(re.findall(r"line `(\w+)`", text))
    lines = {line.id for fund in FUNDS for line in checklist(fund).lines}
    assert named == lines

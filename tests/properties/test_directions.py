"""Every direction of every form of the default rounds can be submitted: an applicant who starts from nothing and fills in what is
asked for, and nothing else, gets through."""

from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.filling.filled_form import Filled
from services.applications.filling.judgement import judge, unmet
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form, OtherApplications, RoundFacts, Section, Table
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.rounds import seed
from tests import generated

Sections = dict[str, dict[str, Any]]
ENTRIES = [seed.DemoRound.model_validate(entry) for entry in yaml.safe_load(seed.FILE.read_text("utf-8"))]
DIRECTIONS = [
    (entry, direction) for entry in ENTRIES for direction in entry.parameters.get("directions", [""]) or [""]
]


class Applicant:
    """Somebody honest: what an amount or a day has to be beside others is known, everything else is any value of its kind."""

    def __init__(self, form: Form, facts: Facts, direction: str, chance: Random) -> None:
        self.form, self.facts, self.chance, self.direction = form, facts, chance, direction
        self.lists = {**facts.round.options, **form.choices_of_its_own}
        self.total = Decimal(chance.randint(25_000, 60_000)) / 100
        self.applied = Decimal(chance.randint(100, 1_500)) / 100
        closes = date.fromisoformat(str(facts.round.closes_on))
        self.year = closes.year
        # Finished, within three years of the close, and begun after the round's first day.
        self.ended = facts.today - timedelta(days=chance.randint(1, 300))
        self.begun = self.ended - timedelta(days=chance.randint(1, 300))

    def answers(self) -> dict[tuple[str, ...], Any]:
        """What is not any value of its kind: by part, by part and column, or by part, row and column."""
        half = (self.total / 2).quantize(Decimal("0.01"), ROUND_UP)
        platform = {"served_firms": 20, "platform_staff": 15}
        return {
            ("direction",): self.direction,
            ("first_recognized",): "是",
            ("established_on",): f"{self.year - 8}-05-06",
            ("employee_count",): 40,
            ("craft_staff_count",): self.chance.randint(0, 40),
            ("finance", "last_year", "year"): self.year - 1,
            ("finance", "year_before", "year"): self.year - 2,
            ("finance", "revenue_wan"): "300.00",
            ("finance", "profit_wan"): "-12.00",
            ("finance", "assets_wan"): "260.00",
            ("start_on",): self.begun.isoformat(),
            ("end_on",): self.ended.isoformat(),
            ("event_on",): self.ended.isoformat(),
            ("signed_on",): self.facts.today.isoformat(),
            ("recognized_on",): self.begun.isoformat(),
            ("invested_wan",): str(half),
            ("applied_total_wan",): str(self.applied),
            ("plan_items", "amount_wan"): str(self.applied),
            ("funding_sources", "applied_fund", "amount_wan"): str(self.applied),
            ("funding_sources", "own_fund", "amount_wan"): str(self.total - self.applied),
            ("funding_sources", "amount_wan"): "0.00",
            ("expenses", "amount_wan"): str(self.total),
            ("expenses", "planned_wan"): str(self.total),
            ("expenses", "paid_wan"): str(half),
            ("members", "share_wan"): "10.00",
            **{(key,): value for key, value in platform.items()},
        }

    def fill(self, section: Section, situation: Situation, values: dict[str, Any]) -> bool:
        """Fill in what is shown and must be filled in, as far as it is empty; whether anything was."""
        before = dict(values)
        for field in section.fields:
            if field.asked and self._wanted(situation, section, field.key, values):
                values[field.key] = self._value((field.key,), field)
        for table in section.tables:
            if self._wanted(situation, section, table.key, values):
                values[table.key] = self._rows(table)
        for slot in section.slots:
            if self._wanted(situation, section, slot.key, values):
                values[slot.key] = [f"file-{slot.key}"]
        return values != before

    def _wanted(self, situation: Situation, section: Section, key: str, values: dict[str, Any]) -> bool:
        return situation.required(section.key, key) and not values.get(key)

    def _rows(self, table: Table) -> list[dict[str, Any]]:
        keys = [row.key for row in table.fixed_rows] or [f"row{n}" for n in range(max(table.min_rows, 1))]
        return [
            {
                "row" if table.fixed_rows else "id": key,
                **{c.key: self._value((table.key, key, c.key), c) for c in table.columns if c.asked},
            }
            for key in keys
        ]

    def _value(self, place: tuple[str, ...], field: Any) -> Any:
        known = self.answers()
        for at in (place, (place[0], place[-1])):
            if at in known:
                return known[at]
        if field.kind == "date":
            return self.ended.isoformat()
        return generated.value_of(field.model_dump(mode="json"), self.chance, self.lists)


@pytest.mark.parametrize(("entry", "direction"), DIRECTIONS, ids=[f"{e.key}-{d}" for e, d in DIRECTIONS])
@given(seed=st.integers(0, 2**32 - 1), today=st.dates(date(2025, 1, 1), date(2033, 12, 31)))
@settings(max_examples=12)
def test_a_direction_goes_from_empty_to_submitted(
    entry: seed.DemoRound, direction: str, seed: int, today: date
) -> None:
    form = catalogue_form(entry.fund_type, entry.form_version)
    closes_on = (today + timedelta(days=entry.closes_in_days)).isoformat()
    facts = Facts(
        RoundFacts(parameters=entry.parameters, closes_on=closes_on), OtherApplications(), today, started_on=today
    )
    somebody = Applicant(form, facts, direction, Random(seed))
    typed: Sections = {section.key: {} for section in form.sections}
    files = {s.key: {slot.key: frozenset({f"file-{slot.key}"}) for slot in s.slots} for s in form.sections}
    # What is filled in may ask for more; nothing asks for more than twice.
    for _ in range(3):
        situation = Situation(form, typed, facts)
        more = [somebody.fill(section, situation, typed[section.key]) for section in form.sections]
        if not any(more):
            break
    filled = Filled(form, facts, {}, files, {}, {})
    kept, errors = judge(filled, typed)
    assert errors == []
    outcomes = filled.with_saved(kept).checks()
    assert unmet(outcomes) == []
    # Every check of the round was judged, or has nothing to do with this direction.
    assert [o.id for o in outcomes if not o.known] == []
    counted = filled.with_saved(kept).effective()
    assert list(counted) == [section.key for section in form.sections]
    if "gifts" in form.by_key["project_content"].by_key:
        gifts = direction in entry.parameters["gift_directions"]
        assert ("gifts" in counted["project_content"]) == gifts
        assert ("expenses" in counted["project_content"]) != gifts

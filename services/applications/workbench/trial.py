"""Try a form that nobody has published: what the page of a section is made of, as for an applicant. Nothing is stored anywhere."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from services.applications.forms.authoring.made_up import made_up
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.definition import Form, OtherApplications, RoundFacts, Section
from services.applications.forms.filled import reading
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.defaults import defaults
from services.applications.forms.filled.section_state import effective, now, visible_sections
from services.applications.forms.filled.situation import Facts, Situation
from shared import clock
from shared.contract.forms import FormDefinition
from shared.contract.pages import SectionPage
from shared.contract.sections import (
    ApplicationView,
    Default,
    RegistryView,
    SectionNow,
    SectionSummary,
    SectionView,
)

Json = dict[str, Any]
ENTERPRISE = {"uscc": "91110105MA00TE5T2T", "name": "（预览）申报单位"}
ID = UUID(int=0)


def with_lists(form: Form, found: RoundFacts) -> RoundFacts:
    """Return a round's facts with something to choose from in every list that the form takes and the round lacks."""
    lists = {
        n.name: ["（由批次设定的选项一）", "（由批次设定的选项二）"] for n in needs(form) if n.kind == "options"
    }
    closes = clock.today().replace(month=12, day=31).isoformat()
    return found.model_copy(
        update={"parameters": {**lists, **found.parameters}, "closes_on": found.closes_on or closes}
    )


@dataclass
class Trial:
    """One form with what was typed into it: `drafts` as typed, `saved` as 保存表单 keeps it."""

    form: Form
    round: RoundFacts
    drafts: dict[str, Json] = field(default_factory=dict)
    saved: dict[str, Json] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        return Facts(self.round, OtherApplications())

    @cached_property
    def definition(self) -> FormDefinition:
        """The form as the public contract gives it to the portal."""
        return FormDefinition.model_validate_json(self.form.model_dump_json())

    def fill(self) -> None:
        """Fill in by example what is asked for; files cannot be."""
        slots = {section.key: {slot.key for slot in section.slots} for section in self.form.sections}
        for key, values in made_up(self.form, self.facts).items():
            self.saved[key] = {name: value for name, value in values.items() if name not in slots[key]}

    def context(self, section: Section) -> reading.Context:
        others = {key: values for key, values in self.saved.items() if key != section.key}
        return reading.Context(form=self.form, facts=self.facts, saved=others)

    def opened(self, key: str) -> SectionPage:
        """Return what the page of a section is made of."""
        section = self.form.by_key[key]
        context = self.context(section)
        filled_in = defaults(section, Situation(self.form, self.saved, self.facts), self.form.choices(self.round))
        values = self.drafts.get(key, self.saved.get(key, {k: default.value for k, default in filled_in.items()}))
        state = now(section, context.situation(section, reading.read(section, values, context).kept))
        return SectionPage(
            application=self._application(),
            section=self._section(key, filled_in, state),
            problems=[],
            checks=evaluate(self.form, self.saved, self.facts),
            opinions=[],
            requests=[],
            left_over=[],
        )

    def _section(self, key: str, filled_in: dict[str, Default], state: SectionNow) -> SectionView:
        return SectionView(
            key=key,
            etag="1",
            version=1,
            draft=self.drafts.get(key),
            draft_at=clock.now(),
            saved=self.saved.get(key),
            saved_at=clock.now(),
            editable=True,
            prefill={},
            registry={},
            attachments=[],
            defaults=filled_in,
            now=state,
        )

    def _application(self) -> ApplicationView:
        shown = visible_sections(self.form, self.saved, self.facts)
        return ApplicationView(
            id=ID,
            number=None,
            project_name="",
            enterprise=ENTERPRISE["uscc"],
            enterprise_name=ENTERPRISE["name"],
            fund_type=self.form.fund_type,
            fund_type_label=self.form.label,
            form_title=self.form.title,
            form_version=self.form.version,
            newer_form_version=None,
            round_id=ID,
            round_title="",
            parameters=self.round.parameters,
            registry=RegistryView(answered=True, asked_at=None, waiting=[]),
            left_over=0,
            state="draft",
            state_label="",
            version=1,
            revision=0,
            submitted_at=None,
            created_at=clock.now(),
            closes_at=datetime.fromisoformat(f"{self.round.closes_on}T17:30:00+08:00"),
            correct_by=None,
            actions=[],
            sections=[
                SectionSummary(
                    key=s.key,
                    label=s.label,
                    visible=shown[s.key][0],
                    required=shown[s.key][1],
                    status="draft" if s.key in self.drafts else "saved" if s.key in self.saved else "empty",
                    editable=True,
                    saved_at=clock.now() if s.key in self.saved else None,
                    draft_at=clock.now() if s.key in self.drafts else None,
                    etag="1",
                )
                for s in self.form.sections
            ],
        )

    def effective(self) -> dict[str, Json]:
        """Return what counts of what is saved, with the rows that an empty table starts with."""
        return effective(self.form, self._all_sections(), self.facts)

    def _all_sections(self) -> dict[str, Json]:
        """Return every section, with the rows that an empty table starts with."""
        empty: dict[str, Json] = {}
        for section in self.form.sections:
            rows = {
                t.key: [{"id": key, "row": key} for key in t.row_names] or [{"id": "1"}] for t in section.tables
            }
            empty[section.key] = dict(rows)
        return {**empty, **self.saved}

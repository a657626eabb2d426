"""Try a form: its pages as an applicant sees them, with the portal's own templates, and its PDF. What is typed is
kept in memory; nothing is stored anywhere."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from services.applications.documents import document_model
from services.applications.forms.definition import Form, OtherApplications, RoundFacts, Section
from services.applications.forms.filled import reading, validation
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.defaults import defaults
from services.applications.forms.filled.section_state import effective, now, visible_sections
from services.applications.forms.filled.situation import Facts, Situation
from services.documents import rendering
from services.gateway.form import checks_view, form_parts, form_view, section_state
from services.gateway.form.section_view import hints, marks, sources
from services.gateway.web.rendering import TEMPLATES, frame
from shared import clock
from shared.contract.checks import Obstacle
from shared.contract.forms import FormDefinition
from shared.contract.sections import (
    ApplicationView,
    Default,
    RegistryView,
    SectionNow,
    SectionSummary,
    SectionView,
)
from shared.errors import FieldError, Invalid

Json = dict[str, Any]
ENTERPRISE = {"uscc": "91110105MA00TE5T2T", "name": "（预览）申报单位"}
ID = UUID(int=0)
HERE = f"/applications/{ID}"


@dataclass
class Preview:
    """One form with what was typed into it: `drafts` as typed, `saved` as 保存表单 keeps it."""

    form: Form
    round: RoundFacts
    drafts: dict[str, Json] = field(default_factory=dict)
    saved: dict[str, Json] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        return Facts(self.round, OtherApplications())

    def section(self, key: str) -> Section | None:
        return self.form.section(key)

    @cached_property
    def definition(self) -> FormDefinition:
        """The form as the public contract gives it to the portal."""
        return FormDefinition.model_validate_json(self.form.model_dump_json())

    def keep(self, section: Section, values: Json) -> None:
        """暂存."""
        self.drafts[section.key] = reading.draft(section, values)

    def save(self, section: Section, values: Json) -> list[FieldError]:
        """保存表单; what is wrong with it. Files cannot be added here, so no slot is missed."""
        self.keep(section, values)
        slots = {slot.key for slot in section.slots}
        try:
            self.saved[section.key] = validation.validate(section, values, self._context(section))
        except Invalid as error:
            found = [e for e in error.errors if not (e.field in slots and e.code == "required")]
            if found:
                return found
            kept, _ = validation.judged(section, values, self._context(section))
            self.saved[section.key] = kept
        del self.drafts[section.key]
        return []

    def _context(self, section: Section) -> reading.Context:
        others = {key: values for key, values in self.saved.items() if key != section.key}
        return reading.Context(form=self.form, facts=self.facts, saved=others)

    def page(self, key: str, *, errors: list[FieldError] | None = None, notice: str | None = None) -> str:
        """Return the page of one section."""
        section = self.form.by_key[key]
        context = self._context(section)
        choices = self.form.choices(self.round)
        filled_in = defaults(section, Situation(self.form, self.saved, self.facts), choices)
        opened = self._opened(key, filled_in)
        values = self.drafts.get(key, self.saved.get(key, {k: default.value for k, default in filled_in.items()}))
        state = now(section, context.situation(section, reading.read(section, values, context).kept))
        definition = self.definition.by_key[key]
        shown = section_state.as_shown(definition, state)
        values = section_state.with_computed(shown, values, state)
        wrong = [Obstacle(**error.model_dump()) for error in errors or []]
        opened.now = state
        beside = form_parts.Beside.of(
            wrong, [], sources(definition, opened, values), hints(definition, opened, values)
        )
        application = self._application()
        text = TEMPLATES.get_template("form/section.html").render(
            **{**frame(), "here": f"{HERE}/sections/{key}"},
            application=application,
            section=shown,
            opened=opened,
            etag="1",
            form=form_view.build(shown, values, self.round.parameters, [], beside, state),
            carried=section_state.carried(definition, state, values),
            read=None,
            requests=[],
            reason="",
            shape="",
            saved=False,
            submit_key="",
            following=None,
            news=[],
            not_connected=False,
            left_over=[],
            errors=form_view.summary(definition, wrong),
            opinions=[],
            marks=marks(application, [], []),
            checks=checks_view.lines(self.definition, evaluate(self.form, self.saved, self.facts)),
            notice=notice,
            fault="请处理以下各处后再保存表单：" if wrong else None,
            base="",
            kept=False,
        )
        # Without its scripts: there is nobody here for them to talk to, and every page works without.
        return re.sub(r'<script[^>]*></script>\n?|<link rel="modulepreload"[^>]*>\n?', "", text)

    def _opened(self, key: str, filled_in: dict[str, Default]) -> SectionView:
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
            now=SectionNow(visible=True, section_required=True),
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
            parameters={},
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

    def pdf(self) -> bytes:
        """Return the application's PDF with what is saved; an empty form when nothing is."""
        counted = effective(self.form, self._all_sections(), self.facts)
        model = document_model.of_snapshot(self.form, counted, {}, enterprise=ENTERPRISE, at=clock.now())
        return rendering.render(model, rendering.press()).content

    def commitment(self) -> bytes:
        """下载待盖章承诺书."""
        model = document_model.of_commitment(self.form, self.saved, enterprise=ENTERPRISE, at=clock.now())
        return rendering.render(model, rendering.press()).content

    def _all_sections(self) -> dict[str, Json]:
        """Return every section, with the rows that an empty table starts with."""
        empty: dict[str, Json] = {}
        for section in self.form.sections:
            rows = {
                t.key: [{"id": key, "row": key} for key in t.row_names] or [{"id": "1"}] for t in section.tables
            }
            empty[section.key] = dict(rows)
        return {**empty, **self.saved}

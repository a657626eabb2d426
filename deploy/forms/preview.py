"""Try a form: its pages as an applicant sees them, with the portal's own templates, and its PDF. What is typed is
kept in memory; nothing is stored anywhere."""

from dataclasses import dataclass
from typing import Any

from services.applications.documents import document_model
from services.applications.forms.definition import Section
from services.applications.forms.filled import reading, validation
from services.applications.workbench.trial import ENTERPRISE, ID, Trial
from services.documents import rendering
from services.gateway.form import trial_page
from services.gateway.web.rendering import frame
from shared import clock
from shared.contract.checks import Obstacle
from shared.errors import FieldError, Invalid

Json = dict[str, Any]
HERE = f"/applications/{ID}"


@dataclass
class Preview(Trial):
    """A form that can be filled in and saved."""

    def section(self, key: str) -> Section | None:
        return self.form.section(key)

    def keep(self, section: Section, values: Json) -> None:
        """暂存."""
        self.drafts[section.key] = reading.draft(section, values)

    def save(self, section: Section, values: Json) -> list[FieldError]:
        """保存表单; what is wrong with it. Files cannot be added here, so no slot is missed."""
        self.keep(section, values)
        slots = {slot.key for slot in section.slots}
        try:
            self.saved[section.key] = validation.validate(section, values, self.context(section))
        except Invalid as error:
            found = [e for e in error.errors if not (e.field in slots and e.code == "required")]
            if found:
                return found
            kept, _ = validation.judged(section, values, self.context(section))
            self.saved[section.key] = kept
        del self.drafts[section.key]
        return []

    def page(self, key: str, *, errors: list[FieldError] | None = None, notice: str | None = None) -> str:
        """Return the page of one section."""
        wrong = [Obstacle(**error.model_dump()) for error in errors or []]
        return trial_page.of(
            {**frame(), "here": f"{HERE}/sections/{key}"}, self.definition, self.opened(key), wrong, notice
        )

    def pdf(self) -> bytes:
        """Return the application's PDF with what is saved; an empty form when nothing is."""
        model = document_model.of_snapshot(self.form, self.effective(), {}, enterprise=ENTERPRISE, at=clock.now())
        return rendering.render(model, rendering.press()).content

    def commitment(self) -> bytes:
        """下载待盖章承诺书."""
        model = document_model.of_commitment(self.form, self.saved, enterprise=ENTERPRISE, at=clock.now())
        return rendering.render(model, rendering.press()).content

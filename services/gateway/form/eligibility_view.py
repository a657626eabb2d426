"""Lay out questions of eligibility as controls, and read the answers back: a form of one section like any other."""

from dataclasses import dataclass

from services.gateway.form import form_values, form_view, section_state
from services.gateway.form.form_parts import Beside, SectionForm, Typed
from services.gateway.form.section_view import current
from services.gateway.web.form_data import Values
from shared.contract.checks import Obstacle
from shared.contract.notices import EligibilityView


@dataclass(frozen=True)
class Asked:
    """Questions as a page shows them; `errors` are what is wrong with the answers, each with its place."""

    form: SectionForm
    errors: list[form_view.Line]
    refusals: list[str]


def asked(view: EligibilityView) -> Asked | None:
    """Return the questions of a view with what was answered; None where nothing is asked."""
    if view.definition is None or view.page is None:
        return None
    section, opened = view.definition.sections[0], view.page.section
    wrong = [Obstacle(**error.model_dump()) for error in view.errors]
    shown = section_state.as_shown(section, opened.now)
    values = section_state.with_computed(shown, current(section, opened), opened.now)
    beside = Beside.of(wrong, [], {}, {})
    form = form_view.build(shown, values, view.page.application.parameters, [], beside, opened.now)
    return Asked(form, form_view.summary(section, wrong), view.refusals)


def answers(view: EligibilityView, form: Values) -> Typed:
    """Return what a form of these questions sent."""
    return form_values.read(view.definition.sections[0], form) if view.definition else {}

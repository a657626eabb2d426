"""Judge why an application cannot be submitted as it stands: one judgement for the submission and for the page before
it."""

from collections.abc import Mapping
from typing import Any

from services.applications.filling.filled_form import Filled, Values
from services.applications.forms.filled import validation
from shared import codes
from shared.contract.checks import Outcome
from shared.errors import FieldError

Sections = dict[str, dict[str, Any]]


def judge(filled: Filled, typed: Mapping[str, Values]) -> tuple[Sections, list[FieldError]]:
    """Return what could be kept of the values of each section, and every mistake in them and every section that is missing."""
    errors: list[FieldError] = []
    kept: Sections = {}
    for section in filled.form.sections:
        if (values := typed.get(section.key)) is not None:
            kept[section.key], wrong = validation.judged(section, values, filled.context(section.key))
            errors += wrong
    situation = filled.with_saved(kept).situation()
    for section in filled.form.sections:
        if section.key not in kept and situation.required(section.key):
            message = f"“{section.label}”尚未保存表单"
            errors.append(FieldError(section=section.key, code=codes.SECTION_NOT_SAVED, message=message))
    return kept, errors


def unmet(filled: Filled) -> list[Outcome]:
    """Return the checks that could be judged on what is saved and do not hold, warnings among them."""
    return [outcome for outcome in filled.checks() if outcome.known and not outcome.holds]


def broken(outcome: Outcome) -> FieldError:
    """Return a check that does not hold, as what is said at its place."""
    return FieldError(
        section=outcome.section, field=outcome.field, code=f"check.{outcome.id}", message=outcome.sentence
    )


def unsaved(key: str, label: str) -> FieldError:
    """Return a 暂存 that is newer than what is saved."""
    message = f"“{label}”有暂存内容尚未保存，请保存表单或放弃修改"
    return FieldError(section=key, code=codes.UNSAVED_DRAFT, message=message)

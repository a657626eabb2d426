"""Judge why an application cannot be submitted as it stands: one judgement for the submission and for the page before
it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.applications.core.codec import SectionCodec
from services.applications.filling.filled_form import Filled, Values, newer
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import validation
from services.applications.tables.applications import Section
from shared import codes
from shared.contract.checks import Outcome
from shared.errors import FieldError

Sections = dict[str, dict[str, Any]]
# Of so many sections a form knows that nothing is wrong with them; the oldest are forgotten first.
FAULTLESS = 20_000


def judge(
    filled: Filled, typed: Mapping[str, Values], sure: Mapping[str, Values] | None = None
) -> tuple[Sections, list[FieldError]]:
    """Return what could be kept of the values of each section, and every mistake in them and every section that is missing. `sure`:
    what was judged just now, against the same, and found without a mistake."""
    errors: list[FieldError] = []
    kept: Sections = {key: dict(values) for key, values in (sure or {}).items()}
    for section in filled.form.sections:
        if section.key not in kept and (values := typed.get(section.key)) is not None:
            kept[section.key], wrong = _judged(filled, section, values)
            errors += wrong
    situation = filled.with_saved(kept).situation()
    for section in filled.form.sections:
        if section.key not in kept and situation.required(section.key):
            message = f"“{section.label}”尚未保存表单"
            errors.append(FieldError(section=section.key, code=codes.SECTION_NOT_SAVED, message=message))
    return kept, errors


def _judged(filled: Filled, section: Definition, values: Values) -> tuple[Values, list[FieldError]]:
    """Return what could be kept of a section's values, and every mistake in them. What was found to have none is not judged again by the same:
    each page of a form looks at all of it, and so does 提交申请."""
    # With the form, as its compiled rules are: another text of it is another form.
    faultless: dict[bytes, None] = vars(filled.form).setdefault("faultless", {})
    digest = filled.digest(section.key, values)
    if digest in faultless:
        return dict(values), []
    kept, wrong = validation.judged(section, values, filled.context(section.key))
    if not wrong and kept == values:
        faultless[digest] = None
        if len(faultless) > FAULTLESS:
            del faultless[next(iter(faultless))]
    return kept, wrong


@dataclass(frozen=True)
class Judged:
    """An application's form, judged once with what was typed: `drafts` are opened 暂存 newer than what is saved, `kept` what could
    be kept of every section, `errors` the mistakes in it. `checks` are judged on what is saved."""

    filled: Filled
    drafts: Mapping[str, Values]
    kept: Sections
    errors: list[FieldError]

    @cached_property
    def checks(self) -> list[Outcome]:
        return self.filled.checks()

    @cached_property
    def typed_checks(self) -> list[Outcome]:
        """The checks on what was typed, as far as it can be read."""
        return self.checks if self.kept == self.filled.saved else self.filled.with_saved(self.kept).checks()


def judged(
    filled: Filled, rows: Mapping[str, Section], codec: SectionCodec, sure: Mapping[str, Values] | None = None
) -> Judged:
    """Judge a form with what was typed in it; `sure` as for `judge`."""
    drafts = newer(rows, codec)
    kept, errors = judge(filled, {**filled.saved, **drafts}, sure)
    return Judged(filled, drafts, kept, errors)


def lacking(found: Judged) -> list[str]:
    """Return in words what each material still lacks before it can be submitted, in the order of the form."""
    lines = []
    for section in found.filled.form.sections:
        wrong = [error for error in found.errors if error.section == section.key]
        if any(error.code == codes.SECTION_NOT_SAVED for error in wrong):
            lines.append(f"{section.label}：未填写")
            continue
        said = [f"{len(wrong)} 处缺填或有误"] if wrong else []
        said += ["有暂存内容，尚未保存表单"] if section.key in found.drafts else []
        if said:
            lines.append(f"{section.label}：{'，'.join(said)}")
    return lines


def unmet(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the checks that could be judged and do not hold, warnings among them."""
    return [outcome for outcome in outcomes if outcome.known and not outcome.holds]


def with_reasons(outcomes: Iterable[Outcome], content: Mapping[str, Any]) -> list[Outcome]:
    """Return the checks with the reasons that were given for them when this content was handed in."""
    reasons = content.get("reasons", {})
    return [o.model_copy(update={"reason": reasons.get(o.id)}) if o.confirm else o for o in outcomes]


def unconfirmed(outcome: Outcome) -> FieldError:
    """Return a warning that was submitted without its reason."""
    message = f"{outcome.sentence}，请核对；情况属实的，请说明原因"
    return FieldError(section=outcome.section, field=outcome.field, code=codes.REASON_REQUIRED, message=message)


def broken(outcome: Outcome) -> FieldError:
    """Return a check that does not hold, as what is said at its place."""
    return FieldError(
        section=outcome.section, field=outcome.field, code=f"check.{outcome.id}", message=outcome.sentence
    )


def unsaved(key: str, label: str) -> FieldError:
    """Return a 暂存 that is newer than what is saved."""
    message = f"“{label}”有暂存内容尚未保存，请保存表单或放弃修改"
    return FieldError(section=key, code=codes.UNSAVED_DRAFT, message=message)

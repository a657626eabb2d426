"""Lay out 勾稽关系核对: each check with the way to the place where it is mended."""

from services.gateway.form.form_view import anchor
from services.gateway.web.calls import section_of
from shared.contract.checks import Outcome
from shared.contract.forms import FormDefinition


class CheckLine(Outcome):
    """A check with the id of its place on the section's page; empty for the section as a whole."""

    anchor: str


def lines(form: FormDefinition, outcomes: list[Outcome]) -> list[CheckLine]:
    """Checks with the way to the place where each is mended."""
    return [CheckLine.model_construct(**dict(o), anchor=_anchor(form, o.section, o.field)) for o in outcomes]


def _anchor(form: FormDefinition, section: str, field: str | None) -> str:
    return anchor(section_of(form, section), field.partition(".")[0]) if field else ""

"""Estimate how far the materials of an application are, and how long the rest takes.

It is counted, not measured: the required places of the materials that may be changed, those that are still empty or wrong, and so
much time for each. The page says by what the estimate is made.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contract.checks import Obstacle
from shared.contract.forms import FormDefinition, SectionDefinition
from shared.contract.sections import ApplicationView

# Half a minute for a field; a table has rows, and a file has to be found.
FIELD_SECONDS, PART_SECONDS = 30, 120
# What nobody types.
WRITTEN = frozenset({"fixed_text", "computed"})


@dataclass(frozen=True)
class Progress:
    """How many required places there are, how many of them lack something, and about how long those take."""

    total: int
    missing: int
    minutes: int
    percent: int


def progress(form: FormDefinition, found: ApplicationView, problems: Sequence[Obstacle]) -> Progress | None:
    """Return how far the materials that may be changed are; None where there is nothing to fill in. Nothing is whole before it is
    saved."""
    total = missing = seconds = 0
    saved = True
    for summary in found.sections:
        if not (summary.visible and summary.required and summary.editable):
            continue
        section = form.by_key[summary.key]
        places = _places(section)
        total += len(places)
        saved &= summary.status == "saved"
        if summary.status == "empty":
            lacking = list(places)
        else:
            wrong = {p.field for p in problems if p.section == section.key and p.severity == "error" and p.field}
            lacking = [place for place in places if place in wrong]
        missing += len(lacking)
        seconds += sum(places[place] for place in lacking)
    if not total:
        return None
    percent = (total - missing) * 100 // total
    return Progress(total, missing, math.ceil(seconds / 60), percent if saved else min(percent, 99))


def _places(section: SectionDefinition) -> dict[str, int]:
    """Return the required places of a material, each with the seconds that it takes."""
    fields = {
        f.key: FIELD_SECONDS for f in section.fields if f.required and not f.readonly and f.kind not in WRITTEN
    }
    tables = {table.key: PART_SECONDS for table in section.tables if table.required}
    slots = {slot.key: PART_SECONDS for slot in section.slots if slot.required}
    return fields | tables | slots

"""Try questions of eligibility that are being written: pure work for the process that judges forms."""

from datetime import datetime
from typing import Any

from services.applications.filling.eligibility import asked
from services.applications.forms.authoring import eligibility
from services.applications.forms.definition import RoundFacts
from services.applications.workbench.trial import with_lists
from shared.contract.notices import EligibilityView
from shared.contract.workbench import FormFault


def tried(text: str, facts: RoundFacts, values: dict[str, Any] | None, at: datetime) -> EligibilityView:
    """Return the questions of a text as they would be asked in a round, with every fault of the text."""
    form, found = eligibility.read(text) if text.strip() else (None, [])
    faults = [FormFault(line=f.line, severity=f.severity, message=f.message) for f in found]
    if form is None:
        return EligibilityView(faults=faults, definition=None, page=None, errors=[], refusals=[])
    return asked(form, with_lists(form, facts), values, at).model_copy(update={"faults": faults})

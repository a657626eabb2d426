"""Read a draft for a run, in the process that judges its cases."""

from services.applications.forms.authoring.sandbox import judge
from services.applications.workbench.reading import judge as look_at

__all__ = ["form_of_text", "judge"]


def form_of_text(text: str) -> str | None:
    """Return the form of a draft's text as JSON; None while the text has faults."""
    form = look_at(text).sound
    return form.model_dump_json() if form else None

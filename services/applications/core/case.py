"""Know the form of a case: one place that says which version an application or a round has."""

from typing import Protocol

from services.applications.forms.catalogue import form
from services.applications.forms.definition import Form


class OfForm(Protocol):
    """A row that names a form and its version: an application, a round, a round of the seed."""

    @property
    def fund_type(self) -> str: ...

    @property
    def form_version(self) -> int: ...


def form_of(row: OfForm) -> Form:
    """Return the form of an application or a round, in the version that the row names; `NotFound` for a form that is not in the
    catalogue."""
    return form(row.fund_type, row.form_version)

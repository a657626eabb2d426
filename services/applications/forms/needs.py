"""What a form asks of its round: the parameters its checks compare with, and the lists its options come from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.applications.forms.definition import Form


@dataclass(frozen=True)
class Need:
    """One parameter: a number, without which the checks that name it are left out, or a list of options, without
    which a field cannot be filled. `used_by` says where, in the form's own words."""

    name: str
    kind: Literal["number", "options"]
    used_by: tuple[str, ...]


def needs(form: Form) -> tuple[Need, ...]:
    """Every parameter the form names, lists first, in the order of the form."""
    lists: dict[str, list[str]] = {}
    for section in form.sections:
        columns = [(f"{table.label} · ", column) for table in section.tables for column in table.columns]
        for where, field in [("", f) for f in section.fields] + columns:
            name = getattr(field, "options_from", None)
            if name:
                lists.setdefault(name, []).append(f"{section.label} · {where}{field.label}")
    numbers: dict[str, list[str]] = {}
    for check in form.checks:
        for name in _named(check.left.parameters, check.right.parameters):
            numbers.setdefault(name, []).append(check.message)
    return (
        *(Need(name, "options", tuple(used_by)) for name, used_by in lists.items()),
        *(Need(name, "number", tuple(used_by)) for name, used_by in numbers.items()),
    )


def _named(*groups: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(name for group in groups for name in group)

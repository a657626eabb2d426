"""Say a round's limits as its form words them."""

from collections.abc import Mapping
from typing import Any

from services.applications.forms.definition import Form
from shared.contract.rounds import NO_LIMIT
from shared.text import amounts


def ceilings(form: Form, parameters: Mapping[str, Any]) -> list[str]:
    """Return what an applicant reads of the round's numbers, in the order of the form's parameters: those with a `card`, without those
    that the round lacks or by which it sets no limit."""
    found = []
    for name, said in form.parameters.items():
        value = parameters.get(name)
        if said.card and isinstance(value, str | int) and value != NO_LIMIT:
            number = percent(str(value)) if said.share else amounts.show(value)
            found.append(said.card.format(f"{number} {said.unit}" if said.unit else number))
    return found


def percent(share: str) -> str:
    """Write a share as an exact percentage; a parameter that is no number, which the form does not use, as it stands."""
    try:
        return f"{(amounts.read(share) * 100).normalize():f}%"
    except amounts.NotANumber:
        return share

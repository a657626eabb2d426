"""The bodies of the operators' switches."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from shared.contract.bodies import Input
from shared.contract.rounds import Whom

USUAL_AUTOSAVE = 2


def _one_line(text: str) -> str:
    return " ".join(text.split())


class SwitchesInput(Input):
    """Every switch, whole. `autosave_seconds`: how long a page waits after the last key before it keeps by itself;
    `announcement`: one line on every page, until then or, without an end, until it is taken away."""

    autosave_seconds: int = Field(ge=1, le=300)
    previews: bool
    exports: bool
    announcement: Annotated[str, AfterValidator(_one_line), Field(max_length=300)] = ""
    announcement_until: AwareDatetime | None = None


class RunningExtension(BaseModel):
    """A round that was extended for a class of enterprises (`whom`, as in `ClassExtensionInput`), until an instant that is to come."""

    title: str
    whom: Whom
    begun_before: AwareDatetime | None
    until: AwareDatetime


class SwitchesView(BaseModel):
    """The switches as they stand. Version 0: nobody has set any."""

    version: int = 0
    autosave_seconds: int = USUAL_AUTOSAVE
    previews: bool = True
    exports: bool = True
    announcement: str = ""
    announcement_until: AwareDatetime | None = None
    changed_by: str | None = None
    changed_at: AwareDatetime | None = None


class Board(SwitchesView):
    """What every page shows at its head: the switches, and the extensions that run, the first to end first."""

    extensions: list[RunningExtension] = []

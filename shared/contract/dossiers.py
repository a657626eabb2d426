"""The part of the public HTTP contract that speaks of 卷宗: case files as a ZIP."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.bodies import Input
from shared.contract.review import Choice


class DossierInput(Input):
    """Ask for the case file of one application, or of all of a round: one of the two."""

    application: UUID | None = None
    round: UUID | None = None


class DossierView(BaseModel):
    """A case file: how many of its cases are in, and once it is done its size, its digest and until when it can be taken. `missing`: files that could not be
    put in, named in its manifest."""

    id: UUID
    application: UUID | None
    round: UUID
    title: str
    asked_by: str
    asked_at: AwareDatetime
    state: Literal["waiting", "running", "done", "stopped", "failed", "expired"]
    done: int
    total: int
    missing: int
    size: int | None
    sha256: str | None
    fault: str | None
    ended_at: AwareDatetime | None
    expires_at: AwareDatetime | None


class Dossiers(BaseModel):
    """The case files that were asked for last, the latest first, and the rounds of which one can be asked for."""

    items: list[DossierView]
    rounds: list[Choice]

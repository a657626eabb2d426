"""The part of the public HTTP contract that speaks of what two people do."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import PRINTED, Input


class Refuse(Input):
    """Why what somebody proposed is not done; whoever proposed it may give it up without a reason."""

    reason: Annotated[str, Field(max_length=2000), PRINTED] = ""


class Proposed(BaseModel):
    """An extension that was not made yet: another person confirms it (`POST /confirmations/{id}/confirm`)."""

    id: UUID
    until: AwareDatetime


class WaitingExtension(BaseModel):
    """An extension that `by` proposed and nobody has confirmed; `enterprise` is whose, or names the class,
    empty where the application says it. `own`: whoever asks
    proposed it."""

    id: UUID
    enterprise: str
    until: AwareDatetime
    reason: str
    by: str
    own: bool
    at: AwareDatetime


class Confirmation(BaseModel):
    """A thing that waits for a second person. `title` names what it is about, `said` what would be done; `by` prepared it at `at`.
    `own`: whoever asks did, and another person has to confirm. `id` is the thing's own (round, list, application) or the form's fund type;
    `proposal` is what `/confirmations/{proposal}` confirms or refuses, null where it is confirmed on its own page."""

    kind: Literal[
        "round", "round_change", "list", "form", "late_acceptance", "class_extension", "correction", "resend"
    ]
    id: str
    proposal: UUID | None
    title: str
    said: str
    reason: str
    by: str
    own: bool
    at: AwareDatetime


class Confirmations(BaseModel):
    """待我复核: what the person who asks may confirm, oldest first, and what they prepared that waits for others."""

    mine: list[Confirmation]
    own: list[Confirmation]


class SeparatedAct(BaseModel):
    """An act of a year that two people should do, or an exception for one enterprise. `finding`: `two` people did it, `one` did, or
    nobody proposes such an act and it is an exception by itself. `times` counts the extensions of the same thing within the year so far."""

    at: AwareDatetime
    action: str
    label: str
    subject: str
    proposed_by: str
    confirmed_by: str
    finding: Literal["two", "one", "exception"]
    times: int
    reason: str
    application_id: UUID | None
    round_id: UUID | None


class SeparationReport(BaseModel):
    """职责分离报告 of a year of Beijing's calendar, at most 5,000 acts, the latest first; `left_out` says how many earlier ones of the year are
    not shown. The rules are those in force now: whether two people are asked for."""

    year: int
    acts: list[SeparatedAct]
    left_out: int
    two: int
    one: int
    extensions: int
    repeated: int
    rules: dict[str, bool]

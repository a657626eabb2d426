"""The review desk's part of the public HTTP contract."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from shared.contract.bodies import PRINTED, Input


class TakeLease(Input):
    """`takeover` with a `reason` takes a case out of another's hands."""

    takeover: bool = False
    reason: str = Field(default="", max_length=500)


class Assign(Input):
    """Cases for one reviewer (`assignee`, or null for nobody), or dealt out `in_turn`."""

    applications: list[UUID] = Field(min_length=1, max_length=200)
    assignee: str | None = Field(default=None, max_length=100)
    in_turn: bool = False


class MoveMany(Input):
    """The same move for many: 纳批 (into `batch`, or the newest), 通过形式审查, 公示无异议."""

    action: Literal["accept", "pass", "approve"]
    applications: list[UUID] = Field(min_length=1, max_length=200)
    batch: UUID | None = None


class Assigned(BaseModel):
    """What became of one case."""

    id: UUID
    number: str | None
    done: bool
    message: str


class KeepFilter(Input):
    """`query`: the queue's own parameters."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    query: dict[str, Annotated[str, Field(max_length=200)]] = Field(max_length=20)


class FilterView(BaseModel):
    id: UUID
    name: str
    query: dict[str, Any]
    created_at: AwareDatetime


class StaffView(BaseModel):
    """A reviewer to whom cases can be given."""

    account: str
    name: str
    away: bool
    mine: bool
    # Cases that wait for this reviewer.
    waiting: int


class Away(Input):
    away: bool


class DeskCounts(BaseModel):
    """How many cases stand in each state: all, one's own, and nobody's. `matching` counts what the same parameters
    as the queue's match, exactly up to `matching_up_to`; one more stands for any number beyond."""

    all: dict[str, int]
    mine: dict[str, int]
    unassigned: dict[str, int]
    # Returns that nobody has looked at for three days; 50 stands for 50 and more.
    unseen: int
    # 公示 whose days have passed, and cases that wait for an answer to 申请开放材料, counted in the same way.
    over: int
    unlock: int
    matching: int
    matching_up_to: int


class Choice(BaseModel):
    """Something a filter may be set to."""

    key: str
    label: str


class FilterChoices(BaseModel):
    """What the queue's filters offer."""

    rounds: list[Choice]
    fund_types: list[Choice]
    districts: list[str]


class UnlockedView(BaseModel):
    """A material that a return opens; `why` is opinion, named, tied or whole."""

    key: str
    label: str
    why: str


class MailView(BaseModel):
    """A mail as it would be sent."""

    subject: str
    text: str


class ReturnPreview(BaseModel):
    """What a return would do; `mail` is null while notify does not answer."""

    correct_by: AwareDatetime
    # False where the holidays of that year are not published yet: only weekends are known.
    holidays_known: bool
    unlocked: list[UnlockedView]
    to: str
    email: str | None
    mail: MailView | None


class PhraseInput(Input):
    """A text for opinions; of one fund type's material, or (null) for any."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), PRINTED]
    section: str | None = Field(default=None, max_length=64)


class PhraseView(BaseModel):
    id: UUID
    text: str
    section: str | None


class AskUnlock(Input):
    """A material that the applicant wishes to correct too, and why."""

    section: str
    reason: str = Field(max_length=2000)


class DecideUnlock(Input):
    """What is said to the applicant; a no needs it."""

    note: str = Field(default="", max_length=2000)


class UnlockRequestView(BaseModel):
    """A material that was asked for during a correction, and what became of it."""

    id: UUID
    round_trip: int
    section: str
    section_label: str
    reason: str
    status: Literal["open", "granted", "refused"]
    note: str
    asked_by: str
    asked_at: AwareDatetime
    decided_by: str | None
    decided_at: AwareDatetime | None


class Tick(Input):
    """What a reviewer says of one line: met, not met (with a note), or nothing yet."""

    met: bool | None = None
    note: Annotated[str, Field(max_length=500), PRINTED] = ""


class ChecklistInput(Input):
    """The whole list by the lines' ids; a line left out is not ticked."""

    ticks: dict[Annotated[str, StringConstraints(max_length=40)], Tick] = Field(max_length=60)


class ChecklistPlace(BaseModel):
    """Where to look: a material and a part of it, in words."""

    section: str
    part: str
    label: str


class ChecklistLine(BaseModel):
    """A line of the 形式审查 list, where the notice asks for it, and what was said of it."""

    id: str
    text: str
    source: str
    look: list[ChecklistPlace]
    met: bool | None
    note: str


class ChecklistView(BaseModel):
    """The 形式审查 list of a case. `version` counts its savings (0 before the first) and is the list's own ETag; `revision` is the
    submission that was looked at then."""

    version: int
    revision: int | None
    saved_by: str | None
    saved_at: AwareDatetime | None
    lines: list[ChecklistLine]

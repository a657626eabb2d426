"""The bodies of the public HTTP contract that speak of 政策沙盘: what was handed in, judged by a form and a round that are only thought of."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import Input
from shared.contract.rounds import Parameters, RoundNeed

State = Literal["waiting", "running", "done", "stopped", "failed"]


class SandboxInput(Input):
    """Judge what was handed in last in these rounds by the draft that has this tag (`draft`) or by a published `version`, and by these parameters."""

    rounds: list[UUID] = Field(default=[], max_length=50)
    draft: str | None = None
    version: int | None = None
    parameters: Parameters = Field(default={}, max_length=100)


class SandboxCase(BaseModel):
    id: UUID
    number: str


class SandboxReason(BaseModel):
    """What refuses cases; some of them by number."""

    words: str
    count: int
    cases: list[SandboxCase]


class SandboxSums(BaseModel):
    """A district, a direction, or all: cases and 万元 as handed in, and those that would still pass."""

    name: str
    cases: int
    wan: str
    left: int
    wan_left: str


class SandboxReturned(BaseModel):
    """A place that opinions of returns named, and how often."""

    words: str
    count: int


class SandboxResult(BaseModel):
    passed: int
    reasons: list[SandboxReason]
    all: SandboxSums
    districts: list[SandboxSums]
    directions: list[SandboxSums]
    # Fields that are asked for and that nobody filled in, with how many were asked.
    unfilled: list[SandboxReturned]
    returned: list[SandboxReturned]


class SandboxRunView(BaseModel):
    """A run: `done` of `total` cases were judged, `forgotten` ones, whose data is gone, are left out. `outdated`: the draft was saved since. Of one that was stopped `result` is of
    what was judged until then."""

    id: UUID
    fund_type: str
    form: str
    state: State
    asked_by: str
    asked_at: AwareDatetime
    ended_at: AwareDatetime | None
    rounds: list[str]
    parameters: Parameters
    done: int
    total: int
    forgotten: int
    outdated: bool
    result: SandboxResult | None


class SandboxRound(BaseModel):
    """A round of the type, and how many applications were handed in to it."""

    id: UUID
    title: str
    cases: int


class SandboxView(BaseModel):
    """What a run can be made of: rounds, versions (newest first) and the draft (its tag; null where there is none that can be judged, and why). `needs` are the parameters that the
    newest form asks for, `parameters` those of the newest round."""

    fund_type: str
    label: str
    rounds: list[SandboxRound]
    versions: list[int]
    draft: str | None
    draft_fault: str | None
    needs: list[RoundNeed]
    parameters: Parameters
    runs: list[SandboxRunView]

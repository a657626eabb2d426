"""The stages' part of the public HTTP contract: batches, experts, ranking, 公示, letters."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.contract.bodies import Input, Reason
from shared.text import amounts

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Typed = Annotated[str, Field(max_length=2000)]


class Accept(Input):
    """纳批 into a batch; without one into the round's newest open batch."""

    batch: UUID | None = None
    reason: str = Field(default="", max_length=2000)


class NewBatch(Input):
    round: UUID
    name: Line


class BatchView(BaseModel):
    """`cases` is counted up to 1,000: whoever reads that knows there are as many or more."""

    id: UUID
    round: UUID
    name: str
    cases: int
    created_at: AwareDatetime
    closed_at: AwareDatetime | None


class GiveToExperts(Input):
    """Exactly these experts score the case. `working_days`: how long those have who have not scored yet, from now on; without it the newly chosen have
    10, and the others what they had."""

    experts: list[Annotated[str, Field(max_length=100)]] = Field(max_length=20)
    working_days: int | None = Field(default=None, ge=1, le=60)


class ScoreCriterion(BaseModel):
    """One line of a score sheet. A comment is required always, or below so many points."""

    key: str
    label: str
    help: str
    weight: int
    comment: Literal["always"] | None
    comment_below: int | None


class ScoreSheet(BaseModel):
    """A score sheet: 0 to 100 points for each criterion, weights in per cent. `wide`: so far apart, experts' totals want a
    second look."""

    key: str
    version: int
    title: str
    min_experts: int
    wide: int
    criteria: list[ScoreCriterion]


class SheetValues(BaseModel):
    """Points by criterion (0 to 100, at most one decimal, as strings), comments by criterion, and an opinion; kept as they
    were typed until they are handed in."""

    model_config = ConfigDict(extra="forbid")

    scores: dict[str, Typed] = Field(default={}, max_length=50)
    comments: dict[str, Typed] = Field(default={}, max_length=50)
    opinion: Typed = ""


class Assessed(BaseModel):
    """One expert of a case. What was given is null until every expert has scored."""

    account: str
    name: str
    assigned_at: AwareDatetime
    submitted_at: AwareDatetime | None
    total: str | None = None
    values: SheetValues | None = None
    # By when it is wanted; `late`: it has not come by then.
    due_at: AwareDatetime | None = None
    late: bool = False


class TakenOff(BaseModel):
    """An expert from whom the case was taken; `begun`: what they had typed is kept, and counts for nothing."""

    name: str
    begun: bool
    by: str
    at: AwareDatetime


class OpenSheet(BaseModel):
    """A score sheet that is waited for."""

    application_id: UUID
    number: str | None
    project_name: str
    expert: str
    assigned_at: AwareDatetime
    due_at: AwareDatetime | None
    begun: bool
    late: bool


class ExpertChoice(BaseModel):
    """Somebody a case may be given to, unless `recused` says why not."""

    account: str
    name: str
    waiting: int
    recused: str | None


class ExpertsOfCase(BaseModel):
    """`sheet` is what they score by; `choices` is null while the people's list cannot be had."""

    assessments: list[Assessed]
    open: bool
    score: str | None
    wide: bool
    sheet: ScoreSheet
    choices: list[ExpertChoice] | None


class MyCase(BaseModel):
    """One line of an expert's list."""

    id: UUID
    number: str | None
    project_name: str
    enterprise_name: str
    fund_type_label: str
    state: str
    state_label: str
    applied_wan: str | None
    assigned_at: AwareDatetime
    saved_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    due_at: AwareDatetime | None = None
    late: bool = False
    total: str | None


class MySheet(BaseModel):
    """An expert's own assessment, and the sheet it is made by."""

    sheet: ScoreSheet
    values: SheetValues
    saved_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    total: str | None


class Recuse(Input):
    reason: Text


class DeclareRecusal(Input):
    enterprise: str = Field(min_length=1, max_length=40)
    enterprise_name: Line
    reason: Text


class RecusalView(BaseModel):
    enterprise: str
    enterprise_name: str
    reason: str
    declared_at: AwareDatetime


class BudgetView(BaseModel):
    """万元; `total_wan` and `left_wan` are null where the round has no budget."""

    total_wan: str | None
    used_wan: str
    left_wan: str | None


class RankedCase(BaseModel):
    rank: int | None
    id: UUID
    number: str | None
    project_name: str
    enterprise_name: str
    state: str
    state_label: str
    version: int
    score: str | None
    lowest: str | None
    highest: str | None
    wide: bool
    applied_wan: str | None
    approved_wan: str | None


class Ranking(BaseModel):
    """The cases of a round that reached 待审定, the best first."""

    round: UUID
    round_title: str
    budget: BudgetView
    items: list[RankedCase]


class NoteObjection(Input):
    objector: Line
    contact: Line
    text: Text
    received_on: date


class SettleObjection(Input):
    upheld: bool
    outcome: Text


class ObjectionView(BaseModel):
    id: UUID
    objector: str
    contact: str
    text: str
    received_on: date
    recorded_by: str
    recorded_at: AwareDatetime
    upheld: bool | None
    outcome: str | None
    handled_by: str | None
    handled_at: AwareDatetime | None
    announcement_id: UUID | None = None


class PublicityCase(BaseModel):
    """One project in 公示, as anybody may read of it. `until` is the end of its last day; `announcement` the 公示 that it stands on,
    null where it was published by itself."""

    number: str | None
    project_name: str
    enterprise_name: str
    fund_type_label: str
    round_title: str
    amount_wan: str
    since: AwareDatetime | None
    until: AwareDatetime
    announcement: UUID | None = None


class PublishedInShort(BaseModel):
    """A 公示 or 批复 in short, as anybody may read of it; a 批复 has no days."""

    id: UUID
    title: str
    reference: str
    cases: int
    published_at: AwareDatetime
    publicity_until: AwareDatetime | None


class PublicityList(BaseModel):
    """What stands in 公示 now (`items`), and every 公示 and 批复 that was published in `year`, newest first; `years` are what there is
    to choose from."""

    items: list[PublicityCase]
    year: int | None = None
    years: list[int] = []
    announcements: list[PublishedInShort] = []
    approvals: list[PublishedInShort] = []


class StandsOn(BaseModel):
    """The 公示 that a case stands on."""

    id: UUID
    title: str
    reference: str


class StageView(BaseModel):
    """What the stages know of one case, for the bureau. `by_list`: 拟支持 waits for a 公示 of many."""

    batch: str | None
    approved_wan: str | None
    score: str | None
    publicity_from: AwareDatetime | None
    publicity_until: AwareDatetime | None
    announcement: StandsOn | None = None
    by_list: bool = False
    budget: BudgetView
    objections: list[ObjectionView]


class LetterView(BaseModel):
    """An official letter; `recalled_at` is set where its return was taken back. `opened_at`: when its enterprise first opened it (签收);
    `unopened`: it has not yet. Neither is known of letters from before this was noted."""

    id: UUID
    kind: str
    name: str
    reference: str
    issued_at: AwareDatetime
    recalled_at: AwareDatetime | None
    opened_at: AwareDatetime | None = None
    unopened: bool = False


class RegisteredLetter(LetterView):
    """A line of the register: the letter, and the case or (`announcement_id`) the list that it is about, whose title is then
    `project_name`."""

    application_id: UUID | None
    announcement_id: UUID | None = None
    application_number: str | None
    project_name: str
    enterprise_name: str


class LetterRegister(BaseModel):
    """发文登记簿, newest first; `series` and `years` are what there is to choose from."""

    items: list[RegisteredLetter]
    next_cursor: str | None
    series: list[str]
    years: list[int]


class Decision(Input):
    reason: Reason = ""
    amount_wan: (
        Annotated[Decimal, BeforeValidator(amounts.given), Field(max_digits=10, decimal_places=2)] | None
    ) = None

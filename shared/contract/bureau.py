"""Define what the bureau's pages show, as the public HTTP contract does."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.applications import ApplicationPage, ApplicationSummary
from shared.contract.checks import Outcome
from shared.contract.colleagues import CaseColleagues
from shared.contract.decision import (
    Assessed,
    BatchView,
    LetterView,
    MySheet,
    Ranking,
    ScoreSheet,
    StageView,
    TakenOff,
)
from shared.contract.four_eyes import WaitingExtension
from shared.contract.notices import Answered
from shared.contract.pages import ReadMaterial
from shared.contract.returns import OpinionView
from shared.contract.review import ChecklistView, Choice, DeskCounts, FilterChoices, FilterView, PhraseView
from shared.contract.sections import Origin
from shared.contract.submission import NoticeView


class CaseApplication(ApplicationSummary):
    """An application as the head of its page names it."""

    form_title: str


class ChangedHere(BaseModel):
    """What stood at a place in the revision before, as text, and whether an opinion asked for the change."""

    before: str
    asked: bool


class CaseField(BaseModel):
    """A field with everything that concerns it; `origin` where its value was brought along. `gone`: a condition hides it in this
    revision, and it stands here for what was changed or said of it; so of tables, slots and materials."""

    key: str
    label: str
    value: str
    gone: bool = False
    change: ChangedHere | None
    origin: Origin | None
    opinions: list[OpinionView]


class CaseCell(BaseModel):
    """`before`: what stood here in the revision before, where that was something else."""

    value: str
    before: str | None


class CaseRow(BaseModel):
    """A row; `mark` says how it differs from the revision before, `asked` whether opinions asked for all of that."""

    id: str
    label: str
    cells: list[CaseCell]
    mark: Literal["", "new", "changed", "removed"]
    asked: bool
    opinions: list[OpinionView]


class CaseTable(BaseModel):
    """`dates` are the numbers of the columns that hold dates; `opinions` those on no row that is still there."""

    key: str
    label: str
    gone: bool = False
    row_label: str | None
    head: list[str]
    dates: list[int]
    rows: list[CaseRow]
    totals: list[str]
    opinions: list[OpinionView]


class CaseFile(BaseModel):
    """An attachment; one that is `withheld` is named and not shown."""

    id: str
    name: str
    size: int
    new: bool
    withheld: bool


class CaseSlot(BaseModel):
    """A place for attachments; `removed` names those that the revision before had. `asked` is null where nothing changed."""

    key: str
    label: str
    gone: bool = False
    files: list[CaseFile]
    removed: list[str]
    asked: bool | None
    opinions: list[OpinionView]


class CaseMaterial(BaseModel):
    """One material with everything that concerns each of its places; `opinions` are those on the whole of it."""

    key: str
    label: str
    gone: bool = False
    opinions: list[OpinionView]
    fields: list[CaseField]
    tables: list[CaseTable]
    slots: list[CaseSlot]
    changed: int
    unasked: int


class ShownFile(BaseModel):
    """The attachment that is looked at; `fault` says why there are no pages of it."""

    id: str
    name: str
    size: int
    pages: int
    fault: str | None


class CaseExperts(BaseModel):
    """Who scores a case, and by what. While experts are chosen, `waiting` counts by account the cases that each still has to
    score, and `recused` says by account who has to stay out of this one, and why."""

    assessments: list[Assessed]
    open: bool
    score: str | None
    wide: bool
    sheet: ScoreSheet
    waiting: dict[str, int]
    recused: dict[str, str]
    # From whom the case was taken, the latest last.
    taken_off: list[TakenOff] = []


class CaseEvent(BaseModel):
    """One line of the timeline; `detail` is what it adds to its label; `writing`: the applicant filled in; `fresh`: somebody else did it since
    whoever asks looked last."""

    at: AwareDatetime
    label: str
    actor: str
    from_state: str | None
    to_state: str | None
    detail: str
    writing: bool = False
    fresh: bool = False


class CaseRequest(BaseModel):
    """A material that the applicant asked for. One that had no answer when the application was submitted again is `late`:
    nobody answers it any more."""

    id: UUID
    section_label: str
    reason: str
    status: Literal["open", "late", "granted", "refused"]
    note: str
    asked_by: str
    asked_at: AwareDatetime
    decided_by: str | None
    decided_at: AwareDatetime | None


class OpinionPlace(BaseModel):
    """A place that an opinion may stand at, by its short name: `section.field#row`."""

    name: str
    label: str


class OpinionPlaces(BaseModel):
    """The places of one material."""

    label: str
    places: list[OpinionPlace]


class OpinionWriting(BaseModel):
    """What somebody needs who writes an opinion: where it may stand, and the library of phrases."""

    places: list[OpinionPlaces]
    phrases: list[PhraseView]


class OtherCase(BaseModel):
    """Another application of the enterprise."""

    id: UUID
    number: str | None
    project_name: str
    round_title: str
    applied_wan: str | None
    state: str
    state_label: str


class HandlingView(BaseModel):
    """办理时限: working days that the bureau has used of a case, and the limit where one is set. The clock stands still (`running` false) while the
    applicant, experts or the public have it. `last_day`: by when, while it runs within its limit; `over`: the limit has passed."""

    used: int
    limit: int | None
    running: bool
    last_day: date | None
    over: bool


class CasePage(BaseModel):
    """All that a reviewer reads of a case. Amounts are 万元. `notifications` is null while notify does not answer; `batches` are
    those it can be taken into, where it can; `writing` is given to whoever asks for it (`opinion=1`)."""

    application: CaseApplication
    materials: list[CaseMaterial]
    file: ShownFile | None
    checks: list[Outcome]
    checklist: ChecklistView
    # What was answered before the application was begun, where its round asked.
    eligibility: list[Answered]
    changed: int
    unasked: int
    opinions: list[OpinionView]
    writing: OpinionWriting | None
    # The correction deadline that the round proposes.
    working_days: int | None
    stage: StageView
    experts: CaseExperts
    letters: list[LetterView]
    batches: list[Choice]
    requests: list[CaseRequest]
    # A longer correction deadline that a second person has to confirm.
    extension: WaitingExtension | None
    others: list[OtherCase]
    # Null for a case that the bureau never had.
    handling: HandlingView | None
    # What colleagues told each other of it.
    colleagues: CaseColleagues
    # Persons of other companies who filled in for the enterprise, each named with the company.
    agents: list[str] = []
    events: list[CaseEvent]
    # When whoever asks looked at the case before; null at the first time.
    looked_at: AwareDatetime | None
    notifications: list[NoticeView] | None


class ExpertCasePage(BaseModel):
    """All that an expert reads of a case: the latest submission without what conditions hid, its checks, and one's own sheet."""

    application: CaseApplication
    materials: list[ReadMaterial]
    checks: list[Outcome]
    mine: MySheet


class QueuePage(BaseModel):
    """The queue with everything beside it: counts, what its filters offer, the views one keeps, and by account the cases that
    wait for each reviewer and who is away. `by_list`: nothing is approved but by a list. `fault` says what is wrong with the filters that were asked for: nothing is found
    by them then."""

    found: ApplicationPage
    counts: DeskCounts
    choices: FilterChoices
    filters: list[FilterView]
    batches: list[BatchView]
    waiting: dict[str, int]
    away: list[str]
    fault: str | None
    by_list: bool = False
    # How much of what one was told is unread (消息).
    unread_messages: int = 0
    # How many things wait for whoever asks as the second of two (待我复核).
    confirmations: int = 0


class RankingPage(BaseModel):
    """审定排序 with the rounds it can be asked of. Of one (`round`): its `ranking`, null where there is no such round. Of none named:
    `open`, every round in which a case is 待审定 or 拟支持, the latest first, with these cases and their places among all of the round."""

    rounds: list[Choice]
    round: str
    ranking: Ranking | None
    open: list[Ranking] = []
    # How many things wait for whoever asks as the second of two (待我复核).
    confirmations: int = 0


class NotedOpinion(BaseModel):
    """An opinion noted for a return still to come; `place` is in words."""

    id: UUID
    place: str
    text: str
    author: str


class ReturnPage(BaseModel):
    """What somebody needs who writes a return: what was noted for it, where opinions may stand, and the materials that can be
    opened. `working_days`: the correction deadline that the round proposes."""

    application: ApplicationSummary
    sections: list[Choice]
    noted: list[NotedOpinion]
    working_days: int | None = None
    writing: OpinionWriting

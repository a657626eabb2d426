"""Read models: all that one page shows, by one call, with the texts and sums as people read them."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.carried_over import LeftOverView
from shared.contract.checks import Obstacle, Outcome
from shared.contract.confirmation import ConfirmationView
from shared.contract.decision import LetterView
from shared.contract.ratings import RatingView
from shared.contract.returns import OpinionView
from shared.contract.review import UnlockRequestView
from shared.contract.sections import ApplicationView, EarlierFiles, SectionView
from shared.contract.submission import RevisionView, Timeline


class ReadFile(BaseModel):
    """A file among what is read; `withheld`: its name may be known to whoever reads, its content not."""

    id: UUID
    name: str
    size: int
    withheld: bool = False


class ReadTable(BaseModel):
    """A table as texts: a row's cells under `head`, `totals` under them (empty where there are none). `dates` are the places
    of columns that hold dates."""

    label: str
    head: list[str]
    dates: list[int]
    rows: list[list[str]]
    totals: list[str]


class ReadValue(BaseModel):
    label: str
    text: str


class ReadSlot(BaseModel):
    label: str
    files: list[ReadFile]


class ReadMaterial(BaseModel):
    """One material as people read it. What a condition hid is not there."""

    number: int
    key: str
    label: str
    values: list[ReadValue]
    tables: list[ReadTable]
    slots: list[ReadSlot]


class ChangeLine(BaseModel):
    """One change as people read it: where, what it was, what it is, and whether an opinion had asked for it."""

    section: str
    section_label: str
    field: str
    row: str | None
    column: str | None
    place: str
    before: str
    after: str
    asked: bool


class SectionPage(BaseModel):
    """The form page of one material. The form is judged once, with what was typed: `problems` and `checks` are those of
    `GET …/problems` and `GET …/checks?typed=1`. `opinions` and `requests` are empty unless the application was returned. `earlier`: by slot
    that holds nothing, what may be taken over into it (`POST …/attachments/earlier`), until the material is saved."""

    application: ApplicationView
    section: SectionView
    problems: list[Obstacle]
    checks: list[Outcome]
    opinions: list[OpinionView]
    requests: list[UnlockRequestView]
    left_over: list[LeftOverView]
    # Null in a round that asks for no 单位确认.
    confirmation: ConfirmationView | None = None
    earlier: dict[str, EarlierFiles] = {}


class SectionTaken(BaseModel):
    """What became of 保存表单, and the page after it: `saved`, or kept as 暂存 because not all of it holds."""

    saved: bool
    page: SectionPage


class SubmissionPage(BaseModel):
    """The page before 提交申请. `changes` are those since the latest submission; `drafts` the sections whose 暂存 is newer than what
    is saved."""

    application: ApplicationView
    problems: list[Obstacle]
    checks: list[Outcome]
    changes: list[ChangeLine]
    opinions: list[OpinionView]
    requests: list[UnlockRequestView]
    drafts: list[SectionView]
    # Null in a round that asks for no 单位确认.
    confirmation: ConfirmationView | None = None


class NextStep(BaseModel):
    """What happens to an application now. `days`: how long it took in the middle of `cases` others of the fund type, where there are enough
    of them; `about`: when it would be over by that, while that lies ahead."""

    text: str
    days: int | None = None
    cases: int = 0
    about: AwareDatetime | None = None


class ApplicationRead(BaseModel):
    """查看申请: one revision (`number`; 0 before the first submission), the changes since the one before it, and what happened. `next`: what
    happens now; null where nothing is to be waited for."""

    application: ApplicationView
    number: int
    materials: list[ReadMaterial]
    changes: list[ChangeLine]
    revisions: list[RevisionView]
    letters: list[LetterView]
    timeline: Timeline
    next: NextStep | None = None
    # 好差评: asked for once a case has ended, and what was said.
    may_rate: bool = False
    rating: RatingView | None = None

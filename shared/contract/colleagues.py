"""The part of the public HTTP contract that speaks of what the bureau's people tell each other about a case. No applicant and no expert
reads any of it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from shared.contract.bodies import Input

FileKind = Literal["site_visit", "minutes", "other"]
# What may be written at once, and whom one may ask; the service says so in words where it is more.
MOST_CHARACTERS, MOST_ASKED = 4000, 10
Account = Annotated[str, Field(max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100_000)]


class NoteInput(Input):
    """内部备注. `mentions` are the accounts of colleagues who are to hear of it, besides those whom the text names with @."""

    text: Words
    mentions: list[Account] = Field(default=[], max_length=50)


class NoteView(BaseModel):
    """A note; `mentions` are names. One that its author withdrew has no text any more."""

    id: UUID
    text: str
    author: str
    mine: bool
    written_at: AwareDatetime
    mentions: list[str]
    withdrawn: bool


class CaseFileView(BaseModel):
    """A file of the desk. `limited`: not every colleague reads it; `withheld`: not whoever asks. `fault` says why nobody can read it now."""

    id: UUID
    kind: FileKind
    kind_label: str
    name: str
    size: int
    limited: bool
    withheld: bool
    fault: str | None
    by: str
    mine: bool
    added_at: AwareDatetime


class InquiryInput(Input):
    """征求意见: a question to colleagues, with how many working days they have; the last ends at 18:00."""

    question: Words
    colleagues: list[Account] = Field(max_length=50)
    working_days: int = Field(default=3, ge=1, le=60)


class AnswerInput(Input):
    """What a colleague answers."""

    answer: Words


class AskedColleague(BaseModel):
    """Somebody who was asked, and what they said; `late`: after the day."""

    name: str
    mine: bool
    answer: str | None
    answered_at: AwareDatetime | None
    late: bool


class InquiryView(BaseModel):
    """A question with all who were asked. `open`: an answer is still waited for; `overdue`: and its day has passed."""

    id: UUID
    question: str
    by: str
    mine: bool
    asked_at: AwareDatetime
    until: AwareDatetime
    open: bool
    overdue: bool
    closed_at: AwareDatetime | None
    closed_by: str | None
    asked: list[AskedColleague]


class CaseColleagues(BaseModel):
    """Everything that colleagues told each other about a case, oldest first."""

    notes: list[NoteView]
    files: list[CaseFileView]
    inquiries: list[InquiryView]

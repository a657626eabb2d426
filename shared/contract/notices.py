"""The bodies of the public HTTP contract that speak of 申报通知: a round's text, files and questions of eligibility."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import Input
from shared.contract.forms import FormDefinition
from shared.contract.pages import SectionPage
from shared.contract.rounds import RoundView
from shared.contract.workbench import FormFault
from shared.errors import FieldError

MAX_TEXT = 20_000
MAX_QUESTIONS = 20_000


class RoundNoticeInput(Input):
    """`text` has headings, lists and links in plain characters; `questions` is a small form in the language of forms (`fields`, `checks`), empty where
    none are asked; `files` were uploaded before. A notice in which nothing stands is none."""

    text: str = Field(default="", max_length=MAX_TEXT)
    questions: str = Field(default="", max_length=MAX_QUESTIONS)
    files: list[UUID] = Field(default=[], max_length=50)
    reason: str = Field(default="", max_length=2000)


class RoundNoticeFile(BaseModel):
    """A file of a notice; one that is not `readable` waits for the virus scanner, or is `infected` by what this names."""

    id: UUID
    name: str
    size: int
    media_type: str
    readable: bool
    infected: str | None


class RoundNotice(BaseModel):
    """A version of a round's notice: the one in force, or the one that was asked for by those who read rounds; `number` 0 and empty where there is none. `conditions` are what
    is said to whoever does not meet the questions, `asked` the questions. `questions`, the text that they are written in, and `latest`, the version written last, are told to
    those who read rounds."""

    round: RoundView
    number: int
    latest: int
    text: str
    asked: list[str]
    conditions: list[str]
    questions: str
    files: list[RoundNoticeFile]
    changed_at: AwareDatetime | None


class EligibilityAnswers(Input):
    """Answers to a round's questions; null: they are only to be shown."""

    values: dict[str, Any] | None = None


class EligibilityTrial(EligibilityAnswers):
    """Questions that are being written, and answers to try them with."""

    questions: str = Field(max_length=MAX_QUESTIONS)


class EligibilityView(BaseModel):
    """Questions of eligibility as they are asked: a form of one section, its page with what was answered, what is wrong with the answers, and what they do
    not meet. Without `definition` nothing is asked, or the text has a fault that is an error."""

    faults: list[FormFault]
    definition: FormDefinition | None
    page: SectionPage | None
    errors: list[FieldError]
    refusals: list[str]


class Answered(BaseModel):
    """A question of eligibility and what an applicant answered before they began, in words."""

    label: str
    answer: str

"""Define a draft and its sections as the public HTTP contract shows them."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.applications import ApplicationSummary
from shared.contract.bodies import Input


class RowNow(BaseModel):
    """A row by its id: columns that are hidden in it, those that must be filled in, and computed cells."""

    hidden: list[str] = []
    required: list[str] = []
    computed: dict[str, Any] = {}


class TableNow(BaseModel):
    """A table: fixed rows that are hidden; columns hidden in every row; columns that a new row would have to fill in;
    the rows by id; and the column totals as kept values, and as people read them (`sums`). `rows_from`: what the table is called whose rows these
    follow."""

    hidden_rows: list[str] = []
    hidden_columns: list[str] = []
    required: list[str] = []
    rows: dict[str, RowNow] = {}
    rows_from: str = ""
    totals: dict[str, Any] = {}
    sums: dict[str, str] = {}


class SectionNow(BaseModel):
    """How a section stands with the values that are shown: its 暂存 if there is one, else what is saved, else what was
    prefilled. Other sections count by what is saved of them.

    `hidden` are the keys of fields, tables and slots that are not to be shown, and are neither validated nor
    submitted; `hidden_groups` the labels of groups that are not. `required` are the keys of those that must be filled
    in now, and it holds whatever the definition's own `required` says. `computed` holds every shown computed field, null
    while its value is not known. `options` are the texts that fields choose among where a table's rows are their options, by what
    their `options_from` says. `file_rows`: by slots that ask a file for each row the rows by id, and what they are called. 暂存 answers with the same, so a page without JavaScript shows by 暂存 what an answer
    changes.
    """

    visible: bool
    section_required: bool
    hidden: list[str] = []
    hidden_groups: list[str] = []
    required: list[str] = []
    computed: dict[str, Any] = {}
    tables: dict[str, TableNow] = {}
    options: dict[str, list[str]] = {}
    file_rows: dict[str, dict[str, str]] = {}


class StartApplication(Input):
    """`copy_from`: an earlier application of the enterprise, of the same fund type, whose values are taken over. `answers`: to the questions of
    eligibility, where the round's notice asks them (`POST …/eligibility`); without them 422 `eligibility_missing`, with others than it takes 409
    `not_eligible` and `refusals`."""

    round_id: UUID
    copy_from: UUID | None = None
    answers: dict[str, Any] | None = None


class SectionValues(Input):
    """`form_version`: the version of the form that was filled in; another than the application's is 409 `form_changed`."""

    values: dict[str, Any]
    form_version: int | None = None


class SectionSummary(BaseModel):
    """One material. `required` and `visible` follow from what is saved of the others; what is not visible is neither
    asked for nor submitted."""

    key: str
    label: str
    required: bool
    visible: bool = True
    status: Literal["empty", "draft", "saved"]
    editable: bool
    saved_at: AwareDatetime | None
    draft_at: AwareDatetime | None
    etag: str


class NamedPlace(BaseModel):
    """A field by its place, with the words for both."""

    section: str
    section_label: str
    field: str
    label: str


class RegistryView(BaseModel):
    """What is to be brought along from the legal-person registry. Where it did not answer, `waiting` are the fields it
    has still to fill, which nobody has filled in since."""

    answered: bool
    asked_at: AwareDatetime | None
    waiting: list[NamedPlace]


class ApplicationView(ApplicationSummary):
    """`parameters` are the round's: ceilings, and the options that a form takes from its round. `newer_form_version`
    is the round's version of the form where this draft may be moved to it (`POST …/rebase`); `left_over` counts what
    stands beside the form and was not dismissed. `sms_section`: the material that asks for the contact's mobile telephone; `sms_agreed`:
    whether short messages go there."""

    form_title: str
    parameters: dict[str, Any]
    registry: RegistryView
    newer_form_version: int | None
    left_over: int
    sections: list[SectionSummary]
    sms_section: str | None = None
    sms_agreed: bool = False


class ShortMessages(Input):
    """Whether short messages go to the mobile telephone of the application's contact."""

    agreed: bool


class AttachmentView(BaseModel):
    """`scanned_at` is null until a virus scanner has seen the file (or where there is none); `infected` names
    what it found: such a file counts for nothing and cannot be downloaded. `phone_link`: the telephone link through which it came."""

    id: UUID
    section: str
    slot: str
    name: str
    size: int
    media_type: str
    sha256: str
    scanned_at: AwareDatetime | None
    infected: str | None
    phone_link: UUID | None = None


class JoinFiles(Input):
    """Files of a slot that are made one PDF, in this order."""

    section: str = Field(max_length=64)
    slot: str = Field(max_length=64)
    files: list[UUID] = Field(min_length=2, max_length=50)


class TakeEarlier(Input):
    """Files that the enterprise submitted earlier in the same slot of the application `source`, as `earlier` of the section's page offers them."""

    section: str = Field(max_length=64)
    slot: str = Field(max_length=64)
    source: UUID


class EarlierFiles(BaseModel):
    """What the enterprise submitted last in the same slot of another of its applications (`source`): the files' names."""

    source: UUID
    project_name: str | None
    submitted_at: AwareDatetime
    names: list[str]


class FilePages(BaseModel):
    """How many pages an attachment has; each can be had as a picture."""

    pages: int


class Prefilled(BaseModel):
    value: Any
    source: str
    fetched_at: AwareDatetime | None


class SectionCopies(BaseModel):
    """What 412 `stale` says of a section (`current`): both copies as they are now, and their tag."""

    saved: dict[str, Any] | None = None
    draft: dict[str, Any] | None = None
    etag: str = ""


class Default(BaseModel):
    """What is filled in before anybody types: a field's value, or a table's rows with the cells that have one; and in `words` what
    it follows from."""

    value: Any
    words: str


class SectionView(BaseModel):
    """Both copies of a section. `draft` is null unless a 暂存 is newer than what is saved. `now` says how it stands
    with the values it shows: what is hidden, what must be filled in, what is computed. `registry` holds, by field,
    what the registry had when it was asked last where that differs from the value shown and is news (null: nothing any
    more); `POST …/prefill` takes it over. `defaults`: by field and table what a page shows until there is a copy, `prefill`
    before it; nothing of them counts before it is sent."""

    key: str
    saved: dict[str, Any] | None
    draft: dict[str, Any] | None
    prefill: dict[str, Prefilled]
    registry: dict[str, Any]
    defaults: dict[str, Default] = {}
    attachments: list[AttachmentView]
    editable: bool
    saved_at: AwareDatetime | None
    draft_at: AwareDatetime | None
    etag: str
    version: int
    now: SectionNow


class SectionWritten(BaseModel):
    """The answer to a write: the section's new tag, the application's version, the time, what is kept, and how the
    section stands with it."""

    key: str
    status: Literal["empty", "draft", "saved"]
    etag: str
    version: int
    at: AwareDatetime
    values: dict[str, Any] | None
    now: SectionNow


class Origin(BaseModel):
    """One prefilled value: what the source said then, what was submitted, what the source says `now` (null where it
    does not answer)."""

    section: str
    field: str
    label: str
    source: str
    fetched_at: AwareDatetime | None
    prefilled: str | None
    submitted: str | None
    now: str | None
    changed_by_applicant: bool
    drifted: bool

"""The bodies of the public HTTP contract that speak of 表单工作台: versions of forms, drafts, their faults and previews."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import PRINTED, Input
from shared.contract.forms import FormDefinition
from shared.contract.pages import SectionPage

MAX_TEXT = 150_000
FormText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Place = list[str | int]


class NewFormDraft(Input):
    """Begin the next version of a fund type's form, out of a published version; without one (`based_on` null) a new type is begun."""

    fund_type: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]{0,39}$")]
    based_on: int | None = None
    label: Annotated[str, Field(max_length=100), PRINTED] = ""


class FormEdit(Input):
    """A change of the text at a place of the form, all else untouched: `up` and `down` move it among its neighbours, `remove` takes it out, `add`
    puts a new one of the sort `sort` at the end of its list, `put` sets `values` by name (null takes a name away)."""

    act: Literal["up", "down", "remove", "add", "put"]
    at: Place = Field(max_length=12)
    sort: str | None = None
    values: dict[str, Any] = Field(default={}, max_length=40)


class FormDraftText(Input):
    """The whole text, and a change to be made in it."""

    text: FormText
    edit: FormEdit | None = None


class FormMerge(Input):
    """Two saves of one draft to be joined: a text (null: the draft as it was at the tag `seen`) with a change made in it, against the draft as it
    is now. `choices` answer what both changed, by place."""

    seen: Annotated[str, Field(max_length=20)]
    text: FormText | None = None
    edit: FormEdit | None = None
    choices: dict[Annotated[str, Field(max_length=1000)], Literal["mine", "theirs"]] = Field(
        default={}, max_length=500
    )


class FormExample(Input):
    """An application by example: with `refused` one that must be refused (by the check or `section.field` that `by` names, where it names one), else
    one that must pass. `text`: its values by section, as YAML; null leaves them. `number`: a new one is made out of what was handed in under it."""

    name: Annotated[str, Field(max_length=100), PRINTED]
    refused: bool = False
    by: Annotated[str, Field(max_length=200)] = ""
    text: FormText | None = None
    number: Annotated[str, Field(max_length=40)] = ""


class FormTrial(Input):
    """A formula to be tried in the draft as it is saved: where it stands (a section, and a table of it for columns), and values by the names that
    the answer has asked for; of a column a line for each row."""

    formula: Annotated[str, Field(min_length=1, max_length=1000)]
    section: Annotated[str, Field(max_length=64)] = ""
    table: Annotated[str, Field(max_length=64)] = ""
    values: dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=20_000)]] = Field(
        default={}, max_length=100
    )


class FormNote(Input):
    """What is said to whoever reads: of a proposal what it is for, of a retirement the reason."""

    note: Annotated[str, Field(max_length=2000), PRINTED] = ""


class FormFault(BaseModel):
    """A fault of a form's text, by its line; with `error` it cannot be published."""

    line: int
    severity: Literal["error", "warning", "note"]
    message: str


class OutlineEntry(BaseModel):
    """A section, field, table, column, slot, named condition or check: where it stands in the form (`at`) and in the text (`line`), the `index`-th of
    `count` beside it. `values` are the properties that a small form can set, as they are; `by_hand` those among them that are written in a way
    which only the text shows."""

    at: Place
    sort: Literal["sections", "fields", "tables", "columns", "slots", "conditions", "checks"]
    key: str
    label: str
    line: int
    index: int
    count: int
    kind: str | None
    values: dict[str, Any]
    by_hand: list[str]


class FormChange(BaseModel):
    """What a version changes, in words; `attention`: somebody who has filled in the one before has to look."""

    where: str
    text: str
    attention: bool


class FormExampleView(BaseModel):
    """A kept example, judged: `said` is why it and the form do not agree; null where they do, or while the form has faults."""

    name: str
    refused: bool
    by: str
    day: date
    text: str
    said: str | None


class FormRead(BaseModel):
    """A text as lint reads it. `changes` are those since the version it began with; empty while the text cannot be read. `checks` are the form's, by
    their ids and rules: what an example may be refused by."""

    faults: list[FormFault]
    outline: list[OutlineEntry]
    changes: list[FormChange]
    examples: list[FormExampleView]
    checks: dict[str, str]
    publishable: bool


class FormQuestion(BaseModel):
    """A place that two people changed, each differently: its address (empty for the whole text), what it is called, the three texts; an empty one
    is not there. `choice` is what the joined text has."""

    place: str
    label: str
    before: str
    mine: str
    theirs: str
    choice: Literal["mine", "theirs"]


class FormMerged(BaseModel):
    """A joined text, to be saved with the tag `etag`; it is not kept. `mine` is the text that was joined, `theirs` the draft as it is now, by
    `changed_by`."""

    text: str
    mine: str
    theirs: str
    etag: str
    changed_by: str
    questions: list[FormQuestion]


class FormAsked(BaseModel):
    """A value that a formula looks at: by which name it is given, what it is called, what may be chosen (nothing: anything), whether a line for each
    row, what was given, what is wrong with it."""

    name: str
    label: str
    options: list[str]
    lines: bool
    given: str
    wrong: str | None


class FormTried(BaseModel):
    """What comes of a formula: `fault` where it is none, `words` in Chinese, `result`, and of a condition whether it `holds`."""

    fault: str | None
    words: str
    asked: list[FormAsked]
    result: str | None
    holds: bool | None


class FormProposal(BaseModel):
    """`own`: whoever asks may not publish it, since it is theirs."""

    by: str
    at: AwareDatetime
    note: str
    own: bool


class FormSave(BaseModel):
    number: int
    by: str
    at: AwareDatetime


class FormDraftView(FormRead):
    """The next version while it is written; `etag` is its tag."""

    fund_type: str
    based_on: int | None
    text: str
    etag: str
    changed_by: str
    changed_at: AwareDatetime
    proposal: FormProposal | None
    # Newest first.
    saves: list[FormSave]


class FormRetired(BaseModel):
    by: str
    at: AwareDatetime
    reason: str


class FormVersionView(BaseModel):
    """A published version. `office`: published here, else it came with the product. `fault`: why this release cannot use it."""

    version: int
    title: str
    office: bool
    sha256: str
    proposed_by: str | None
    published_by: str | None
    published_at: AwareDatetime | None
    retired: FormRetired | None
    fault: str | None
    rounds: list[str]


class FormDraftSummary(BaseModel):
    changed_by: str
    changed_at: AwareDatetime
    proposed: bool


class FormTypeView(BaseModel):
    """A fund type with its versions, newest first, and the draft of the next one."""

    fund_type: str
    label: str
    versions: list[FormVersionView]
    draft: FormDraftSummary | None


class FormVersionText(BaseModel):
    """A published version's text, and what it changes against `against`, the version before unless another was asked for."""

    fund_type: str
    label: str
    version: FormVersionView
    text: str
    against: int | None
    others: list[int]
    changes: list[FormChange]


class FormPreview(BaseModel):
    """A draft as an applicant meets one of its sections: the definition, and what the section's page is made of."""

    definition: FormDefinition
    page: SectionPage

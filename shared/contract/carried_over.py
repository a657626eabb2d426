"""The bodies of the public HTTP contract that speak of values taken over: from the registry, from the version before, from
an earlier application."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import Input
from shared.contract.sections import ApplicationView, AttachmentView, NamedPlace, RegistryView


class Entry(BaseModel):
    """What became of one part. Its place is that of the new form; of what is left over, that of the old one.

    `kept` and `moved` are as they were; `attention` is in its place and has to be looked at; `left_over` stands beside
    the form until it is dismissed; `new` was not asked before.
    """

    kind: Literal["kept", "moved", "attention", "left_over", "new"]
    code: str
    section: str
    section_label: str
    field: str | None = None
    label: str
    row: str | None = None
    column: str | None = None
    message: str


class FieldPlace(Input):
    """A field by its place."""

    section: str = Field(max_length=64)
    field: str = Field(max_length=64)


class Prefill(Input):
    """`adopt`: fields that are to be as the registry has them now, whatever stands there."""

    adopt: list[FieldPlace] = Field(default=[], max_length=500)


class PrefillReport(RegistryView):
    """What asking again came to: `filled` were empty, `adopted` taken over as asked, and `changed` differ from what
    stands there."""

    filled: list[NamedPlace]
    adopted: list[NamedPlace]
    changed: list[NamedPlace]


class SourceView(BaseModel):
    """The earlier application that values were copied from."""

    id: UUID
    number: str | None
    project_name: str
    round_title: str


class ReportView(BaseModel):
    """What became of every value that was taken over, from the version before (`rebase`) or an earlier application
    (`copy`). Places are those of the version it was taken into, those of `left_over` of the one it came from."""

    id: UUID
    kind: Literal["rebase", "copy"]
    created_at: AwareDatetime
    created_by: str
    from_version: int
    to_version: int
    source: SourceView | None
    entries: list[Entry]


class Rebased(BaseModel):
    application: ApplicationView
    report: ReportView


class LeftOverView(BaseModel):
    """A value without a place in the form: where it stood, how it reads, and why it is left over. `section` is where a
    page shows it; null where its material is no more."""

    id: UUID
    section: str | None
    section_label: str
    label: str
    text: str
    code: str
    message: str
    files: list[AttachmentView]
    created_at: AwareDatetime

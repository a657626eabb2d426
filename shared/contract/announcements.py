"""公示 and 项目批复 of lists, as the public HTTP contract tells them."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from shared.contract.bodies import PRINTED, Input
from shared.contract.decision import BudgetView

Kind = Literal["publicity", "approval"]


class DraftList(Input):
    """拟定: the round's draft of this kind, with every case that waits for it."""

    round: UUID
    kind: Kind


class ChangeList(Input):
    """A draft as it shall be. `working_days` is how long a 公示 lasts; `cases` are all that stand on the list."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), PRINTED]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), PRINTED]
    working_days: int | None = Field(default=None, ge=1, le=60)
    cases: list[UUID] = Field(max_length=2000)


class Share(BaseModel):
    """A part of a list: how many cases, 万元 in all."""

    label: str
    cases: int
    amount_wan: str


class ListedCase(BaseModel):
    """One case of a list. `fault` says why a draft cannot be published with it; `taken_off_at` is set, with the `reason`, where it
    left a published list."""

    id: UUID
    number: str | None
    project_name: str
    enterprise_name: str
    fund_type_label: str
    district: str
    state: str
    state_label: str
    amount_wan: str | None
    fault: str = ""
    taken_off_at: AwareDatetime | None = None
    taken_off_by: str | None = None
    reason: str | None = None


class AnnouncementSummary(BaseModel):
    """A list in short; `reference` (文号) and what follows are null until it is published."""

    id: UUID
    kind: Kind
    round: UUID
    round_title: str
    title: str
    cases: int
    amount_wan: str
    drafted_by: str
    drafted_at: AwareDatetime
    reference: str | None
    published_by: str | None
    published_at: AwareDatetime | None
    publicity_until: AwareDatetime | None


class AnnouncementView(AnnouncementSummary):
    """A list with its whole: sums by district and type beside the round's budget. `etag` changes with the list and with every case on
    it; `own`: the reader drafted it and cannot publish it; `others` might stand on it as well."""

    text: str
    working_days: int | None
    etag: str
    own: bool
    budget: BudgetView
    by_district: list[Share]
    by_type: list[Share]
    items: list[ListedCase]
    others: list[ListedCase]


class Waiting(BaseModel):
    """What of a round waits for a list of a kind, and stands on none; 万元."""

    kind: Kind
    round: UUID
    round_title: str
    cases: int
    amount_wan: str


class AnnouncementList(BaseModel):
    """Drafts first, then what was published, newest first, of `year` where it was asked for."""

    waiting: list[Waiting]
    items: list[AnnouncementSummary]
    years: list[int]


class PublishedCase(BaseModel):
    """One project of a 公示 or 批复, as anybody may read of it."""

    number: str | None
    project_name: str
    enterprise_name: str
    fund_type_label: str
    amount_wan: str
    taken_off_on: date | None


class Published(BaseModel):
    """A 公示 or 批复 as anybody may read it. `publicity_until` is the end of the last day of a 公示; `pdf`: its PDF is ready."""

    id: UUID
    kind: Kind = "publicity"
    title: str
    reference: str
    text: str
    round_title: str
    published_at: AwareDatetime
    publicity_until: AwareDatetime | None
    amount_wan: str
    pdf: bool
    items: list[PublishedCase]

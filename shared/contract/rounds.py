"""The bodies of the public HTTP contract that speak of rounds."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from shared.contract.applications import TimelineEntry
from shared.contract.bodies import PRINTED, Input
from shared.text import amounts

Budget = Annotated[Decimal, BeforeValidator(amounts.given), Field(gt=0, max_digits=14, decimal_places=2)]
Title = Annotated[str, Field(min_length=1, max_length=200), PRINTED]
Parameters = dict[str, str | int | list[str]]


# What a parameter of a round has to be.
Sort = Literal["number", "date", "text", "options"]


class NewRound(Input):
    """A round is published at once; with `publish: false` it is prepared first and seen by operators only."""

    fund_type: str
    form_version: int
    title: Title
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    parameters: Parameters = Field(default={}, max_length=100)
    # 万元 that may be approved in all; null: no budget.
    budget_wan: Budget | None = None
    publish: bool = True


class RoundChange(Input):
    """What is left out or null stays as it is; only a `budget_wan` of null takes the budget away."""

    fund_type: str | None = None
    form_version: int | None = None
    title: Title | None = None
    opens_at: AwareDatetime | None = None
    closes_at: AwareDatetime | None = None
    parameters: Parameters | None = Field(default=None, max_length=100)
    budget_wan: Budget | None = None
    reason: str | None = Field(default=None, max_length=2000)


class PublishRound(Input):
    """`accept_missing`: publish though numbers are missing; the checks that need them are then left out."""

    accept_missing: bool = False


class CloseRound(Input):
    reason: str = Field(min_length=1, max_length=2000)


class ExtensionInput(Input):
    enterprise: str = Field(min_length=1, max_length=60)
    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=2000)


class RoundView(BaseModel):
    """A round as the person who asks meets it: `accepts_until` is the close, or this enterprise's late acceptance;
    `is_open` says whether it takes applications from them now."""

    id: UUID
    fund_type: str
    fund_type_label: str
    form_title: str
    title: str
    form_version: int
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    accepts_until: AwareDatetime
    is_open: bool
    state: Literal["unpublished", "coming", "open", "closed"]
    parameters: dict[str, Any]


class RoundNeed(BaseModel):
    """A parameter that the form names: what it is for, and whether the round has it."""

    name: str
    kind: Sort
    used_by: list[str]
    missing: bool


class ExtensionView(BaseModel):
    enterprise: str
    until: AwareDatetime
    reason: str
    created_at: AwareDatetime


class RoundDetail(RoundView):
    """What operators work on. `version` is its tag; `unused` are parameters that the form does not name;
    `applications` counts what stands in each state."""

    published_at: AwareDatetime | None
    version: int
    budget_wan: str | None
    needs: list[RoundNeed]
    unused: list[str]
    extensions: list[ExtensionView]
    applications: dict[str, int]
    history: list[TimelineEntry]


class FormSummary(BaseModel):
    """A form that a round may be opened for."""

    fund_type: str
    version: int
    label: str
    title: str

"""The bodies of the public HTTP contract that speak of rounds."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from shared.contract.applications import TimelineEntry
from shared.contract.bodies import PRINTED, Input
from shared.contract.checks import Outcome
from shared.contract.four_eyes import WaitingExtension
from shared.text import amounts

Budget = Annotated[Decimal, BeforeValidator(amounts.given), Field(gt=0, max_digits=14, decimal_places=2)]
Title = Annotated[str, Field(min_length=1, max_length=200), PRINTED]
Parameters = dict[str, str | int | list[str]]


# The value of a parameter by which an office says that it sets no such limit in this round.
NO_LIMIT = "不设限"
# What a parameter of a round has to be.
Sort = Literal["number", "date", "text", "options"]


class NewRound(Input):
    """A round is published at once; with `publish: false` it is prepared first and seen by nobody outside. An office where a second
    person publishes takes it only so."""

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
    # A version of its notice (`PUT …/notice` writes one); 0 takes the notice away.
    notice: int | None = Field(default=None, ge=0)
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


# Whom an extension of a round is for: everybody; whose drafts were begun before an instant; who was turned away or failed in a minute that counts
# as degraded, of the last day before the close; who is listed.
Whom = Literal["all", "drafts", "turned_away", "listed"]


class ClassExtensionInput(Input):
    """补时 for a class of enterprises. `begun_before` is asked of `drafts` alone, `enterprises` (their 统一社会信用代码) of `listed` alone; of other
    classes they count for nothing."""

    whom: Whom
    until: AwareDatetime
    begun_before: AwareDatetime | None = None
    enterprises: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=20_000)
    reason: Annotated[str, Field(max_length=2000), PRINTED]


class ClassExtensionView(BaseModel):
    """An act by which a round was extended for a class: `said` names it, `enterprises` counts those who had it when `by` confirmed it at `at`, and
    `sha256` is that of their codes in order, a line each."""

    id: UUID
    said: str
    until: AwareDatetime
    reason: str
    enterprises: int
    sha256: str
    by: str
    at: AwareDatetime


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
    # What there is to be had and what is asked for it, as the card of the round says it.
    ceilings: list[str]
    # Whether a change waits for a second person; told to those who write, publish or serve rounds.
    proposed: bool
    # The version of its 申报通知 that is in force (`GET …/notice`); 0 where it has none.
    notice: int = 0


class RoundNeed(BaseModel):
    """A parameter that the form names, or the office whatever the form: what it is for, and whether the round has it.

    `label` is what people call it, `unit` what a number counts, `help` what to mind.

    A list with `choices` is ticked among these, the options of the field `chosen_from`; `choices_from` is the parameter that
    they come from, null where they are the form's own. `may_be_none`: a round may say that
    it has none of the list, or sets no limit. What limits money is set, or is `不设限`.
    """

    name: str
    label: str
    unit: str | None
    help: str | None
    kind: Sort
    used_by: list[str]
    missing: bool
    limits_money: bool
    chosen_from: str | None
    choices: list[str] | None
    choices_from: str | None
    may_be_none: bool


class RoundDifference(BaseModel):
    """What a round has otherwise than the one before; `name` is an attribute, or `parameters.` and a parameter; `label` is what
    people call the parameter, null for an attribute."""

    name: str
    label: str | None
    before: Any
    after: Any


class PreviousRound(BaseModel):
    """The round that this one was made from, or the one of its fund type that opened last before it, and what differs."""

    id: UUID
    title: str
    differences: list[RoundDifference]


class AskedMaterial(BaseModel):
    """A material, and the names of what must be filled in or uploaded in it."""

    label: str
    asked: list[str]


class LeftOutCheck(BaseModel):
    """A check that the round does not make, and the labels of the parameters that it lacks or by which it sets no limit."""

    rule: str
    missing: list[str]


class MadeUpApplication(BaseModel):
    """An application that nobody made, for one option of the round (`choice`; null for a form without): what it is asked for, and
    the checks that apply. Every amount of money in it is `amount_wan`, so what a check says of it tells the figure, not a fault."""

    choice: str | None
    amount_wan: str
    materials: list[AskedMaterial]
    checks: list[Outcome]
    left_out: list[LeftOutCheck]


class ExtensionView(BaseModel):
    enterprise: str
    until: AwareDatetime
    reason: str
    created_at: AwareDatetime


class RoundProposal(BaseModel):
    """A change of a published round that a second person confirms: who proposed it, what would differ (`before` as it is now). `own`
    says that whoever asks proposed it."""

    by: str
    own: bool
    at: AwareDatetime
    reason: str
    differences: list[RoundDifference]


class RoundDetail(RoundView):
    """What officers work on. `version` is its tag; `unused` are parameters that the form does not name;
    `applications` counts what stands in each state. `drafted_by` is who wrote it or changed it last before it was published, null where nobody is
    known; `own` says that this is whoever asks, in an office where somebody else has to publish it."""

    published_at: AwareDatetime | None
    drafted_by: str | None
    own: bool
    version: int
    budget_wan: str | None
    needs: list[RoundNeed]
    unused: list[str]
    extensions: list[ExtensionView]
    applications: dict[str, int]
    history: list[TimelineEntry]
    # None where there is no earlier one.
    previous: PreviousRound | None
    proposal: RoundProposal | None
    # For classes of enterprises, oldest first; `extensions` are those for one enterprise alone.
    class_extensions: list[ClassExtensionView]
    # Late acceptances and extensions for classes that a second person has to confirm.
    waiting_extensions: list[WaitingExtension]
    # Until it is published: one for each option of the round that an applicant chooses first.
    made_up: list[MadeUpApplication]


class FormSummary(BaseModel):
    """A form that a round may be opened for; `retired`: no new round takes it."""

    fund_type: str
    version: int
    label: str
    title: str
    retired: bool = False

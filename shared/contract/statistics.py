"""The part of the public HTTP contract that speaks of 统计: what a round's cases come to, from sums that the relay keeps current."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.review import Choice


class Line(BaseModel):
    """So many cases, what they apply for, and what is promised or given to them (万元)."""

    key: str
    label: str
    n: int
    applied_wan: Decimal
    approved_wan: Decimal


class Step(BaseModel):
    """How many cases ever came so far on their way."""

    state: str
    label: str
    n: int


class StageDays(BaseModel):
    """How many days the cases spent in a stage that have left it: half of them at most `median`, nine of ten at most `p90`."""

    state: str
    label: str
    n: int
    median: int
    p90: int
    longest: int


class ReturnReason(BaseModel):
    """How many opinions of returns were given at a place of a form."""

    section: str
    field: str | None
    n: int


class DayLoad(BaseModel):
    """What came and what was done on a day."""

    day: date
    submitted: int
    accepted: int
    returned: int
    passed: int
    decided: int


class Budget(BaseModel):
    """万元, of the rounds that have one: what may be given, and what is promised or given."""

    total_wan: Decimal
    used_wan: Decimal


class Statistics(BaseModel):
    """What the cases of a round, or of several, come to. `as_of`: up to when; null before the first count, and while all cases are being counted
    for the first time (`filling`) some are missing. `round`: which, null for all. `forms`: the versions that these cases filled in."""

    round: UUID | None
    rounds: list[Choice]
    fund_types: list[Choice]
    districts: list[str]
    as_of: AwareDatetime | None
    filling: bool
    all: Line
    budget: Budget | None
    states: list[Line]
    way: list[Step]
    by_type: list[Line]
    by_district: list[Line]
    by_direction: list[Line]
    stages: list[StageDays]
    reasons: list[ReturnReason]
    days: list[DayLoad]
    forms: list[Choice]

"""Define 好差评 as the public HTTP contract shows it."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from shared.contract.bodies import PRINTED, Input


class RatingInput(Input):
    """What an enterprise says of the office's work: 5 非常满意, 4 满意, 3 基本满意, 2 不满意, 1 非常不满意."""

    score: int = Field(ge=1, le=5)
    text: Annotated[str, Field(max_length=500), PRINTED] = ""


class RatingView(BaseModel):
    score: int
    text: str
    at: AwareDatetime


class RatedRound(BaseModel):
    """How the cases of a round were rated: `counts` from 5 down to 1, of `ended` cases that could have been."""

    round: UUID
    title: str
    ended: int
    counts: list[int]


class RatedCase(RatingView):
    """A rating with words, for the bureau: without the enterprise's name, which nobody has to know to mend what was wrong."""

    round_title: str


class Ratings(BaseModel):
    """The rounds that have ratings, newest first, and the latest words."""

    rounds: list[RatedRound]
    latest: list[RatedCase]

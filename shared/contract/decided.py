"""Define what was decided of an application, as the public HTTP contract tells it."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel


class DecidedLetter(BaseModel):
    """The letter that tells a decision; its PDF is `/applications/{id}/letters/{letter}`."""

    id: UUID
    name: str
    reference: str


class Decided(BaseModel):
    """What was decided, when, why, and what comes `next`. `propose` is told to the bureau alone until a 公示 is published
    (`publish`); `announcement` is its page, null where the case was published by itself. `take_off`: it left its 公示. `label` and `next` are for people. 万元, in figures and in words
    (大写), where something is given. 公示 runs from `publicity_from` to the end of its last day, `publicity_until`; `missed` is the
    correction deadline that passed."""

    action: Literal["propose", "publish", "take_off", "approve", "decline", "refuse", "lapse"]
    label: str
    at: AwareDatetime
    amount_wan: str | None
    amount_words: str | None
    reason: str
    publicity_from: AwareDatetime | None
    publicity_until: AwareDatetime | None
    announcement: UUID | None = None
    missed: AwareDatetime | None
    next: str
    letter: DecidedLetter | None

"""Show a round as a card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contract.applications import ApplicationSummary
from shared.contract.rounds import RoundView


@dataclass(frozen=True)
class RoundCard:
    """A round as its card shows it. `drafts`: what this enterprise has begun in it; `earlier`: there is something to copy from."""

    id: UUID
    title: str
    form_title: str
    fund_type_label: str
    opens_at: datetime
    closes_at: datetime
    is_open: bool
    ceilings: list[str]
    # Whether it has a notice to read (`/notices/{id}`).
    noticed: bool
    drafts: list[ApplicationSummary]
    earlier: bool

    @classmethod
    def of(
        cls, round_: RoundView, drafts: Sequence[ApplicationSummary] = (), *, earlier: bool = False
    ) -> "RoundCard":
        return cls(
            round_.id,
            round_.title,
            round_.form_title,
            round_.fund_type_label,
            round_.opens_at,
            round_.accepts_until,
            round_.is_open,
            round_.ceilings,
            bool(round_.notice),
            [draft for draft in drafts if draft.round_id == round_.id],
            earlier,
        )

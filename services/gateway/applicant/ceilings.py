"""Show a round as a card, with its limits in the office's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contract.applications import ApplicationSummary
from shared.contract.rounds import RoundView
from shared.text import amounts

# Parameters of rounds that say how much there is to be had, in the office's words; others are for the form.
CEILINGS = {
    "per_item_wan": "单项最高 {} 万元",
    "org_year_cap_wan": "同一企业当年最高 {} 万元",
    "cap_wan": "最高 {} 万元",
    "ratio_max": "支持比例不超过 {}",
    "ratio": "支持比例 {}",
    "min_verified_investment_wan": "核定投资不低于 {} 万元",
    "progress_min": "项目完成进度不低于 {}",
}


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
            round_.closes_at,
            round_.is_open,
            ceilings(round_.parameters),
            [draft for draft in drafts if draft.round_id == round_.id],
            earlier,
        )


def ceilings(parameters: Mapping[str, Any]) -> list[str]:
    """A round's limits as a card shows them; ratios as percentages."""
    found = []
    for name, text in CEILINGS.items():
        value = parameters.get(name)
        if isinstance(value, str | int):
            is_ratio = "比例" in text or "进度" in text
            found.append(text.format(_percent(str(value)) if is_ratio else amounts.show(value)))
    return found


def _percent(ratio: str) -> str:
    """Write a ratio as an exact percentage; a parameter that is no number, which the form does not use, as it stands."""
    try:
        return f"{(amounts.read(ratio) * 100).normalize():f}%"
    except amounts.NotANumber:
        return ratio

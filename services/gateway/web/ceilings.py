"""Say a round's limits in the office's words."""

from collections.abc import Mapping
from typing import Any

from shared.contract.rounds import NO_LIMIT
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


def ceilings(parameters: Mapping[str, Any]) -> list[str]:
    """A round's limits as a card shows them; ratios as percentages."""
    found = []
    for name, text in CEILINGS.items():
        value = parameters.get(name)
        if isinstance(value, str | int) and value != NO_LIMIT:
            is_ratio = "比例" in text or "进度" in text
            found.append(text.format(_percent(str(value)) if is_ratio else amounts.show(value)))
    return found


def _percent(ratio: str) -> str:
    """Write a ratio as an exact percentage; a parameter that is no number, which the form does not use, as it stands."""
    try:
        return f"{(amounts.read(ratio) * 100).normalize():f}%"
    except amounts.NotANumber:
        return ratio

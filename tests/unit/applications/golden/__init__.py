"""What each form makes of one complete application: kept values, what counts, every check, how its sections stand.

`python -m tests.unit.applications.golden` writes the files anew; read the difference before committing it.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import OtherApplications, RoundFacts
from services.applications.forms.filled import reading, validation
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.section_state import effective, now
from services.applications.forms.filled.situation import Facts
from shared import clock
from tests import factories

FOLDER = Path(__file__).parent
DAY = date(2026, 6, 15)
# Every parameter that one of the four forms asks for.
ROUND = {
    "directions": ["工艺美术生产工艺和产品创新研发、规模化生产", "工艺美术专业服务平台建设", "国家级重大活动礼品设计开发"],
    "platform_directions": ["工艺美术专业服务平台建设"], "collection_directions": ["收藏和组织创作工艺美术优秀作品"],
    "per_item_wan": "50", "org_year_cap_wan": "300", "ratio": "0.50", "cap_wan": "50", "ratio_max": "0.30", "collection_ratio_max": "1.00",
    "platform_cap_wan": "200", "min_verified_investment_wan": "100", "platform_min_investment_wan": "200", "progress_min": "0.50",
    "platform_served_firms_min": "20", "platform_staff_min": "15", "earliest_start": "2022-01-01", "period_years_max": "3",
    "collection_period_years_max": "2",
}  # fmt: skip


def made(fund_type: str) -> dict[str, Any]:
    """The golden content of a fund type, on a day that does not move."""
    form = catalogue_form(fund_type, 1)
    with mock.patch.object(clock, "today", return_value=DAY):
        values = factories.values_of(fund_type, {slot: [f"{slot}-1"] for slot in factories.SLOTS[fund_type]})
        others = OtherApplications(count=1, same_type_count=1, same_type_applied_wan="12.50")
        facts = Facts(RoundFacts(parameters=ROUND, closes_on="2026-07-31"), others, today=DAY)
        saved: dict[str, dict[str, Any]] = {}
        standing = {}
        for section in form.sections:
            files = {slot.key: frozenset(values[section.key].get(slot.key) or ()) for slot in section.slots}
            context = reading.Context(form=form, facts=facts, files=files, saved=saved)
            saved[section.key] = _named(validation.validate(section, values[section.key], context))
            standing[section.key] = now(section, context.situation(section, saved[section.key])).model_dump()
        return {
            "kept": saved,
            "counts": effective(form, saved, facts),
            "checks": [outcome.model_dump() for outcome in evaluate(form, saved, facts)],
            "stands": standing,
        }


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """The values with rows numbered, where they were named by chance."""
    for rows in values.values():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            for number, row in enumerate(rows, 1):
                row["id"] = row.get("row", f"row-{number}")
    return values


def text(fund_type: str) -> str:
    return json.dumps(made(fund_type), ensure_ascii=False, indent=1) + "\n"

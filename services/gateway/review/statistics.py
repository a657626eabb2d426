"""Show 统计: what the cases of a round come to, drawn and in tables."""

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from services.gateway.web import charts
from services.gateway.web.calls import ask, filters
from services.gateway.web.rendering import page
from shared.contract.statistics import Line, Statistics

# Bars of a chart: what has more is read in its table.
BARS = 16
# What stands in the address for all rounds; without a round it is the latest.
ALL = "all"


async def show(request: web.Request) -> web.Response:
    """统计, of the latest round unless another is chosen."""
    shown, query = filters(request, "round", "fund_type", "district")
    asked = {**query, "round": shown["round"] or "latest"}
    if shown["round"] == ALL:
        del asked["round"]
    found = (await ask(request, "GET", "/review/statistics", Statistics, query=asked)).body
    drawn = {
        "way": charts.bars("各环节的件数", [(one.label, one.n) for one in found.way]),
        "by_type": _drawn("各类专项资金的申请金额（万元）", found.by_type),
        "by_district": _drawn("各区的申请金额（万元）", found.by_district),
        "by_direction": _drawn("各支持方向的申请金额（万元）", found.by_direction),
        "days": charts.by_day(
            "近 14 日每日提交和办理的件数",
            {
                "提交": [(one.day, one.submitted) for one in found.days],
                "办理": [(one.day, one.accepted + one.returned + one.passed + one.decided) for one in found.days],
            },
        ),
    }
    context = {
        "found": found,
        "asked": shown,
        "drawn": drawn,
        "export": urlencode({**asked, **({"round": str(found.round)} if found.round else {})}),
    }
    return page(request, "review/statistics.html", context)


def _drawn(label: str, lines: Sequence[Line]) -> object:
    return charts.bars(label, [(one.label, float(one.applied_wan)) for one in lines[:BARS]])

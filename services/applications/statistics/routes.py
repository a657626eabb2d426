"""List the routes of 统计."""

from services.applications.statistics import analysis, api
from shared.contract.statistics import Statistics
from shared.http.app import Route
from shared.roles import GATEWAY, STAFF

ASKED = ("round", "fund_type", "district")

ROUTES = [
    Route("GET", "/api/v1/review/statistics", api.show, GATEWAY, STAFF, answer=Statistics, query=ASKED),
    Route(
        "GET", "/api/v1/review/statistics/export", api.export, GATEWAY, STAFF,
        query=ASKED, media_type="application/octet-stream",
    ),
    Route(
        "GET", "/api/v1/review/statistics/analysis", analysis.export, GATEWAY, STAFF,
        query=("form", "round"), media_type="application/octet-stream",
    ),
]  # fmt: skip

"""The lines of the route table for the bureau's pages."""

from services.applications.bureau import api
from services.applications.review.case_list_params import FILTERS
from shared.contract.applications import Nothing
from shared.contract.bureau import CasePage, ExpertCasePage, QueuePage, RankingPage, ReturnPage
from shared.http.app import Route
from shared.roles import DIRECTOR, EXPERT, GATEWAY, REVIEWER, STAFF

R = "/api/v1/review/applications/{id}"

ROUTES = [
    Route(
        "GET", "/api/v1/review/queue", api.show_queue_page, GATEWAY, STAFF, answer=QueuePage,
        query=(*FILTERS, "cursor"),
    ),
    Route("GET", f"{R}/case", api.show_case, GATEWAY, STAFF, answer=CasePage, query=("file", "opinion")),
    Route(
        "POST", f"{R}/case/reveal", api.reveal_case, GATEWAY, REVIEWER | DIRECTOR, Nothing, CasePage,
        query=("file", "opinion"),
    ),
    Route("GET", f"{R}/return", api.show_return, GATEWAY, REVIEWER, answer=ReturnPage),
    Route(
        "GET", "/api/v1/expert/applications/{id}/case", api.show_scored_case, GATEWAY, EXPERT, answer=ExpertCasePage
    ),
    Route(
        "GET", "/api/v1/review/ranking/page", api.show_ranking_page, GATEWAY, STAFF, answer=RankingPage, query=("round",)
    ),
]  # fmt: skip

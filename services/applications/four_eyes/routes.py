"""List the routes of what two people do."""

from services.applications.four_eyes import api
from shared.contract.applications import Nothing
from shared.contract.four_eyes import Confirmations, Refuse, SeparationReport
from shared.http.app import Route
from shared.roles import AUDITOR, DIRECTOR, GATEWAY, OPERATOR, REVIEWER, ROUND_PUBLISHERS, SECOND_PERSONS

C = "/api/v1/confirmations"

ROUTES = [
    Route("GET", C, api.show_confirmations, GATEWAY, SECOND_PERSONS, answer=Confirmations),
    Route("POST", f"{C}/{{id}}/confirm", api.confirm, GATEWAY, REVIEWER | ROUND_PUBLISHERS | OPERATOR, Nothing, status=204),
    Route("POST", f"{C}/{{id}}/refuse", api.refuse, GATEWAY, REVIEWER | ROUND_PUBLISHERS | OPERATOR, Refuse, status=204),
    Route("GET", "/api/v1/separation", api.show_report, GATEWAY, DIRECTOR | AUDITOR, answer=SeparationReport, query=("year",)),
    Route("GET", "/api/v1/separation/file", api.export_report, GATEWAY, DIRECTOR | AUDITOR, query=("year",), media_type="application/octet-stream"),
]  # fmt: skip

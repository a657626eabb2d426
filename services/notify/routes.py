"""Every route of the service: who may call it, for whom."""

from services.notify import api
from services.notify.schemas import Inbox
from shared.identity import Role
from shared.messages import Deliveries, EventToShow, RenderedMail
from shared.web import HEALTH, METRICS, Route

GATEWAY = frozenset({"gateway"})
APPLICATIONS = frozenset({"applications"})
APPLICANT = frozenset({Role.APPLICANT})

ROUTES = [
    Route(
        "GET", "/api/v1/notifications", api.list_notices, GATEWAY, APPLICANT, answer=Inbox, query=("cursor",)
    ),
    Route("POST", "/api/v1/notifications/{id}/read", api.read_notice, GATEWAY, APPLICANT, status=204),
    Route("GET", "/internal/deliveries", api.deliveries, APPLICATIONS, answer=Deliveries),
    Route("POST", "/internal/preview", api.preview, APPLICATIONS, body=EventToShow, answer=RenderedMail),
    Route("GET", "/internal/openapi.json", api.describe, GATEWAY),
    *HEALTH,
    *METRICS,
]  # fmt: skip

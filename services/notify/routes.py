"""List the routes of the service: who may call one, for whom."""

from services.notify import api
from shared.contract.notify import Forget, Inbox, ParkedNotice, Resend, Unsubscribe, Unsubscribed
from shared.http import openapi
from shared.http.app import HEALTH, METRICS, Route
from shared.messages import Deliveries, Delivery, EventToShow, ParkedMails, RenderedMail
from shared.roles import APPLICANT, APPLICATIONS, GATEWAY, TELLERS

ROUTES = [
    Route(
        "GET", "/api/v1/notifications", api.list_notices, GATEWAY, APPLICANT, answer=Inbox, query=("cursor",)
    ),
    Route("POST", "/api/v1/notifications/{id}/read", api.read_notice, GATEWAY, APPLICANT, status=204),
    Route("GET", "/api/v1/notifications/parked", api.list_parked, GATEWAY, TELLERS, answer=list[ParkedNotice]),
    Route("POST", "/api/v1/notifications/{id}/resend", api.resend, GATEWAY, TELLERS, Resend, Delivery),
    Route("POST", "/internal/unsubscribe", api.unsubscribe, GATEWAY, body=Unsubscribe, answer=Unsubscribed),
    Route("GET", "/internal/deliveries", api.deliveries, APPLICATIONS, answer=Deliveries),
    Route("GET", "/internal/parked", api.parked_mails, APPLICATIONS, answer=ParkedMails),
    Route("POST", "/internal/forget", api.forget, APPLICATIONS, body=Forget, status=204),
    Route("POST", "/internal/preview", api.preview, APPLICATIONS, body=EventToShow, answer=RenderedMail),
    Route("GET", "/internal/openapi.json", openapi.describe, GATEWAY),
    *HEALTH,
    *METRICS,
]  # fmt: skip

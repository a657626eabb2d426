"""List the routes of what the bureau's people and the experts are told."""

from services.applications.messages import api
from shared.contract.messages import ChooseMessages, Messages, ReadMessages, Unread
from shared.http.app import Route
from shared.roles import CASE_WORKERS, GATEWAY

M = "/api/v1/messages"

ROUTES = [
    Route("GET", M, api.show_messages, GATEWAY, CASE_WORKERS, answer=Messages, query=("cursor",)),
    Route("GET", f"{M}/unread", api.count_unread, GATEWAY, CASE_WORKERS, answer=Unread),
    Route("POST", f"{M}/read", api.mark_read, GATEWAY, CASE_WORKERS, ReadMessages, status=204),
    Route("PUT", f"{M}/choices", api.choose, GATEWAY, CASE_WORKERS, ChooseMessages, status=204),
]

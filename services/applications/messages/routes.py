"""List the routes of what the bureau's people and the experts are told."""

from services.applications.messages import api
from shared.contract.messages import ChooseMessages, Messages, ReadMessages, Unread
from shared.http.app import Route
from shared.roles import GATEWAY, TOLD

M = "/api/v1/messages"

ROUTES = [
    Route("GET", M, api.show_messages, GATEWAY, TOLD, answer=Messages, query=("cursor",)),
    Route("GET", f"{M}/unread", api.count_unread, GATEWAY, TOLD, answer=Unread),
    Route("POST", f"{M}/read", api.mark_read, GATEWAY, TOLD, ReadMessages, status=204),
    Route("PUT", f"{M}/choices", api.choose, GATEWAY, TOLD, ChooseMessages, status=204),
]

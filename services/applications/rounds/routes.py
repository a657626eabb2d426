"""List the routes of rounds and forms: who may call a route, with what."""

from services.applications.forms.definition import Form
from services.applications.rounds import api
from shared.contract.rounds import (
    CloseRound,
    ExtensionInput,
    FormSummary,
    NewRound,
    PublishRound,
    RoundChange,
    RoundDetail,
    RoundView,
)
from shared.http.app import Route
from shared.roles import EVERYONE, GATEWAY, OPERATOR

ROUTES = [
    # Without a person: what is open, and until when, stands at the entrance for everybody.
    Route("GET", "/api/v1/rounds", api.list_rounds, GATEWAY, answer=list[RoundView]),
    Route("POST", "/api/v1/rounds", api.create_round, GATEWAY, OPERATOR, NewRound, RoundDetail, 201),
    Route("GET", "/api/v1/rounds/{id}", api.get_round, GATEWAY, OPERATOR, answer=RoundDetail),
    Route("POST", "/api/v1/rounds/{id}/successor", api.succeed_round, GATEWAY, OPERATOR, answer=RoundDetail, status=201),
    Route("PATCH", "/api/v1/rounds/{id}", api.change_round, GATEWAY, OPERATOR, RoundChange, RoundDetail),
    Route(
        "POST", "/api/v1/rounds/{id}/publish", api.publish_round, GATEWAY, OPERATOR, PublishRound, RoundDetail
    ),
    Route("POST", "/api/v1/rounds/{id}/close", api.close_round, GATEWAY, OPERATOR, CloseRound, RoundDetail),
    Route(
        "POST", "/api/v1/rounds/{id}/extensions", api.extend_round, GATEWAY, OPERATOR,
        ExtensionInput, ExtensionInput, 201,
    ),
    Route("GET", "/api/v1/forms", api.list_forms, GATEWAY, EVERYONE, answer=list[FormSummary]),
    Route("GET", "/api/v1/forms/{fund_type}/{version}", api.get_form, GATEWAY, EVERYONE, answer=Form),
]  # fmt: skip

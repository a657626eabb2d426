"""List the routes of rounds and forms: who may call a route, with what."""

from services.applications.forms.definition import Form
from services.applications.rounds import api
from shared.contract.four_eyes import Proposed
from shared.contract.rounds import (
    ClassExtensionInput,
    ClassExtensionView,
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
from shared.roles import EVERYONE, GATEWAY, OFFICER, OPERATOR, ROUND_PUBLISHERS, ROUND_READERS

ROUTES = [
    # Without a person: what is open, and until when, stands at the entrance for everybody.
    Route("GET", "/api/v1/rounds", api.list_rounds, GATEWAY, answer=list[RoundView]),
    Route("POST", "/api/v1/rounds", api.create_round, GATEWAY, OFFICER, NewRound, RoundDetail, 201),
    Route("GET", "/api/v1/rounds/{id}", api.get_round, GATEWAY, ROUND_READERS, answer=RoundDetail),
    Route("POST", "/api/v1/rounds/{id}/successor", api.succeed_round, GATEWAY, OFFICER, answer=RoundDetail, status=201),
    Route("PATCH", "/api/v1/rounds/{id}", api.change_round, GATEWAY, OFFICER, RoundChange, RoundDetail),
    Route(
        "POST", "/api/v1/rounds/{id}/publish", api.publish_round, GATEWAY, ROUND_PUBLISHERS, PublishRound, RoundDetail
    ),
    Route("POST", "/api/v1/rounds/{id}/proposal", api.confirm_change, GATEWAY, ROUND_PUBLISHERS, answer=RoundDetail),
    Route("DELETE", "/api/v1/rounds/{id}/proposal", api.withdraw_change, GATEWAY, ROUND_PUBLISHERS, answer=RoundDetail),
    Route("POST", "/api/v1/rounds/{id}/close", api.close_round, GATEWAY, OFFICER, CloseRound, RoundDetail),
    Route(
        "POST", "/api/v1/rounds/{id}/extensions", api.extend_round, GATEWAY, OFFICER,
        ExtensionInput, ExtensionInput, 201, waits=Proposed,
    ),
    Route(
        "POST", "/api/v1/rounds/{id}/class-extensions", api.extend_class, GATEWAY, OFFICER | OPERATOR,
        ClassExtensionInput, ClassExtensionView, 201, waits=Proposed,
    ),
    Route("GET", "/api/v1/forms", api.list_forms, GATEWAY, EVERYONE, answer=list[FormSummary]),
    Route("GET", "/api/v1/forms/{fund_type}/{version}", api.get_form, GATEWAY, EVERYONE, answer=Form),
]  # fmt: skip

"""List the routes of submission and its history: who may call a route, with what."""

from services.applications.filling.applications_api import (
    create_application,
    get_application,
    get_checks,
    list_applications,
    prefill,
)
from services.applications.submission import applications_api, confirmation_api, history_api, verify_api
from shared.contract.applications import ApplicationPage, Nothing
from shared.contract.carried_over import Prefill, PrefillReport
from shared.contract.checks import Obstacle, Outcome
from shared.contract.confirmation import ConfirmInput
from shared.contract.sections import ApplicationView, StartApplication
from shared.contract.submission import (
    Change,
    RevisionSnapshot,
    RevisionView,
    Submit,
    Submitted,
    Timeline,
    Verification,
)
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, DIRECTOR, GATEWAY, JUDGES, READERS, REVIEWER

A = "/api/v1/applications/{id}"
LIST = ("state", "q", "fund_type", "cursor", "limit")

ROUTES = [
    Route(
        "GET", "/api/v1/applications", list_applications, GATEWAY, APPLICANT,
        answer=ApplicationPage, query=LIST,
    ),
    Route(
        "POST", "/api/v1/applications", create_application, GATEWAY, APPLICANT,
        StartApplication, ApplicationView, 201, idempotent=True, duty=Duty.FILL,
    ),
    Route("GET", A, get_application, GATEWAY, JUDGES, answer=ApplicationView),
    Route(
        "DELETE", A, applications_api.delete_application, GATEWAY, APPLICANT, Nothing, status=204, if_match=True, duty=Duty.SIGN
    ),
    Route(
        "POST", f"{A}/submit", applications_api.submit_application, GATEWAY, APPLICANT,
        Submit, Submitted, if_match=True, idempotent=True, duty=Duty.SIGN,
    ),
    Route(
        "POST", f"{A}/withdraw", applications_api.withdraw_application, GATEWAY, APPLICANT,
        Nothing, ApplicationView, if_match=True, duty=Duty.SIGN,
    ),
    Route(
        "POST", f"{A}/confirmation/ask", confirmation_api.ask_confirmation, GATEWAY, APPLICANT,
        Nothing, ApplicationView, if_match=True, duty=Duty.FILL,
    ),
    Route(
        "POST", f"{A}/confirmation", confirmation_api.confirm_application, GATEWAY, APPLICANT,
        ConfirmInput, ApplicationView, if_match=True, duty=Duty.CHECK,
    ),
    Route(
        "GET", f"{A}/checks", get_checks, GATEWAY, JUDGES, answer=list[Outcome], query=("typed",)
    ),
    Route(
        "POST", f"{A}/prefill", prefill, GATEWAY, APPLICANT, Prefill, PrefillReport, duty=Duty.FILL,
    ),
    Route("GET", f"{A}/problems", applications_api.get_problems, GATEWAY, APPLICANT, answer=list[Obstacle]),
    Route("GET", f"{A}/revisions", history_api.list_revisions, GATEWAY, READERS, answer=list[RevisionView]),
    Route(
        "GET", f"{A}/revisions/{{n}}", history_api.get_revision, GATEWAY, JUDGES,
        answer=RevisionSnapshot, query=("masked",),
    ),
    Route(
        "POST", f"{A}/revisions/{{n}}/reveal", history_api.reveal, GATEWAY, APPLICANT | REVIEWER | DIRECTOR,
        Nothing, RevisionSnapshot,
    ),
    Route(
        "GET", f"{A}/revisions/{{n}}/changes", history_api.get_changes, GATEWAY, READERS,
        answer=list[Change], query=("since", "masked"),
    ),
    Route("GET", f"{A}/changes", history_api.get_pending_changes, GATEWAY, READERS, answer=list[Change]),
    Route("GET", f"{A}/timeline", history_api.timeline, GATEWAY, READERS, answer=Timeline),
    Route(
        "GET", "/internal/verify/{token}", verify_api.verification, GATEWAY, answer=Verification, query=("file",)
    ),
    Route("GET", "/internal/keys", verify_api.keys, GATEWAY),
]  # fmt: skip

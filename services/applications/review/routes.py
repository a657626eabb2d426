"""List the routes of the review desk: who may call a route, with what."""

from services.applications.review import (
    case_api,
    case_list_api,
    checklist_api,
    opinions_api,
    returns_api,
    unlock_api,
)
from services.applications.review.case_list_params import FILTERS
from shared.contract.applications import ApplicationPage, ApplicationSummary, Nothing
from shared.contract.returns import (
    ChangeOpinion,
    CommonReturn,
    OpinionInput,
    OpinionView,
    Raise,
    Reply,
    ReturnApplication,
)
from shared.contract.review import (
    AskUnlock,
    Assign,
    Assigned,
    Away,
    ChecklistInput,
    ChecklistView,
    DecideUnlock,
    DeskCounts,
    FilterChoices,
    FilterView,
    KeepFilter,
    PhraseInput,
    PhraseView,
    ReturnPreview,
    StaffView,
    TakeLease,
    UnlockRequestView,
)
from shared.contract.sections import Origin
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, DIRECTOR, GATEWAY, READERS, REVIEWER, STAFF

R = "/api/v1/review/applications/{id}"
QUEUE = (*FILTERS, "cursor", "limit")


A = "/api/v1/applications/{id}"

ROUTES = [
    Route(
        "GET", f"{A}/unlock-requests", unlock_api.list_requests, GATEWAY, READERS, answer=list[UnlockRequestView]
    ),
    Route("POST", f"{A}/unlock-requests", unlock_api.ask, GATEWAY, APPLICANT, AskUnlock, UnlockRequestView, 201, duty=Duty.FILL),
    Route("GET", f"{A}/opinions", opinions_api.list_opinions, GATEWAY, READERS, answer=list[OpinionView]),
    Route(
        "PUT", f"{A}/opinions/{{opinion}}", opinions_api.answer_opinion, GATEWAY, APPLICANT, Reply, OpinionView, duty=Duty.FILL
    ),
    Route(
        "GET", "/api/v1/common-returns/{fund_type}", opinions_api.show_common_returns, GATEWAY, APPLICANT,
        answer=list[CommonReturn],
    ),
    Route(
        "GET", "/api/v1/review/applications", case_list_api.show_queue, GATEWAY, STAFF,
        answer=ApplicationPage, query=QUEUE,
    ),
    Route(
        "GET", "/api/v1/review/counts", case_list_api.show_counts, GATEWAY, STAFF,
        answer=DeskCounts, query=FILTERS,
    ),
    Route("GET", "/api/v1/review/choices", case_list_api.show_choices, GATEWAY, STAFF, answer=FilterChoices),
    Route("GET", "/api/v1/review/reviewers", case_list_api.list_reviewers, GATEWAY, STAFF, answer=list[StaffView]),
    Route("PUT", "/api/v1/review/away", case_list_api.set_away, GATEWAY, REVIEWER, Away, status=204),
    Route(
        "POST", "/api/v1/review/assignments", case_list_api.assign, GATEWAY, REVIEWER | DIRECTOR,
        Assign, list[Assigned],
    ),
    Route("POST", "/api/v1/review/next", case_list_api.take_next, GATEWAY, REVIEWER, Nothing, ApplicationSummary),
    Route("GET", "/api/v1/review/filters", case_list_api.list_filters, GATEWAY, STAFF, answer=list[FilterView]),
    Route(
        "POST", "/api/v1/review/filters", case_list_api.keep_filter, GATEWAY, STAFF, KeepFilter, FilterView, 201
    ),
    Route("DELETE", "/api/v1/review/filters/{id}", case_list_api.forget_filter, GATEWAY, STAFF, status=204),
    Route("GET", f"{R}/origins", case_api.show_origins, GATEWAY, STAFF, answer=list[Origin]),
    Route("GET", f"{R}/others", case_api.show_others, GATEWAY, STAFF, answer=list[ApplicationSummary]),
    Route("POST", f"{R}/lease", case_list_api.take_lease, GATEWAY, REVIEWER, TakeLease, ApplicationSummary),
    Route("DELETE", f"{R}/lease", case_list_api.drop_lease, GATEWAY, REVIEWER, Nothing, status=204),
    Route(
        "POST", f"{R}/return", returns_api.send_back, GATEWAY, REVIEWER,
        ReturnApplication, ApplicationSummary, if_match=True,
    ),
    Route(
        "POST", f"{R}/return/preview", returns_api.preview, GATEWAY, REVIEWER, ReturnApplication, ReturnPreview
    ),
    Route(
        "POST", f"{R}/unlock-requests/{{request}}/grant", unlock_api.decision(grant=True), GATEWAY, REVIEWER,
        DecideUnlock, UnlockRequestView,
    ),
    Route(
        "POST", f"{R}/unlock-requests/{{request}}/refuse", unlock_api.decision(grant=False), GATEWAY, REVIEWER,
        DecideUnlock, UnlockRequestView,
    ),
    Route("POST", f"{R}/opinions", returns_api.note, GATEWAY, REVIEWER, OpinionInput, OpinionView, 201),
    Route(
        "PUT", f"{R}/opinions/{{opinion}}", returns_api.change, GATEWAY, REVIEWER, ChangeOpinion, OpinionView
    ),
    Route("DELETE", f"{R}/opinions/{{opinion}}", returns_api.forget, GATEWAY, REVIEWER, status=204),
    Route("GET", f"{R}/checklist", checklist_api.show_checklist, GATEWAY, STAFF, answer=ChecklistView),
    Route(
        "PUT", f"{R}/checklist", checklist_api.save_checklist, GATEWAY, REVIEWER,
        ChecklistInput, ChecklistView, if_match=True,
    ),
    Route("GET", "/api/v1/review/phrases", returns_api.list_phrases, GATEWAY, STAFF, answer=list[PhraseView]),
    Route(
        "POST", "/api/v1/review/phrases", returns_api.add_phrase, GATEWAY, REVIEWER | DIRECTOR,
        PhraseInput, PhraseView, 201,
    ),
    Route(
        "PUT", "/api/v1/review/phrases/{id}", returns_api.change_phrase, GATEWAY, REVIEWER | DIRECTOR,
        PhraseInput, PhraseView,
    ),
    Route(
        "DELETE", "/api/v1/review/phrases/{id}", returns_api.remove_phrase, GATEWAY, REVIEWER | DIRECTOR,
        status=204,
    ),
    Route(
        "POST", f"{R}/opinions/{{opinion}}/accept", opinions_api.accept_opinion, GATEWAY, REVIEWER,
        Nothing, OpinionView, if_match=True,
    ),
    Route(
        "POST", f"{R}/opinions/{{opinion}}/raise", opinions_api.raise_opinion, GATEWAY, REVIEWER,
        Raise, OpinionView, if_match=True,
    ),
]  # fmt: skip

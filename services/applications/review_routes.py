"""The review desk's lines of the route table."""

from services.applications.api import case, desk, opinions, returning, review
from services.applications.desk_schemas import (
    Assign,
    Assigned,
    Away,
    DeskCounts,
    FilterChoices,
    FilterView,
    KeepFilter,
    Origin,
    PhraseInput,
    PhraseView,
    ReturnPreview,
    StaffView,
    TakeLease,
)
from services.applications.schemas import (
    ApplicationPage,
    ApplicationSummary,
    Decision,
    Extend,
    Nothing,
    OpinionInput,
    OpinionView,
    Raise,
    ReturnApplication,
)
from services.applications.workflow import Action
from shared.identity import Role
from shared.web import Route

GATEWAY = frozenset({"gateway"})
REVIEWER = frozenset({Role.REVIEWER})
DIRECTOR = frozenset({Role.DIRECTOR})
STAFF = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.AUDITOR})

R = "/api/v1/review/applications/{id}"
QUEUE = (*desk.FILTERS, "cursor", "limit")


def review_routes() -> list[Route]:
    return [
        Route(
            "GET", "/api/v1/review/applications", desk.show_queue, GATEWAY, STAFF,
            answer=ApplicationPage, query=QUEUE,
        ),
        Route(
            "GET", "/api/v1/review/counts", desk.show_counts, GATEWAY, STAFF,
            answer=DeskCounts, query=desk.FILTERS,
        ),
        Route("GET", "/api/v1/review/choices", desk.show_choices, GATEWAY, STAFF, answer=FilterChoices),
        Route("GET", "/api/v1/review/reviewers", desk.list_reviewers, GATEWAY, STAFF, answer=list[StaffView]),
        Route("PUT", "/api/v1/review/away", desk.set_away, GATEWAY, REVIEWER, Away, status=204),
        Route(
            "POST", "/api/v1/review/assignments", desk.assign, GATEWAY, REVIEWER | DIRECTOR,
            Assign, list[Assigned],
        ),
        Route("POST", "/api/v1/review/next", desk.take_next, GATEWAY, REVIEWER, Nothing, ApplicationSummary),
        Route("GET", "/api/v1/review/filters", desk.list_filters, GATEWAY, STAFF, answer=list[FilterView]),
        Route(
            "POST", "/api/v1/review/filters", desk.keep_filter, GATEWAY, STAFF, KeepFilter, FilterView, 201
        ),
        Route("DELETE", "/api/v1/review/filters/{id}", desk.forget_filter, GATEWAY, STAFF, status=204),
        Route("GET", f"{R}/origins", case.show_origins, GATEWAY, STAFF, answer=list[Origin]),
        Route("GET", f"{R}/others", case.show_others, GATEWAY, STAFF, answer=list[ApplicationSummary]),
        Route("POST", f"{R}/lease", desk.take_lease, GATEWAY, REVIEWER, TakeLease, ApplicationSummary),
        Route("DELETE", f"{R}/lease", desk.drop_lease, GATEWAY, REVIEWER, Nothing, status=204),
        Route(
            "POST", f"{R}/return", returning.send_back, GATEWAY, REVIEWER,
            ReturnApplication, ApplicationSummary, if_match=True,
        ),
        Route(
            "POST", f"{R}/return/preview", returning.preview, GATEWAY, REVIEWER, ReturnApplication, ReturnPreview
        ),
        Route("POST", f"{R}/opinions", returning.note, GATEWAY, REVIEWER, OpinionInput, OpinionView, 201),
        Route("DELETE", f"{R}/opinions/{{opinion}}", returning.forget, GATEWAY, REVIEWER, status=204),
        Route("GET", "/api/v1/review/phrases", returning.list_phrases, GATEWAY, STAFF, answer=list[PhraseView]),
        Route(
            "POST", "/api/v1/review/phrases", returning.add_phrase, GATEWAY, REVIEWER | DIRECTOR,
            PhraseInput, PhraseView, 201,
        ),
        Route(
            "PUT", "/api/v1/review/phrases/{id}", returning.change_phrase, GATEWAY, REVIEWER | DIRECTOR,
            PhraseInput, PhraseView,
        ),
        Route(
            "DELETE", "/api/v1/review/phrases/{id}", returning.remove_phrase, GATEWAY, REVIEWER | DIRECTOR,
            status=204,
        ),
        _decision(Action.ACCEPT, REVIEWER, "纳批: take into formal review."),
        _decision(Action.PASS, REVIEWER, "通过形式审查: on to the experts."),
        _decision(Action.REFUSE, REVIEWER, "不予受理, with a reason."),
        _decision(Action.PROPOSE, DIRECTOR, "拟支持, with an amount not above what was applied for."),
        _decision(Action.DECLINE, DIRECTOR, "不予支持, with a reason."),
        _decision(Action.APPROVE, DIRECTOR, "公示无异议: the publicity days have passed."),
        Route(
            "POST", f"{R}/recall", review.recall, GATEWAY, REVIEWER, Nothing, ApplicationSummary, if_match=True
        ),
        Route("POST", f"{R}/extend", review.extend, GATEWAY, REVIEWER, Extend, ApplicationSummary, if_match=True),
        Route(
            "POST", f"{R}/opinions/{{opinion}}/accept", opinions.accept_opinion, GATEWAY, REVIEWER,
            Nothing, OpinionView, if_match=True,
        ),
        Route(
            "POST", f"{R}/opinions/{{opinion}}/raise", opinions.raise_opinion, GATEWAY, REVIEWER,
            Raise, OpinionView, if_match=True,
        ),
    ]  # fmt: skip


def _decision(action: Action, roles: frozenset[Role], text: str) -> Route:
    handler = review.decision(action, text)
    return Route(
        "POST", f"{R}/{action.value}", handler, GATEWAY, roles, Decision, ApplicationSummary, if_match=True
    )

"""List the routes of the stages: who may call a route, with what."""

from services.applications.decision import announcements_api, api, bulk_api, experts_api, moves_api
from services.applications.review.case_list_params import FILTERS
from services.applications.review.export_api import export
from services.applications.workflow import Action
from shared.contract.announcements import AnnouncementList, AnnouncementView, ChangeList, DraftList, Published
from shared.contract.applications import ApplicationSummary, DocumentStatus, Nothing
from shared.contract.decision import (
    Accept,
    BatchView,
    Decision,
    DeclareRecusal,
    ExpertsOfCase,
    GiveToExperts,
    LetterView,
    MyCase,
    MySheet,
    NewBatch,
    NoteObjection,
    ObjectionView,
    OpenSheet,
    PublicityList,
    Ranking,
    RecusalView,
    Recuse,
    SettleObjection,
    SheetValues,
    StageView,
)
from shared.contract.four_eyes import Proposed
from shared.contract.returns import Extend
from shared.contract.review import Assigned, MoveMany
from shared.http.app import Route
from shared.identity import Role
from shared.roles import APPLICANT, DIRECTOR, EXPERT, GATEWAY, REVIEWER, STAFF

A = "/api/v1/applications/{id}"
R = "/api/v1/review/applications/{id}"
E = "/api/v1/expert/applications/{id}"
L = "/api/v1/review/announcements"


def _decision(action: Action, roles: frozenset[Role], text: str) -> Route:
    handler = moves_api.decision(action, text)
    return Route(
        "POST", f"{R}/{action.value}", handler, GATEWAY, roles, Decision, ApplicationSummary, if_match=True
    )


ROUTES = [
    Route("POST", f"{R}/accept", moves_api.accept, GATEWAY, REVIEWER, Accept, ApplicationSummary, if_match=True),
    _decision(Action.PASS, REVIEWER, "通过形式审查: on to the experts."),
    _decision(Action.REFUSE, REVIEWER, "不予受理, with a reason."),
    _decision(Action.PROPOSE, DIRECTOR, "拟支持, with an amount not above what was applied for."),
    _decision(Action.DECLINE, DIRECTOR, "不予支持, with a reason."),
    _decision(Action.RECONSIDER, DIRECTOR, "重新审定 what is 拟支持 and not published yet, with a reason."),
    _decision(Action.TAKE_OFF, DIRECTOR, "撤出公示, with a reason; the case is to be decided anew."),
    _decision(Action.APPROVE, DIRECTOR, "公示无异议: the publicity days have passed."),
    Route(
        "POST", f"{R}/recall", moves_api.recall, GATEWAY, REVIEWER, Nothing, ApplicationSummary, if_match=True
    ),
    Route("POST", f"{R}/extend", moves_api.extend, GATEWAY, REVIEWER, Extend, ApplicationSummary, if_match=True, waits=Proposed),
    Route(
        "GET", "/api/v1/review/batches", api.list_batches, GATEWAY, STAFF,
        answer=list[BatchView], query=("round",),
    ),
    Route("POST", "/api/v1/review/batches", api.make_batch, GATEWAY, REVIEWER, NewBatch, BatchView, 201),
    Route("POST", "/api/v1/review/batches/{id}/close", api.close_batch, GATEWAY, REVIEWER, status=204),
    Route(
        "GET", "/api/v1/review/ranking", api.show_ranking, GATEWAY, STAFF, answer=Ranking, query=("round",)
    ),
    Route(
        "POST", "/api/v1/review/moves", bulk_api.move, GATEWAY, REVIEWER | DIRECTOR, MoveMany, list[Assigned]
    ),
    Route(
        "GET", "/api/v1/review/export", export, GATEWAY, STAFF,
        query=("format", *FILTERS), media_type="application/octet-stream",
    ),
    Route("GET", f"{R}/stage", api.show_stage, GATEWAY, STAFF, answer=StageView),
    Route(
        "GET", "/api/v1/review/score-sheets", api.list_waited_for, GATEWAY, STAFF, answer=list[OpenSheet]
    ),
    Route("GET", f"{R}/experts", api.show_experts, GATEWAY, STAFF, answer=ExpertsOfCase),
    Route(
        "PUT", f"{R}/experts", api.give_to_experts, GATEWAY, REVIEWER | DIRECTOR,
        GiveToExperts, ExpertsOfCase, if_match=True,
    ),
    Route(
        "POST", f"{R}/objections", api.note_objection, GATEWAY, REVIEWER | DIRECTOR,
        NoteObjection, ObjectionView, 201,
    ),
    Route(
        "POST", f"{R}/objections/{{objection}}", api.settle_objection, GATEWAY, REVIEWER | DIRECTOR,
        SettleObjection, ObjectionView,
    ),
    # lists: 公示, 项目批复
    Route("GET", L, announcements_api.list_all, GATEWAY, STAFF, answer=AnnouncementList, query=("year",)),
    Route("POST", L, announcements_api.draft, GATEWAY, REVIEWER | DIRECTOR, DraftList, AnnouncementView, 201),
    Route("GET", f"{L}/{{id}}", announcements_api.show, GATEWAY, STAFF, answer=AnnouncementView),
    Route(
        "PUT", f"{L}/{{id}}", announcements_api.change, GATEWAY, REVIEWER | DIRECTOR,
        ChangeList, AnnouncementView, if_match=True,
    ),
    Route(
        "DELETE", f"{L}/{{id}}", announcements_api.discard, GATEWAY, REVIEWER | DIRECTOR, status=204, if_match=True
    ),
    Route(
        "POST", f"{L}/{{id}}/publish", announcements_api.publish, GATEWAY, DIRECTOR,
        Nothing, AnnouncementView, if_match=True,
    ),
    Route(
        "GET", f"{L}/{{id}}/pdf", announcements_api.get_pdf, GATEWAY, STAFF,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    # the experts
    Route("GET", "/api/v1/expert/applications", experts_api.list_mine, GATEWAY, EXPERT, answer=list[MyCase]),
    Route("GET", f"{E}/sheet", experts_api.show_sheet, GATEWAY, EXPERT, answer=MySheet),
    Route("PUT", f"{E}/sheet", experts_api.keep_sheet, GATEWAY, EXPERT, SheetValues, MySheet),
    Route("POST", f"{E}/sheet", experts_api.submit_sheet, GATEWAY, EXPERT, SheetValues, MySheet),
    Route("POST", f"{E}/recusal", experts_api.recuse, GATEWAY, EXPERT, Recuse, status=204),
    Route(
        "GET", "/api/v1/expert/recusals", experts_api.list_recusals, GATEWAY, EXPERT, answer=list[RecusalView]
    ),
    Route(
        "POST", "/api/v1/expert/recusals", experts_api.declare_recusal, GATEWAY, EXPERT, DeclareRecusal, status=204
    ),
    # both sides, and everybody
    Route("GET", f"{A}/letters", api.list_letters, GATEWAY, APPLICANT | STAFF, answer=list[LetterView]),
    Route(
        "GET", f"{A}/letters/{{letter}}", api.get_letter, GATEWAY, APPLICANT | STAFF,
        media_type="application/pdf", waits=DocumentStatus,
    ),
    Route(
        "GET", "/internal/publicity", announcements_api.show_publicity, GATEWAY,
        answer=PublicityList, query=("year",),
    ),
    Route("GET", "/internal/publicity/{id}", announcements_api.show_published, GATEWAY, answer=Published),
    Route(
        "GET", "/internal/publicity/{id}/pdf", announcements_api.get_published_pdf, GATEWAY,
        media_type="application/pdf",
    ),
]  # fmt: skip

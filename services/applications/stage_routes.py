"""The stages' lines of the route table."""

from services.applications.api import experts, many, stages
from services.applications.api.desk import FILTERS
from services.applications.desk_schemas import Assigned, MoveMany
from services.applications.schemas import DocumentStatus
from services.applications.stage_schemas import (
    BatchView,
    DeclareRecusal,
    ExpertsOfCase,
    GiveToExperts,
    LetterView,
    MyCase,
    MySheet,
    NewBatch,
    NoteObjection,
    ObjectionView,
    PublicityList,
    Ranking,
    RecusalView,
    Recuse,
    SettleObjection,
    SheetValues,
    StageView,
)
from shared.identity import Role
from shared.web import Route

GATEWAY = frozenset({"gateway"})
APPLICANT = frozenset({Role.APPLICANT})
REVIEWER = frozenset({Role.REVIEWER})
EXPERT = frozenset({Role.EXPERT})
DIRECTOR = frozenset({Role.DIRECTOR})
STAFF = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.AUDITOR})

A = "/api/v1/applications/{id}"
R = "/api/v1/review/applications/{id}"
E = "/api/v1/expert/applications/{id}"


def stage_routes() -> list[Route]:
    """From 纳批 to 公示: the bureau's, the experts', everybody's."""
    return [
        Route(
            "GET", "/api/v1/review/batches", stages.list_batches, GATEWAY, STAFF,
            answer=list[BatchView], query=("round",),
        ),
        Route("POST", "/api/v1/review/batches", stages.make_batch, GATEWAY, REVIEWER, NewBatch, BatchView, 201),
        Route("POST", "/api/v1/review/batches/{id}/close", stages.close_batch, GATEWAY, REVIEWER, status=204),
        Route(
            "GET", "/api/v1/review/ranking", stages.show_ranking, GATEWAY, STAFF, answer=Ranking, query=("round",)
        ),
        Route(
            "POST", "/api/v1/review/moves", many.move, GATEWAY, REVIEWER | DIRECTOR, MoveMany, list[Assigned]
        ),
        Route(
            "GET", "/api/v1/review/export", many.export, GATEWAY, STAFF,
            query=("format", *FILTERS), media_type="application/octet-stream",
        ),
        Route("GET", f"{R}/stage", stages.show_stage, GATEWAY, STAFF, answer=StageView),
        Route("GET", f"{R}/experts", stages.show_experts, GATEWAY, STAFF, answer=ExpertsOfCase),
        Route(
            "PUT", f"{R}/experts", stages.give_to_experts, GATEWAY, REVIEWER | DIRECTOR,
            GiveToExperts, ExpertsOfCase, if_match=True,
        ),
        Route(
            "POST", f"{R}/objections", stages.note_objection, GATEWAY, REVIEWER | DIRECTOR,
            NoteObjection, ObjectionView, 201,
        ),
        Route(
            "POST", f"{R}/objections/{{objection}}", stages.settle_objection, GATEWAY, REVIEWER | DIRECTOR,
            SettleObjection, ObjectionView,
        ),
        # the experts
        Route("GET", "/api/v1/expert/applications", experts.list_mine, GATEWAY, EXPERT, answer=list[MyCase]),
        Route("GET", f"{E}/sheet", experts.show_sheet, GATEWAY, EXPERT, answer=MySheet),
        Route("PUT", f"{E}/sheet", experts.keep_sheet, GATEWAY, EXPERT, SheetValues, MySheet),
        Route("POST", f"{E}/sheet", experts.submit_sheet, GATEWAY, EXPERT, SheetValues, MySheet),
        Route("POST", f"{E}/recusal", experts.recuse, GATEWAY, EXPERT, Recuse, status=204),
        Route(
            "GET", "/api/v1/expert/recusals", experts.list_recusals, GATEWAY, EXPERT, answer=list[RecusalView]
        ),
        Route(
            "POST", "/api/v1/expert/recusals", experts.declare_recusal, GATEWAY, EXPERT, DeclareRecusal, status=204
        ),
        # both sides, and everybody
        Route("GET", f"{A}/letters", stages.list_letters, GATEWAY, APPLICANT | STAFF, answer=list[LetterView]),
        Route(
            "GET", f"{A}/letters/{{letter}}", stages.get_letter, GATEWAY, APPLICANT | STAFF,
            media_type="application/pdf", waits=DocumentStatus,
        ),
        Route("GET", "/internal/publicity", stages.show_publicity, GATEWAY, answer=PublicityList),
    ]  # fmt: skip

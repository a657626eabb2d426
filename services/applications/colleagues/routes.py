"""List the routes of what colleagues tell each other about a case: the bureau reads it, reviewers and directors write."""

from services.applications.colleagues import api
from shared.contract.applications import Nothing
from shared.contract.colleagues import (
    AnswerInput,
    CaseColleagues,
    CaseFileView,
    InquiryInput,
    InquiryView,
    NoteInput,
    NoteView,
)
from shared.http.app import Route
from shared.roles import DIRECTOR, GATEWAY, REVIEWER, STAFF

R = "/api/v1/review/applications/{id}"
WRITERS = REVIEWER | DIRECTOR

ROUTES = [
    Route("GET", f"{R}/colleagues", api.show_colleagues, GATEWAY, STAFF, answer=CaseColleagues),
    Route("PUT", f"{R}/notes/{{note}}", api.write_note, GATEWAY, WRITERS, NoteInput, NoteView),
    Route("DELETE", f"{R}/notes/{{note}}", api.withdraw_note, GATEWAY, WRITERS, status=204),
    Route(
        "POST", f"{R}/files", api.add_file, GATEWAY, WRITERS,
        answer=CaseFileView, status=201, query=("kind", "limited"), takes_file=True,
    ),
    Route(
        "GET", f"{R}/files/{{file}}", api.download, GATEWAY, STAFF, media_type="application/octet-stream"
    ),
    Route("DELETE", f"{R}/files/{{file}}", api.remove_file, GATEWAY, WRITERS, status=204),
    Route("PUT", f"{R}/inquiries/{{inquiry}}", api.ask, GATEWAY, WRITERS, InquiryInput, InquiryView),
    Route("POST", f"{R}/inquiries/{{inquiry}}/answer", api.give_answer, GATEWAY, WRITERS, AnswerInput, status=204),
    Route("POST", f"{R}/inquiries/{{inquiry}}/close", api.close, GATEWAY, WRITERS, Nothing, status=204),
]  # fmt: skip

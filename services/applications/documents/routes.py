"""List the routes of documents: who may call a route, with what."""

from services.applications.documents import api
from shared.contract.applications import DocumentStatus, Nothing
from shared.contract.decision import LetterRegister
from shared.http.app import Route
from shared.roles import APPLICANT, DIRECTOR, FORM_EDITOR, GATEWAY, JUDGES, REVIEWER, STAFF

A = "/api/v1/applications/{id}"

ROUTES = [
    Route(
        "POST", f"{A}/preview", api.preview, GATEWAY, APPLICANT,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", f"{A}/commitment.pdf", api.commitment, GATEWAY, APPLICANT,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "POST", f"{A}/revisions/{{n}}/pdf", api.make_pdf, GATEWAY, JUDGES,
        Nothing, DocumentStatus, waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", f"{A}/revisions/{{n}}/pdf", api.get_pdf, GATEWAY, JUDGES,
        media_type="application/pdf", waits=DocumentStatus,
    ),
    Route(
        "GET", f"{A}/revisions/{{n}}/receipt.pdf", api.receipt, GATEWAY, APPLICANT,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", f"{A}/revisions/{{n}}/brief.pdf", api.case_in_short, GATEWAY, REVIEWER | DIRECTOR,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", "/api/v1/rounds/{id}/form.pdf", api.form_of_round, GATEWAY, APPLICANT,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", "/api/v1/form-drafts/{fund_type}/pdf", api.form_draft, GATEWAY, FORM_EDITOR,
        media_type="application/pdf", waits=DocumentStatus, query=("look",),
    ),
    Route(
        "GET", "/api/v1/review/letters", api.list_letters, GATEWAY, STAFF,
        answer=LetterRegister, query=("series", "year", "unopened", "cursor", "limit"),
    ),
]  # fmt: skip

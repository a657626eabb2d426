"""List the routes of 申报通知: who may call a route, with what."""

from services.applications.notices import api
from shared.contract.notices import (
    EligibilityAnswers,
    EligibilityTrial,
    EligibilityView,
    RoundNotice,
    RoundNoticeFile,
    RoundNoticeInput,
)
from shared.contract.rounds import RoundDetail
from shared.http.app import Route
from shared.roles import APPLICANT, GATEWAY, OFFICER

N = "/api/v1/rounds/{id}/notice"

ROUTES = [
    # Without a person: whoever wants to apply reads them before having an account.
    Route("GET", N, api.get_notice, GATEWAY, answer=RoundNotice, query=("number",)),
    Route("GET", f"{N}/files/{{file}}", api.download, GATEWAY, media_type="application/octet-stream"),
    Route("PUT", N, api.write_notice, GATEWAY, OFFICER, RoundNoticeInput, RoundDetail, if_match=True),
    Route("POST", f"{N}/files", api.upload, GATEWAY, OFFICER, answer=RoundNoticeFile, status=201, takes_file=True),
    Route("POST", f"{N}/trial", api.try_questions, GATEWAY, OFFICER, EligibilityTrial, EligibilityView),
    Route(
        "POST", "/api/v1/rounds/{id}/eligibility", api.ask, GATEWAY, APPLICANT, EligibilityAnswers, EligibilityView
    ),
]  # fmt: skip

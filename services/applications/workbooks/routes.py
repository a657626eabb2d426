"""List the routes of workbooks: who may call a route, with what."""

from services.applications.workbooks import api
from shared.contract.workbooks import WorkbookAgreed, WorkbookKept, WorkbookRead
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, GATEWAY

W = "/api/v1/applications/{id}/workbook"

ROUTES = [
    Route("GET", W, api.take, GATEWAY, APPLICANT, media_type=api.XLSX, query=("section",)),
    Route("POST", W, api.bring, GATEWAY, APPLICANT, answer=WorkbookRead, takes_file=True, duty=Duty.FILL),
    Route("PUT", f"{W}/agreed", api.agree, GATEWAY, APPLICANT, WorkbookAgreed, WorkbookKept, duty=Duty.FILL),
]

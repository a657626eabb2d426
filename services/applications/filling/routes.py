"""List the routes of filling in a draft: who may call a route, with what."""

from services.applications.filling import carried_over_api, sections_api, sms_api
from shared.contract.applications import Nothing
from shared.contract.carried_over import LeftOverView, Rebased, ReportView
from shared.contract.sections import SectionValues, SectionView, SectionWritten, ShortMessages
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, GATEWAY

A = "/api/v1/applications/{id}"

ROUTES = [
    Route("GET", f"{A}/sections/{{key}}", sections_api.get_section, GATEWAY, APPLICANT, answer=SectionView),
    Route(
        "PUT", f"{A}/sections/{{key}}", sections_api.save_section, GATEWAY, APPLICANT,
        SectionValues, SectionWritten, if_match=True, duty=Duty.FILL,
    ),
    Route(
        "PUT", f"{A}/sections/{{key}}/draft", sections_api.keep_draft, GATEWAY, APPLICANT,
        SectionValues, SectionWritten, if_match=True, duty=Duty.FILL,
    ),
    Route(
        "DELETE", f"{A}/sections/{{key}}/draft", sections_api.discard_draft, GATEWAY, APPLICANT,
        Nothing, SectionWritten, if_match=True, duty=Duty.FILL,
    ),
    Route("PUT", f"{A}/sms", sms_api.choose, GATEWAY, APPLICANT, ShortMessages, status=204, duty=Duty.FILL),
    Route("GET", f"{A}/rebase", carried_over_api.foresee, GATEWAY, APPLICANT, answer=ReportView),
    Route(
        "POST", f"{A}/rebase", carried_over_api.rebase, GATEWAY, APPLICANT, Nothing, Rebased, if_match=True, duty=Duty.FILL
    ),
    Route("GET", f"{A}/reports", carried_over_api.reports, GATEWAY, APPLICANT, answer=list[ReportView]),
    Route("GET", f"{A}/left-over", carried_over_api.left_over, GATEWAY, APPLICANT, answer=list[LeftOverView]),
    Route(
        "DELETE", f"{A}/left-over/{{item}}", carried_over_api.dismiss_left_over, GATEWAY, APPLICANT, Nothing, status=204, duty=Duty.FILL
    ),
]  # fmt: skip

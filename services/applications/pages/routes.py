"""The route table of pages: who may call a route, with what."""

from services.applications.pages import api
from shared.contract.applications import Nothing
from shared.contract.pages import ApplicationRead, SectionPage, SectionTaken, SubmissionPage
from shared.contract.sections import SectionValues
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, GATEWAY

A = "/api/v1/applications/{id}"

ROUTES = [
    Route("GET", f"{A}/sections/{{key}}/page", api.show_section, GATEWAY, APPLICANT, answer=SectionPage),
    Route(
        "PUT", f"{A}/sections/{{key}}/page", api.take_section, GATEWAY, APPLICANT,
        SectionValues, SectionTaken, if_match=True, duty=Duty.FILL,
    ),
    Route("GET", f"{A}/submission/page", api.show_submission, GATEWAY, APPLICANT, answer=SubmissionPage),
    Route(
        "GET", f"{A}/page", api.show_application, GATEWAY, APPLICANT, answer=ApplicationRead, query=("revision",)
    ),
    Route(
        "POST", f"{A}/page", api.reveal_application, GATEWAY, APPLICANT,
        Nothing, ApplicationRead, query=("revision",),
    ),
]  # fmt: skip

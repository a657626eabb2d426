"""List the routes of attachments: who may call a route, with what."""

from services.applications.attachments import api, pages_api
from shared.contract.sections import AttachmentView, FilePages, JoinFiles, TakeEarlier
from shared.http.app import Route
from shared.identity import Duty
from shared.roles import APPLICANT, GATEWAY, JUDGES

A = "/api/v1/applications/{id}"

ROUTES = [
    Route(
        "POST", f"{A}/attachments", api.upload, GATEWAY, APPLICANT,
        answer=AttachmentView, status=201, query=("section", "slot"), takes_file=True, duty=Duty.FILL,
        by_phone=True,
    ),
    Route(
        "POST", f"{A}/attachments/joined", api.join, GATEWAY, APPLICANT, JoinFiles, AttachmentView, status=201, duty=Duty.FILL
    ),
    Route(
        "POST", f"{A}/attachments/earlier", api.take_earlier, GATEWAY, APPLICANT, TakeEarlier, list[AttachmentView], status=201,
        duty=Duty.FILL,
    ),
    Route(
        "GET", f"{A}/attachments/{{attachment}}", api.download, GATEWAY, JUDGES,
        media_type="application/octet-stream",
    ),
    Route("DELETE", f"{A}/attachments/{{attachment}}", api.remove, GATEWAY, APPLICANT, status=204, duty=Duty.FILL),
    Route(
        "GET", f"{A}/attachments/{{attachment}}/pages", pages_api.count_pages, GATEWAY, JUDGES, answer=FilePages
    ),
    Route(
        "GET", f"{A}/attachments/{{attachment}}/thumbnail", pages_api.show_thumbnail, GATEWAY, JUDGES,
        media_type="image/webp",
    ),
    Route(
        "GET", f"{A}/attachments/{{attachment}}/pages/{{n}}", pages_api.show_page, GATEWAY, JUDGES,
        media_type="image/webp",
    ),
]  # fmt: skip

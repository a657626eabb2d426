"""List the routes of 卷宗."""

from services.applications.dossiers import api
from shared.contract.applications import Nothing
from shared.contract.dossiers import DossierInput, Dossiers, DossierView
from shared.http.app import Route
from shared.roles import DIRECTOR, GATEWAY, REVIEWER

D = "/api/v1/review/dossiers"
WHO = REVIEWER | DIRECTOR

ROUTES = [
    Route("GET", D, api.show_dossiers, GATEWAY, WHO, answer=Dossiers),
    Route("POST", D, api.ask, GATEWAY, WHO, DossierInput, DossierView),
    Route("POST", f"{D}/{{id}}/stop", api.stop, GATEWAY, WHO, Nothing, DossierView),
    Route("GET", f"{D}/{{id}}/file", api.take, GATEWAY, WHO, media_type="application/zip"),
]

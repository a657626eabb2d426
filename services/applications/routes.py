"""Join the features' route tables into the service's."""

from services.applications.attachments import routes as attachments
from services.applications.bureau import routes as bureau
from services.applications.colleagues import routes as colleagues
from services.applications.decision import routes as decision
from services.applications.documents import routes as documents
from services.applications.dossiers import routes as dossiers
from services.applications.filling import routes as filling
from services.applications.four_eyes import routes as four_eyes
from services.applications.messages import routes as messages
from services.applications.notices import routes as notices
from services.applications.operations import routes as operations
from services.applications.pages import routes as pages
from services.applications.ratings import routes as ratings
from services.applications.review import routes as review
from services.applications.rounds import routes as rounds
from services.applications.sandbox import routes as sandbox
from services.applications.statistics import routes as statistics
from services.applications.submission import routes as submission
from services.applications.workbench import routes as workbench
from services.applications.workbooks import routes as workbooks
from shared.http import openapi
from shared.http.app import HEALTH, METRICS, Route
from shared.roles import GATEWAY

ROUTES = [
    *rounds.ROUTES,
    *workbench.ROUTES,
    *sandbox.ROUTES,
    *submission.ROUTES,
    *filling.ROUTES,
    *attachments.ROUTES,
    *notices.ROUTES,
    *workbooks.ROUTES,
    *documents.ROUTES,
    *review.ROUTES,
    *ratings.ROUTES,
    *statistics.ROUTES,
    *dossiers.ROUTES,
    *colleagues.ROUTES,
    *messages.ROUTES,
    *decision.ROUTES,
    *four_eyes.ROUTES,
    *bureau.ROUTES,
    *operations.ROUTES,
    *pages.ROUTES,
    Route("GET", "/internal/openapi.json", openapi.describe, GATEWAY),
    *HEALTH,
    *METRICS,
]

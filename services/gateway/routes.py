"""Join the audiences' route tables into that of the public port."""

from services.gateway.account_pages import routes as account_pages
from services.gateway.api import routes as api
from services.gateway.applicant import routes as applicant
from services.gateway.form import routes as form
from services.gateway.forms import routes as forms
from services.gateway.operator import routes as operator
from services.gateway.public import routes as public
from services.gateway.review import routes as review
from services.gateway.rounds import routes as rounds
from services.gateway.signin import routes as signin
from services.gateway.web.access import Page

AUDIENCES = (signin, account_pages, public, applicant, form, review, rounds, forms, operator, api)
DEVELOPMENT = operator.DEVELOPMENT
# What the gateway answers itself, for the description of the API.
DESCRIBED = [*api.DESCRIBED, *operator.DESCRIBED]


def table(*, development: bool) -> list[Page]:
    """The whole table; the lines for development only where that is wanted."""
    pages = [page for audience in AUDIENCES for page in audience.PAGES]
    return [*pages, *(DEVELOPMENT if development else [])]

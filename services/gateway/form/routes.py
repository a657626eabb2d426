"""List the routes of the form."""

from services.gateway.form import section_page
from services.gateway.web.access import Page
from services.gateway.web.limits import KEEPING
from shared.roles import APPLICANT

A = "/applications/{id}"

PAGES = [
    Page("GET", f"{A}/sections/{{key}}", section_page.show, APPLICANT),
    Page("POST", f"{A}/sections/{{key}}", section_page.take, APPLICANT, form=True, limit=KEEPING, files=True),
    Page("GET", f"{A}/checks", section_page.checks, APPLICANT),
]

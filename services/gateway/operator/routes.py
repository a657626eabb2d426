"""List the routes of operators and auditors."""

from services.gateway.operator import audit_page, ops, promise_page, styleguide
from services.gateway.operator.audit_reading import AccountAudit
from services.gateway.web.access import ANYBODY, Page
from services.gateway.web.limits import HEAVY
from shared.http.app import Route
from shared.roles import AUDITOR, OPERATOR

PAGES = [
    # auditors
    Page("GET", "/audit", audit_page.show, AUDITOR),
    Page("POST", "/audit/export", audit_page.export, AUDITOR, form=True, limit=HEAVY),
    # operators
    Page("GET", "/ops", ops.overview, OPERATOR),
    Page("GET", "/ops/slo", promise_page.overview, OPERATOR),
    Page("GET", "/ops/slo/{id}", promise_page.one_round, OPERATOR),
    Page("POST", "/ops/slo/{id}", promise_page.extend, OPERATOR, form=True),
    Page("POST", "/ops/switches", ops.switch, OPERATOR, form=True),
    Page("POST", "/ops/parked/requeue", ops.requeue_all, OPERATOR, form=True),
    Page("POST", "/ops/parked/{id}/requeue", ops.requeue, OPERATOR, form=True),
    Page("GET", "/api/v1/audit/accounts", audit_page.read_accounts, AUDITOR),
]

# What those who build the pages look at.
DEVELOPMENT = [Page("GET", "/styleguide", styleguide.show, ANYBODY)]

# For the description of the API.
DESCRIBED = [
    Route(
        "GET",
        "/api/v1/audit/accounts",
        audit_page.read_accounts,
        roles=AUDITOR,
        answer=AccountAudit,
        query=("actor", "action", "since", "until", "cursor", "limit"),
    ),
]

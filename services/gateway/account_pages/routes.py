"""List the routes of pages about one's own account."""

from services.gateway.account_pages import consent, invitations, members, own_data, sessions
from services.gateway.web.access import SIGNED_IN, Page
from services.gateway.web.limits import HEAVY
from shared.roles import APPLICANT

PAGES = [
    Page("GET", "/account/consent", consent.show, APPLICANT, early=True),
    Page("POST", "/account/consent", consent.take, APPLICANT, form=True, early=True),
    Page("GET", "/account/data", own_data.show, SIGNED_IN),
    Page("POST", "/account/data", own_data.export, SIGNED_IN, form=True, limit=HEAVY),
    Page("GET", "/account/sessions", sessions.show, SIGNED_IN),
    Page("POST", "/account/sessions/{id}/end", sessions.end_one, SIGNED_IN, form=True),
    Page("POST", "/account/sessions/end-others", sessions.end_others, SIGNED_IN, form=True),
    Page("POST", "/account/sessions/end-all", sessions.end_all, SIGNED_IN, form=True),
    Page("GET", "/account/unit", members.show, APPLICANT),
    Page("POST", "/account/unit/members/{id}", members.change, APPLICANT, form=True),
    Page("POST", "/account/unit/invitations", members.invite, APPLICANT, form=True),
    Page("POST", "/account/unit/invitations/{id}/end", members.take_back, APPLICANT, form=True),
    Page("GET", "/invitations/{secret}", invitations.show, APPLICANT),
    Page("POST", "/invitations/{secret}", invitations.accept, APPLICANT, form=True),
]

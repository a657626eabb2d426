"""List the routes of the applicant, and of what both sides open."""

from services.gateway.applicant import (
    agents,
    calendar,
    carried_over,
    documents,
    eligibility,
    home,
    projects,
    reading,
    submit,
    unlock,
    workbook,
)
from services.gateway.web.access import ANYBODY, SIGNED_IN, Page
from services.gateway.web.limits import HEAVY, KEEPING
from shared.roles import APPLICANT, DIRECTOR, EXPERT, REVIEWER, STAFF

A = "/applications/{id}"

PAGES = [
    Page("GET", "/", home.entrance, ANYBODY),
    Page("GET", "/welcome", home.welcome, SIGNED_IN),
    Page("GET", "/signed-in", home.signed_in, SIGNED_IN),
    Page("GET", "/help", home.help_page, ANYBODY),
    Page("GET", "/projects", projects.my_projects, APPLICANT),
    Page("GET", "/projects/new", projects.choose_type, APPLICANT),
    Page("POST", "/projects/new", projects.create, APPLICANT, form=True),
    Page("GET", "/projects/copy", carried_over.choose_source, APPLICANT),
    Page("GET", "/projects/eligibility", eligibility.show, APPLICANT),
    Page("POST", "/projects/eligibility", eligibility.take, APPLICANT, form=True),
    Page("GET", "/projects/form/{id}", documents.empty_form, APPLICANT, limit=HEAVY),
    Page("GET", A, projects.open_project, APPLICANT),
    Page("GET", f"{A}/rebase", carried_over.foresee, APPLICANT),
    Page("POST", f"{A}/rebase", carried_over.rebase, APPLICANT, form=True),
    Page("GET", f"{A}/report", carried_over.report, APPLICANT),
    Page("POST", f"{A}/report", carried_over.dismiss, APPLICANT, form=True),
    Page("GET", f"{A}/preview", documents.preview, APPLICANT, limit=HEAVY),
    Page("GET", f"{A}/commitment", documents.commitment, APPLICANT, limit=HEAVY),
    Page("GET", f"{A}/deadline.ics", calendar.show, APPLICANT),
    Page("GET", f"{A}/excel", workbook.show, APPLICANT),
    Page("POST", f"{A}/excel", workbook.bring, APPLICANT, form=True, limit=HEAVY, files=True),
    Page("POST", f"{A}/excel/agreed", workbook.agree, APPLICANT, form=True),
    Page("GET", f"{A}/agents", agents.show, APPLICANT),
    Page("POST", f"{A}/agents", agents.invite, APPLICANT, form=True),
    Page("POST", f"{A}/agents/{{invitation}}/end", agents.take_back, APPLICANT, form=True),
    Page("GET", f"{A}/submit", submit.confirm, APPLICANT),
    Page("POST", f"{A}/submit", submit.submit, APPLICANT, form=True, limit=KEEPING),
    Page("POST", f"{A}/confirmation", submit.confirm_unit, APPLICANT, form=True),
    Page("GET", f"{A}/receipt/{{n}}", submit.receipt, APPLICANT),
    Page("GET", f"{A}/withdraw", projects.confirm_withdraw, APPLICANT),
    Page("POST", f"{A}/withdraw", projects.withdraw, APPLICANT, form=True),
    Page("GET", f"{A}/delete", projects.confirm_delete, APPLICANT),
    Page("POST", f"{A}/delete", projects.delete, APPLICANT, form=True),
    Page("GET", f"{A}/view", reading.view, APPLICANT),
    Page("POST", f"{A}/reveal", reading.reveal, APPLICANT, form=True),
    Page("GET", f"{A}/opinions", reading.opinions, APPLICANT),
    Page("POST", f"{A}/opinions", reading.answer_opinions, APPLICANT, form=True),
    Page("POST", f"{A}/unlock", unlock.ask_for, APPLICANT, form=True),
    Page("GET", "/notifications", home.inbox, APPLICANT),
    Page("POST", "/notifications/{id}/read", home.mark_read, APPLICANT, form=True),
    # both sides
    Page("GET", f"{A}/revisions/{{n}}/pdf", documents.wait, APPLICANT | STAFF | EXPERT),
    Page("POST", f"{A}/revisions/{{n}}/pdf", documents.make, APPLICANT | STAFF | EXPERT, form=True, limit=HEAVY),
    Page("GET", f"{A}/revisions/{{n}}/receipt", documents.receipt, APPLICANT, limit=HEAVY),
    Page("GET", f"{A}/revisions/{{n}}/brief", documents.case_in_short, REVIEWER | DIRECTOR, limit=HEAVY),
    Page("GET", f"{A}/letters/{{letter}}", documents.letter, APPLICANT | STAFF),
]

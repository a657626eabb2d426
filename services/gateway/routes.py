"""Every route of the public port: path, view, who may open it."""

from services.gateway.accounts import consent, own_data
from services.gateway.accounts import sessions_page as my_sessions
from services.gateway.applicant import carried_over, documents, home, projects, reading, submit, unlock
from services.gateway.form import checks_view, section_page
from services.gateway.operator import audit_page, ops, rounds, styleguide
from services.gateway.operator.audit_reading import read_accounts
from services.gateway.public import publicity, unsubscribe, verify
from services.gateway.review import case, case_list, decisions, expert, failed_mails, phrases, ranking, returns
from services.gateway.signin import back_channel
from services.gateway.signin import factor_pages as factor
from services.gateway.signin import handlers as signin
from services.gateway.web import api_docs, api_proxy, live_events
from services.gateway.web.access import ANYBODY, SIGNED_IN, Page
from services.gateway.web.limits import HEAVY, KEEPING, SIGN_IN, VERIFY
from shared.roles import APPLICANT, AUDITOR, DIRECTOR, EXPERT, OPERATOR, REVIEWER, STAFF

A = "/applications/{id}"
R = "/review/{id}"

PAGES = [
    # coming and going
    Page("GET", "/", home.entrance, ANYBODY),
    Page("GET", "/login", signin.login, ANYBODY, limit=SIGN_IN),
    Page("GET", "/login/callback", signin.callback, ANYBODY, limit=SIGN_IN),
    # The provider says that a session is over there; its signature proves it.
    # From one address the provider may end everybody's sessions; what is refused is counted.
    Page("POST", "/login/backchannel-logout", back_channel.logout, ANYBODY),
    Page("POST", "/logout", signin.logout, SIGNED_IN, form=True, early=True),
    Page("GET", "/second-factor", factor.ask, SIGNED_IN, early=True),
    Page("GET", "/second-factor/picture", factor.picture, SIGNED_IN, early=True),
    Page("POST", "/second-factor", factor.take, SIGNED_IN, form=True, early=True, limit=SIGN_IN),
    Page("GET", "/account/consent", consent.show, APPLICANT, early=True),
    Page("POST", "/account/consent", consent.take, APPLICANT, form=True, early=True),
    Page("GET", "/account/data", own_data.show, SIGNED_IN),
    Page("POST", "/account/data", own_data.export, SIGNED_IN, form=True, limit=HEAVY),
    Page("GET", "/account/sessions", my_sessions.show, SIGNED_IN),
    Page("POST", "/account/sessions/{id}/end", my_sessions.end_one, SIGNED_IN, form=True),
    Page("POST", "/account/sessions/end-others", my_sessions.end_others, SIGNED_IN, form=True),
    Page("POST", "/account/sessions/end-all", my_sessions.end_all, SIGNED_IN, form=True),
    Page("GET", "/welcome", home.welcome, SIGNED_IN),
    # whoever holds a document
    Page("GET", "/verify", verify.entrance, ANYBODY),
    Page("GET", "/verify/{token}", verify.show, ANYBODY, limit=VERIFY),
    Page("POST", "/verify/{token}", verify.compare, ANYBODY, limit=VERIFY, files=True),
    Page("GET", "/.well-known/gongmei-keys.json", verify.keys, ANYBODY, limit=VERIFY),
    Page("GET", "/publicity", publicity.show, ANYBODY, limit=VERIFY),
    Page("GET", "/unsubscribe/{token}", unsubscribe.show, ANYBODY, limit=VERIFY),
    Page("POST", "/unsubscribe/{token}", unsubscribe.change, ANYBODY, limit=VERIFY),
    Page("GET", "/signed-in", home.signed_in, SIGNED_IN),
    Page("GET", "/help", home.help_page, ANYBODY),
    # the applicant
    Page("GET", "/projects", projects.my_projects, APPLICANT),
    Page("GET", "/projects/new", projects.choose_type, APPLICANT),
    Page("POST", "/projects/new", projects.create, APPLICANT, form=True),
    Page("GET", "/projects/copy", carried_over.choose_source, APPLICANT),
    Page("GET", A, projects.open_project, APPLICANT),
    Page("GET", f"{A}/rebase", carried_over.foresee, APPLICANT),
    Page("POST", f"{A}/rebase", carried_over.rebase, APPLICANT, form=True),
    Page("GET", f"{A}/report", carried_over.report, APPLICANT),
    Page("POST", f"{A}/report", carried_over.dismiss, APPLICANT, form=True),
    Page("GET", f"{A}/sections/{{key}}", section_page.show, APPLICANT),
    Page("POST", f"{A}/sections/{{key}}", section_page.take, APPLICANT, form=True, limit=KEEPING, files=True),
    Page("GET", f"{A}/checks", checks_view.checks, APPLICANT),
    Page("GET", f"{A}/preview", documents.preview, APPLICANT, limit=HEAVY),
    Page("GET", f"{A}/commitment", documents.commitment, APPLICANT, limit=HEAVY),
    Page("GET", f"{A}/submit", submit.confirm, APPLICANT),
    Page("POST", f"{A}/submit", submit.submit, APPLICANT, form=True, limit=KEEPING),
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
    Page("GET", f"{A}/letters/{{letter}}", documents.letter, APPLICANT | STAFF),
    # the bureau
    Page("GET", "/review", case_list.show, STAFF),
    Page("POST", "/review/assign", case_list.assign, REVIEWER | DIRECTOR, form=True),
    Page("POST", "/review/moves", case_list.move, REVIEWER | DIRECTOR, form=True),
    Page("POST", "/review/next", case_list.take_next, REVIEWER, form=True),
    Page("POST", "/review/away", case_list.set_away, REVIEWER, form=True),
    Page("POST", "/review/filters", case_list.keep, STAFF, form=True),
    Page("POST", "/review/filters/{id}/delete", case_list.forget, STAFF, form=True),
    Page("GET", "/review/phrases", phrases.show, REVIEWER | DIRECTOR),
    Page("POST", "/review/phrases", phrases.add, REVIEWER | DIRECTOR, form=True),
    Page("POST", "/review/phrases/{id}", phrases.change, REVIEWER | DIRECTOR, form=True),
    Page("GET", "/review/ranking", ranking.show, STAFF),
    Page("GET", "/review/batches", ranking.batches, STAFF),
    Page("POST", "/review/batches", ranking.make_batch, REVIEWER, form=True),
    Page("POST", "/review/batches/{id}/close", ranking.close_batch, REVIEWER, form=True),
    Page("GET", R, case.show, STAFF),
    Page("POST", f"{R}/reveal", case.reveal, REVIEWER | DIRECTOR, form=True),
    Page("POST", f"{R}/lease", case.take, REVIEWER, form=True),
    Page("POST", f"{R}/release", case.drop, REVIEWER, form=True),
    Page("POST", f"{R}/accept", decisions.accept, REVIEWER, form=True),
    Page("POST", f"{R}/opinions", returns.note, REVIEWER, form=True),
    Page("POST", f"{R}/unlock/{{request}}", unlock.decide, REVIEWER, form=True),
    Page("POST", f"{R}/opinions/{{opinion}}", case.judge_opinion, REVIEWER, form=True),
    Page("POST", f"{R}/opinions/{{opinion}}/delete", returns.forget, REVIEWER, form=True),
    Page("POST", f"{R}/recall", returns.recall, REVIEWER, form=True),
    Page("GET", f"{R}/extend", returns.ask_extend, REVIEWER),
    Page("POST", f"{R}/extend", returns.extend, REVIEWER, form=True),
    Page("GET", f"{R}/return", returns.write, REVIEWER),
    Page("POST", f"{R}/return", returns.send_back, REVIEWER, form=True),
    Page("POST", f"{R}/decide", decisions.decide, REVIEWER | DIRECTOR, form=True),
    Page("POST", f"{R}/experts", decisions.give, REVIEWER | DIRECTOR, form=True),
    Page("POST", f"{R}/objections", decisions.note_objection, REVIEWER | DIRECTOR, form=True),
    Page("POST", f"{R}/objections/{{objection}}", decisions.settle_objection, REVIEWER | DIRECTOR, form=True),
    Page("POST", f"{R}/notices/{{event}}/resend", failed_mails.resend, REVIEWER | DIRECTOR, form=True),
    # the experts
    Page("GET", "/expert", expert.mine, EXPERT),
    Page("POST", "/expert", expert.declare, EXPERT, form=True),
    Page("GET", "/expert/{id}", expert.show, EXPERT),
    Page("POST", "/expert/{id}", expert.take, EXPERT, form=True),
    # auditors
    Page("GET", "/audit", audit_page.show, AUDITOR),
    Page("POST", "/audit/export", audit_page.export, AUDITOR, form=True, limit=HEAVY),
    # operators
    Page("GET", "/ops", ops.overview, OPERATOR),
    Page("POST", "/ops/switches", ops.switch, OPERATOR, form=True),
    Page("POST", "/ops/parked/requeue", ops.requeue_all, OPERATOR, form=True),
    Page("POST", "/ops/parked/{id}/requeue", ops.requeue, OPERATOR, form=True),
    Page("GET", "/notices/parked", failed_mails.parked, REVIEWER | DIRECTOR | OPERATOR),
    Page("POST", "/notices/{event}/resend", failed_mails.resend_parked, REVIEWER | DIRECTOR | OPERATOR, form=True),
    Page("GET", "/ops/rounds", rounds.overview, OPERATOR),
    Page("GET", "/ops/rounds/new", rounds.prepare, OPERATOR),
    Page("POST", "/ops/rounds/new", rounds.create, OPERATOR, form=True),
    Page("GET", "/ops/rounds/{id}", rounds.show, OPERATOR),
    Page("POST", "/ops/rounds/{id}", rounds.act, OPERATOR, form=True),
]

# The services behind check roles line by line; here nobody passes without a session.
API = [
    Page("GET", "/api/v1/me", api_docs.me, SIGNED_IN),
    Page("GET", "/api/v1/audit/accounts", read_accounts, AUDITOR),
    Page("GET", "/api/v1/openapi.json", api_docs.openapi_json, ANYBODY),
    Page("GET", "/api/v1/docs", api_docs.docs, ANYBODY),
    Page("GET", "/api/v1/events", live_events.stream, SIGNED_IN),
    # Written down because of how often they may be called; what they do is their service's.
    Page("PUT", f"/api/v1{A}/sections/{{key}}/draft", api_proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("PUT", f"/api/v1{A}/sections/{{key}}", api_proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("POST", f"/api/v1{A}/submit", api_proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("POST", f"/api/v1{A}/preview", api_proxy.forward, SIGNED_IN, limit=HEAVY),
    Page("POST", f"/api/v1{A}/revisions/{{n}}/pdf", api_proxy.forward, SIGNED_IN, limit=HEAVY),
    *(
        Page(method, "/api/v1/{rest:.+}", api_proxy.forward, SIGNED_IN)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
]

# What those who build the pages look at.
DEVELOPMENT = [Page("GET", "/styleguide", styleguide.show, ANYBODY)]


def table(*, development: bool) -> list[Page]:
    """The whole table; the lines for development only where that is wanted."""
    return [*PAGES, *API, *(DEVELOPMENT if development else [])]

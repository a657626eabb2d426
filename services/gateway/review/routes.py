"""List the routes of the bureau and the experts."""

from services.gateway.review import (
    case,
    case_list,
    decisions,
    expert,
    failed_mails,
    letters,
    phrases,
    ranking,
    returns,
    unlock,
)
from services.gateway.web.access import Page
from services.gateway.web.limits import HEAVY
from shared.roles import DIRECTOR, EXPERT, OPERATOR, REVIEWER, STAFF

R = "/review/{id}"

PAGES = [
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
    Page("GET", "/review/letters", letters.show, STAFF),
    Page("POST", "/review/letters/export", letters.export, STAFF, form=True, limit=HEAVY),
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
    Page("GET", "/notices/parked", failed_mails.parked, REVIEWER | DIRECTOR | OPERATOR),
    Page("POST", "/notices/{event}/resend", failed_mails.resend_parked, REVIEWER | DIRECTOR | OPERATOR, form=True),
]

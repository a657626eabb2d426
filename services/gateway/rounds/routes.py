"""List the routes of rounds."""

from services.gateway.rounds import notice, rounds, sandbox
from services.gateway.web.access import Page
from shared.roles import OFFICER, POLICY, ROUND_PUBLISHERS, ROUND_READERS

PAGES = [
    Page("GET", "/rounds", rounds.overview, ROUND_READERS),
    Page("GET", "/rounds/new", rounds.prepare, OFFICER),
    Page("POST", "/rounds/new", rounds.create, OFFICER, form=True),
    Page("GET", "/rounds/sandbox/{fund_type}", sandbox.show, POLICY),
    Page("POST", "/rounds/sandbox/{fund_type}", sandbox.ask_for, POLICY, form=True),
    Page("GET", "/rounds/sandbox/{fund_type}/{id}", sandbox.show_run, POLICY),
    Page("POST", "/rounds/sandbox/{fund_type}/{id}", sandbox.stop, POLICY, form=True),
    Page("GET", "/rounds/{id}", rounds.show, ROUND_READERS),
    Page("POST", "/rounds/{id}", rounds.act, ROUND_PUBLISHERS, form=True),
    Page("GET", "/rounds/{id}/notice", notice.show, ROUND_READERS),
    Page("POST", "/rounds/{id}/notice", notice.act, OFFICER, form=True, files=True),
    # Where rounds stood before; a page that was open goes on with what was typed.
    Page("GET", "/ops/rounds", rounds.moved, ROUND_READERS),
    Page("GET", "/ops/rounds/new", rounds.moved, ROUND_READERS),
    Page("POST", "/ops/rounds/new", rounds.moved, ROUND_READERS, form=True),
    Page("GET", "/ops/rounds/{id}", rounds.moved, ROUND_READERS),
    Page("POST", "/ops/rounds/{id}", rounds.moved, ROUND_READERS, form=True),
]

"""What must hold of every route. Which routes there are, and to whom they are open, is the snapshot `docs/routes.md`, which
`make docs` writes and `test_docs.py` compares: a change of it is a change of contract."""

import tomllib

from deploy.embedded.system import ROOT
from services.applications.routes import ROUTES as APPLICATIONS
from services.gateway import routes as gateway_routes
from services.gateway.internal import ROUTES as GATEWAY_INTERNAL
from services.gateway.stub_idp.routes import ROUTES as STUB
from services.gateway.web.limits import KEEPING, LIMITS
from services.notify.routes import ROUTES as NOTIFY
from shared.identity import Role


def test_no_counter_stands_between_a_person_and_a_deadline() -> None:
    """Redis away: what keeps work or submits it passes uncounted, on pages and over the API; nothing else does."""
    assert [limit.name for limit in LIMITS if limit.open] == ["keeping"]
    kept = {f"{p.method} {p.path}" for p in gateway_routes.table(development=True) if p.limit is KEEPING}
    assert kept == {
        f"{start} {end}"
        for start, end in (
            ("POST", "/applications/{id}/sections/{key}"),
            ("POST", "/applications/{id}/submit"),
            ("PUT", "/api/v1/applications/{id}/sections/{key}"),
            ("PUT", "/api/v1/applications/{id}/sections/{key}/draft"),
            ("POST", "/api/v1/applications/{id}/submit"),
        )
    }


def test_no_route_hides_another() -> None:
    """Of two with one path the first is served, and the second is never reached."""
    table = [(page.method, page.path) for page in gateway_routes.table(development=True)]
    assert len(table) == len(set(table))


def test_the_stub_names_limits_that_there_are() -> None:
    assert {route.limit for route in STUB} <= {limit.name for limit in LIMITS}


def test_every_unsafe_page_checks_a_token() -> None:
    # A file is compared with the record and kept nowhere; whoever holds a reminder may end reminders to its address.
    changes_nothing = {("POST", "/verify/{token}"), ("POST", "/unsubscribe/{token}")}
    # Whoever holds a telephone's link proves it by the link itself, and by the mark of the telephone that was first.
    changes_nothing.add(("POST", "/phone/{token}"))
    # The provider proves itself by its signature.
    changes_nothing.add(("POST", "/login/backchannel-logout"))
    for page in gateway_routes.table(development=True):
        if (page.method, page.path) in changes_nothing:
            continue
        if page.method != "GET":
            assert page.roles, f"{page.path} changes something for nobody in particular"


def test_trust_map() -> None:
    """Who may call whom, as a map: gateway → applications, notify; workers → applications; and back."""
    trusted = {
        name: {caller for route in routes for caller in route.callers}
        for name, routes in {
            "applications": APPLICATIONS,
            "notify": NOTIFY,
            "gateway": GATEWAY_INTERNAL,
        }.items()
    }
    assert trusted == {
        "applications": {"gateway", "documents", "notify"},
        "notify": {"gateway", "applications"},
        "gateway": {"applications"},
    }


def test_every_public_route_says_what_it_promises() -> None:
    for route in [*APPLICATIONS, *NOTIFY]:
        assert (route.handler.__doc__ or "").strip(), f"{route.method} {route.path} has no description"


def test_every_handler_is_held_apart() -> None:
    """The import contract between handlers names every module of them, and no other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [held] = [c for c in contracts["contracts"] if c["name"] == "The gateway's handlers do not import handlers"]
    assert set(held["modules"]) == {p.handler.__module__ for p in gateway_routes.table(development=True)}


def test_every_change_an_applicant_makes_names_a_duty() -> None:
    """What changes an application asks for a duty of the enterprise's member; what only looks at it, or makes a copy, does not."""
    looks = {
        "POST /api/v1/applications/{id}/page",
        "POST /api/v1/applications/{id}/preview",
        "POST /api/v1/applications/{id}/revisions/{n}/pdf",
        "POST /api/v1/applications/{id}/revisions/{n}/reveal",
        "POST /api/v1/rounds/{id}/eligibility",
    }
    free = {
        f"{r.method} {r.path}"
        for r in APPLICATIONS
        if Role.APPLICANT in r.roles and r.method != "GET" and r.duty is None
    }
    assert free == looks
    assert not [r.path for r in APPLICATIONS if r.duty is not None and Role.APPLICANT not in r.roles]

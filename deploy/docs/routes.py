"""Write the route tables of the three services with HTTP."""

from collections.abc import Iterable

from deploy.docs.tables import table
from services.applications.routes import ROUTES as APPLICATIONS
from services.gateway.internal import ROUTES as GATEWAY_INTERNAL
from services.gateway.routes import AUDIENCES, DEVELOPMENT
from services.gateway.stub_idp.routes import ROUTES as STUB
from services.gateway.web.access import ANYBODY, SIGNED_IN, Page
from services.gateway.web.limits import LIMITS, USUAL
from services.notify.routes import ROUTES as NOTIFY
from shared.http.app import Route
from shared.identity import Role

TEXT = """# Routes

The public HTTP contract is `/api/v1`, described with all its models at `/api/v1/openapi.json` and shown at `/api/v1/docs`. The gateway
is the only service that people reach; it passes `/api/v1` on to applications and notify with a token for that one request. Roles are those of the person
a call is made for. `If-Match`: the version that the caller saw. `key`: needs an `Idempotency-Key`. `limit`: which of the limits of
[settings](operating/settings.md) counts the call, where it is not the usual one. `form`: proves itself by the token in its form, not by a header.

Who opens a route to somebody changes this page, and whoever reviews the change reads it here: a change of contract, in a commit of its own.
"""


def page() -> str:
    """Return all tables, one a service."""
    parts = [
        *((f"gateway/{audience.__name__.split('.')[-2]}", _pages(audience.PAGES)) for audience in AUDIENCES),
        ("applications", _routes(APPLICATIONS)),
        ("notify", _routes(NOTIFY)),
        ("gateway, internal port", _routes(GATEWAY_INTERNAL)),
        ("Stub identity platform, where the gateway stands in for the city's", _pages([*DEVELOPMENT, *_stub()])),
    ]
    return TEXT + "".join(f"\n## {title}\n\n{body}\n" for title, body in parts)


def _stub() -> list[Page]:
    """Return the stub's routes as the gateway serves them."""
    limits = {limit.name: limit for limit in LIMITS}
    return [Page(r.method, r.path, r.handler, ANYBODY, limit=limits[r.limit], files=r.files) for r in STUB]


def _pages(lines: Iterable[Page]) -> str:
    def flags(line: Page) -> str:
        limit = "" if line.limit is USUAL else f"limit {line.limit.name}"
        early = "before the second factor" if line.early else ""
        form = "form" if line.form else ""
        return ", ".join(filter(None, (form, limit, "files" if line.files else "", early)))

    rows = [
        (
            line.method,
            f"`{line.path}`",
            _roles(line.roles) if line.roles else "anybody",
            _says(line.handler),
            flags(line),
        )
        for line in lines
    ]
    return table(("", "path", "for", "what", ""), rows)


def _routes(lines: Iterable[Route]) -> str:
    def flags(line: Route) -> str:
        query = f"query {' '.join(line.query)}" if line.query else ""
        duty = f"duty {line.duty}" if line.duty else ""
        return ", ".join(
            filter(None, ("If-Match" if line.if_match else "", "key" if line.idempotent else "", query, duty))
        )

    rows = [
        (
            line.method,
            f"`{line.path}`",
            ", ".join(sorted(line.callers)) or "anybody",
            _roles(line.roles) if line.roles else "",
            _says(line.handler),
            flags(line),
        )
        for line in lines
    ]
    return table(("", "path", "called by", "for", "what", ""), rows)


def _roles(roles: frozenset[Role]) -> str:
    return "whoever is signed in" if roles == SIGNED_IN else ", ".join(sorted(roles))


def _says(what: object) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join((what.__doc__ or "").split())
    return text.partition(". ")[0].removesuffix(".")

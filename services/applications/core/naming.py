"""Name those of the bureau who acted: by their office towards applicants, by person towards the bureau and the audit."""

from aiohttp import web

from services.applications.core.context import SETTINGS
from services.applications.workflow import TABLE
from shared.http.app import actor
from shared.identity import Role
from shared.roles import STAFF

REVIEWERS, DIRECTORS = "审核人员", "审定人员"
_DECIDED_BY_DIRECTORS = frozenset(action for (_, action), rule in TABLE.items() if rule.by is Role.DIRECTOR)
# Whose own name an applicant reads anyway: its own people, and what no person did.
_NAMED = frozenset({Role.APPLICANT, Role.SYSTEM})


def persons_named(request: web.Request) -> bool:
    """Tell whether whoever asks reads which person of the bureau acted; applicants do where `staff_named_to_applicants` says so."""
    return bool(actor(request).roles & STAFF) or request.app[SETTINGS].staff_named_to_applicants


def acted(name: str, roles: str, action: str, *, persons: bool) -> str:
    """Return who did `action` as the reader may know it; `roles` are those of the audit row, with commas."""
    if persons or _NAMED & set(roles.split(",")):
        return name
    return DIRECTORS if action in _DECIDED_BY_DIRECTORS else REVIEWERS

"""Which roles one account may not have together: 等保 keeps system, security and audit apart."""

from collections.abc import Iterable

from shared.errors import NotAllowed
from shared.identity import Role

# Whoever looks after the system decides nothing; whoever audits changes nothing; an enterprise is none of the office.
ALONE = frozenset({Role.OPERATOR, Role.AUDITOR, Role.APPLICANT})


class DutiesConflict(NotAllowed):
    """该账号的角色相互冲突，已停止登录，请联系管理员。"""

    code = "duties_conflict"


def check(roles: Iterable[str]) -> frozenset[Role]:
    """The roles; `DutiesConflict` when one of them must stand alone and does not, or when there is none."""
    found = frozenset(Role(role) for role in roles)
    if not found or Role.SYSTEM in found or (found & ALONE and len(found) > 1):
        raise DutiesConflict
    return found

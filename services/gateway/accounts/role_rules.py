"""Check which roles an account may have together: 等保 separates the duties of system, security and audit."""

from collections.abc import Iterable

from shared import codes
from shared.errors import NotAllowed
from shared.identity import Role

# Operators decide nothing, auditors change nothing, and an enterprise is not part of the office.
ALONE = frozenset({Role.OPERATOR, Role.AUDITOR, Role.APPLICANT})


class DutiesConflict(NotAllowed):
    """该账号的角色相互冲突，已停止登录，请联系管理员。"""

    code = codes.DUTIES_CONFLICT


def check(roles: Iterable[str]) -> frozenset[Role]:
    """Return the roles; `DutiesConflict` when two of them exclude each other, or when there is none."""
    found = frozenset(Role(role) for role in roles)
    if not found or Role.SYSTEM in found or (found & ALONE and len(found) > 1):
        raise DutiesConflict
    return found

"""Find the colleagues whom a text names, or whom somebody chose. Pure."""

import re
from collections.abc import Iterable, Sequence

from shared import codes
from shared.errors import FieldError, Invalid
from shared.messages import StaffMember

_AT = re.compile("[@＠]")


def named(text: str, colleagues: Iterable[StaffMember]) -> list[StaffMember]:
    """Return those whom a text names as @姓名, in its order. Where one name begins with another the longer is meant; of two who bear the same
    name both are."""
    by_name: dict[str, list[StaffMember]] = {}
    for member in colleagues:
        by_name.setdefault(member.name, []).append(member)
    longest_first = sorted(filter(None, by_name), key=len, reverse=True)
    found: dict[str, StaffMember] = {}
    for at in _AT.finditer(text):
        name = next((name for name in longest_first if text.startswith(name, at.end())), None)
        found |= {member.account: member for member in by_name.get(name or "", [])}
    return list(found.values())


def chosen(accounts: Sequence[str], colleagues: Sequence[StaffMember], field: str) -> list[StaffMember]:
    """Return these colleagues, each once; `Invalid` at `field` for somebody who is none."""
    known = {member.account: member for member in colleagues}
    if any(account not in known for account in accounts):
        message = "所选人员已不在审核、审定人员名单中，请重新选择"
        raise Invalid([FieldError(field=field, code=codes.UNKNOWN_COLLEAGUE, message=message)], f"{message}。")
    return [known[account] for account in dict.fromkeys(accounts)]

"""List, enter and change staff accounts: `python -m services.gateway staff …`. Every change ends the account's sessions."""

import argparse
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts import role_rules
from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import Account, SecondFactor, SessionRow
from shared.errors import DomainError, NotFound
from shared.identity import Role

ADDRESS = "command"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands and their options."""
    commands = parser.add_subparsers(dest="staff_command", required=True)
    commands.add_parser("list", help="every staff account with its roles")
    adding = commands.add_parser("set", help="enter an account, or change its roles")
    adding.add_argument("subject", help="the provider's name for this person (uid, sub)")
    adding.add_argument("name")
    adding.add_argument("roles", nargs="+", choices=[role.value for role in Role if role is not Role.SYSTEM])
    for name, told in (
        ("disable", "let nobody in under it any more"),
        ("enable", "let it in again"),
        ("reset-factor", "let it set up a new authenticator"),
    ):
        commands.add_parser(name, help=told).add_argument("subject")


async def run(session: AsyncSession, given: argparse.Namespace) -> str:
    """Carry out one sub-command, and return what to print. `DomainError` says why it was refused."""
    if given.staff_command == "list":
        found = await session.scalars(
            select(Account).where(~Account.roles.contains([Role.APPLICANT])).order_by(Account.subject)
        )
        return "\n".join(
            f"{a.subject}  {a.name}  {','.join(sorted(a.roles))}{'  disabled' if a.disabled_at else ''}"
            for a in found
        )
    account = await session.scalar(select(Account).where(Account.subject == given.subject).with_for_update())
    if given.staff_command == "set":
        roles = sorted(role_rules.check(given.roles))
        if account is None:
            account = Account(id=uuid4(), subject=given.subject, name=given.name, roles=roles)
            session.add(account)
            await session.flush()
        if Role.APPLICANT in account.roles and Role.APPLICANT not in roles:
            raise DomainError("企业账号不能改为工作人员账号，请使用另一个账号。")
        account.name, account.roles = given.name, list(roles)
        note(session, "staff_set", given.subject, ADDRESS, roles=roles)
    elif account is None:
        raise NotFound(f"没有账号 {given.subject}。")
    elif given.staff_command == "reset-factor":
        await session.execute(delete(SecondFactor).where(SecondFactor.account_id == account.id))
        note(session, "factor_reset", given.subject, ADDRESS)
    else:
        account.disabled_at = func.now() if given.staff_command == "disable" else None
        note(session, f"staff_{given.staff_command}d", given.subject, ADDRESS)
    # Rights changed: whoever is signed in signs in again.
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account.id))
    return f"{given.subject}: done"

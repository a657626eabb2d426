"""What the pages share on which an enterprise's administrator lets people in."""

from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account
from services.gateway.web.context import SESSION, SETTINGS
from services.gateway.web.form_data import Values, one
from shared import codes
from shared.errors import Malformed, NotAllowed


class NotAdministrator(NotAllowed):
    """只有本单位管理员可以设置权限和邀请人员。"""

    code = codes.NOT_ADMINISTRATOR


def must_administer(request: web.Request) -> None:
    """Raise `NotAdministrator` for whoever does not administer an enterprise, before anything else is said."""
    if not request[SESSION].administers:
        raise NotAdministrator


async def administrator(request: web.Request, session: AsyncSession) -> Account:
    """Return the account of whoever acts, locked, so that it still administers when the transaction ends; else `NotAdministrator`."""
    account = await session.get_one(Account, request[SESSION].account, with_for_update=True)
    if not account.administers or not account.enterprise:
        raise NotAdministrator
    return account


def key_of(form: Values) -> UUID:
    """Return the form's own key: sent twice, it is one act."""
    try:
        return UUID(one(form, "key"))
    except ValueError:
        raise Malformed("页面已失效，请刷新后重试。") from None


def link(request: web.Request, secret: str) -> str:
    """Return an invitation's link, as it is sent to somebody."""
    return request.app[SETTINGS].public(f"/invitations/{secret}")

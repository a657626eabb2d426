"""Read a small form, check 解绑, and redirect to the client: steps of several pages."""

from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.asked import Asked
from services.gateway.stub_idp.models import StubBinding
from shared.http.app import see_other
from shared.http.forms import pairs


async def fields(request: web.Request) -> dict[str, str]:
    """A small form without files."""
    return dict(pairs(await request.read(), most=50))


async def is_bound(session: AsyncSession, uscc: str | None) -> bool:
    """Whether 解绑 comes before an enterprise's account can be used for 资金申报(工美)."""
    return uscc is not None and await session.get(StubBinding, uscc) is not None


def back(wanted: Asked, code: str) -> web.Response:
    """To the client, with what it asked for."""
    return see_other(f"{wanted.redirect_uri}?{urlencode({'code': code, 'state': wanted.state})}")

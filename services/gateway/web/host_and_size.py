"""Refuse requests for another host, and bodies that are too large, before anything is read."""

from aiohttp import web
from aiohttp.typedefs import Handler

from services.gateway.settings import GatewaySettings
from services.gateway.web.context import SETTINGS
from shared import codes
from shared.errors import Malformed, TooLarge

# A form without files; with files `GM_MAX_FORM_MB` is the limit.
MAX_FORM = 2 * 1024 * 1024
# Asked by address, by whoever watches over this process.
PROBES = frozenset({"/healthz", "/readyz"})


@web.middleware
async def known_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a foreign `Host`, so that no link, redirect or cached page is made from it."""
    hosts = request.headers.getall("Host", [])
    if request.path not in PROBES and (
        len(hosts) != 1 or hosts[0].lower() not in request.app[SETTINGS].known_hosts
    ):
        raise Malformed("访问地址不正确，请从本系统的网址进入。", code=codes.HOST_UNKNOWN)
    return await handler(request)


def check_body(request: web.Request, settings: GatewaySettings, *, files: bool) -> None:
    """`TooLarge` before a large body is read."""
    if (request.content_length or 0) > (settings.max_form_mb * 1024 * 1024 if files else MAX_FORM):
        raise TooLarge

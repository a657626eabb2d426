"""Tell where a request comes from, by the trusted proxies and exempt addresses of the settings."""

from aiohttp import web

from services.gateway.web.context import SETTINGS
from shared.http import addresses


def client_address(request: web.Request) -> str:
    """The peer's address; behind the proxies of `GM_TRUSTED_PROXIES`, the last one that is none of them."""
    return addresses.client_address(request, request.config_dict[SETTINGS].proxy_networks)


def line(request: web.Request) -> str:
    """Whom limits by address count: an IPv4 address, or the network of one IPv6 line."""
    return addresses.line(client_address(request))


def is_allowed(request: web.Request) -> bool:
    """Whether no limit applies to where this comes from (a rehearsal, a monitor)."""
    return addresses.within(client_address(request), request.config_dict[SETTINGS].allowed_networks)

"""Where a request comes from, and which addresses nothing is counted for."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from services.gateway.context import SETTINGS
from services.gateway.settings import Network


def client_address(request: web.Request) -> str:
    """The peer's address; behind the proxies of `GM_TRUSTED_PROXIES`, the last one that is none of them."""
    trusted = request.app[SETTINGS].proxy_networks
    address = request.remote or "-"
    chain = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    while chain and _within(address, trusted):
        address = chain.pop()
    return "-" if _address(address) is None else address


def is_allowed(request: web.Request) -> bool:
    """Whether no limit applies to where this comes from (a rehearsal, a monitor)."""
    return _within(client_address(request), request.app[SETTINGS].allowed_networks)


@lru_cache(4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _within(text: str, networks: list[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)

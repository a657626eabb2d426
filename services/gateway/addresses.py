"""Where a request comes from, and which addresses nothing is counted for."""

from ipaddress import ip_address

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
    return address if _is_address(address) else "-"


def is_allowed(request: web.Request) -> bool:
    """Whether no limit applies to where this comes from (a rehearsal, a monitor)."""
    return _within(client_address(request), request.app[SETTINGS].allowed_networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: list[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)

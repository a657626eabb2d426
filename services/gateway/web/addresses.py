"""Where a request comes from, and which addresses nothing is counted for."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from services.gateway.settings import Network
from services.gateway.web.context import SETTINGS

# The length of the prefix that an IPv6 line has for itself.
OF_ONE_LINE = 64


def client_address(request: web.Request) -> str:
    """The peer's address; behind the proxies of `GM_TRUSTED_PROXIES`, the last one that is none of them."""
    trusted = request.app[SETTINGS].proxy_networks
    address = request.remote or "-"
    chain = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    while chain and _within(address, trusted):
        address = chain.pop()
    return "-" if _address(address) is None else address


def line(request: web.Request) -> str:
    """Whom limits by address count: the address, and of IPv6 the network that one line is given, where everybody has as many
    addresses as they like."""
    address = client_address(request)
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), 128)).supernet(new_prefix=OF_ONE_LINE))
    return address if found is None else str(found)


def is_allowed(request: web.Request) -> bool:
    """Whether no limit applies to where this comes from (a rehearsal, a monitor)."""
    return _within(client_address(request), request.app[SETTINGS].allowed_networks)


@lru_cache(4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # How a socket for both families names an IPv4 peer.
    return getattr(found, "ipv4_mapped", None) or found


def _within(text: str, networks: list[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)

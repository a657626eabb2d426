"""Tell where a request comes from, and which networks an address belongs to."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

Network = IPv4Network | IPv6Network
# The length of the prefix that one IPv6 line is given.
OF_ONE_LINE = 64


def networks(text: str) -> list[Network]:
    """`10.0.0.0/8, ::1` as networks; `ValueError` names the one that is none."""
    return [ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def client_address(request: web.Request, proxies: Sequence[Network]) -> str:
    """The peer's address; behind trusted proxies, the last address of `X-Forwarded-For` that is none of them. `-` for what is no
    address."""
    address = request.remote or "-"
    chain = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    while chain and within(address, proxies):
        address = chain.pop()
    return "-" if _address(address) is None else address


def line(address: str) -> str:
    """Whom limits count for an address: an IPv4 address itself, of IPv6 the network of one line, which has as many addresses as
    it likes."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), 128)).supernet(new_prefix=OF_ONE_LINE))
    return address if found is None else str(found)


def within(address: str, listed: Sequence[Network]) -> bool:
    """Whether an address belongs to one of the networks; no for what is no address."""
    found = _address(address)
    return found is not None and any(found in network for network in listed)


@lru_cache(4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # How a socket for both families names an IPv4 peer.
    return getattr(found, "ipv4_mapped", None) or found

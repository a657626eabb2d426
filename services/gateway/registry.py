"""Ask the legal-person registry (法人库) for one enterprise's entry.

The registry is somebody else's: it may be slow, away, or not connected at all. `connect` chooses the client by the settings.

The client asks `GET {GM_REGISTRY_URL}/{统一社会信用代码}` with the key as a bearer token. The answer is a JSON object of the
registry's attributes (`ORG_NAME`, `LEGAL_PERSON`, …), all texts; 404 says that the registry knows no such enterprise.
"""

import json
import logging
from typing import Protocol
from urllib.parse import quote

from aiohttp import ClientError, ClientTimeout, web
from yarl import URL

from services.gateway.settings import GatewaySettings
from services.gateway.web.outgoing import Outgoing, whole
from shared import codes
from shared.errors import Unavailable
from shared.overload.breaker import Breaker, Resting

log = logging.getLogger(__name__)

MAX_ANSWER = 64 * 1024
UNKNOWN, BUSY = 404, frozenset({429, 503})


class Registry(Protocol):
    """Gives entries of the legal-person registry."""

    async def entry(self, enterprise: str) -> dict[str, str]:
        """The entry's attributes by the registry's names; empty when it has none. `Unavailable` when there is no answer."""


REGISTRY = web.AppKey("registry", Registry)


class NotConnected:
    """Stands where no registry is configured: it knows nobody."""

    async def entry(self, enterprise: str) -> dict[str, str]:
        return {}


class HttpRegistry:
    """Asks a registry over HTTP, and leaves it alone for a while when it fails again and again."""

    def __init__(self, outgoing: Outgoing, url: str, key: str, seconds: float) -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._timeout = ClientTimeout(total=seconds)
        self._breaker = Breaker("gateway", "registry")

    async def entry(self, enterprise: str) -> dict[str, str]:
        try:
            with self._breaker.call(ClientError, OSError, ValueError, RecursionError):
                return await self._ask(enterprise)
        except Resting as error:
            raise _away() from error
        except (ClientError, OSError, ValueError, RecursionError) as error:
            log.warning("registry does not answer", extra={"reason": repr(error)[:200]})
            raise _away() from error

    async def _ask(self, enterprise: str) -> dict[str, str]:
        """`ClientError`, `OSError` (which a time-out is), `ValueError` or `RecursionError` for anything but an entry."""
        url = URL(f"{self._url}/{quote(enterprise, safe='')}", encoded=True)
        async with self._outgoing.call("GET", url, headers=self._headers, timeout=self._timeout) as answer:
            if answer.status == UNKNOWN:
                return {}
            if answer.status in BUSY:
                # A registry that is busy is alive: that is no reason for the breaker.
                log.warning("registry is busy", extra={"status": answer.status})
                raise _away()
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            found = json.loads(await whole(answer, MAX_ANSWER))
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        return {name: value for name, value in found.items() if isinstance(value, str)}


def _away() -> Unavailable:
    return Unavailable("法人库暂时没有响应。", code=codes.REGISTRY_AWAY)


def connect(settings: GatewaySettings, outgoing: Outgoing) -> Registry:
    """The client that the settings ask for; without an address the log says that there is none."""
    if settings.registry_url is None:
        log.warning("no legal-person registry is connected (GM_REGISTRY_URL): applicants type what it would bring")
        return NotConnected()
    key = settings.registry_key.get_secret_value()
    return HttpRegistry(outgoing, str(settings.registry_url), key, settings.registry_seconds)

"""Ask the other services. Nobody waits for them: without an answer there is less to show."""

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from aiohttp import ClientError, ClientOSError, ClientTimeout, ServerDisconnectedError, web
from pydantic import ValidationError
from yarl import URL

from services.applications.core.context import Peers
from shared import codes
from shared.errors import Unavailable
from shared.identity import Actor, Role
from shared.messages import (
    Deliveries,
    Delivery,
    Event,
    KnownAddresses,
    ParkedMail,
    ParkedMails,
    Profile,
    RenderedMail,
    Staff,
    StaffAddress,
    StaffAddresses,
    StaffMember,
    TurnedAway,
)
from shared.observability import tracing
from shared.overload import deadline
from shared.overload.breaker import Resting

log = logging.getLogger(__name__)

# What a peer is given a rest for; anything else it says is an answer.
NO_ANSWER = (ClientOSError, ServerDisconnectedError, TimeoutError)
# All the ways not to get something that can be used.
WITHOUT = (Resting, TimeoutError, ClientError, ValidationError)
NOTHING_KNOWN = Profile(
    registry={}, registry_fetched_at=None, registry_answered=False, account={}, account_fetched_at=None
)
# An answer is good for as long as somebody looks at one page after the other; one that did not come is not waited
# for again by each of them.
FRESH_SECONDS = 60.0
REST_SECONDS = 15.0
MAX_KNOWN = 2000
FORGOTTEN_AT_ONCE = 500


async def _ask(
    peers: Peers,
    service: Literal["gateway", "notify"],
    path: str,
    *,
    seconds: float,
    actor: Actor | None = None,
    method: str = "GET",
    query: dict[str, str] | None = None,
    **given: Any,
) -> bytes:
    """Return a peer's answer within so many seconds, and within what the request has left; raises one of `WITHOUT`."""
    base, breaker = (
        (peers.gateway_url, peers.gateway) if service == "gateway" else (peers.notify_url, peers.notify)
    )
    url = URL(base.rstrip("/") + path).update_query(query or {})
    signed = peers.signer.headers(service, method, url.raw_path_qs, actor)
    headers = signed | deadline.headers() | tracing.headers()
    if "data" in given:
        headers["Content-Type"] = "application/json"
    with breaker.call(*NO_ANSWER):
        async with peers.http.request(
            method,
            url,
            headers=headers,
            timeout=ClientTimeout(total=deadline.left(seconds)),
            **given,
        ) as answer:
            answer.raise_for_status()
            return await answer.read()


async def profile(peers: Peers, actor: Actor, account: str | None = None) -> Profile:
    """Return the registry entry behind an account, the actor's own unless another is named. A registry that does not answer
    in 2 s leaves the form empty, which is no reason to keep anybody from starting it."""
    path = f"/internal/profiles/{account or actor.account}"
    try:
        return Profile.model_validate_json(await _ask(peers, "gateway", path, actor=actor, seconds=2))
    except WITHOUT as error:
        log.warning("no profile", extra={"reason": repr(error)})
        return NOTHING_KNOWN


class Profiles:
    """The registry's answers of the last minute, by account; for an agent, by account and enterprise."""

    def __init__(self, *, fresh: float = FRESH_SECONDS, rest: float = REST_SECONDS) -> None:
        self._fresh = fresh
        self._rest = rest
        self._known: OrderedDict[str, tuple[float, Profile]] = OrderedDict()

    async def of(self, peers: Peers, actor: Actor, account: str | None = None, *, anew: bool = False) -> Profile:
        """Return the profile of an account, the actor's own unless another is named, at most a minute old; asked for just now where
        `anew`."""
        now, key = time.monotonic(), account or actor.account
        if actor.agent is not None:
            key = f"{key}:{actor.enterprise}"
        until, known = self._known.get(key, (0.0, NOTHING_KNOWN))
        if now < until and not anew:
            return known
        found = await profile(peers, actor, account)
        until = time.monotonic() + (self._fresh if found.registry_answered else self._rest)
        self._known[key] = (until, found)
        self._known.move_to_end(key)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return found


PROFILES = web.AppKey("profiles", Profiles)


async def staff(peers: Peers, role: Role) -> list[StaffMember]:
    """Return everybody of the bureau with a role; `Unavailable` when the gateway does not answer."""
    try:
        found = await _ask(peers, "gateway", "/internal/staff", query={"role": role}, seconds=5)
        return Staff.model_validate_json(found).items
    except WITHOUT as error:
        log.warning("no staff", extra={"reason": repr(error)})
        raise Unavailable("暂时无法取得人员名单，请稍后再试。", code=codes.STAFF_UNKNOWN) from error


async def staff_addresses(peers: Peers, accounts: Sequence[str]) -> dict[str, StaffAddress]:
    """Return where these accounts are written to, as far as they gave an address; `Unavailable` when the gateway does not answer."""
    try:
        data = StaffAddresses(accounts=list(accounts)).model_dump_json()
        found = await _ask(peers, "gateway", "/internal/staff-addresses", method="POST", data=data, seconds=5)
        return {one.account: one for one in KnownAddresses.model_validate_json(found).items}
    except WITHOUT as error:
        raise Unavailable(repr(error), code=codes.STAFF_UNKNOWN) from error


async def parked_mails(peers: Peers) -> list[ParkedMail]:
    """Return the mails that could not be delivered, the latest first; `Unavailable` when notify does not answer."""
    try:
        return ParkedMails.model_validate_json(await _ask(peers, "notify", "/internal/parked", seconds=5)).items
    except WITHOUT as error:
        raise Unavailable(repr(error)) from error


async def turned_away(peers: Peers, until: datetime) -> list[str]:
    """Return the enterprises that were turned away or failed in a degraded minute of the day before an instant; `Unavailable` when the gateway
    does not answer."""
    try:
        query = {"until": until.isoformat()}
        found = await _ask(peers, "gateway", "/internal/turned-away", query=query, seconds=5)
        return TurnedAway.model_validate_json(found).enterprises
    except WITHOUT as error:
        log.warning("who was turned away is not known", extra={"reason": repr(error)})
        raise Unavailable("暂时无法取得受影响企业的名单，没有补时，请稍后再试。") from error


async def preview(peers: Peers, event: Event) -> RenderedMail | None:
    """Return the mail that an event would become; None when notify does not answer."""
    try:
        found = await _ask(
            peers, "notify", "/internal/preview", method="POST", data=event.model_dump_json(), seconds=5
        )
        return RenderedMail.model_validate_json(found)
    except WITHOUT as error:
        log.warning("no preview", extra={"reason": repr(error)})
        return None


async def forget(peers: Peers, applications: Sequence[UUID]) -> None:
    """Let notify forget whom it told of these applications; `Unavailable` when it does not answer."""
    try:
        for start in range(0, len(applications), FORGOTTEN_AT_ONCE):
            some = [str(id) for id in applications[start : start + FORGOTTEN_AT_ONCE]]
            data = json.dumps({"applications": some})
            await _ask(peers, "notify", "/internal/forget", method="POST", data=data, seconds=30)
    except WITHOUT as error:
        log.warning("nothing was forgotten by notify", extra={"reason": repr(error)})
        raise Unavailable("通知服务没有响应，没有删除任何资料，请稍后再试。") from error


async def deliveries(peers: Peers, application_id: UUID | None = None) -> list[Delivery] | None:
    """notify's ledger of one application, or all of it; None when notify does not answer."""
    found: list[Delivery] = []
    query = {"application_id": str(application_id)} if application_id else {}
    while True:
        try:
            page = Deliveries.model_validate_json(
                await _ask(peers, "notify", "/internal/deliveries", query=query, seconds=3)
            )
        except WITHOUT as error:
            log.warning("no deliveries", extra={"reason": repr(error)})
            return None
        found += page.items
        if page.next_after is None:
            return found
        query["after"] = page.next_after

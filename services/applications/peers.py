"""What this service asks of the others. Nobody waits for them: without an answer there is less to show."""

import logging
from typing import Any
from uuid import UUID

from aiohttp import ClientError, ClientOSError, ClientTimeout, ServerDisconnectedError
from pydantic import ValidationError

from services.applications.context import Peers
from shared import deadline, tracing
from shared.breaker import Breaker, Resting
from shared.errors import Unavailable
from shared.identity import Actor, Role
from shared.messages import Deliveries, Delivery, Event, Profile, RenderedMail, Staff, StaffMember

log = logging.getLogger(__name__)

NO_ANSWER = (ClientOSError, ServerDisconnectedError, TimeoutError)
FAULTS = (Resting, TimeoutError, ClientError, ValidationError)
NOTHING_KNOWN = Profile(registry={}, registry_fetched_at=None, account={}, account_fetched_at=None)


async def _asked(
    peers: Peers, breaker: Breaker, method: str, url: str, seconds: float, headers: dict[str, str], **options: Any
) -> bytes:
    """The body of a good answer, within `seconds` and what the request has left; raises one of `FAULTS`."""
    with breaker.call(*NO_ANSWER):
        async with peers.http.request(
            method,
            url,
            headers=headers | deadline.headers() | tracing.headers(),
            timeout=ClientTimeout(total=deadline.left(seconds)),
            **options,
        ) as answer:
            answer.raise_for_status()
            return await answer.read()


async def profile(peers: Peers, actor: Actor, account: str | None = None) -> Profile:
    """The registry entry behind an account, the actor's own unless another is named. A registry that does not answer
    in 2 s leaves the form empty, which is no reason to keep anybody from starting it."""
    url = f"{peers.gateway_url.rstrip('/')}/internal/profiles/{account or actor.account}"
    try:
        signed = peers.signer.headers("gateway", actor)
        body = await _asked(peers, peers.gateway, "GET", url, 2, signed)
        return Profile.model_validate_json(body)
    except FAULTS as error:
        log.warning("no profile", extra={"reason": repr(error)})
        return NOTHING_KNOWN


async def staff(peers: Peers, role: Role) -> list[StaffMember]:
    """Everybody of the bureau with a role; `Unavailable` when the gateway does not answer."""
    url = f"{peers.gateway_url.rstrip('/')}/internal/staff"
    try:
        signed = peers.signer.headers("gateway")
        body = await _asked(peers, peers.gateway, "GET", url, 5, signed, params={"role": role})
        return Staff.model_validate_json(body).items
    except FAULTS as error:
        log.warning("no staff", extra={"reason": repr(error)})
        raise Unavailable("暂时无法取得人员名单，请稍后再试。", code="staff_unknown") from error


async def preview(peers: Peers, event: Event) -> RenderedMail | None:
    """The mail that an event would become; None when notify does not answer."""
    url = f"{peers.notify_url.rstrip('/')}/internal/preview"
    try:
        signed = peers.signer.headers("notify") | {"Content-Type": "application/json"}
        body = await _asked(peers, peers.notify, "POST", url, 5, signed, data=event.model_dump_json())
        return RenderedMail.model_validate_json(body)
    except FAULTS as error:
        log.warning("no preview", extra={"reason": repr(error)})
        return None


async def deliveries(peers: Peers, application_id: UUID | None = None) -> list[Delivery] | None:
    """notify's ledger of one application, or all of it; None when notify does not answer."""
    url = f"{peers.notify_url.rstrip('/')}/internal/deliveries"
    found: list[Delivery] = []
    query = {"application_id": str(application_id)} if application_id else {}
    while True:
        try:
            signed = peers.signer.headers("notify")
            body = await _asked(peers, peers.notify, "GET", url, 3, signed, params=query)
            page = Deliveries.model_validate_json(body)
        except FAULTS as error:
            log.warning("no deliveries", extra={"reason": repr(error)})
            return None
        found += page.items
        if page.next_after is None:
            return found
        query["after"] = str(page.next_after)

"""What this service asks of the others. Nobody waits for them: without an answer there is less to show."""

import logging
from uuid import UUID

from aiohttp import ClientError, ClientOSError, ClientTimeout, ServerDisconnectedError
from pydantic import ValidationError

from services.applications.context import Peers
from shared import deadline, tracing
from shared.breaker import Resting
from shared.identity import Actor
from shared.messages import Deliveries, Delivery, Profile

log = logging.getLogger(__name__)

NO_ANSWER = (ClientOSError, ServerDisconnectedError, TimeoutError)
NOTHING_KNOWN = Profile(registry={}, registry_fetched_at=None, account={}, account_fetched_at=None)


async def profile(peers: Peers, actor: Actor) -> Profile:
    """The applicant's registry entry for prefilling. A registry that does not answer in 2 s leaves the form
    empty, which is no reason to keep anybody from starting it."""
    url = f"{peers.gateway_url.rstrip('/')}/internal/profiles/{actor.account}"
    try:
        with peers.gateway.call(*NO_ANSWER):
            async with peers.http.get(
                url,
                headers=peers.signer.headers("gateway", actor) | deadline.headers() | tracing.headers(),
                timeout=ClientTimeout(total=deadline.left(2)),
            ) as answer:
                answer.raise_for_status()
                return Profile.model_validate_json(await answer.read())
    except (Resting, TimeoutError, ClientError, ValidationError) as error:
        log.warning("no profile", extra={"reason": repr(error)})
        return NOTHING_KNOWN


async def deliveries(peers: Peers, application_id: UUID | None = None) -> list[Delivery] | None:
    """notify's ledger of one application, or all of it; None when notify does not answer."""
    url = f"{peers.notify_url.rstrip('/')}/internal/deliveries"
    found: list[Delivery] = []
    query = {"application_id": str(application_id)} if application_id else {}
    while True:
        try:
            with peers.notify.call(*NO_ANSWER):
                async with peers.http.get(
                    url,
                    params=query,
                    headers=peers.signer.headers("notify") | deadline.headers() | tracing.headers(),
                    timeout=ClientTimeout(total=deadline.left(3)),
                ) as answer:
                    answer.raise_for_status()
                    page = Deliveries.model_validate_json(await answer.read())
        except (Resting, TimeoutError, ClientError, ValidationError) as error:
            log.warning("no deliveries", extra={"reason": repr(error)})
            return None
        found += page.items
        if page.next_after is None:
            return found
        query["after"] = str(page.next_after)

"""Make the same move for many cases at once: each is answered for by itself, and one that cannot be moved holds up no
other."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.decision.decisions import Given, Office, decide
from services.applications.review import leases, looks
from services.applications.review.assignment import Outcome
from services.applications.workflow import LABELS, TABLE, Action, State, holds_lease
from shared.errors import DomainError, Invalid
from shared.identity import Actor

# What can be done without looking at anything but the list.
MOVES = frozenset({Action.ACCEPT, Action.PASS, Action.APPROVE})
_NEEDS_LEASE = {action for (_, action), rule in TABLE.items() if holds_lease in rule.guards}


async def move_many(
    session: AsyncSession,
    office: Office,
    actor: Actor,
    ids: Sequence[UUID],
    action: Action,
    *,
    batch: UUID | None,
) -> list[Outcome]:
    """Move each that can be moved; the outcomes in the order asked for. A case that nobody works on is taken for as long
    as this takes; one that another works on is left with who it is."""
    outcomes: dict[UUID, Outcome] = {}
    # In one order, so that two who move many never wait for one another.
    for id in sorted(set(ids)):
        try:
            async with session.begin_nested():
                outcomes[id] = await _one(session, office, actor, id, action, batch)
        except DomainError as error:
            told = error.errors[0].message if isinstance(error, Invalid) and error.errors else error.detail
            outcomes[id] = Outcome(id, await _number(session, actor, id), False, told)
    return [outcomes[id] for id in dict.fromkeys(ids)]


async def _one(
    session: AsyncSession,
    office: Office,
    actor: Actor,
    id: UUID,
    action: Action,
    batch: UUID | None,
) -> Outcome:
    application = await repository.application(session, actor, id, lock=True)
    held = leases.holder(application) == actor.account
    if action in _NEEDS_LEASE and (State(application.state), action) in TABLE:
        await leases.take(session, actor, id, office.lease_minutes)
    moved = await decide(session, office, actor, id, str(application.version), action, Given(batch=batch))
    if not held:
        leases.let_go(moved)
    # What one did oneself is no news.
    await looks.look(session, actor, moved)
    return Outcome(id, moved.number, True, f"现为“{LABELS[State(moved.state)]}”。")


async def _number(session: AsyncSession, actor: Actor, id: UUID) -> str | None:
    try:
        return (await repository.application(session, actor, id)).number
    except DomainError:
        return None

"""The audit row that every story ends with."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.models import Audit
from services.applications.workflow import State
from shared.identity import Actor


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    *,
    application_id: UUID | None = None,
    from_state: str | None = None,
    to_state: State | str | None = None,
    **details: Any,
) -> None:
    """Who did what, in the transaction that does it."""
    session.add(
        Audit(
            application_id=application_id,
            actor=actor.account,
            actor_name=actor.name,
            role=",".join(sorted(actor.roles)),
            action=action,
            from_state=from_state,
            to_state=to_state,
            request_id=actor.request_id,
            details=details,
            address=actor.address,
        )
    )

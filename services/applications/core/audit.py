"""Write the audit row that every use case ends with."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import synthetic
from services.applications.tables.applications import Application, Audit
from services.applications.workflow import LABELS, State
from shared.identity import Actor
from shared.live_hints import Hint
from shared.synthetic import ENTERPRISE


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
    """Who did what, in the transaction that does it. The audit is of people: what the synthetic applicant does every minute is not in it."""
    if synthetic.acts(actor):
        return
    if actor.agent is not None:
        # Somebody of another company is named with it.
        details["agent"] = actor.agent.enterprise
    if actor.phone is not None:
        details["phone"] = str(actor.phone)
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


def hint(
    session: AsyncSession,
    application: Application,
    type: Literal["application.state", "document.ready"],
    also: str = "",
) -> None:
    """Note for live pages that something changed, `also` besides the state; told only if the transaction commits."""
    state = State(application.state)
    told = Hint(
        type=type,
        enterprise="" if state is State.PROPOSED else application.enterprise,
        staff=type == "application.state" and state is not State.DRAFT and application.enterprise != ENTERPRISE,
        application_id=application.id,
        name=application.project_name,
        state=state,
        label="，".join(part for part in (LABELS[state], also) if part),
    )
    session.info.setdefault("hints", []).append(told)

"""Judge a 提交申请 by an instant before now: the first arrival that a ticket names, or its own arrival if a deadline
passed while it was on its way. Either counts only for an application that has not changed since."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.submission.unit_confirmation import asked_in_time
from services.applications.tables.applications import Application, Audit
from services.applications.workflow import Facts, State
from shared import clock
from shared.identity import Actor, Role
from shared.tickets import Ticket

# How far the gateway's clock and the database's may differ: further apart, the gateway is not ready.
CLOCKS = timedelta(seconds=1)
USE = "use_ticket"
# What an applicant does without touching anything that a submission contains.
LOOKS = frozenset({USE, "reveal", "see_return", "open_letter", "prefill", "ask_confirmation", "confirm_unit"})


# Built once: it is asked twice for each 提交申请 with a ticket.
_CHANGED = select(
    exists().where(
        Audit.application_id == bindparam("of"),
        Audit.at > bindparam("since"),
        Audit.action.not_in(sorted(LOOKS)),
        Audit.role.contains(Role.APPLICANT.value),
    )
)


async def changed_since(session: AsyncSession, application: Application, instant: datetime) -> bool:
    """Tell whether the applicant changed anything after an instant. Every act that can change what a submission contains has an
    audit row; 暂存 has none, and never counts. The version alone would not tell: a request may name one that is to come."""
    return bool(await session.scalar(_CHANGED, {"of": application.id, "since": instant + CLOCKS}))


async def why_not(session: AsyncSession, application: Application, ticket: Ticket, at: datetime) -> str | None:
    """Return why a ticket does not count for an application as it is; None when its first arrival counts."""
    if ticket.application != application.id:
        return "other_application"
    if ticket.enterprise != application.enterprise:
        return "other_enterprise"
    if at > ticket.ends_at:
        return "over"
    # Whoever was turned away from the page saw no version; what changed since is in the audit.
    if ticket.version and ticket.version != str(application.version):
        return "other_version"
    return "changed" if await changed_since(session, application, ticket.received_at) else None


async def note_use(session: AsyncSession, actor: Actor, application: Application, ticket: Ticket) -> None:
    """Record that a ticket was brought, and whether it counts."""
    fault = await why_not(session, application, ticket, actor.received_at)
    record(
        session,
        actor,
        USE,
        application_id=application.id,
        first_arrival=ticket.received_at.isoformat(),
        ends_at=ticket.ends_at.isoformat(),
        **({"ignored": fault} if fault else {}),
    )


async def arrival(
    session: AsyncSession, application: Application, actor: Actor, facts: Facts, ticket: Ticket | None
) -> datetime:
    """Return the instant a submission is judged by. `facts` are those of its own arrival."""
    if ticket is not None and await why_not(session, application, ticket, actor.received_at) is None:
        return ticket.received_at
    now = clock.now()
    ends = facts.correct_by if facts.state is State.RETURNED else facts.accepts_until
    if ends is not None and (asked := await asked_in_time(session, application, ends, actor.received_at)):
        # The enterprise's own look at it takes its time: what was handed to it in time, and is as it was, is in time.
        return actor.received_at if await changed_since(session, application, asked) else asked
    # A request whose body came slowly may have been completed by another one after the deadline.
    late = ends is not None and actor.received_at <= ends < now
    return now if late and await changed_since(session, application, actor.received_at) else actor.received_at

"""Tell what happened to an application, and what became of the notices about it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import peers
from services.applications.core.context import Peers
from services.applications.core.labels import ACTIONS, INTERNAL, TOLD
from services.applications.core.naming import acted
from services.applications.core.readings import READINGS
from services.applications.submission import queries
from services.applications.tables.applications import Application, Audit
from services.applications.workflow import LABELS, State, as_applicants_read
from shared import clock
from shared.contract.applications import TimelineEntry
from shared.contract.submission import NoticeView, TriedView
from shared.identity import Actor, Role
from shared.messages import Delivery
from shared.roles import STAFF


async def happened(
    session: AsyncSession, application: Application, actor: Actor, *, persons: bool
) -> list[TimelineEntry]:
    """Return what was done, oldest first. An applicant reads what concerns its application, not how the bureau shares its work;
    `persons`: with who of the bureau did it."""
    rows = in_order(await queries.audit(session, application.id), await queries.extended(session, application))
    return told(rows, actor, persons=persons)


def in_order(audit: Sequence[Audit], extended: Sequence[Audit]) -> list[Audit]:
    """Return what was done with an application, in the order in which it was recorded, and what was done with its round for it by its instant."""
    rows = list(audit)
    for act in extended:
        rows.insert(next((n for n, row in enumerate(rows) if row.at > act.at), len(rows)), act)
    return rows


def told(rows: Sequence[Audit], actor: Actor, *, persons: bool) -> list[TimelineEntry]:
    """Return the same from an application's whole audit."""
    outside = not actor.roles & STAFF
    if outside:
        rows = [row for row in rows if row.action not in INTERNAL and row.to_state != State.PROPOSED]
    if not actor.is_a(Role.AUDITOR):
        # Who has read what is for those who look into it; among what was done it would only be in the way.
        rows = [row for row in rows if row.action not in READINGS]

    def label(state: str | None) -> str | None:
        if state is None:
            return None
        return LABELS[as_applicants_read(State(state)) if outside else State(state)]

    return [
        TimelineEntry(
            at=row.at,
            action=row.action,
            label=ACTIONS.get(row.action, row.action),
            actor=acted(row.actor_name, row.role, row.action, persons=persons),
            from_state=label(row.from_state),
            to_state=label(row.to_state),
            details={k: v for k, v in row.details.items() if k in TOLD} if outside else row.details,
        )
        for row in rows
    ]


async def notices(known: Peers, id: UUID, actor: Actor) -> list[NoticeView] | None:
    """Return what became of an application's notices; None when notify does not answer."""
    sent = await peers.deliveries(known, id)
    if sent is None:
        return None
    outside = not actor.roles & STAFF
    ordered = sorted(sent, key=lambda d: (d.next_at or d.sent_at or clock.now(), d.channel))
    return [_notice(d, outside=outside) for d in ordered]


def _notice(d: Delivery, *, outside: bool) -> NoticeView:
    return NoticeView(
        event_id=d.event_id,
        channel=d.channel,
        kind=d.kind,
        state=d.state,
        attempts=d.attempts,
        address=d.address,
        answer=d.answer,
        error=d.last_error,
        next_at=d.next_at if d.state == "pending" else None,
        sent_at=d.sent_at,
        read_at=d.read_at,
        tried=[TriedView(**t.model_dump()) for t in d.tried],
        proposal=None if outside else d.proposal,
    )

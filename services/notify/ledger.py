"""The ledger: what notify has taken over from applications and owes by itself from then on.

Every function works in the caller's transaction; leases run by the database's clock.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.models import Notification
from shared import tracing
from shared.messages import ApplicationReturned, NotifyEvent, SubmissionReceived

EVENT: TypeAdapter[SubmissionReceived | ApplicationReturned] = TypeAdapter(NotifyEvent)

# A notice on the left is pointless once the event on the right has happened to the same application.
SUPERSEDED_BY = {"submission_received": ("application_returned",)}

LONGEST_PAUSE = timedelta(minutes=30)


@dataclass(frozen=True)
class Claim:
    """A mail that is ours to send until the lease ends."""

    event: SubmissionReceived | ApplicationReturned
    lease: UUID
    attempts: int
    message_id: str
    trace: str | None = None


def message_id(event_id: UUID, mail_from: str) -> str:
    """The same for every attempt, so that a mail that went twice can be recognised."""
    return f"<{event_id}@{mail_from.rpartition('@')[2].strip('> ')}>"


def accept(session: Session, event: SubmissionReceived | ApplicationReturned, mail_from: str) -> bool:
    """Take an event over, once; False when the ledger has it already."""
    row = {
        "event_id": event.event_id,
        "kind": event.kind,
        "application_id": event.application_id,
        "enterprise": event.to.enterprise,
        "occurred_at": event.occurred_at,
        "payload": event.model_dump(mode="json"),
        "message_id": message_id(event.event_id, mail_from),
        "state": "pending",
        "attempts": 0,
        "trace": tracing.current(),
    }
    made = session.scalar(
        insert(Notification)
        .values(row)
        .on_conflict_do_nothing(index_elements=[Notification.event_id])
        .returning(Notification.event_id)
    )
    if overtaken := SUPERSEDED_BY.get(event.kind):
        session.execute(
            update(Notification)
            .where(
                Notification.application_id == event.application_id,
                Notification.kind.in_(overtaken),
                Notification.occurred_at < event.occurred_at,
                Notification.state == "pending",
                _unleased(),
            )
            .values(state="superseded")
        )
    return made is not None


def _unleased() -> ColumnElement[bool]:
    return or_(Notification.lease_until.is_(None), Notification.lease_until < func.now())


def claim(session: Session, lease: timedelta, event_id: UUID | None = None) -> Claim | None:
    """Take one due mail (or this one, if it is due) for the length of a lease; None when there is none."""
    due = select(Notification).where(
        Notification.state == "pending", Notification.next_at <= func.now(), _unleased()
    )
    if event_id is not None:
        due = due.where(Notification.event_id == event_id)
    found = session.scalar(due.order_by(Notification.next_at).limit(1).with_for_update(skip_locked=True))
    if found is None:
        return None
    found.lease = uuid4()
    found.lease_until = func.now() + lease
    found.attempts += 1
    session.flush()
    return Claim(EVENT.validate_python(found.payload), found.lease, found.attempts, found.message_id, found.trace)


def _end(session: Session, claim: Claim, **values: object) -> bool:
    """Record how an attempt ended; False when its lease had passed to somebody else."""
    ended = session.scalar(
        update(Notification)
        .where(
            Notification.event_id == claim.event.event_id,
            Notification.lease == claim.lease,
            Notification.state == "pending",
        )
        .values(lease=None, lease_until=None, **values)
        .returning(Notification.event_id)
    )
    return ended is not None


def sent(session: Session, claim: Claim) -> bool:
    return _end(session, claim, state="sent", sent_at=func.now(), last_error=None)


def undeliverable(session: Session, claim: Claim, reason: str) -> bool:
    return _end(session, claim, state="undeliverable", last_error=reason)


def later(session: Session, claim: Claim, reason: str, *, first_pause: timedelta) -> bool:
    """Due again after a pause that doubles with each attempt."""
    pause = min(first_pause * 2 ** min(claim.attempts - 1, 20), LONGEST_PAUSE)
    return _end(session, claim, next_at=func.now() + pause, last_error=reason)

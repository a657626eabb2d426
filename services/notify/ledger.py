"""Keep the ledger: notices that notify has accepted from applications and must deliver from then on.

Every function works in the caller's transaction; leases run by the database's clock.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, delete, func, or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify import unsubscribing
from services.notify.channels import EMAIL, INBOX, SMS
from services.notify.models import Domain, Notification
from services.notify.rules import people, rules
from services.notify.short_messages import masked
from shared import clock
from shared.messages import AnyEvent, Event, NotifyEvent, Person
from shared.observability import tracing
from shared.synthetic import ENTERPRISE, KEPT

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(NotifyEvent)

LONGEST_PAUSE = timedelta(minutes=30)
# What went to the bureau's people is kept as long as what they were told in the portal.
STAFF_KEPT = timedelta(days=180)
# How many of the things tried a row remembers.
REMEMBERED = 20


@dataclass(frozen=True)
class Pace:
    """How many mails that applicants bring about by themselves go in an hour: to one address, and for one enterprise."""

    address: int = 20
    enterprise: int = 60


USUAL = Pace()


@dataclass(frozen=True)
class Claim:
    """A notice that this worker has claimed until its lease ends."""

    event: AnyEvent
    channel: str
    to: Person
    lease: UUID
    attempts: int
    message_id: str
    domain: str
    give_up_at: datetime | None
    # Somebody else who may be told instead.
    another: bool
    tried: list[dict[str, Any]]
    trace: str | None = None

    @property
    def address(self) -> str | None:
        """Where it goes, as it is written down: a telephone's number is shortened."""
        return masked(self.to.mobile) if self.channel == SMS else self.to.email

    @property
    def unclear(self) -> bool:
        """Whether an attempt was begun before of which nothing was written down."""
        since = takewhile(lambda one: one["outcome"] == "deferred", reversed(self.tried))
        return sum(1 for _ in since) < min(self.attempts - 1, REMEMBERED)


def message_id(event_id: UUID, mail_from: str) -> str:
    """The same for every attempt, so that a mail that went twice can be recognised."""
    return f"<{event_id}@{mail_from.rpartition('@')[2].strip('> ')}>"


def domain_of(address: str | None) -> str:
    """The part of an address that says whose server takes its mail."""
    return (address or "").rpartition("@")[2].lower()


def accept(
    session: Session,
    event: AnyEvent,
    mail_from: str,
    give_up_after: timedelta | None = None,
    *,
    pace: Pace = USUAL,
    texts: bool = False,
) -> bool:
    """Accept an event, once: a row for each channel of its kind. False when the ledger has it already. `texts`: whether there is a provider
    of short messages; one goes to whom the event names a telephone of."""
    rule = rules()[event.kind]
    contacts = [{"name": p.name, "email": p.email} for p in people(event)]
    about = event.application_id if isinstance(event, Event) else None
    if about is None:
        _forget_old(session)
    base: dict[str, Any] = {
        "event_id": event.event_id,
        "kind": event.kind,
        "application_id": about,
        "enterprise": event.to.enterprise,
        "occurred_at": event.occurred_at,
        "payload": event.model_dump(mode="json"),
        "message_id": message_id(event.event_id, mail_from),
        "contacts": [],
        "contact": 0,
        "domain": "",
        "tried": [],
        "attempts": 0,
        "state": "sent",
        "sent_at": func.now(),
        "give_up_at": None,
        "next_at": func.now(),
        "last_error": None,
        "trace": tracing.current(),
    }
    usual: dict[str, Any] = {
        "state": "pending",
        "sent_at": None,
        "give_up_at": func.now() + (give_up_after or timedelta(hours=48)),
    }
    owed = {**usual, "contacts": contacts, "domain": domain_of(contacts[0]["email"])}
    if rule.paced and event.to.enterprise != ENTERPRISE:
        owed |= _paced(session, pace, event.to.enterprise, contacts[0]["email"])
    if rule.reminder and unsubscribing.among(session, [str(c["email"]) for c in contacts if c["email"]]):
        owed |= {"state": "superseded", "last_error": "收件人已退订提醒"}
    # A live notice is a hint to open pages; nothing is owed of it, nor of a channel that nobody carries.
    by_channel: dict[str, dict[str, Any]] = {EMAIL: owed, INBOX: {}}
    if texts and event.to.mobile:
        telephone = {"name": event.to.name, "email": None, "mobile": event.to.mobile}
        by_channel[SMS] = {**usual, "contacts": [telephone]}
    rows = [
        {**base, "channel": channel, **by_channel[channel]} for channel in rule.channels if channel in by_channel
    ]
    if event.to.enterprise == ENTERPRISE:
        # Nobody reads what it was told.
        old = Notification.accepted_at < func.now() - KEPT
        session.execute(delete(Notification).where(Notification.enterprise == ENTERPRISE, old))
    made = session.scalars(
        insert(Notification)
        .values(rows)
        .on_conflict_do_nothing(index_elements=[Notification.event_id, Notification.channel])
        .returning(Notification.event_id)
    ).all()
    if rule.supersedes:
        session.execute(
            update(Notification)
            .where(
                Notification.application_id == about,
                Notification.kind.in_(rule.supersedes),
                Notification.occurred_at < event.occurred_at,
                Notification.state == "pending",
                _unleased(),
            )
            .values(state="superseded")
        )
    return bool(made)


def _forget_old(session: Session) -> None:
    """Delete what went to the bureau's people so long ago that nobody asks for it: no application's end takes it along."""
    old = Notification.accepted_at < func.now() - STAFF_KEPT
    session.execute(delete(Notification).where(Notification.application_id.is_(None), old))


# The hour in which no more than `most` go out begins with the oldest of the latest `most`: then the next one may go.
_NEXT = text(
    "SELECT min(at) + interval '1 hour' - now() FROM ("
    "  SELECT coalesce(sent_at, next_at) AS at FROM notify.notifications"
    "  WHERE channel = 'email' AND kind = ANY(CAST(:kinds AS text[])) AND state IN ('sent', 'pending')"
    "    AND coalesce(sent_at, next_at) > now() - interval '1 hour'"
    "    AND (CASE WHEN :address = '' THEN enterprise = :enterprise"
    "         ELSE lower(contacts -> 0 ->> 'email') = :address END)"
    "  ORDER BY at DESC LIMIT :most) AS latest HAVING count(*) >= :most"
)


def _paced(session: Session, pace: Pace, enterprise: str, address: str | None) -> dict[str, Any]:
    """When a mail may go that the applicant brings about: so many an hour to one address, and for one enterprise."""
    kinds = [kind for kind, rule in rules().items() if rule.paced]
    asked: list[tuple[str, int]] = [("", pace.enterprise)]
    if address:
        asked.append((address.lower(), pace.address))
    waits = [
        session.scalar(_NEXT, {"kinds": kinds, "address": said, "enterprise": enterprise, "most": most})
        for said, most in asked
    ]
    wait = max((w for w in waits if w is not None), default=timedelta())
    if wait <= timedelta():
        return {}
    return {"next_at": func.now() + wait, "last_error": "该收件人近一小时内的通知较多，稍后发送"}


def _unleased() -> ColumnElement[bool]:
    return or_(Notification.lease_until.is_(None), Notification.lease_until < func.now())


# A domain that fails waits for its hour; one that has enough under way lets others go first.
_CLAIM = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT event_id, channel FROM notify.notifications"
    "  WHERE state = 'pending' AND next_at <= now() AND channel = ANY(CAST(:channels AS text[]))"
    "    AND (lease_until IS NULL OR lease_until < now())"
    "    AND domain NOT IN (SELECT name FROM notify.domains WHERE retry_at > now())"
    "    AND domain NOT IN ("
    "      SELECT domain FROM notify.notifications"
    "      WHERE state = 'pending' AND lease IS NOT NULL AND lease_until > now()"
    "      GROUP BY domain HAVING count(*) >= :per_domain)"
    "    AND (CAST(:event_id AS uuid) IS NULL OR event_id = CAST(:event_id AS uuid))"
    "  ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED) "
    "UPDATE notify.notifications AS n"
    "  SET lease = gen_random_uuid(), lease_until = now() + :lease, attempts = n.attempts + 1 "
    "FROM due WHERE n.event_id = due.event_id AND n.channel = due.channel "
    "RETURNING CAST(n.payload AS text), n.channel, n.contacts, n.contact, n.lease, n.attempts, n.message_id, n.domain,"
    "  n.give_up_at, n.tried, n.trace"
)


# What is due is read from the index until there is enough. Once the table has been analysed, however long ago, the
# planner does so unasked; in a new database, until autovacuum first comes, it takes that index for empty, and reads and
# sorts all of a backlog for every claim (20,000: 14 ms instead of 0.3).
_IN_ORDER = text("SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)")


def claim(
    session: Session,
    lease: timedelta,
    event_id: UUID | None = None,
    *,
    limit: int = 1,
    per_domain: int = 1000,
    channels: Sequence[str] = (EMAIL,),
) -> list[Claim]:
    """Take what is due (or this one, if it is) for the length of a lease. A domain that fails waits for its hour, and
    never has more than `per_domain` under way, so that a silent one keeps no worker from the others."""
    session.execute(_IN_ORDER)
    taken = session.execute(
        _CLAIM,
        {
            "lease": lease,
            "event_id": event_id,
            "limit": limit,
            "per_domain": per_domain,
            "channels": list(channels),
        },
    )
    return [_claim(row) for row in taken]


def _claim(row: Row[Any]) -> Claim:
    event = EVENT.validate_json(row.payload)
    to = row.contacts[row.contact]
    return Claim(
        event=event,
        channel=row.channel,
        to=Person(name=to["name"], email=to["email"], enterprise=event.to.enterprise, mobile=to.get("mobile")),
        lease=row.lease,
        attempts=row.attempts,
        message_id=row.message_id,
        domain=row.domain,
        give_up_at=row.give_up_at,
        another=row.contact + 1 < len(row.contacts),
        tried=row.tried,
        trace=row.trace,
    )


def _end(session: Session, claim: Claim, **values: object) -> bool:
    """Record how an attempt ended; False when another worker had claimed it meanwhile."""
    ended = session.scalar(
        update(Notification)
        .where(
            Notification.event_id == claim.event.event_id,
            Notification.channel == claim.channel,
            Notification.lease == claim.lease,
            Notification.state == "pending",
        )
        .values(lease=None, lease_until=None, **values)
        .returning(Notification.event_id)
    )
    return ended is not None


_SENT = text(
    "UPDATE notify.notifications AS n SET state = 'sent', sent_at = now(), answer = v.answer, tried = v.tried,"
    "  last_error = NULL, lease = NULL, lease_until = NULL "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:channels AS text[]), CAST(:leases AS uuid[]), CAST(:answers AS text[]),"
    "  CAST(:tried AS jsonb[])) AS v (id, channel, lease, answer, tried) "
    "WHERE n.event_id = v.id AND n.channel = v.channel AND n.lease = v.lease AND n.state = 'pending' "
    "RETURNING n.event_id, n.channel"
)


def sent(session: Session, taken: Sequence[tuple[Claim, str]]) -> set[tuple[UUID, str]]:
    """Record these as sent, with the server's answers; give those whose lease was still ours."""
    if recovered := {c.domain for c, _ in taken if c.domain and c.attempts > 1}:
        session.execute(delete(Domain).where(Domain.name.in_(recovered)))
    done = session.execute(
        _SENT,
        {
            "ids": [c.event.event_id for c, _ in taken],
            "channels": [c.channel for c, _ in taken],
            "leases": [c.lease for c, _ in taken],
            "answers": [answer for _, answer in taken],
            "tried": [json.dumps(_and_now(c, "accepted", answer), ensure_ascii=False) for c, answer in taken],
        },
    )
    return {(row[0], row[1]) for row in done}


def _and_now(claim: Claim, outcome: str, answer: str) -> list[dict[str, Any]]:
    """What was tried, with this attempt; the latest are kept."""
    now = {"address": claim.address, "at": clock.now().isoformat(), "outcome": outcome, "answer": answer}
    return [*claim.tried, now][-REMEMBERED:]


def refused(session: Session, claim: Claim, reason: str, give_up_after: timedelta) -> bool:
    """The present contact will not do: on to the next one, or parked where there is none."""
    tried = _and_now(claim, "refused", reason)
    if not claim.another:
        return _end(session, claim, tried=tried, state="undeliverable", last_error=reason)
    following = Notification.contacts[Notification.contact + 1]["email"].astext
    return _end(
        session, claim, tried=tried,
        contact=Notification.contact + 1,
        domain=func.coalesce(func.lower(func.split_part(following, "@", 2)), ""),
        attempts=0,
        next_at=func.now(),
        give_up_at=func.now() + give_up_after,
        last_error=reason,
    )  # fmt: skip


def pause_of(first_pause: timedelta, attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubling up to half an hour, and never the same for all, so that what
    failed together does not come again together."""
    return _about(min(first_pause * 2 ** min(attempts - 1, 20), LONGEST_PAUSE))


def _about(pause: timedelta) -> timedelta:
    return timedelta(seconds=pause.total_seconds() * random.uniform(0.75, 1.25))  # noqa: S311 (jitter, no secret)


def later(session: Session, claim: Claim, reason: str, *, first_pause: timedelta) -> bool:
    """Due again after a pause that grows with each attempt; its domain waits with it."""
    pause = pause_of(first_pause, claim.attempts)
    if claim.domain:
        failing = insert(Domain).values(
            name=claim.domain, failures=1, retry_at=func.now() + pause, last_error=reason
        )
        session.execute(
            failing.on_conflict_do_update(
                index_elements=[Domain.name],
                set_={"failures": Domain.failures + 1, "retry_at": func.now() + pause, "last_error": reason},
            )
        )
    return _end(
        session, claim, tried=_and_now(claim, "deferred", reason),
        next_at=func.now() + pause, last_error=reason,
    )  # fmt: skip


def give_back(session: Session, claim: Claim, reason: str | None, *, pause: timedelta) -> bool:
    """Return a claim as if it had never been tried: the mail server is away, which is no fault of this mail."""
    values: dict[str, object] = {} if reason is None else {"last_error": reason}
    attempts = Notification.attempts - 1
    return _end(session, claim, attempts=attempts, next_at=func.now() + _about(pause), **values)


def put_off(session: Session, claim: Claim, reason: str, until: datetime) -> bool:
    """Return a claim until an instant, as if it had never been tried."""
    return _end(session, claim, attempts=Notification.attempts - 1, next_at=until, last_error=reason)

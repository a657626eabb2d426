"""Read the inbox of an enterprise, and the ledger for other services."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.channels import INBOX, SMS
from services.notify.ledger import EVENT, domain_of
from services.notify.models import Notification
from services.notify.rules import people
from services.notify.short_messages import masked
from shared import clock, codes
from shared.errors import Conflict, Malformed, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import Deliveries, Delivery, Proposal, Tried, forgotten_event
from shared.synthetic import ENTERPRISE

PAGE = 20
LEDGER_PAGE = 500


def _scope(actor: Actor) -> str:
    """Restrict a query to the notices that an applicant may see."""
    if not actor.enterprise:
        raise NotAllowed
    return actor.enterprise


async def notices(session: AsyncSession, actor: Actor, cursor: str) -> tuple[list[Notification], str | None, int]:
    """A page, newest first; the cursor of the next; how many are unread."""
    mine = and_(Notification.enterprise == _scope(actor), Notification.channel == INBOX)
    order = (Notification.occurred_at, Notification.event_id)
    query = select(Notification).where(mine).order_by(*(column.desc() for column in order)).limit(PAGE + 1)
    if cursor:
        last = await _by_id(session, actor, cursor)
        query = query.where(tuple_(*order) < (last.occurred_at, last.event_id))
    found = list(await session.scalars(query))
    unread = await session.scalar(select(func.count()).where(mine, Notification.read_at.is_(None)))
    more = len(found) > PAGE
    return found[:PAGE], str(found[PAGE - 1].event_id) if more else None, int(unread or 0)


async def _by_id(session: AsyncSession, actor: Actor, text: str) -> Notification:
    try:
        id = UUID(text)
    except ValueError:
        raise Malformed("翻页位置无效，请从第一页重新查看。", code=codes.BAD_CURSOR) from None
    return await notice(session, actor, id)


async def notice(session: AsyncSession, actor: Actor, id: UUID) -> Notification:
    """One of the actor's notices, or `NotFound`."""
    found = await session.scalar(
        select(Notification).where(
            Notification.event_id == id,
            Notification.channel == INBOX,
            Notification.enterprise == _scope(actor),
        )
    )
    if found is None:
        raise NotFound("没有这条通知。")
    return found


async def mark_read(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Mark a notice as read; doing so again changes nothing."""
    await notice(session, actor, id)
    await session.execute(
        update(Notification)
        .where(Notification.event_id == id, Notification.channel == INBOX, Notification.read_at.is_(None))
        .values(read_at=func.now())
    )


async def deliveries(
    session: AsyncSession, application_id: UUID | None, after: tuple[UUID, str] | None
) -> Deliveries:
    """A page of the ledger in the order of event ids and channels, of one application or of all of people's."""
    order = (Notification.event_id, Notification.channel)
    # What went to the bureau's people belongs to no application, and is nothing to reconcile.
    of_applications = Notification.application_id.is_not(None)
    query = select(Notification).where(of_applications).order_by(*order).limit(LEDGER_PAGE + 1)
    if application_id is not None:
        query = query.where(Notification.application_id == application_id)
    else:
        query = query.where(Notification.enterprise != ENTERPRISE)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    found = list(await session.scalars(query))
    shown = [delivery_of(row) for row in found[:LEDGER_PAGE]]
    more = len(found) > LEDGER_PAGE
    return Deliveries(items=shown, next_after=f"{shown[-1].event_id}.{shown[-1].channel}" if more else None)


def delivery_of(row: Notification) -> Delivery:
    """One line of the ledger as other services read it."""
    contact = row.contacts[row.contact] if row.contacts else {"email": None}
    address = masked(contact.get("mobile")) if row.channel == SMS else contact["email"]
    plain = {name: getattr(row, name) for name in Delivery.model_fields if name not in {"address", "tried"}}
    return Delivery(**plain, address=address, tried=[Tried.model_validate(t) for t in row.tried])


async def forget(session: AsyncSession, applications: Sequence[UUID]) -> int:
    """Forget whom the notices of these applications went to; how many rows. The rows stay: something was told, and when."""
    rows = list(await session.scalars(select(Notification).where(Notification.application_id.in_(applications))))
    for row in rows:
        row.payload = forgotten_event(row.payload)
        row.contacts, row.contact, row.domain, row.tried = [], 0, "", []
        row.answer = row.last_error = row.proposal = None
        row.lease = row.lease_until = None
        if row.state != "sent":
            row.state = "superseded"
    return len(rows)


async def parked(session: AsyncSession) -> list[Notification]:
    """What could not be delivered, the latest first, at most 200."""
    query = select(Notification).where(
        Notification.state == "undeliverable", Notification.enterprise != ENTERPRISE
    )
    return list(await session.scalars(query.order_by(Notification.accepted_at.desc()).limit(200)))


@dataclass(frozen=True)
class Resent:
    """What a request to send again came to: sent to this contact, or `proposed` for a second person to agree to."""

    row: Notification
    address: str
    on_record: bool
    proposed: bool = False
    proposed_by: str | None = None


def on_record(row: Notification) -> list[dict[str, Any]]:
    """Whom a notice may go to: those its event named, and addresses that two people agreed on before."""
    event = EVENT.validate_python(row.payload)
    named = [{"name": p.name, "email": p.email} for p in people(event)]
    return [*row.contacts, *(contact for contact in named if contact not in row.contacts)]


async def resend(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    channel: str,
    *,
    email: str | None,
    reason: str,
    give_up_after: timedelta,
    by_two: bool = True,
) -> Resent:
    """Owe it again from the beginning, to the first contact or to another on record; to any other address only when a
    second person asks for it, unless one is enough (`by_two`). `Conflict` while it is still under way, for a second sending would only double it."""
    found = await session.get(Notification, (id, channel), with_for_update=True)
    if found is None or not found.contacts:
        raise NotFound("没有这条通知。")
    if found.application_id is None:
        raise Conflict("发给工作人员的邮件不能重新发送，请由本人在“消息”中更正邮箱。", code=codes.OWN_ADDRESS)
    if found.state == "pending":
        raise Conflict("该通知仍在发送中，无需重发。", code=codes.STILL_SENDING)
    if channel == SMS:
        if email is not None:
            raise Conflict("短信只能发往申报单位填写的移动电话，不能改发邮箱。", code=codes.NOT_EMAIL)
        return await _owed_again(session, found, found.contacts[0], give_up_after)
    contacts = on_record(found)
    chosen = next((c for c in contacts if email is None or _same(c["email"], email)), None)
    proposed_by, known = None, chosen is not None
    if chosen is None:
        assert email is not None
        waiting = Proposal.model_validate(found.proposal) if found.proposal else None
        if by_two and (waiting is None or not _same(waiting.email, email) or waiting.by == actor.account):
            asked = Proposal(email=email, reason=reason, by=actor.account, by_name=actor.name, at=clock.now())
            found.proposal = asked.model_dump(mode="json")
            return Resent(found, email, on_record=False, proposed=True)
        chosen = {"name": contacts[0]["name"], "email": email}
        if waiting is not None and _same(waiting.email, email) and waiting.by != actor.account:
            chosen["email"], proposed_by = waiting.email, waiting.by
    found.contacts = [chosen, *(c for c in contacts if c != chosen)]
    done = await _owed_again(session, found, chosen, give_up_after)
    return replace(done, on_record=known, proposed_by=proposed_by)


async def _owed_again(
    session: AsyncSession, found: Notification, chosen: dict[str, Any], give_up_after: timedelta
) -> Resent:
    """Owe a notice from the beginning, to the first of its contacts."""
    found.proposal = None
    found.contact = 0
    found.domain = domain_of(chosen["email"])
    found.state, found.attempts, found.last_error = "pending", 0, None
    found.lease = found.lease_until = None
    found.next_at = func.now()
    found.give_up_at = func.now() + give_up_after
    await session.flush()
    await session.refresh(found)
    return Resent(found, str(chosen["email"] or masked(chosen.get("mobile")) or ""), on_record=True)


def _same(one: str | None, other: str) -> bool:
    return (one or "").casefold() == other.casefold()

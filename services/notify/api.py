"""Serve the inbox to people and the ledger to services."""

from datetime import timedelta
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.notify import inbox, unsubscribing
from services.notify.auditing import AUDITOR, shortened
from services.notify.emails import render
from services.notify.ledger import EVENT
from services.notify.models import Notification
from services.notify.settings import NotifySettings
from shared import codes
from shared.contract.notify import Forget, Inbox, Notice, ParkedNotice, Resend, Unsubscribe, Unsubscribed
from shared.errors import FieldError, Invalid, Malformed, NotFound
from shared.http.app import actor, answer, body, uuid_in_path
from shared.messages import Event, EventToShow, NoteResend, ParkedMail, ParkedMails, RenderedMail
from shared.text import identifiers

SESSIONS: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("sessions", async_sessionmaker)
PUBLIC_URL = web.AppKey("public_url", str)
SETTINGS = web.AppKey("settings", NotifySettings)
UNSUBSCRIBE_KEY = web.AppKey("unsubscribe_key", bytes)


def _view(row: Notification, public_url: str) -> Notice:
    assert row.application_id is not None
    mail = render(EVENT.validate_python(row.payload), public_url, mailed=False)
    return Notice(
        id=row.event_id,
        kind=row.kind,
        application_id=row.application_id,
        title=mail.subject,
        text=mail.text,
        occurred_at=row.occurred_at,
        read_at=row.read_at,
    )


async def list_notices(request: web.Request) -> web.Response:
    """My enterprise's notices, newest first, keyset-paged."""
    async with request.app[SESSIONS].begin() as session:
        rows, cursor, unread = await inbox.notices(session, actor(request), request.query.get("cursor", ""))
    items = [_view(row, request.app[PUBLIC_URL]) for row in rows]
    return answer(Inbox(items=items, next_cursor=cursor, unread=unread))


async def read_notice(request: web.Request) -> web.Response:
    """Mark a notice as read."""
    async with request.app[SESSIONS].begin() as session:
        await inbox.mark_read(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)


def _uuid(request: web.Request, name: str) -> UUID | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Malformed from None


async def deliveries(request: web.Request) -> web.Response:
    """The ledger of one application, or all of it, in pages."""
    said, _, channel = request.query.get("after", "").partition(".")
    try:
        after = (UUID(said), channel) if said else None
    except ValueError:
        raise Malformed from None
    async with request.app[SESSIONS].begin() as session:
        page = await inbox.deliveries(session, _uuid(request, "application_id"), after)
    return answer(page)


async def forget(request: web.Request) -> web.Response:
    """Forget whom the notices of these applications went to: their time is over."""
    async with request.app[SESSIONS].begin() as session:
        await inbox.forget(session, body(request, Forget).applications)
    return web.Response(status=204)


async def list_parked(request: web.Request) -> web.Response:
    """What could not be delivered, the latest first."""
    async with request.app[SESSIONS].begin() as session:
        found = await inbox.parked(session)
    shown = []
    for row in found:
        event = EVENT.validate_python(row.payload)
        about = event if isinstance(event, Event) else None
        shown.append(
            ParkedNotice(
                delivery=inbox.delivery_of(row),
                project_name=about.project_name if about else event.to.name,
                number=about.number if about else "",
                title=render(event, request.app[PUBLIC_URL]).subject,
            )
        )
    return answer(shown)


async def parked_mails(request: web.Request) -> web.Response:
    """Tell applications what could not be delivered, so that somebody hears of it."""
    async with request.app[SESSIONS].begin() as session:
        found = await inbox.parked(session)
    items = [
        ParkedMail(
            event_id=row.event_id,
            kind=row.kind,
            application_id=row.application_id,
            account=row.payload.get("account"),
            parked_at=row.tried[-1]["at"] if row.tried else row.accepted_at,
        )
        for row in found
    ]
    return answer(ParkedMails(items=items))


async def resend(request: web.Request) -> web.Response:
    """Send a notice again, to a contact on record; to another address once two people asked for it. Recorded in the
    application's audit, or not done; 409 while it is under way."""
    given, who = body(request, Resend), actor(request)
    reason = given.reason.strip()
    if not reason:
        error = FieldError(field="reason", code=codes.REASON_REQUIRED, message="请填写理由")
        raise Invalid([error], "请填写重新发送的理由。")
    email = None
    if given.email is not None and given.email.strip():
        try:
            email = identifiers.email(given.email)
        except ValueError as wrong:
            error = FieldError(field="email", code=codes.NOT_EMAIL, message=str(wrong))
            raise Invalid([error], f"{wrong}。") from None
    hours = request.app[SETTINGS].notify_give_up_hours
    async with request.app[SESSIONS].begin() as session:
        done = await inbox.resend(
            session,
            who,
            uuid_in_path(request),
            given.channel,
            email=email,
            reason=reason,
            give_up_after=timedelta(hours=hours),
            by_two=request.app[SETTINGS].resends_by_two,
        )
        assert done.row.application_id is not None
        note = NoteResend(
            application_id=done.row.application_id,
            event_id=done.row.event_id,
            kind=done.row.kind,
            proposed=done.proposed,
            address=shortened(done.address),
            on_record=done.on_record,
            reason=reason,
            proposed_by=done.proposed_by,
        )
        # Before the commit: what cannot be recorded is not done.
        await request.app[AUDITOR].note(who, note)
        shown = inbox.delivery_of(done.row)
    return answer(shown)


async def unsubscribe(request: web.Request) -> web.Response:
    """No more reminders for the address in a token, or reminders again; 404 for a token that is not ours."""
    given = body(request, Unsubscribe)
    address = unsubscribing.address_of(request.app[UNSUBSCRIBE_KEY], given.token)
    if address is None:
        raise NotFound("退订链接无效，请从邮件中重新打开。")
    async with request.app[SESSIONS].begin() as session:
        if given.change:
            await unsubscribing.set_unsubscribed(session, address, wanted=not given.again)
        unsubscribed = await unsubscribing.is_unsubscribed(session, address)
    return answer(Unsubscribed(address=address, unsubscribed=unsubscribed))


async def preview(request: web.Request) -> web.Response:
    """The mail that an event would become, for somebody who is about to bring it about."""
    mail = render(body(request, EventToShow).root, request.app[PUBLIC_URL])
    return answer(RenderedMail(subject=mail.subject, text=mail.text, html=mail.html))

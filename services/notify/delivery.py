"""One delivery: claim, render, send, mark. A crash anywhere leaves a row whose lease runs out."""

import logging
from datetime import timedelta
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.emails import render
from services.notify.sender import Never, NotNow, Sender, compose
from services.notify.settings import NotifySettings
from shared import clock, tracing

log = logging.getLogger(__name__)


class Delivery:
    """Sends what the ledger owes."""

    def __init__(self, sessions: sessionmaker[Session], sender: Sender, settings: NotifySettings) -> None:
        self._sessions = sessions
        self._sender = sender
        self._settings = settings

    def deliver(self, event_id: UUID | None = None) -> bool:
        """Try one due mail (or this one); False when none was due."""
        with self._sessions.begin() as session:
            claim = ledger.claim(session, timedelta(seconds=self._settings.notify_lease_seconds), event_id)
        if claim is None:
            return False
        with tracing.span(
            "mail", SpanKind.CLIENT, of=tracing.parent(claim.trace), mail__kind=claim.event.kind
        ) as span:
            span.set_attribute("mail.outcome", self._try(claim))
        return True

    def _try(self, claim: ledger.Claim) -> str:
        outcome = "sent"
        try:
            self._send(claim)
            with self._sessions.begin() as session:
                kept = ledger.sent(session, claim)
        except Never as error:
            outcome = "undeliverable"
            with self._sessions.begin() as session:
                kept = ledger.undeliverable(session, claim, str(error))
        except NotNow as error:
            age = clock.now() - claim.event.occurred_at
            outcome = "later"
            with self._sessions.begin() as session:
                if age > timedelta(hours=self._settings.notify_give_up_hours):
                    outcome = "undeliverable"
                    kept = ledger.undeliverable(session, claim, str(error))
                else:
                    pause = timedelta(seconds=self._settings.notify_retry_seconds)
                    kept = ledger.later(session, claim, str(error), first_pause=pause)
        log.info(
            "mail",
            extra={
                "event": str(claim.event.event_id),
                "kind": claim.event.kind,
                "attempt": claim.attempts,
                "outcome": outcome if kept else f"{outcome}, after the lease had passed on",
            },
        )
        return outcome

    def _send(self, claim: ledger.Claim) -> None:
        to = claim.event.to
        if not to.email:
            raise Never("没有邮箱地址")
        mail = render(claim.event, str(self._settings.public_url))
        self._sender.send(
            compose(
                sender=self._settings.mail_from,
                name=to.name,
                address=to.email,
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
                message_id=claim.message_id,
            )
        )

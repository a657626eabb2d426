"""Deliveries: claim some, carry each, mark each. A crash anywhere leaves rows whose lease runs out."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.channels import Carrier, Parcel
from services.notify.sender import Away, Never, NotNow
from services.notify.settings import NotifySettings
from shared import clock, tracing

log = logging.getLogger(__name__)


class Delivery:
    """Carries what the ledger owes. Threads may share one."""

    def __init__(
        self, sessions: sessionmaker[Session], carriers: Sequence[Carrier], settings: NotifySettings
    ) -> None:
        self._sessions = sessions
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._settings = settings

    def deliver(self, event_id: UUID | None = None, *, limit: int = 1) -> int:
        """Try up to `limit` that are due (or this one); how many were."""
        settings = self._settings
        begun = time.monotonic()
        with self._sessions.begin() as session:
            claims = ledger.claim(
                session,
                timedelta(seconds=settings.notify_lease_seconds),
                event_id,
                limit=limit,
                per_domain=settings.notify_per_domain * limit,
                channels=list(self._carriers),
            )
        # No attempt begins that might outlive the lease: another would then send it a second time.
        last_start = begun + settings.notify_lease_seconds - 2 * settings.smtp_timeout_seconds
        stopped: str | None = None
        for n, claim in enumerate(claims):
            if stopped is not None or (n and time.monotonic() > last_start):
                with self._sessions.begin() as session:
                    ledger.give_back(session, claim, stopped, pause=self._steady if stopped else timedelta())
                continue
            stopped = self._one(claim)
        return len(claims)

    @property
    def _steady(self) -> timedelta:
        return timedelta(seconds=self._settings.notify_retry_seconds)

    def _one(self, claim: ledger.Claim) -> str | None:
        """Carry one; why the rest had better wait, if our own way out is closed."""
        with tracing.span(
            "mail", SpanKind.CLIENT, of=tracing.parent(claim.trace), mail__kind=claim.event.kind
        ) as span:
            outcome, closed = self._try(claim)
            span.set_attribute("mail.outcome", outcome)
        return closed

    def _try(self, claim: ledger.Claim) -> tuple[str, str | None]:
        settings, closed = self._settings, None
        give_up_after = timedelta(hours=settings.notify_give_up_hours)
        outcome, answer = "sent", ""
        try:
            answer = self._carry(claim)
        except Never as error:
            outcome, answer = "refused", str(error)
        except Away as error:
            outcome, answer = "away", str(error)
            closed = answer
        except NotNow as error:
            outcome, answer = "later", str(error)
        if outcome == "later" and claim.give_up_at is not None and clock.now() > claim.give_up_at:
            outcome = "refused"
        with self._sessions.begin() as session:
            match outcome:
                case "sent":
                    kept = ledger.sent(session, claim, answer)
                case "refused":
                    kept = ledger.refused(session, claim, answer, give_up_after)
                case "away":
                    kept = ledger.give_back(session, claim, answer, pause=self._steady)
                case _:
                    kept = ledger.later(session, claim, answer, first_pause=self._steady)
        log.info(
            "mail",
            extra={
                "event": str(claim.event.event_id),
                "kind": claim.event.kind,
                "channel": claim.channel,
                "attempt": claim.attempts,
                "outcome": outcome if kept else f"{outcome}, after the lease had passed on",
            },
        )
        return outcome, closed

    def _carry(self, claim: ledger.Claim) -> str:
        if not claim.to.email:
            raise Never("没有邮箱地址")
        return self._carriers[claim.channel].carry(Parcel(claim.event, claim.to, claim.message_id))

"""Deliver what the ledger owes: claim rows for the length of a lease, carry each, record each outcome. A crash leaves rows
whose lease runs out."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.channels import EMAIL, SMS, Carrier, Parcel
from services.notify.sender import Away, Never, NotNow
from services.notify.settings import NotifySettings
from services.notify.short_messages import may_go
from shared import clock
from shared.database import BUSY
from shared.observability import tracing

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Ended:
    """The outcome of an attempt. `back`: none was made, the lease would not have lasted; `night`: none was made before `until`."""

    claim: ledger.Claim
    outcome: Literal["sent", "refused", "later", "away", "back", "night"]
    answer: str = ""
    until: datetime | None = None


class Recorder:
    """Records the outcomes of attempts in the ledger."""

    def __init__(self, sessions: sessionmaker[Session], settings: NotifySettings) -> None:
        self._sessions = sessions
        self._steady = timedelta(seconds=settings.notify_retry_seconds)
        self._give_up_after = timedelta(hours=settings.notify_give_up_hours)

    def __call__(self, *ends: Ended) -> None:
        """All of them in one transaction."""
        with self._sessions.begin() as session:
            taken = [(ended.claim, ended.answer) for ended in ends if ended.outcome == "sent"]
            ours = ledger.sent(session, taken) if taken else set()
            kept = [
                (ended.claim.event.event_id, ended.claim.channel) in ours
                if ended.outcome == "sent"
                else self._one(session, ended)
                for ended in ends
            ]
        for ended, in_time in zip(ends, kept, strict=True):
            if ended.outcome == "back":
                continue
            log.info(
                "mail",
                extra={
                    "event": str(ended.claim.event.event_id),
                    "kind": ended.claim.event.kind,
                    "channel": ended.claim.channel,
                    "attempt": ended.claim.attempts,
                    "outcome": ended.outcome if in_time else f"{ended.outcome}, after the lease had passed on",
                },
            )

    def _one(self, session: Session, ended: Ended) -> bool:
        claim, answer = ended.claim, ended.answer
        match ended.outcome:
            case "refused":
                return ledger.refused(session, claim, answer, self._give_up_after)
            case "later":
                return ledger.later(session, claim, answer, first_pause=self._steady)
            case "night" if ended.until is not None:
                return ledger.put_off(session, claim, answer, ended.until)
            case "away":
                return ledger.give_back(session, claim, answer, pause=self._steady)
            case _:
                return ledger.give_back(session, claim, None, pause=timedelta())


class Behind:
    """Records outcomes in the background: a thread writes those of a moment in one transaction, so that a slow disk makes
    transactions larger and not mails slower. What is not written yet is bounded; a crash repeats that much at most."""

    MOMENT_SECONDS = 0.05

    def __init__(self, recorder: Callable[..., None], at_most: int) -> None:
        self._recorder = recorder
        self._at_most = at_most
        self._ended: queue.Queue[Ended | None] = queue.Queue(at_most)
        self._thread = threading.Thread(target=self._write, name="marks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def __call__(self, *ends: Ended) -> None:
        for ended in ends:
            self._ended.put(ended)

    def stop(self, seconds: float) -> None:
        """Write what is left."""
        self._ended.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        going_on = True
        while going_on:
            ends = [self._ended.get()]
            until = time.monotonic() + self.MOMENT_SECONDS
            while None not in ends and len(ends) < self._at_most:
                try:
                    ends.append(self._ended.get(timeout=max(0.0, until - time.monotonic())))
                except queue.Empty:
                    break
            going_on = None not in ends
            self._surely([ended for ended in ends if ended is not None])

    def _surely(self, ends: list[Ended]) -> None:
        while ends:
            try:
                self._recorder(*ends)
                return
            except BUSY as error:
                # The mails are gone; while the lease lasts, what became of them can still be told.
                log.warning("database does not answer", extra={"reason": repr(error)})
                time.sleep(AGAIN_SECONDS)
            except Exception:
                # What cannot be written down comes again when its lease ends; the others must not wait for it.
                log.exception("outcomes not recorded")
                return


class Delivery:
    """Delivers what the ledger owes. Threads may share one."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        carriers: Sequence[Carrier],
        settings: NotifySettings,
        record: Callable[..., None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._settings = settings
        self._record = record or Recorder(sessions, settings)

    def deliver(self, event_id: UUID | None = None, *, limit: int = 1) -> int:
        """Try up to `limit` notices that are due (or this one); give how many there were."""
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
        longest = max(settings.smtp_timeout_seconds, settings.sms_timeout_seconds)
        last_start = begun + settings.notify_lease_seconds - 2 * longest
        closed: dict[str, str] = {}
        for n, claim in enumerate(claims):
            if claim.channel in closed:
                # Our own mail server, or the provider, is away: the rest of the batch waits as well.
                self._record(Ended(claim, "away", closed[claim.channel]))
            elif n and time.monotonic() > last_start:
                self._record(Ended(claim, "back"))
            else:
                ended = self._carry(claim)
                if ended.outcome == "away":
                    closed[claim.channel] = ended.answer
                self._record(ended)
        return len(claims)

    def _carry(self, claim: ledger.Claim) -> Ended:
        with tracing.span(
            "mail", SpanKind.CLIENT, of=tracing.parent(claim.trace), mail__kind=claim.event.kind
        ) as span:
            ended = self._try(claim)
            span.set_attribute("mail.outcome", ended.outcome)
        return ended

    def _try(self, claim: ledger.Claim) -> Ended:
        if claim.channel == EMAIL and not claim.to.email:
            return Ended(claim, "refused", "没有邮箱地址")
        if claim.channel == SMS and (until := may_go(claim.event, now := clock.now())) > now:
            return Ended(claim, "night", "夜间不发短信，早上八点后发送", until)
        try:
            parcel = Parcel(claim.event, claim.to, claim.message_id, unclear=claim.unclear)
            answer = self._carriers[claim.channel].carry(parcel)
        except Never as error:
            return Ended(claim, "refused", str(error))
        except Away as error:
            return Ended(claim, "away", str(error))
        except NotNow as error:
            given_up = claim.give_up_at is not None and clock.now() > claim.give_up_at
            return Ended(claim, "refused" if given_up else "later", str(error))
        return Ended(claim, "sent", answer)

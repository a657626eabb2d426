"""Count the ledger at every scrape."""

from prometheus_client import Gauge
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.notify.models import Notification
from shared.observability.metrics import Sampler
from shared.synthetic import ENTERPRISE

MAILS = Gauge("gm_mails", "Mails that wait or cannot be delivered", ["state"])
OLDEST = Gauge("gm_mail_oldest_seconds", "Age of the oldest mail that waits; 0 when none does")


# Handed over and on their way, of the last hour; `late`: it took, or has taken, more than five minutes.
HANDED = Gauge("gm_mails_hour", "Mails of the last hour", ["when"])
LATE = text("interval '5 minutes'")


def sampler(sessions: async_sessionmaker[AsyncSession]) -> Sampler:
    async def look() -> None:
        pending = Notification.state == "pending"
        async with sessions.begin() as session:
            waiting, age = (
                await session.execute(
                    select(
                        func.count(), func.extract("epoch", func.now() - func.min(Notification.accepted_at))
                    ).where(pending)
                )
            ).one()
            lost = await session.scalar(
                select(func.count())
                .select_from(Notification)
                .where(Notification.state == "undeliverable", Notification.enterprise != ENTERPRISE)
            )
            took = func.coalesce(Notification.sent_at, func.now()) - Notification.accepted_at
            mails, late = (
                await session.execute(
                    select(func.count(), func.count().filter(took > LATE)).where(
                        Notification.channel == "email",
                        # One that waits for its next try waits for somebody else.
                        (Notification.state == "sent") | (pending & (Notification.next_at <= func.now())),
                        func.coalesce(Notification.sent_at, Notification.next_at)
                        > func.now() - text("interval '1 hour'"),
                    )
                )
            ).one()
        HANDED.labels("any").set(mails)
        HANDED.labels("late").set(late)
        MAILS.labels("pending").set(waiting)
        MAILS.labels("undeliverable").set(lost or 0)
        OLDEST.set(float(age or 0))

    return look

"""Count the ledger at every scrape."""

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.notify.models import Notification
from shared.observability.metrics import Sampler

MAILS = Gauge("gm_mails", "Mails that wait or cannot be delivered", ["state"])
OLDEST = Gauge("gm_mail_oldest_seconds", "Age of the oldest mail that waits; 0 when none does")


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
                select(func.count()).select_from(Notification).where(Notification.state == "undeliverable")
            )
        MAILS.labels("pending").set(waiting)
        MAILS.labels("undeliverable").set(lost or 0)
        OLDEST.set(float(age or 0))

    return look

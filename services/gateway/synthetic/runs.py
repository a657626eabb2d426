"""Keep how the synthetic applicant fared, for `/ops`."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import SyntheticRun
from services.gateway.synthetic.walk import Run

KEPT = timedelta(days=7)
SHOWN = 10


async def note(session: AsyncSession, run: Run) -> None:
    """Keep one run, and delete those of more than a week ago."""
    session.add(
        SyntheticRun(
            outcome=run.outcome,
            step=run.step,
            reason=run.reason[:500],
            seconds={step: round(seconds, 3) for step, seconds in run.seconds.items()},
        )
    )
    await session.execute(delete(SyntheticRun).where(SyntheticRun.at < func.now() - KEPT))


async def latest(session: AsyncSession) -> Sequence[SyntheticRun]:
    """Return the latest runs, the last one first; none where nobody has started the synthetic applicant for a week."""
    found = await session.scalars(select(SyntheticRun).order_by(SyntheticRun.at.desc()).limit(SHOWN))
    return found.all()

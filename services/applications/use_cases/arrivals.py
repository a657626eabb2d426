"""Whether the first arrival of a 提交申请 counts, which our overload had sent away with a ticket."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.models import Application, Opinion, Section
from shared.tickets import Ticket

# How far the gateway's clock and ours may differ.
CLOCKS = timedelta(seconds=2)


async def counts(session: AsyncSession, application: Application, ticket: Ticket) -> bool:
    """Whether the ticket is of this application as it is, and nothing that a submission contains was written since: the
    version alone would not tell, for whoever asked could have named one that was still to come."""
    if ticket.application != application.id or ticket.version != str(application.version):
        return False
    saved = select(func.max(Section.saved_at)).where(Section.application_id == application.id)
    replied = select(func.max(Opinion.replied_at)).where(Opinion.application_id == application.id)
    changed_at = await session.scalar(select(func.greatest(saved.scalar_subquery(), replied.scalar_subquery())))
    return changed_at is None or bool(changed_at <= ticket.received_at + CLOCKS)

"""Enter the demo staff: who may do what here is the portal's knowledge, not the identity platform's."""

from pathlib import Path
from uuid import uuid4

import yaml
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account

FILE = Path(__file__).with_suffix(".yaml")


async def seed(session: AsyncSession) -> int:
    """Enter the demo staff, and leave whoever is known as they are; how many there are."""
    staff = [{"id": uuid4(), **person} for person in yaml.safe_load(FILE.read_text(encoding="utf-8"))]
    await session.execute(insert(Account).values(staff).on_conflict_do_nothing(index_elements=[Account.subject]))
    return len(staff)

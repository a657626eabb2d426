"""Know the synthetic applicant's round and applications (`shared/synthetic.py`).

Its applications are born deleted: whatever people see or count leaves deleted ones out, and so leaves these out. Only the
synthetic applicant itself is shown them (`repository.of_enterprise`).
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.applications.tables.applications import (
    Application,
    Attachment,
    Document,
    Owed,
    Revision,
    Round,
    Section,
)
from services.applications.tables.carried_over import LeftOver
from services.applications.tables.idempotency import IdempotencyKey
from shared import clock
from shared.identity import Actor
from shared.synthetic import ENTERPRISE, FUND_TYPE, KEPT, ROUND

TITLE = "系统自检"
# Of `forms/hidden`.
FORM_VERSION = 1
# What hangs on an application that was filled in and handed in, and that nothing else was done with.
_HANGING = (Owed, Document, Revision, Attachment, LeftOver, Section)
# There are never more to be removed at once, unless it was away for long.
AT_ONCE = 200
# It never closes: what is planned for closes must not see one.
OPENS, CLOSES = datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)


def acts(actor: Actor) -> bool:
    """Tell whether it is the synthetic applicant who acts."""
    return actor.enterprise == ENTERPRISE


async def prepare_round(session: AsyncSession) -> None:
    """Put its round in, where it is not there yet."""
    row = {
        "id": ROUND,
        "fund_type": FUND_TYPE,
        "form_version": FORM_VERSION,
        "title": TITLE,
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "parameters": {},
    }
    await session.execute(insert(Round).values(row).on_conflict_do_nothing(index_elements=[Round.id]))


async def remove_old(session: AsyncSession) -> None:
    """Remove its applications that are older than `KEPT` with all that hangs on them. Their files go with the sweep of what nothing names."""
    before = clock.now() - KEPT
    old = (
        select(Application.id)
        .where(Application.enterprise == ENTERPRISE, Application.created_at < before)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = list(await session.scalars(old))
    if not ids:
        return
    for table in _HANGING:
        await session.execute(delete(table).where(table.application_id.in_(ids)))
    await session.execute(delete(Application).where(Application.id.in_(ids)))
    scopes = [f"create:{ENTERPRISE}", *(f"submit:{id}:{ENTERPRISE}" for id in ids)]
    answered = IdempotencyKey.scope.in_(scopes)
    await session.execute(delete(IdempotencyKey).where(answered, IdempotencyKey.created_at < before))


def of_people() -> ColumnElement[bool]:
    """Return which rounds are people's: all but the synthetic applicant's."""
    return Round.id != ROUND


def by_people(
    application_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
) -> ColumnElement[bool]:
    """Return which rows that name an application, or none, are not the synthetic applicant's."""
    its = select(Application.id).where(Application.enterprise == ENTERPRISE)
    return or_(application_id.is_(None), application_id.not_in(its))

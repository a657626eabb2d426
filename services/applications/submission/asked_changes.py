"""Tell what an applicant was asked to correct between two submissions."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.submission import queries
from services.applications.submission.changes import Asked
from services.applications.tables.applications import Audit, Opinion


async def asked_between(session: AsyncSession, id: UUID, since: int, until: int) -> list[Asked]:
    """Return the places named by the returns that came after revision `since` and before revision `until`."""
    return asked_in(
        await queries.audit(session, id), await repository.opinions(session, id), since=since, until=until
    )


def asked_in(audit: Iterable[Audit], opinions: Iterable[Opinion], *, since: int, until: int) -> list[Asked]:
    """Return the same from an application's whole audit, oldest first, and its opinions. A return that was taken back asked for
    nothing: its opinions are gone."""
    trips: set[int] = set()
    revision = 0
    for row in audit:
        if row.action == "submit":
            revision = int(row.details["submitted"])
        elif row.action == "return" and since <= revision < until:
            trips.add(int(row.details["round_trip"]))
    return [Asked(o.section, o.field, o.row) for o in opinions if o.round_trip in trips]

"""Select an enterprise's own applications."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Function, bindparam, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services.applications.core.cursors import cursor_of, place_of
from services.applications.core.repository import of_enterprise
from services.applications.tables.applications import Application
from services.applications.workflow import State, as_applicants_read
from shared.identity import Actor
from shared.text.typed_text import DASHES, FOLDED_AWAY, folded

# An enterprise has few applications, and only then is looked at what they are like: where statistics are old (thousands of
# new drafts since), the planner takes all drafts there are for none and would look among them.
_OWN = aliased(Application, select(Application).where(of_enterprise(bindparam("enterprise"))).offset(0).subquery())


def _folded(name: InstrumentedAttribute[Any]) -> Function[str]:
    """Return a name as `typed_text.folded` compares it."""
    plain = func.regexp_replace(func.applications.plain(name), FOLDED_AWAY, "", "g")
    return func.translate(plain, DASHES, "-" * len(DASHES))


async def applications(
    session: AsyncSession,
    actor: Actor,
    *,
    states: Sequence[State] = (),
    text: str = "",
    fund_type: str = "",
    cursor: str = "",
    limit: int = 20,
) -> tuple[list[Application], str | None]:
    """Return a page of what the actor's enterprise has, newest first by creation, and the cursor of the next one."""
    own = _OWN
    query = select(own)
    if states:
        # By what the applicant reads, so that nothing is told by what is found.
        kept = [state for state in State if as_applicants_read(state) in states]
        query = query.where(own.state.in_(kept))
    if fund_type:
        query = query.where(own.fund_type == fund_type)
    if text:
        wanted = folded(text)
        names = (own.project_name, own.number, own.enterprise_name)
        query = query.where(or_(*(_folded(name).contains(wanted, autoescape=True) for name in names)))
    if cursor:
        query = query.where(tuple_(own.created_at, own.id) < tuple_(*place_of(cursor)))
    query = query.order_by(own.created_at.desc(), own.id.desc())
    found = list(await session.scalars(query.limit(limit + 1), {"enterprise": actor.enterprise}))
    page = found[:limit]
    return page, cursor_of(page[-1].created_at, page[-1].id) if len(found) > limit else None

"""Find what an enterprise handed in besides one application: what a form's rules about the year ask for."""

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.forms.definition import OtherApplications
from services.applications.tables.applications import Application, Round
from services.applications.workflow import State
from shared import clock
from shared.text.typed_text import folded

_same_type = Application.fund_type == bindparam("fund_type")
_amount = func.coalesce(Application.applied_wan, 0)
# Asked with every page of a form: built once.
_OTHERS = (
    select(
        func.count(),
        func.coalesce(func.sum(_amount), 0),
        func.count().filter(_same_type),
        func.coalesce(func.sum(_amount).filter(_same_type), 0),
        # An enterprise has few: which of them bear the same name is seen as people read names.
        func.coalesce(func.array_agg(Application.project_name), []),
    )
    .join(Round, Round.id == Application.round_id)
    .where(
        Application.enterprise == bindparam("enterprise"),
        Application.id != bindparam("id"),
        Application.deleted_at.is_(None),
        Application.submitted_at.is_not(None),
        Application.state.not_in([State.DRAFT, State.REJECTED, State.LAPSED]),
        Round.closes_at >= bindparam("start"),
        Round.closes_at < bindparam("end"),
    )
)


async def other_applications(
    session: AsyncSession, application: Application, round_: Round, project_name: str
) -> OtherApplications:
    """Return what the enterprise handed in besides, in rounds that close in the same year of Beijing's calendar."""
    close = round_.closes_at.astimezone(clock.SHANGHAI)
    start, end = (
        close.replace(year=close.year + n, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        for n in (0, 1)
    )
    asked = {
        "id": application.id,
        "enterprise": application.enterprise,
        "fund_type": application.fund_type,
        "start": start,
        "end": end,
    }
    count, applied, same_count, same_applied, names = (await session.execute(_OTHERS, asked)).one()
    return OtherApplications(
        count=count,
        applied_wan=applied,
        same_type_count=same_count,
        same_type_applied_wan=same_applied,
        same_name_count=sum(folded(name) == folded(project_name) for name in names),
    )

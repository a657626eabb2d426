"""Keep what operators set while the system runs: how often pages save by themselves, whether previews and exports are
made, and one line on every page. Each change is audited."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.tables.applications import ClassExtension, Round
from services.applications.tables.switches import Switches
from shared import clock, codes
from shared.contract.switches import Board, SwitchesInput, SwitchesView
from shared.errors import Stale, Unavailable
from shared.identity import Actor

# Extensions at the head of every page.
MOST_SHOWN = 5
FIELDS = ("autosave_seconds", "previews", "exports", "announcement", "announcement_until")


class SwitchedOff(Unavailable):
    """此功能已由值班人员临时关闭，以保证提交申请畅通，请稍后再试。"""

    code = codes.SWITCHED_OFF


async def current(session: AsyncSession) -> SwitchesView:
    """As they stand; nothing set is the usual."""
    row = await session.get(Switches, 1)
    if row is None:
        return SwitchesView()
    return SwitchesView.model_validate(row, from_attributes=True)


async def board(session: AsyncSession) -> Board:
    """Return the switches with the extensions that run."""
    query = (
        select(Round.title, ClassExtension.whom, ClassExtension.begun_before, ClassExtension.until)
        .join(Round, Round.id == ClassExtension.round_id)
        .where(ClassExtension.until > func.now())
        .order_by(ClassExtension.until, ClassExtension.id)
        .limit(MOST_SHOWN)
    )
    extensions = [dict(row._mapping) for row in await session.execute(query)]
    return Board.model_validate({**(await current(session)).model_dump(), "extensions": extensions})


async def change(session: AsyncSession, actor: Actor, version: str, wanted: SwitchesInput) -> SwitchesView:
    """Set all of them; `Stale` when somebody else has set them since."""
    # Also when there is no row yet, one operator at a time.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("switches"))))
    before = await current(session)
    if version != str(before.version):
        raise Stale(current=before.model_dump(mode="json"))
    row = await session.get(Switches, 1)
    if row is None:
        row = Switches(id=1, version=0)
        session.add(row)
    for name in FIELDS:
        setattr(row, name, getattr(wanted, name))
    row.version = before.version + 1
    row.changed_by = actor.name
    row.changed_at = clock.now()
    after = wanted.model_dump(mode="json")
    was = before.model_dump(mode="json")
    record(
        session,
        actor,
        "switch",
        changed={name: [was[name], after[name]] for name in FIELDS if was[name] != after[name]},
    )
    await session.flush()
    return SwitchesView.model_validate(row, from_attributes=True)


async def must_be_on(session: AsyncSession, name: str) -> None:
    """Raise `SwitchedOff` while operators have it off: `previews` or `exports`."""
    if not getattr(await current(session), name):
        raise SwitchedOff(retry_after=300)

"""Hold changes of a published round until a second person confirms them: a limit or a budget that nobody else has read would bind
the office as one that was published. Times change at once, since the last evening does not wait for somebody who has gone home."""

from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.audit import record
from services.applications.rounds import manage
from services.applications.tables.applications import Round
from shared import codes
from shared.contract.rounds import RoundChange
from shared.errors import Conflict
from shared.identity import Actor

TIMES = ("opens_at", "closes_at")


async def change(
    session: AsyncSession, actor: Actor, id: UUID, version: str | None, changes: RoundChange, *, by_two: bool
) -> Round:
    """Change a round (`manage.change`). `by_two`: of a published one the times change at once, and all else becomes its proposal, in the
    place of an earlier one. What could not be confirmed is refused at once, as `manage.change` refuses it."""
    round_ = await round_queries.round_(session, id, lock=True)
    if not by_two or round_.published_at is None:
        return await manage.change(session, actor, id, version, changes)
    manage.must_match(round_, version)
    proposed = {name: value for name, value in manage.different(round_, changes).items() if name not in TIMES}
    if proposed:
        manage.must_be_allowed(round_, proposed, actor.received_at)
        if "form_version" in proposed:
            await manage.must_not_be_retired(session, round_.fund_type, proposed["form_version"])
        await manage.must_have_notice(session, round_, proposed, actor.received_at)
        trial = _copy(round_)
        manage.put(trial, proposed)
        round_.proposal = {
            "changes": manage.plain({name: getattr(trial, name) for name in proposed}),
            "reason": changes.reason or "",
            "by": actor.account,
            "by_name": actor.name,
            "at": actor.received_at.isoformat(),
        }
        round_.version += 1
        record(
            session, actor, "propose_round_change", round=str(id), reason=changes.reason or "",
            before=manage.plain({name: getattr(round_, name) for name in proposed}), after=round_.proposal["changes"],
        )  # fmt: skip
        await session.flush()
    times = RoundChange(**{name: getattr(changes, name) for name in TIMES}, reason=changes.reason)
    return await manage.change(session, actor, id, None, times)


async def confirm(session: AsyncSession, actor: Actor, id: UUID, version: str | None) -> Round:
    """Make the proposed change. `Conflict` for whoever proposed it and where nothing is proposed; `Invalid` where the round has changed so
    that it no longer fits."""
    round_ = await round_queries.round_(session, id, lock=True)
    manage.must_match(round_, version)
    proposal = _proposal(round_)
    if proposal["by"] == actor.account:
        raise Conflict("修改由您提出，须由另一位业务管理人员或审定人员核对后确认。", code=codes.SECOND_PERSON)
    changed = manage.different(round_, RoundChange.model_validate(proposal["changes"]))
    manage.must_be_allowed(round_, changed, actor.received_at)
    await manage.must_have_notice(session, round_, changed, actor.received_at)
    round_.proposal = None
    manage.apply(
        session, round_, actor, changed, reason=proposal["reason"], proposed_by=proposal["by_name"]
    )  # fmt: skip
    round_.version += 1
    await session.flush()
    return round_


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, version: str | None) -> Round:
    """Give the proposed change up, whoever proposed it. `Conflict` where nothing is proposed."""
    round_ = await round_queries.round_(session, id, lock=True)
    manage.must_match(round_, version)
    proposal = _proposal(round_)
    round_.proposal = None
    round_.version += 1
    record(
        session, actor, "withdraw_round_change", round=str(id),
        given_up=proposal["changes"], proposed_by=proposal["by_name"],
    )  # fmt: skip
    await session.flush()
    return round_


def as_proposed(round_: Round) -> Round:
    """Return the round as it would be with the proposed change; no row of the database."""
    trial = _copy(round_)
    for name, value in manage.different(round_, RoundChange.model_validate(_proposal(round_)["changes"])).items():
        setattr(trial, name, value)
    return trial


def _proposal(round_: Round) -> dict[str, Any]:
    if round_.proposal is None:
        raise Conflict("没有待确认的修改，可能已由他人确认或撤回，请刷新后查看。", code=codes.NOTHING_PROPOSED)
    return round_.proposal


def _copy(round_: Round) -> Round:
    return Round(**{column.key: getattr(round_, column.key) for column in inspect(Round).column_attrs})

"""Ask for case files, stop them, show them."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.dossiers import queries
from services.applications.tables.applications import Round
from services.applications.tables.dossiers import Dossier
from shared import clock, codes
from shared.contract.dossiers import DossierInput, Dossiers, DossierView
from shared.contract.review import Choice
from shared.errors import Conflict, Malformed, NotFound
from shared.identity import Actor

SHOWN = 50


async def ask(session: AsyncSession, actor: Actor, given: DossierInput) -> Dossier:
    """Return the case file that was asked for: one that waits or is being made already, or a new one."""
    if (given.application is None) == (given.round is None):
        raise Malformed("请指定一个申请或一个批次。", code=codes.BAD_FORMAT)
    values: dict[str, Any]
    if given.application is not None:
        application = await repository.application(session, actor, given.application)
        title = f"{application.number} {application.project_name}".strip()
        values = {"application_id": application.id, "round_id": application.round_id, "title": title}
    else:
        round_ = await session.get(Round, given.round)
        if round_ is None or round_.published_at is None:
            raise NotFound("没有这个申报批次。")
        values = {"application_id": None, "round_id": round_.id, "title": round_.title}
    row = {
        **values,
        "id": uuid4(),
        "asked_by": actor.account,
        "asked_by_name": actor.name,
        "asked_at": actor.received_at,
    }
    made = await session.scalar(insert(Dossier).values(row).on_conflict_do_nothing().returning(Dossier.id))
    if made is None:
        return await _open(session, given.application, values["round_id"])
    title = values["title"]
    record(session, actor, "ask_dossier", application_id=given.application, dossier=str(made), title=title)
    return await queries.dossier(session, made)


async def _open(session: AsyncSession, application: UUID | None, round_id: UUID) -> Dossier:
    query = select(Dossier).where(
        Dossier.round_id == round_id,
        Dossier.application_id.is_not_distinct_from(application),
        Dossier.state.in_(("waiting", "running")),
    )
    found = await session.scalar(query)
    if found is None:
        # It has just ended: the next press asks for a new one.
        raise Conflict("上一份卷宗刚刚结束，请刷新后再试。", code=codes.LOST_RACE)
    return found


async def stop(session: AsyncSession, actor: Actor, id: UUID) -> Dossier:
    """Stop a case file, or take a finished one away; what was gathered goes. `Conflict` for one that has ended otherwise."""
    found = await queries.dossier(session, id, lock=True)
    if found.state not in ("waiting", "running", "done"):
        raise Conflict("该卷宗已经结束，请刷新后查看。", code=codes.WRONG_STATE)
    found.state = "expired" if found.state == "done" else "stopped"
    found.ended_at = clock.now()
    record(session, actor, "stop_dossier", application_id=found.application_id, dossier=str(id))
    await session.flush()
    return found


async def listed(session: AsyncSession) -> Dossiers:
    """Return the latest case files, and the rounds."""
    rounds = select(Round).where(Round.published_at.is_not(None)).order_by(Round.opens_at.desc(), Round.id)
    return Dossiers(
        items=[view(one) for one in await queries.latest(session, SHOWN)],
        rounds=[Choice(key=str(one.id), label=one.title) for one in await session.scalars(rounds)],
    )


def view(dossier: Dossier) -> DossierView:
    """Return a case file as the contract shows it."""
    plain = DossierView.model_fields.keys() - {"application", "round", "asked_by"}
    shown = {name: getattr(dossier, name) for name in plain}
    return DossierView(
        **shown, application=dossier.application_id, round=dossier.round_id, asked_by=dossier.asked_by_name
    )

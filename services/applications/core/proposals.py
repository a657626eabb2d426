"""Keep what one person proposed until another confirms it, or until it is given up."""

from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.four_eyes import Proposal
from shared import clock, codes
from shared.contract.four_eyes import WaitingExtension
from shared.errors import Conflict, NotFound
from shared.identity import Actor

Kind = Literal["late_acceptance", "class_extension", "correction", "resend"]
Outcome = Literal["confirmed", "refused", "withdrawn", "replaced"]


def kind_of(proposal: Proposal) -> Kind:
    return cast(Kind, proposal.kind)


async def propose(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    target: UUID,
    subject: str = "",
    *,
    until: datetime | None = None,
    reason: str,
    terms: dict[str, Any] | None = None,
) -> Proposal:
    """Return what the actor proposes from now on; it takes the place of what was proposed for the same thing."""
    if earlier := await waiting_for(session, kind, target, subject, lock=True):
        settle(earlier, actor, "replaced")
        await session.flush()
    made = Proposal(
        id=uuid4(),
        kind=kind,
        target=target,
        subject=subject,
        until=until,
        reason=reason,
        terms=terms,
        proposed_by=actor.account,
        proposed_by_name=actor.name,
        proposed_at=actor.received_at,
    )
    session.add(made)
    await session.flush()
    return made


async def waiting_for(
    session: AsyncSession, kind: Kind, target: UUID, subject: str = "", *, lock: bool = False
) -> Proposal | None:
    """Return what waits to be confirmed for a thing, or None."""
    query = select(Proposal).where(
        Proposal.kind == kind,
        Proposal.target == target,
        Proposal.subject == subject,
        Proposal.settled_at.is_(None),
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def of_round(session: AsyncSession, round_id: UUID) -> list[Proposal]:
    """Return the extensions of a round that wait to be confirmed, for one enterprise or for a class, oldest first."""
    query = select(Proposal).where(
        Proposal.kind.in_(("late_acceptance", "class_extension")),
        Proposal.target == round_id,
        Proposal.settled_at.is_(None),
    )
    return list(await session.scalars(query.order_by(Proposal.proposed_at)))


def as_waiting(proposal: Proposal, actor: Actor, enterprise: str | None = None) -> WaitingExtension:
    """Return an extension that waits, as the contract shows it; `enterprise`: whose, where its subject does not say it."""
    assert proposal.until is not None
    return WaitingExtension(
        id=proposal.id,
        enterprise=proposal.subject if enterprise is None else enterprise,
        until=proposal.until,
        reason=proposal.reason,
        by=proposal.proposed_by_name,
        own=proposal.proposed_by == actor.account,
        at=proposal.proposed_at,
    )


async def waiting(session: AsyncSession, id: UUID) -> Proposal:
    """Return a proposal, locked; `Conflict` for one that was settled, with who did it."""
    found = await session.get(Proposal, id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("没有这条待复核事项。")
    if found.settled_at is not None:
        done = {"confirmed": "确认", "refused": "退回", "withdrawn": "撤回"}.get(
            found.outcome or "", "改为新的内容"
        )
        told = f"该事项已由{found.settled_by_name}于 {clock.show(found.settled_at)} {done}，请刷新后查看。"
        raise Conflict(told, code=codes.NOTHING_PROPOSED)
    return found


def must_be_somebody_else(proposal: Proposal, actor: Actor) -> None:
    """`Conflict` for whoever proposed it."""
    if proposal.proposed_by == actor.account:
        raise Conflict("该事项由您提出，须由另一位工作人员确认。", code=codes.SECOND_PERSON)


def said(proposal: Proposal | None) -> dict[str, Any]:
    """Return what the audit of a confirmed act says of who proposed it; nothing where one person did it."""
    if proposal is None:
        return {}
    return {"proposed_by": proposal.proposed_by, "proposed_by_name": proposal.proposed_by_name}


def settle(proposal: Proposal, actor: Actor, outcome: Outcome) -> None:
    """Close a proposal; nothing more can become of it."""
    proposal.settled_by_name, proposal.settled_at, proposal.outcome = actor.name, clock.now(), outcome

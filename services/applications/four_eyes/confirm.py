"""Confirm what somebody else proposed, or refuse it. An extension that is confirmed is judged as one that is made at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import proposals, repository
from services.applications.core.audit import record
from services.applications.core.codec import Codec
from services.applications.core.context import Peers
from services.applications.review import after_return
from services.applications.rounds import class_extensions, manage
from services.applications.tables.four_eyes import Proposal
from shared import codes
from shared.contract.rounds import ExtensionInput
from shared.errors import Conflict, FieldError, Invalid, NotAllowed
from shared.identity import Actor
from shared.roles import OPERATOR, REVIEWER, ROUND_PUBLISHERS

WHO = {
    "late_acceptance": ROUND_PUBLISHERS,
    "class_extension": ROUND_PUBLISHERS | OPERATOR,
    "correction": REVIEWER,
}


async def _for(session: AsyncSession, actor: Actor, id: UUID) -> Proposal:
    found = await proposals.waiting(session, id)
    if found.kind not in WHO:
        raise Conflict("改发通知请在该申请的“通知”中同意。", code=codes.WRONG_STATE)
    if not actor.roles & WHO[found.kind]:
        raise NotAllowed
    return found


async def confirm(session: AsyncSession, codec: Codec, known: Peers, actor: Actor, id: UUID) -> None:
    """Make the extension that somebody else proposed. `Conflict` for its proposer, for what was settled, and where the round or the
    application has changed so that it can no longer be made."""
    proposal = await _for(session, actor, id)
    proposals.must_be_somebody_else(proposal, actor)
    assert proposal.until is not None
    if proposal.kind == "late_acceptance":
        given = ExtensionInput(enterprise=proposal.subject, until=proposal.until, reason=proposal.reason)
        await manage.extend(session, actor, proposal.target, given, proposed=proposal)
    elif proposal.kind == "class_extension":
        await class_extensions.confirm(session, known, actor, proposal)
    else:
        application = await repository.application(session, actor, proposal.target, lock=True)
        version = str(application.version)
        await after_return.extend(
            session, codec, actor, application.id, version,
            correct_by=proposal.until, reason=proposal.reason, proposed=proposal,
        )  # fmt: skip
    proposals.settle(proposal, actor, "confirmed")
    await session.flush()


async def was_confirmed(session: AsyncSession, actor: Actor, id: UUID, since: datetime) -> bool:
    """Tell whether the actor has confirmed a proposal since an instant: for whoever heard no answer."""
    found = await session.get(Proposal, id)
    if found is None or found.settled_at is None:
        return False
    return found.outcome == "confirmed" and found.settled_by_name == actor.name and found.settled_at >= since


async def refuse(session: AsyncSession, actor: Actor, id: UUID, reason: str) -> None:
    """Refuse a proposal with a reason, or give one's own up."""
    proposal = await _for(session, actor, id)
    own = proposal.proposed_by == actor.account
    if not own and not reason.strip():
        raise Invalid(
            [FieldError(field="reason", code=codes.REASON_REQUIRED, message="请填写退回的理由")],
            "请填写退回的理由。",
        )
    proposals.settle(proposal, actor, "withdrawn" if own else "refused")
    of_round = proposal.kind in ("late_acceptance", "class_extension")
    whose = class_extensions.proposed_in_words(proposal) if proposal.terms else proposal.subject
    about = {"round": str(proposal.target), "enterprise": whose} if of_round else {}
    if proposal.terms:
        about["act"] = str(proposal.id)
    record(
        session,
        actor,
        "withdraw_extension" if own else "refuse_extension",
        application_id=None if of_round else proposal.target,
        until=proposal.until.isoformat() if proposal.until else None,
        proposed_by=proposal.proposed_by,
        proposed_by_name=proposal.proposed_by_name,
        reason=reason.strip(),
        **about,
    )
    await session.flush()

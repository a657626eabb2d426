"""Tell the bureau's people what nobody's click brings them: a case whose working days are used up, an extension that waits for a second person, a
notice that could not be delivered. Whichever relay looks first finds it; each is told once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.messages.tell import tell
from services.applications.operations.lapse import system_actor
from services.applications.review.handling_clock import WITH_THE_BUREAU, handling
from services.applications.tables.applications import Application, Audit, Round
from services.applications.tables.four_eyes import Proposal
from shared import clock
from shared.identity import Actor, Role
from shared.messages import ParkedMail

# Cases that one look goes through.
AT_A_TIME = 500
# What is older than this has been told, or is somebody else's care by now.
FRESH = timedelta(days=7)


async def tell_overdue(
    session: AsyncSession, now: datetime, is_working: Callable[[date], bool], limit: int, after: UUID | None
) -> UUID | None:
    """Tell whoever has a case that the bureau has had it longer than `limit` working days, for `AT_A_TIME` cases behind the one given; the last of them,
    None at the end."""
    query = (
        select(Application.id, Application.assignee)
        .where(
            Application.state.in_(WITH_THE_BUREAU),
            Application.deleted_at.is_(None),
            Application.assignee.is_not(None),
        )
        .order_by(Application.id)
        .limit(AT_A_TIME)
    )
    if after is not None:
        query = query.where(Application.id > after)
    held = {row.id: row.assignee for row in await session.execute(query)}
    moves: defaultdict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
    rows = (
        select(Audit.application_id, Audit.at, Audit.to_state)
        .where(Audit.application_id.in_(held), Audit.to_state.is_not(None))
        .order_by(Audit.id)
    )
    for id, at, to in await session.execute(rows):
        assert id is not None
        assert to is not None
        moves[id].append((at, to))
    actor = system_actor()
    for id, account in held.items():
        found = handling(moves[id], now, is_working, limit)
        if found is not None and found.over:
            await tell(session, actor, [account], "overdue", id, due_key=f"overdue:{id}")
    return list(held)[-1] if len(held) == AT_A_TIME else None


async def waiting_extensions(session: AsyncSession, told: Iterable[UUID]) -> list[tuple[Proposal, str]]:
    """Return the extensions of rounds that were proposed of late and wait for a second person, with their rounds' titles; none of those `told`."""
    query = (
        select(Proposal, Round.title)
        .join(Round, Round.id == Proposal.target)
        .where(
            Proposal.kind.in_(("late_acceptance", "class_extension")),
            Proposal.settled_at.is_(None),
            Proposal.proposed_at > clock.now() - FRESH,
            Proposal.id.not_in(list(told)),
        )
        .order_by(Proposal.proposed_at)
        .limit(100)
    )
    return [(proposal, title) for proposal, title in await session.execute(query)]


async def tell_late_asked(
    session: AsyncSession, waiting: Sequence[tuple[Proposal, str]], accounts: Iterable[str]
) -> None:
    """Tell those who may confirm an extension that it waits; whoever proposed it is not told."""
    known = list(accounts)
    for proposal, title in waiting:
        by = Actor(
            account=proposal.proposed_by,
            name=proposal.proposed_by_name,
            roles=frozenset({Role.SYSTEM}),
            received_at=clock.now(),
        )
        what = "单独延期" if proposal.kind == "late_acceptance" else "补时"
        await tell(
            session, by, known, "late_asked", None, about=f"{title}：{what}", due_key=f"late_asked:{proposal.id}"
        )


async def tell_parked(session: AsyncSession, mails: Sequence[ParkedMail], reviewers: Iterable[str]) -> None:
    """Tell of mails that could not be delivered: whoever has the case, all reviewers of one that nobody has, and of one's own mail oneself."""
    actor, everybody = system_actor(), list(reviewers)
    since = actor.received_at - FRESH
    fresh = [mail for mail in mails if mail.parked_at > since]
    about = {mail.application_id for mail in fresh if mail.application_id is not None}
    query = select(Application.id, Application.assignee).where(
        Application.id.in_(about), Application.submitted_at.is_not(None), Application.deleted_at.is_(None)
    )
    held = {row.id: row.assignee for row in await session.execute(query)}
    for mail in fresh:
        key = f"parked:{mail.event_id}:{int(mail.parked_at.timestamp())}"
        if mail.account is not None:
            about_it = "请在接收设置中核对邮箱"
            await tell(session, actor, [mail.account], "own_mail", None, about=about_it, due_key=key)
        elif mail.application_id in held:
            holder = held[mail.application_id]
            to = [holder] if holder else everybody
            await tell(session, actor, to, "mail_parked", mail.application_id, due_key=key)

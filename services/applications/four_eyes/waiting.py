"""List what waits for a second person: rounds, their changes, lists, forms, extensions, notices to other addresses."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.proposals import kind_of
from services.applications.four_eyes.confirm import WHO
from services.applications.rounds.class_extensions import proposed_in_words
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Round
from services.applications.tables.decision import Announcement
from services.applications.tables.forms import FormDraft
from services.applications.tables.four_eyes import Proposal
from services.applications.workflow import State
from shared import clock
from shared.contract.four_eyes import Confirmation, Confirmations
from shared.identity import Actor
from shared.roles import DIRECTOR, FORM_EDITOR, REVIEWER, ROUND_PUBLISHERS, TELLERS

# Of each kind; an office that has more than this unconfirmed reads the oldest.
AT_MOST = 100
LISTS = {"publicity": "公示", "approval": "项目批复"}


async def confirmations(session: AsyncSession, settings: ApplicationsSettings, actor: Actor) -> Confirmations:
    """Return what the actor may confirm and what the actor prepared, each oldest first."""
    found = [
        *await _rounds(session, settings, actor),
        *await _lists(session, actor),
        *await _forms(session, settings, actor),
        *await _of_rounds(session, actor),
        *await _about_applications(session, actor),
    ]
    found.sort(key=lambda one: one.at)
    return Confirmations(mine=[one for one in found if not one.own], own=[one for one in found if one.own])


async def how_many(session: AsyncSession, settings: ApplicationsSettings, actor: Actor) -> int:
    """Return how many things the actor may confirm."""
    return len((await confirmations(session, settings, actor)).mine)


async def _rounds(session: AsyncSession, settings: ApplicationsSettings, actor: Actor) -> list[Confirmation]:
    if not settings.rounds_by_two or not actor.roles & ROUND_PUBLISHERS:
        return []
    prepared = (
        (Round.published_at.is_(None)) & (Round.closes_at > actor.received_at) & Round.drafted_by.is_not(None)
    )
    query = (
        select(Round).where(or_(prepared, Round.proposal.is_not(None))).order_by(Round.closes_at).limit(AT_MOST)
    )
    found = []
    for round_ in await session.scalars(query):
        if proposal := round_.proposal:
            found.append(
                Confirmation(
                    kind="round_change",
                    id=str(round_.id),
                    proposal=None,
                    title=round_.title,
                    said="修改已发布的批次",
                    reason=proposal["reason"],
                    by=proposal["by_name"],
                    own=proposal["by"] == actor.account,
                    at=datetime.fromisoformat(proposal["at"]),
                )
            )
        else:
            found.append(
                Confirmation(
                    kind="round",
                    id=str(round_.id),
                    proposal=None,
                    title=round_.title,
                    said=f"发布批次，{clock.show(round_.opens_at)} 开始申报",
                    reason="",
                    by=round_.drafted_by_name or "",
                    own=round_.drafted_by == actor.account,
                    at=round_.created_at,
                )
            )
    return found


async def _lists(session: AsyncSession, actor: Actor) -> list[Confirmation]:
    if not actor.roles & (REVIEWER | DIRECTOR):
        return []
    query = select(Announcement).where(Announcement.published_at.is_(None)).order_by(Announcement.drafted_at)
    return [
        Confirmation(
            kind="list",
            id=str(one.id),
            proposal=None,
            title=one.title,
            said=f"发布{LISTS[one.kind]}",
            reason="",
            by=one.drafted_by_name,
            own=one.drafted_by == actor.account,
            at=one.drafted_at,
        )
        for one in await session.scalars(query.limit(AT_MOST))
        # A director publishes; a reviewer reads what became of a list of one's own.
        if actor.roles & DIRECTOR or one.drafted_by == actor.account
    ]


async def _forms(session: AsyncSession, settings: ApplicationsSettings, actor: Actor) -> list[Confirmation]:
    if not settings.forms_by_two or not actor.roles & FORM_EDITOR:
        return []
    query = select(FormDraft).where(FormDraft.proposed_at.is_not(None)).order_by(FormDraft.proposed_at)
    return [
        Confirmation(
            kind="form",
            id=draft.fund_type,
            proposal=None,
            title=f"表单 {draft.fund_type}",
            said="发布表单的新版本",
            reason=draft.note,
            by=draft.proposed_by_name or "",
            own=actor.account in (draft.proposed_by, draft.changed_by),
            at=draft.proposed_at or draft.changed_at,
        )
        for draft in await session.scalars(query.limit(AT_MOST))
    ]


async def _of_rounds(session: AsyncSession, actor: Actor) -> list[Confirmation]:
    kinds = [kind for kind in ("late_acceptance", "class_extension") if actor.roles & WHO[kind]]
    if not kinds:
        return []
    query = (
        select(Proposal, Round.title)
        .join(Round, Round.id == Proposal.target)
        .where(Proposal.kind.in_(kinds), Proposal.settled_at.is_(None))
        .order_by(Proposal.proposed_at)
    )
    return [
        _proposed(proposal, actor, str(proposal.target), title, _extended(proposal))
        for proposal, title in await session.execute(query.limit(AT_MOST))
    ]


async def _about_applications(session: AsyncSession, actor: Actor) -> list[Confirmation]:
    kinds = (["correction"] if actor.roles & REVIEWER else []) + (["resend"] if actor.roles & TELLERS else [])
    if not kinds:
        return []
    # An extension of what was submitted again meanwhile is nobody's business any more.
    live = or_(Proposal.kind == "resend", Application.state.in_((State.RETURNED, State.LAPSED)))
    query = (
        select(Proposal, Application.number, Application.project_name)
        .join(Application, Application.id == Proposal.target)
        .where(Proposal.kind.in_(kinds), Proposal.settled_at.is_(None), Application.deleted_at.is_(None), live)
        .order_by(Proposal.proposed_at)
    )
    found = []
    for proposal, number, name in await session.execute(query.limit(AT_MOST)):
        said = "通知改发到登记以外的邮箱" if proposal.kind == "resend" else f"补正期限延长至 {_until(proposal)}"
        # A draft that is reminded of its round's end has no number yet.
        found.append(_proposed(proposal, actor, str(proposal.target), f"{number or ''} {name}".strip(), said))
    return found


def _extended(proposal: Proposal) -> str:
    if proposal.terms:
        return f"为{proposed_in_words(proposal)}补时至 {_until(proposal)}"
    return f"为 {proposal.subject} 单独延期至 {_until(proposal)}"


def _until(proposal: Proposal) -> str:
    return clock.show(proposal.until) if proposal.until else ""


def _proposed(proposal: Proposal, actor: Actor, id: str, title: str, said: str) -> Confirmation:
    kind = kind_of(proposal)
    return Confirmation(
        kind=kind,
        id=id,
        # A notice is sent by notify, which is asked on the case's own page.
        proposal=None if kind == "resend" else proposal.id,
        title=title,
        said=said,
        reason=proposal.reason,
        by=proposal.proposed_by_name,
        own=proposal.proposed_by == actor.account,
        at=proposal.proposed_at,
    )

"""Show rows as the public contract does."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import outcomes, round_queries
from services.applications.core.case import form_of
from services.applications.core.moves import facts_of
from services.applications.tables.applications import (
    Application,
    Extension,
    Round,
)
from services.applications.workflow import LABELS, State, applicant_actions, as_applicants_read, staff_actions
from shared import clock
from shared.contract.applications import (
    ApplicationSummary,
    AssigneeView,
    LeaseView,
)
from shared.contract.decided import Decided
from shared.identity import Actor, Duty, Role
from shared.roles import STAFF

STAFF_ROLES = frozenset({Role.REVIEWER, Role.DIRECTOR})


def _summary(
    application: Application, round_: Round, extension: Extension | None, actor: Actor, decided: Decided | None
) -> ApplicationSummary:
    form = form_of(application)
    state = State(application.state)
    if not actor.roles & STAFF:
        state = as_applicants_read(state)
    facts = facts_of(application, round_, extension, at=actor.received_at, actor=actor.account)
    if actor.is_a(Role.APPLICANT):
        actions = _of_duties(applicant_actions(facts), actor)
    else:
        actions = ["view", "pdf", *staff_actions(facts, actor.roles & STAFF_ROLES)]
    return ApplicationSummary(
        id=application.id,
        number=application.number,
        project_name=application.project_name,
        enterprise=application.enterprise,
        enterprise_name=application.enterprise_name,
        fund_type=application.fund_type,
        fund_type_label=form.label,
        round_id=application.round_id,
        round_title=round_.title,
        form_version=application.form_version,
        state=state,
        state_label=LABELS[state],
        version=application.version,
        revision=application.revision,
        submitted_at=application.submitted_at,
        created_at=application.created_at,
        closes_at=facts.accepts_until or round_.closes_at,
        correct_by=application.correct_by,
        actions=actions,
        applied_wan=wan(application.applied_wan),
        decided=decided,
        **(_for_staff(application, actor) if actor.roles & STAFF else {}),
    )


# Which duty an applicant's action asks for; the rest is looking.
DUTY_OF = {
    "edit": Duty.FILL,
    "correct": Duty.FILL,
    "submit": Duty.SIGN,
    "withdraw": Duty.SIGN,
    "delete": Duty.SIGN,
}


def _of_duties(actions: list[str], actor: Actor) -> list[str]:
    """Return the actions that a person's duties allow; who may not fill in reads the materials instead (`read`)."""
    allowed = [a for a in actions if a not in DUTY_OF or actor.may(DUTY_OF[a])]
    changing = {"edit", "correct"} & set(actions)
    return allowed if not changing or actor.may(Duty.FILL) else ["read", *allowed]


def _for_staff(application: Application, actor: Actor) -> dict[str, Any]:
    until = application.lease_until
    leased = until is not None and until > clock.now()
    return {
        "district": application.district,
        "lease": LeaseView(
            name=application.lease_name or "", mine=application.lease_account == actor.account, until=until
        )
        if leased and until
        else None,
        "assignee": AssigneeView(
            account=application.assignee,
            name=application.assignee_name or "",
            mine=application.assignee == actor.account,
        )
        if application.assignee
        else None,
    }


async def summaries(
    session: AsyncSession, applications: Sequence[Application], actor: Actor
) -> list[ApplicationSummary]:
    """Return the lines of a list, with one look each at rounds, late acceptances and what was decided."""
    rounds = await round_queries.rounds_among(session, applications)
    extensions = await round_queries.extensions_among(session, applications)
    decided = await outcomes.decided(session, applications, actor)
    return [
        _summary(a, rounds[a.round_id], extensions.get((a.round_id, a.enterprise)), actor, decided.get(a.id))
        for a in applications
    ]


async def summary(session: AsyncSession, application: Application, actor: Actor) -> ApplicationSummary:
    """Return one application as a line of a list."""
    round_ = await session.get_one(Round, application.round_id)
    extension = await round_queries.extension(session, application.round_id, application.enterprise)
    decided = await outcomes.decided(session, [application], actor)
    return _summary(application, round_, extension, actor, decided.get(application.id))


def wan(amount: Decimal | None) -> str | None:
    """Return an amount as the contract writes it."""
    return None if amount is None else f"{amount:.2f}"

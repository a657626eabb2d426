"""Start a draft in an open round (新增项目), its sections prefilled from what the city already knows."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries, synthetic
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import facts_of, round_facts
from services.applications.filling import eligibility, prefill
from services.applications.filling.budgets import may_start
from services.applications.forms.filled.checks import name_in
from services.applications.tables.applications import Application, Round, Section
from services.applications.workflow import State, round_open
from shared import clock
from shared.errors import Conflict, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import Profile
from shared.synthetic import ROUND
from shared.text import identifiers


async def start(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    round_: Round,
    profile: Profile,
    *,
    most_drafts: int,
    answers: Mapping[str, Any] | None = None,
) -> Application:
    """Create a draft. `Conflict` when the round does not accept applications at this moment, or none of whoever answers so;
    `Invalid` where its notice asks questions that are not answered."""
    if not actor.enterprise:
        raise NotAllowed("只有企业账号可以申报。")
    # Of one that is not published nobody but operators knows. The synthetic applicant has a round of its own, and no other.
    itself = synthetic.acts(actor)
    if not (round_.id == ROUND if itself else round_.published_at is not None):
        raise NotFound("没有这个申报批次。")
    extension = await round_queries.extension(session, round_.id, actor.enterprise)
    form = form_of(round_)
    id = uuid4()
    application = Application(
        id=id,
        round_id=round_.id,
        fund_type=form.fund_type,
        form_version=form.version,
        enterprise=actor.enterprise,
        enterprise_name=actor.enterprise_name or actor.name,
        created_by=actor.account,
        state=State.DRAFT,
        # A form without a place for a name gives it its own; any other is called as soon as something is typed there.
        project_name=name_in(form, {}) or "",
        wrapped_key=codec.new_key(id),
        handler_name=profile.account.get("BLR_NAME") or actor.name,
        handler_email=_address(profile.account.get("BLR_EMAIL")),
        deleted_at=clock.now() if itself else None,
    )
    if refusal := round_open(facts_of(application, round_, extension, at=actor.received_at)):
        raise Conflict(refusal.message, code=refusal.code)
    await may_start(session, actor.enterprise, round_.id, most=most_drafts)
    application.eligibility = await eligibility.answered(session, round_, answers, actor.received_at)
    session.add(application)
    await session.flush()  # the sections refer to it
    sealer = codec.of(application, form)
    choices = form.choices(round_facts(round_))
    for section in form.sections:
        items = prefill.found(section, profile, choices)
        row = Section(application_id=id, key=section.key, prefill=prefill.seal(sealer, section.key, items))
        prefill.remember_latest(sealer, form, row, profile, choices)
        session.add(row)
    prefill.remember(application, profile)
    record(session, actor, "start", application_id=id, to_state=State.DRAFT, round=str(round_.id))
    await session.flush()
    await session.refresh(application)
    return application


def _address(said: str | None) -> str | None:
    """Return an address that mail may go to; None for anything else, "null" among it."""
    try:
        return identifiers.email(said or "")
    except ValueError:
        return None

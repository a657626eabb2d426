"""List what stands between an application and its submission: everything at once, before anybody presses the button."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts
from services.applications.filling.filled_form import of_rows
from services.applications.filling.judgement import Judged, broken, judged, unmet, unsaved
from services.applications.rounds.parameters import asks_confirmation
from services.applications.submission import unit_confirmation
from services.applications.workflow import EDITABLE, TABLE, Action, Facts, State
from shared.contract.checks import Obstacle
from shared.identity import Actor
from shared.messages import Profile


async def problems(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, profile: Profile
) -> list[Obstacle]:
    """Return every guard that refuses, every section that is missing, unsaved or wrong, every check that does not hold, and
    what the registry has changed since.

    A 暂存 that is newer than what is saved is judged itself: its mistakes are what the person has to mend.
    Empty outside the states in which an applicant can submit.
    """
    application = await repository.application(session, actor, id)
    if State(application.state) not in EDITABLE:
        return []
    form = form_of(application)
    opener = codec.of(application, form)
    rows = await repository.sections(session, id)
    filled = (await of_rows(session, application, form, opener, rows)).with_profile(profile)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    missing = None
    if asks_confirmation(filled.facts.round.parameters):
        files = await repository.attachments(session, id)
        missing = unit_confirmation.obstacle(
            await unit_confirmation.latest(session, id), unit_confirmation.digest_of(filled, files)
        )
    return obstacles(judged(filled, rows, opener), facts, missing)


def obstacles(found: Judged, facts: Facts, missing: Obstacle | None = None) -> list[Obstacle]:
    """Return the same of a form that was judged before. `missing`: what 单位确认 still asks for."""
    state, form = facts.state, found.filled.form
    if state not in EDITABLE:
        return []
    refusals = [refusal for guard in TABLE[state, Action.SUBMIT].guards if (refusal := guard(facts))]
    errors = [unsaved(s.key, s.label) for s in form.sections if s.key in found.drafts] + found.errors
    outcomes = unmet(found.checks)
    errors += [broken(o) for o in outcomes if o.severity == "error"]
    order = {section.key: n for n, section in enumerate(form.sections)}
    errors.sort(key=lambda e: order.get(e.section or "", 0))
    return [
        *(Obstacle(code=r.code, message=r.message) for r in refusals),
        *([missing] if missing else []),
        *(Obstacle(**error.model_dump()) for error in errors),
        *(
            Obstacle(**broken(o).model_dump(), severity="warning", confirm=o.confirm)
            for o in outcomes
            if o.severity != "error"
        ),
    ]

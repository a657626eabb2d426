"""What stands between an application and its submission: everything at once, before anybody presses the button."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.codec import Codec
from services.applications.forms import answers
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.checks import evaluate
from services.applications.schemas import Problem
from services.applications.use_cases.moving import load_facts, round_facts
from services.applications.use_cases.sections import context_of
from services.applications.workflow import EDITABLE, TABLE, Action, State
from shared.errors import Invalid
from shared.identity import Actor


async def problems(session: AsyncSession, codec: Codec, actor: Actor, id: UUID) -> list[Problem]:
    """Every guard that refuses, every section that is missing, unsaved or wrong, every check that does not hold.

    A 暂存 that is newer than what is saved is judged itself: its mistakes are what the person has to mend.
    Empty outside the states in which an applicant can submit.
    """
    application = await repository.application(session, actor, id)
    state = State(application.state)
    if state not in EDITABLE:
        return []
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    refusals = [refusal for guard in TABLE[state, Action.SUBMIT].guards if (refusal := guard(facts))]
    found = [Problem(code=r.code, message=r.message) for r in refusals]
    form = catalogue_form(application.fund_type, application.form_version)
    opener = codec.of(id, application.wrapped_key, form)
    rows = await repository.sections(session, id)
    saved: dict[str, dict[str, Any]] = {}
    for section in form.sections:
        row = rows[section.key]
        if row.saved is not None:
            saved[section.key] = opener.open(section.key, row.saved)
        if row.draft is not None:
            message = f"“{section.label}”有暂存内容尚未保存，请保存表单或放弃修改"
            found.append(Problem(section=section.key, code="unsaved_draft", message=message))
        elif row.saved is None:
            if section.required:
                message = f"“{section.label}”尚未保存表单"
                found.append(Problem(section=section.key, code="section_not_saved", message=message))
            continue
        values = opener.open(section.key, row.draft) if row.draft is not None else saved[section.key]
        context = await context_of(session, application, section, row, opener)
        try:
            answers.validate(section, values, context)
        except Invalid as invalid:
            found += [Problem(**error.model_dump()) for error in invalid.errors]
    facts_of_round = round_facts(await repository.round_(session, application.round_id))
    for outcome in evaluate(form, saved, facts_of_round):
        # One side unknown: the section it stands in is already on the list.
        if not outcome.holds and outcome.left is not None and outcome.right is not None:
            sides = f"{outcome.message}（{outcome.left} 与 {outcome.right}，相差 {outcome.difference}）"
            found.append(
                Problem(
                    section=outcome.section,
                    code=f"check.{outcome.id}",
                    message=sides,
                    severity="error" if outcome.severity == "error" else "warning",
                )
            )
    return found

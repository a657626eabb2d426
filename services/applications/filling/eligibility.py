"""Ask what a round's notice asks before a draft is begun (申报条件), and keep what was answered with the draft."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import notice_queries
from services.applications.core.moves import round_facts
from services.applications.forms.authoring import eligibility
from services.applications.forms.authoring.eligibility import SECTION
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.situation import Facts
from services.applications.tables.applications import Round
from services.applications.workbench.trial import Trial
from shared import clock, codes
from shared.contract.notices import EligibilityView
from shared.errors import Conflict, FieldError, Invalid

Json = dict[str, Any]


async def questions(session: AsyncSession, round_: Round) -> Form | None:
    """Return the questions of the notice in force; None where nothing is asked. `Conflict` where this release cannot read them."""
    known = await notice_queries.notice(session, round_.id, round_.notice)
    if known is None or not known.questions.strip():
        return None
    form = eligibility.form_of(known.questions)
    if form is None:
        raise Conflict("申报条件暂时无法读取，请稍后再试。", code=codes.FORM_UNUSABLE)
    return form


async def answered(
    session: AsyncSession, round_: Round, answers: Mapping[str, Any] | None, at: datetime
) -> Json | None:
    """Return what is kept of the answers with a draft, None where nothing is asked. `Invalid` without answers or with what cannot be one, `Conflict`
    with the office's words where they do not let somebody apply."""
    form = await questions(session, round_)
    if form is None:
        return None
    if answers is None:
        missing = FieldError(section=SECTION, code=codes.ELIGIBILITY_MISSING, message="还没有回答申报条件")
        raise Invalid([missing], "新增项目前，请先回答申报条件。", code=codes.ELIGIBILITY_MISSING)
    facts = Facts(round_facts(round_), today=clock.date_of(at))
    kept, errors, unmet = eligibility.judge(form, answers, facts)
    if errors:
        raise Invalid(errors, "请按提示回答申报条件。")
    if unmet:
        refusals = [check.message for check in unmet]
        raise Conflict(
            f"不符合本批次的申报条件：{'；'.join(refusals)}", code=codes.NOT_ELIGIBLE, refusals=refusals
        )
    said_so = [{"label": a.label, "answer": a.text} for a in eligibility.in_words(form, kept, facts)]
    return {"notice": round_.notice, "answers": said_so}


def asked(form: Form, facts: RoundFacts, values: Json | None, at: datetime) -> EligibilityView:
    """Return the questions as they are asked, with what was answered and what comes of it; without `values` only to be shown."""
    tried = Trial(form, facts, drafts={SECTION: values} if values else {})
    errors: list[FieldError] = []
    refusals: list[str] = []
    if values is not None:
        _, errors, unmet = eligibility.judge(form, values, Facts(facts, today=clock.date_of(at)))
        refusals = [check.message for check in unmet]
    return EligibilityView(
        faults=[], definition=tried.definition, page=tried.opened(SECTION), errors=errors, refusals=refusals
    )

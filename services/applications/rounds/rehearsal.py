"""Rehearse a round before it is published: for each direction an application that nobody made, and the checks that apply to it."""

from datetime import datetime

from services.applications.forms.authoring.made_up import AMOUNT, made_up
from services.applications.forms.definition import Check, Form, RoundFacts, Section
from services.applications.forms.filled.checks import evaluate, parameters, words_of
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.kinds import RadioField, SelectField
from shared import clock
from shared.contract.rounds import AskedMaterial, LeftOutCheck, MadeUpApplication


def rehearse(form: Form, round_: RoundFacts, at: datetime) -> list[MadeUpApplication]:
    """Return an application for each option that an applicant may choose first among the round's own; one for a form without."""
    today = clock.date_of(at)
    facts = Facts(round_, today=today, started_on=today)
    return [_of(form, facts, option) for option in _options(form, round_)]


def _options(form: Form, round_: RoundFacts) -> list[str | None]:
    for section in form.sections:
        for field in section.fields:
            if isinstance(field, SelectField | RadioField) and field.options_from in round_.options:
                return list(round_.options[field.options_from])
    return [None]


def _of(form: Form, facts: Facts, option: str | None) -> MadeUpApplication:
    filled = made_up(form, facts, option)
    situation = Situation(form, filled, facts)
    left_out = [
        LeftOutCheck(rule=words_of(form, check).rule, missing=missing)
        for check in form.checks
        if (missing := _lacking(form, check, facts))
    ]
    return MadeUpApplication(
        choice=option,
        amount_wan=AMOUNT,
        materials=[_material(section, situation) for section in form.sections if situation.visible(section.key)],
        checks=evaluate(form, filled, facts),
        left_out=left_out,
    )


def _lacking(form: Form, check: Check, facts: Facts) -> list[str]:
    """Return what the parameters are called that a check cannot do without and the round has not."""
    return [form.parameter_label(n) for n in sorted(parameters(form, check)) if facts.round.value(n) is None]


def _material(section: Section, situation: Situation) -> AskedMaterial:
    asked = (part for key, part in section.by_key.items() if key not in section.not_asked)
    return AskedMaterial(
        label=section.label,
        asked=[part.label for part in asked if situation.required(section.key, part.key) and part.label],
    )

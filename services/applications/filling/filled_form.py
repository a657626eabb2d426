"""Load an application's form with what is saved of it and all that it is judged against: once, and judged the same
way for the pages, 保存表单, the checks, submission and the reviewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries
from services.applications.core.codec import SectionCodec
from services.applications.core.moves import round_facts
from services.applications.filling.other_applications import other_applications
from services.applications.filling.prefill import latest
from services.applications.forms.definition import Form
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled.checks import evaluate_in, value_at
from services.applications.forms.filled.defaults import defaults
from services.applications.forms.filled.reading import Context, read, rows_summed
from services.applications.forms.filled.registry_values import Brought, outcomes
from services.applications.forms.filled.section_state import effective_in, now, unconditional
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.formulas.rules import rules_of
from services.applications.tables.applications import Application, Attachment, Round, Section
from shared import clock
from shared.contract.checks import Outcome
from shared.contract.sections import Default, SectionNow
from shared.messages import Profile
from shared.text.json_text import dumps

Values = dict[str, Any]


@dataclass(frozen=True)
class Filled:
    """`saved` holds opened values of saved sections only; `files` the attachments that exist, by section and slot;
    `latest` what the registry said last, by section."""

    form: Form
    facts: Facts
    saved: Mapping[str, Values]
    files: Mapping[str, Mapping[str, frozenset[str]]]
    prefill: Mapping[str, Values]
    latest: Mapping[str, Values]

    def context(self, key: str) -> Context:
        """Return what a section's values are judged against."""
        return Context(
            form=self.form,
            facts=self.facts,
            prefill=self.prefill.get(key, {}),
            files=self.files.get(key, {}),
            saved=self.saved,
            as_saved=self.situation,
        )

    def digest(self, key: str, values: Values) -> bytes:
        """Return a digest of a section's values and of all that they are judged by."""
        rules, facts = rules_of(self.form), self.facts
        needed = rules.needs[key]
        others = None if rules.sections_asking_for_others.isdisjoint({key, *needed}) else facts.others.model_dump()
        said = [
            key,
            values,
            [self.saved.get(name) for name in sorted(needed)],
            {slot: sorted(ids) for slot, ids in self.files.get(key, {}).items()},
            self.prefill.get(key),
            facts.round.model_dump(),
            others,
            facts.today,
            facts.started_on,
        ]
        return sha256(dumps(said)).digest()

    def now(self, definition: Definition, typed: Values) -> SectionNow:
        """Return how a section stands with what was typed in it, as far as that can be read."""
        context = self.context(definition.key)
        if definition.key in rules_of(self.form).unconditional:
            return unconditional(definition, rows_summed(definition, typed, context.choices))
        kept = read(definition, typed, context, rules_of(self.form).fields_named[definition.key]).kept
        return now(definition, context.situation(definition, kept))

    def defaults(self, definition: Definition) -> dict[str, Default]:
        """Return what stands in a section before anybody has typed in it."""
        if not any(section == definition.key for section, *_ in rules_of(self.form).defaults):
            return {}
        return defaults(definition, self.situation(), self.form.choices(self.facts.round))

    def untyped(self, definition: Definition) -> Values:
        """Return what a section shows before anybody has typed in it: defaults, and what was brought along."""
        found = {key: default.value for key, default in self.defaults(definition).items()}
        return found | dict(self.prefill.get(definition.key, {}))

    def effective(self) -> dict[str, Values]:
        """Return the values that count."""
        return effective_in(self.situation())

    def checks(self) -> list[Outcome]:
        """Return the form's checks, then what the registry has changed since."""
        brought = {key: Brought(self.prefill.get(key, {}), said) for key, said in self.latest.items()}
        choices = self.form.choices(self.facts.round)
        return evaluate_in(self.situation()) + outcomes(self.form, self.saved, brought, choices)

    def situation(self) -> Situation:
        """Return the form with what is saved, worked out once, with a budget anew for whoever asks."""
        self._as_saved.renew()
        return self._as_saved

    @cached_property
    def _as_saved(self) -> Situation:
        return Situation(self.form, self.saved, self.facts)

    def with_profile(self, profile: Profile) -> "Filled":
        """Return the same beside what the registry says now, if it says anything."""
        choices = self.form.choices(self.facts.round)
        said = {section.key: latest(section, profile, choices) for section in self.form.sections}
        return replace(self, latest={**self.latest, **{key: found for key, found in said.items() if found}})

    def with_saved(self, saved: Mapping[str, Values]) -> "Filled":
        return self if saved == self.saved else replace(self, saved=saved)


def alone(form: Form, application: Application, round_: Round, codec: SectionCodec, row: Section) -> Filled:
    """As much as a section is judged by that looks at nothing beside itself (`rules_of(form).alone`) while it is typed: without
    its files, which only 保存表单 asks for."""
    known = codec.open(row.key, {name: item["value"] for name, item in row.prefill.items()})
    facts = Facts(round_facts(round_), started_on=clock.date_of(application.created_at))
    return Filled(form=form, facts=facts, saved={}, files={}, prefill={row.key: known}, latest={})


async def load(session: AsyncSession, application: Application, form: Form, codec: SectionCodec) -> Filled:
    """Return an application's form as it is filled."""
    return await of_rows(session, application, form, codec, await repository.sections(session, application.id))


async def part(
    session: AsyncSession,
    application: Application,
    form: Form,
    codec: SectionCodec,
    rows: Mapping[str, Section],
    attachments: Sequence[Attachment] | None,
) -> Filled:
    """As much as these sections are judged by on their own, without the checks between them: what a 暂存 waits for, so
    nothing is asked that they do not look at."""
    others = not rules_of(form).sections_asking_for_others.isdisjoint(rows)
    return await of_rows(session, application, form, codec, rows, attachments, others=others)


async def of_rows(
    session: AsyncSession,
    application: Application,
    form: Form,
    codec: SectionCodec,
    rows: Mapping[str, Section],
    attachments: Sequence[Attachment] | None = None,
    *,
    others: bool = True,
) -> Filled:
    """Return the same from rows that were loaded before, and from the application's attachments if they were, too."""
    if attachments is None:
        attachments = await repository.attachments(session, application.id)
    saved = {key: codec.open(key, row.saved) for key, row in rows.items() if row.saved is not None}
    files: dict[str, dict[str, set[str]]] = {}
    for found in attachments:
        if not found.infected:
            files.setdefault(found.section, {}).setdefault(found.slot, set()).add(str(found.id))
    return Filled(
        form=form,
        facts=await facts(session, application, form, saved, others=others),
        saved=saved,
        files={s: {slot: frozenset(ids) for slot, ids in slots.items()} for s, slots in files.items()},
        prefill={
            key: codec.open(key, {name: item["value"] for name, item in row.prefill.items()})
            for key, row in rows.items()
            if row.prefill
        },
        latest={key: codec.open(key, row.registered) for key, row in rows.items() if row.registered},
    )


async def handed_in(
    session: AsyncSession,
    application: Application,
    form: Form,
    codec: SectionCodec,
    rows: Mapping[str, Section],
    sections: Mapping[str, Values],
) -> Filled:
    """Return the form as it was handed in, from a revision's opened sections: what the bureau judges, and not what is being
    corrected."""
    filled = await of_rows(session, application, form, codec, rows, ())
    return filled.with_saved(sections)


def newer(rows: Mapping[str, Section], codec: SectionCodec) -> dict[str, Values]:
    """Return what is kept by 暂存 and not saved yet, by section."""
    return {key: codec.open(key, row.draft) for key, row in rows.items() if row.draft is not None}


async def facts(
    session: AsyncSession,
    application: Application,
    form: Form,
    saved: Mapping[str, Values],
    *,
    others: bool = True,
) -> Facts:
    """Return what the application's form is judged against besides its values."""
    round_ = await round_queries.round_(session, application.round_id)
    found = Facts(round_facts(round_), started_on=clock.date_of(application.created_at))
    if not (others and rules_of(form).asks_for_others):
        return found
    name = value_at(form.project_name, saved) or application.project_name
    return replace(found, others=await other_applications(session, application, round_, str(name)))

"""Ask the registry again: fill what is still empty, take over what a person wants as it is registered now. Nothing
that was typed is overwritten otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.moves import round_facts
from services.applications.core.return_seen import mark_seen
from services.applications.filling.prefill import Item, Place, found, latest, remember, seal
from services.applications.filling.sections import editable
from services.applications.forms.definition import Form
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import registry_values
from services.applications.forms.kinds import Choices, blank
from services.applications.tables.applications import Application, Section
from services.applications.workflow import EDITABLE, LABELS, State
from shared import clock, codes
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor
from shared.messages import Profile


@dataclass
class Refreshed:
    """What asking again came to, by places (section, field)."""

    application: Application
    form: Form
    rows: dict[str, Section]
    filled: list[Place] = field(default_factory=list)
    adopted: list[Place] = field(default_factory=list)
    changed: list[Place] = field(default_factory=list)


async def refresh(
    session: AsyncSession, codec: Codec, actor: Actor, id: UUID, profile: Profile, adopt: Collection[Place]
) -> Refreshed:
    """Fill what is still empty with what the registry and the account say now, and take over `adopt`, the fields a
    person wants as the registry has them: into the prefilled values, or as a 暂存 where something was typed.

    `Conflict` when the application cannot be changed; `Invalid` when a field of `adopt` cannot be taken over.
    """
    application = await repository.application(session, actor, id, lock=True)
    if State(application.state) not in EDITABLE:
        message = f"当前状态为“{LABELS[State(application.state)]}”，不能修改申报材料。"
        raise Conflict(message, code=codes.WRONG_STATE)
    form = form_of(application)
    choices = form.choices(round_facts(await round_queries.round_(session, application.round_id)))
    rows = await repository.sections(session, id, lock=True)
    opener = codec.of(application, form)
    done = Refreshed(application, form, rows)
    errors: list[FieldError] = []
    for section in form.sections:
        if not editable(application, section.key, actor):
            continue
        wanted = {key for at, key in adopt if at == section.key}
        errors += _section(section, rows[section.key], opener, profile, choices, wanted, done)
    known = {(s.key, f.key) for s in form.sections for f in registry_values.registry_fields(s)}
    errors += [
        FieldError(section=at, field=key, code=codes.NOT_FROM_REGISTRY, message="此项不由法人库带出或当前不能修改")
        for at, key in adopt
        if (at, key) not in known or not editable(application, at, actor)
    ]
    if errors:
        raise Invalid(errors, "所选内容无法更新为法人库的登记。")
    remember(application, profile)
    if done.filled or done.adopted:
        await mark_seen(session, application, actor)
        record(
            session, actor, "prefill", application_id=id,
            filled=[".".join(p) for p in done.filled], adopted=[".".join(p) for p in done.adopted],
        )  # fmt: skip
    await session.flush()
    return done


def _section(
    section: Definition,
    row: Section,
    codec: SectionCodec,
    profile: Profile,
    choices: Choices,
    adopt: set[str],
    done: Refreshed,
) -> list[FieldError]:
    items = found(section, profile, choices)
    prefill = dict(row.prefill)
    draft = codec.open_or_none(section.key, row.draft)
    copy = draft if draft is not None else codec.open_or_none(section.key, row.saved)
    errors = []
    fill: dict[str, Any] = {}
    for key, item in items.items():
        definition = section.field(key)
        assert definition is not None
        kept = (copy or {}).get(key)
        place = (section.key, key)
        if key in adopt:
            fill[key] = item["value"]
            done.adopted.append(place)
        elif copy is None:
            if key in prefill and _value(codec, section.key, prefill, key) == item["value"]:
                continue
            done.filled.append(place)
        elif key in prefill:
            continue
        elif blank(kept) and (draft is not None or definition.readonly):
            # What was saved without it was left out by somebody, unless only the registry may fill it in.
            fill[key] = item["value"]
            done.filled.append(place)
        elif not registry_values.same(definition, kept, item["value"], choices):
            continue
        prefill |= seal(codec, section.key, {key: item})
    for key in adopt - items.keys():
        errors.append(
            FieldError(
                section=section.key, field=key, code=codes.REGISTRY_HAS_NONE, message="法人库目前没有此项内容"
            )
        )
    row.prefill = prefill
    said = latest(section, profile, choices)
    if said is not None:
        row.registered = codec.seal(section.key, said)
        then = codec.open(section.key, {name: item["value"] for name, item in prefill.items()})
        shown = {**(then if copy is None else copy), **fill}
        news = registry_values.changed(section, shown, registry_values.Brought(then, said), choices)
        done.changed += [(section.key, key) for key in news]
    if copy is not None and fill:
        row.draft = codec.seal(section.key, {**copy, **fill})
        row.draft_at = clock.now()
        row.etag += 1
    return errors


def _value(codec: SectionCodec, section: str, prefill: Mapping[str, Item], key: str) -> Any:
    return codec.open(section, {key: prefill[key]["value"]})[key]

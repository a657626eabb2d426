"""Prefill a form from the registry and the account, and tell what a registry that did not answer has still to fill."""

from collections.abc import Mapping
from typing import Any

from services.applications.core.codec import SectionCodec
from services.applications.forms.definition import Form
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled import registry_values
from services.applications.forms.kinds import Choices, blank
from services.applications.tables.applications import Application, Section
from services.applications.workflow import EDITABLE, State
from shared import clock
from shared.messages import Profile

SOURCES = {"registry": registry_values.REGISTRY, "account": "统一身份认证平台"}
Place = tuple[str, str]
Item = dict[str, Any]


def found(section: Definition, profile: Profile, choices: Choices) -> dict[str, Item]:
    """Per field: value, source and time of fetching. What does not fit its field is left out, not forced in."""
    items: dict[str, Item] = {}
    for definition in section.fields:
        if not definition.prefill:
            continue
        source = definition.prefill.partition(".")[0]
        registry = source == "registry"
        value = registry_values.fitting(definition, profile.registry if registry else profile.account, choices)
        at = profile.registry_fetched_at if registry else profile.account_fetched_at
        if value is not None:
            fetched_at = at.isoformat() if at else None
            items[definition.key] = {"value": value, "source": SOURCES[source], "fetched_at": fetched_at}
    return items


def latest(section: Definition, profile: Profile, choices: Choices) -> dict[str, Any] | None:
    """Per field of the registry what it has now, None where nothing; None altogether when it did not answer."""
    if not profile.registry_answered:
        return None
    fields = registry_values.registry_fields(section)
    return {f.key: registry_values.fitting(f, profile.registry, choices) for f in fields}


def seal(codec: SectionCodec, key: str, items: Mapping[str, Item]) -> dict[str, Item]:
    """Items as a row keeps them."""
    sealed = codec.seal(key, {name: item["value"] for name, item in items.items()})
    return {name: {**item, "value": sealed[name]} for name, item in items.items()}


def remember(application: Application, profile: Profile) -> None:
    """When the registry was asked, and whether it answered."""
    application.registry_asked_at = clock.now()
    application.registry_answered = profile.registry_answered


def remember_latest(codec: SectionCodec, form: Form, row: Section, profile: Profile, choices: Choices) -> None:
    """Keep what the registry says now beside the section, for whoever looks without asking it."""
    section = form.section(row.key)
    said = latest(section, profile, choices) if section else None
    if said is not None:
        row.registered = codec.seal(row.key, said)


def waiting(application: Application, form: Form, rows: Mapping[str, Section]) -> list[Place]:
    """Return the fields that a registry which did not answer has still to fill: those that nobody has filled in since."""
    if application.registry_answered or State(application.state) not in EDITABLE:
        return []
    places = []
    for section in form.sections:
        row = rows[section.key]
        kept = row.draft if row.draft is not None else row.saved or {}
        places += [
            (section.key, f.key)
            for f in registry_values.registry_fields(section)
            if f.key not in row.prefill and blank(kept.get(f.key))
        ]
    return places

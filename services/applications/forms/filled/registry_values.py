"""Compare the values a form took from the registry (法人库) with what the registry says now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.applications.forms.definition import Form, Section
from services.applications.forms.kinds import Choices, FieldDefinition, Wrong, blank
from shared.contract.checks import Outcome

Values = Mapping[str, Any]
REGISTRY = "法人库"


def registry_fields(section: Section) -> tuple[FieldDefinition, ...]:
    """Return the fields that a section takes from the registry."""
    return tuple(f for f in section.fields if (f.prefill or "").startswith("registry."))


def fitting(definition: FieldDefinition, attributes: Mapping[str, str], choices: Choices) -> Any:
    """Return what one source knows of a field, as it is kept; None when it knows nothing that fits."""
    raw = attributes.get((definition.prefill or "").partition(".")[2])
    # The platform sends a missing attribute as this text.
    if not raw or raw == "null":
        return None
    try:
        return definition.parse(raw, choices)
    except Wrong:
        return None


@dataclass(frozen=True)
class Brought:
    """Values of one section: `prefill` as they were brought along, `latest` as the registry gave them last (None
    where it has nothing any more). Fields the registry was not asked for are in neither."""

    prefill: Values
    latest: Values


def changed(section: Section, kept: Values, brought: Brought, choices: Choices) -> dict[str, Any]:
    """Per field what the registry has now, where that is news to whoever filled in `kept`.

    A correctable value that was corrected is no news while the registry stays as it was; an identity field that
    differs always is.
    """
    found = {}
    for field in registry_fields(section):
        if field.key not in brought.latest:
            continue
        latest, then = brought.latest[field.key], brought.prefill.get(field.key)
        if same(field, kept.get(field.key), latest, choices) or (blank(latest) and blank(then)):
            continue
        if field.readonly or not same(field, then, latest, choices):
            found[field.key] = latest
    return found


def same(definition: FieldDefinition, left: Any, right: Any, choices: Choices) -> bool:
    """Tell whether two values come to the same once they are read."""
    if blank(left) or blank(right):
        return blank(left) and blank(right)
    try:
        return bool(definition.parse(left, choices) == definition.parse(right, choices))
    except Wrong:
        return bool(left == right)


def outcomes(
    form: Form, saved: Mapping[str, Values], brought: Mapping[str, Brought], choices: Choices
) -> list[Outcome]:
    """Return a warning, in the shape of a check, for every saved value that the registry has changed since."""
    found = []
    for section in form.sections:
        if section.key not in saved or section.key not in brought:
            continue
        kept = saved[section.key]
        for key, latest in changed(section, kept, brought[section.key], choices).items():
            field = section.field(key)
            assert field is not None
            found.append(_warning(section, field, kept.get(key), latest, choices))
    return found


def _warning(section: Section, field: FieldDefinition, ours: Any, latest: Any, choices: Choices) -> Outcome:
    def shown(value: Any) -> str | None:
        return None if blank(value) or field.sensitive else field.show(value, choices)

    said = f"{REGISTRY}现在没有此项" if blank(latest) else f"与{REGISTRY}现在的登记不一致"
    message = f"“{field.label}”{said}，请核对"
    return Outcome(
        id=f"registry.{section.key}.{field.key}",
        holds=False,
        severity="warning",
        left=shown(ours),
        right=shown(latest),
        difference=None,
        rule=f"“{field.label}”与{REGISTRY}的登记一致",
        message=message,
        section=section.key,
        field=field.key,
    )

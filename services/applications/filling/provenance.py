"""Tell where a prefilled value (自动带出信息) came from, what was made of it, and what its source says today."""

from collections.abc import Mapping
from typing import Any

from services.applications.core.codec import SectionCodec
from services.applications.filling.prefill import found as brought
from services.applications.forms.definition import Form
from services.applications.forms.kinds import Choices, FieldDefinition
from services.applications.tables.applications import Section
from shared.contract.sections import Origin
from shared.messages import Profile

Values = Mapping[str, Any]


def origins(
    form: Form,
    codec: SectionCodec,
    rows: Mapping[str, Section],
    submitted: Mapping[str, Values],
    choices: Choices,
    profile: Profile,
) -> list[Origin]:
    """Return every prefilled value that exists in what was `submitted` (opened), beside it, in the form's order: compared whole and
    shown masked.
    `now` is null where the source does not answer or no longer says anything that fits."""
    found = []
    for section in form.sections:
        kept = rows[section.key].prefill
        if not kept:
            continue
        then = codec.open(section.key, {name: item["value"] for name, item in kept.items()})
        handed_in = submitted.get(section.key, {})
        today = brought(section, profile, choices)
        for field in section.fields:
            if field.key not in kept or field.key not in handed_in:
                continue
            now = today[field.key]["value"] if field.key in today else None

            def said(value: Any, section: str = section.key, field: FieldDefinition = field) -> str | None:
                return _text(field, codec.mask(section, {field.key: value})[field.key], choices)

            found.append(
                Origin(
                    section=section.key,
                    field=field.key,
                    label=f"{section.label} · {field.label}",
                    source=kept[field.key]["source"],
                    fetched_at=kept[field.key]["fetched_at"],
                    prefilled=said(then[field.key]),
                    submitted=said(handed_in.get(field.key)),
                    now=said(now),
                    changed_by_applicant=then[field.key] != handed_in.get(field.key),
                    drifted=now is not None and now != then[field.key],
                )
            )
    return found


def _text(field: FieldDefinition, value: Any, choices: Choices) -> str | None:
    return None if value is None or value == "" else field.show(value, choices)

"""Name the places that an opinion may stand at: a material, a field, a table or one of its rows, an attachment."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.forms.definition import Form, Section
from services.applications.forms.filled import presence
from services.applications.forms.filled.labels import row_words
from services.applications.forms.kinds import Choices
from services.applications.review import phrases
from shared.contract.bureau import OpinionPlace, OpinionPlaces, OpinionWriting
from shared.contract.review import PhraseView

WHOLE = "整体"
Json = Mapping[str, Any]


def name_of(section: str | None, field: str | None, row: str | None) -> str:
    """Return the short name of a place, `section.field#row`; empty for the whole application."""
    said = ".".join(part for part in (section, field) if part)
    return f"{said}#{row}" if row else said


async def writing(session: AsyncSession, form: Form, content: Json, choices: Choices) -> OpinionWriting:
    """Return what somebody needs who writes an opinion on a revision's content, as it may be shown."""
    return OpinionWriting(
        places=places(form, content, choices),
        phrases=[
            PhraseView.model_validate(phrase, from_attributes=True) for phrase in await phrases.listed(session)
        ],
    )


def places(form: Form, content: Json, choices: Choices) -> list[OpinionPlaces]:
    """Return every place that exists in a revision's content, by material; rows by their number and first cell."""
    return [
        OpinionPlaces(label=section.label, places=_of(section, values, choices))
        for section, values in presence.sections(form, content["sections"])
    ]


def _of(section: Section, values: Json, choices: Choices) -> list[OpinionPlace]:
    key = section.key
    found = [OpinionPlace(name=key, label=f"{section.label}（整项）")]
    found += [OpinionPlace(name=f"{key}.{f.key}", label=f.label) for f in presence.fields(section, values)]
    for table in presence.tables(section, values):
        path = f"{key}.{table.key}"
        found.append(OpinionPlace(name=path, label=table.label))
        found += [
            OpinionPlace(name=f"{path}#{row['id']}", label=f"{table.label}，{row_words(table, row, n, choices)}")
            for n, row in enumerate(values.get(table.key) or [], 1)
        ]
    return found + [
        OpinionPlace(name=f"{key}.{s.key}", label=f"附件：{s.label}") for s in presence.slots(section, values)
    ]


def words_for(groups: Sequence[OpinionPlaces], wanted: str) -> str | None:
    """Return the words for a place; None when it is not there."""
    if not wanted:
        return WHOLE
    for group in groups:
        for found in group.places:
            if found.name == wanted:
                return found.label if found.label.startswith(group.label) else f"{group.label} · {found.label}"
    return None

"""What changed between two revisions: fields, rows by their ids, attachments."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.applications.forms.definition import Form, Section
from services.applications.schemas import Change

Values = Mapping[str, Any]


def changes(
    form: Form, before: Mapping[str, Values], after: Mapping[str, Values], asked: set[str]
) -> list[Change]:
    """Every difference; `asked` are the sections an opinion concerned, so that the others stand out."""
    return [
        change
        for section in form.sections
        for change in _section(
            section, before.get(section.key) or {}, after.get(section.key) or {}, section.key in asked
        )
    ]


def _section(section: Section, before: Values, after: Values, asked: bool) -> Iterator[Change]:
    for key in [f.key for f in section.fields] + [s.key for s in section.slots]:
        if before.get(key) != after.get(key):
            yield Change(
                section=section.key, field=key, row=None, column=None,
                before=before.get(key), after=after.get(key), asked=asked,
            )  # fmt: skip
    for table in section.tables:
        old = {row["id"]: row for row in before.get(table.key) or []}
        new = {row["id"]: row for row in after.get(table.key) or []}
        for id in [*old, *(new.keys() - old.keys())]:
            was, now = old.get(id, {}), new.get(id, {})
            for column in table.columns:
                if was.get(column.key) != now.get(column.key):
                    yield Change(
                        section=section.key, field=table.key, row=id, column=column.key,
                        before=was.get(column.key), after=now.get(column.key), asked=asked,
                    )  # fmt: skip

"""Compare two revisions: fields, rows by their ids, attachments."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.applications.core.codec import SectionCodec
from services.applications.forms.definition import Form, Section
from shared.contract.submission import Change

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A place that an opinion named: the whole (no section), a material, a field or table of it, a row."""

    section: str | None
    field: str | None = None
    row: str | None = None

    def covers(self, change: Change) -> bool:
        if self.section is None:
            return True
        if self.section != change.section:
            return False
        if self.row is not None and self.row != change.row:
            return False
        if self.field is None:
            return True
        inner, _, column = self.field.partition(".")
        return inner == change.field and (not column or column == change.column)


def changes(
    form: Form, before: Mapping[str, Values], after: Mapping[str, Values], asked: Iterable[Asked]
) -> list[Change]:
    """Return every difference; what no opinion asked for stands out by `asked`."""
    places = list(asked)
    found = [
        change
        for section in form.sections
        for change in _section(section, before.get(section.key) or {}, after.get(section.key) or {})
    ]
    return [c.model_copy(update={"asked": any(place.covers(c) for place in places)}) for c in found]


def _section(section: Section, before: Values, after: Values) -> Iterator[Change]:
    for key in [f.key for f in section.fields] + [s.key for s in section.slots]:
        if before.get(key) != after.get(key):
            yield Change(
                section=section.key, field=key, row=None, column=None,
                before=before.get(key), after=after.get(key), asked=False,
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
                        before=was.get(column.key), after=now.get(column.key), asked=False,
                    )  # fmt: skip


def as_may_be_shown(codec: SectionCodec, found: list[Change]) -> list[Change]:
    """Return changes with their sensitive values masked: compared as they are, shown as they may be."""
    return [change.model_copy(update=_masked(codec, change)) for change in found]


def _masked(codec: SectionCodec, change: Change) -> dict[str, Any]:
    def hide(value: Any) -> Any:
        if change.column is None:
            return codec.mask(change.section, {change.field: value})[change.field]
        return codec.mask(change.section, {change.field: [{change.column: value}]})[change.field][0][change.column]

    return {"before": hide(change.before), "after": hide(change.after)}

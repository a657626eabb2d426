"""Read a draft's text as lint does: faults, outline, what it changes. Texts are judged one at a time and beside the loop."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.applications.forms.authoring import editing
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.source import Source, read_form
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.catalogue import forms, with_parameters
from services.applications.forms.definition import Form
from shared.contract.workbench import FormChange, FormFault, FormRead, OutlineEntry

# What a small form can set of each sort, where it is a plain value (or a list of texts); all else is written in the text.
EDITABLE: Mapping[str, tuple[str, ...]] = {
    "sections": ("label", "title", "required", "visible_if", "required_if", "help"),
    "fields": (
        "label", "kind", "required", "visible_if", "required_if", "help", "example", "unit", "min", "max", "options",
        "value", "default", "audience",
    ),
    "tables": ("label", "required", "visible_if", "required_if", "help", "min_rows", "max_rows", "totals", "audience"),
    "columns": (
        "label", "kind", "required", "visible_if", "required_if", "help", "unit", "min", "max", "options", "value",
        "width", "unique", "audience",
    ),
    "slots": ("label", "required", "visible_if", "required_if", "help", "accept", "max_mb", "max_files", "personal"),
    "checks": ("rule", "message", "left", "op", "right", "holds", "when", "severity", "confirm", "section", "field"),
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A text with everything that can be said of it by itself; `form` only where it has no error."""

    faults: tuple[FormFault, ...]
    outline: tuple[OutlineEntry, ...]
    form: Form | None

    @property
    def sound(self) -> Form | None:
        return None if any(f.severity == "error" for f in self.faults) else self.form


@lru_cache(maxsize=16)
def judge(text: str) -> Judged:
    """Return what lint says of a text. The same text is judged once: a page that is opened again costs nothing."""
    faults = [FormFault(line=f.line, severity=f.severity, message=f.message) for f in lint_text(text)]
    source = Source(text)
    form = None if any(f.severity == "error" for f in faults) else read_form(text)[0]
    entries = tuple(_entry(source, e) for e in editing.outline(source))
    return Judged(tuple(faults), entries, form and with_parameters(form))


def _entry(source: Source, entry: editing.Entry) -> OutlineEntry:
    part = editing.value(source.data, entry.at)
    names = [name for name in EDITABLE[entry.sort] if name in part]
    return OutlineEntry(
        at=list(entry.at),
        sort=entry.sort,
        key=entry.key,
        label=entry.label,
        line=entry.line,
        index=entry.index,
        count=entry.count,
        kind=str(part["kind"]) if "kind" in part else None,
        values={name: part[name] for name in names if _plain(part[name])},
        by_hand=[name for name in names if not _plain(part[name])],
    )


def _plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


# One thread: however many write, requests of applicants have the processor's rest.
_READER = ThreadPoolExecutor(1, "lint")


async def judged(text: str) -> Judged:
    """Return what lint says of a text, beside the loop and one text at a time."""
    return await asyncio.get_running_loop().run_in_executor(_READER, judge, text)


async def read(text: str, fund_type: str, based_on: int | None) -> FormRead:
    """Return a text as its editor sees it, with what it changes against the version that it began with."""
    found = await judged(text)
    return FormRead(
        faults=list(found.faults),
        outline=list(found.outline),
        changes=differences(fund_type, based_on, found.sound),
        publishable=found.sound is not None,
    )


def differences(fund_type: str, before: int | None, form: Form | None) -> list[FormChange]:
    """Return what a form changes against a published version, in words; nothing where either cannot be read."""
    if form is None or before is None:
        return []
    try:
        old = forms()[fund_type, before]
    except (KeyError, ValueError, OSError):
        return []
    return [FormChange(where=c.where, text=c.text, attention=c.attention) for c in changes(old, form)]

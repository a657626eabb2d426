"""Lay out a form as the sheets of a workbook: one for the fields of each material, one for each of its tables.

Row 1 of a sheet is hidden and names columns by key, row 2 is what people read; column A is hidden and names rows by key or id. So a
sorted, moved or renamed row or column still goes where it belongs.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.applications.forms.definition import Form, Section, Table
from services.applications.forms.kinds import FieldDefinition

# The hidden sheet that says what a workbook was made of, and the one that holds lists of options.
ABOUT, LISTS, GUIDE = "_gm", "_lists", "填写说明"
FORMAT = "gongmei-workbook-1"
KEYS, HEAD, FIRST = 1, 2, 3
# Keys of columns that are no column of a form.
ID, LEAD, LABEL, VALUE, NOTE = "#id", "#row", "#label", "#value", "#note"
# What Excel takes for the name of a sheet.
_LONGEST = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")


@dataclass(frozen=True)
class Sheet:
    """A sheet: the fields of a section, or one of its tables."""

    title: str
    section: Section
    table: Table | None = None

    @property
    def fields(self) -> tuple[FieldDefinition, ...]:
        """What people fill in: fields below each other, or columns side by side."""
        return tuple(f for f in (self.table.columns if self.table else self.section.fields) if f.asked)

    @property
    def heads(self) -> list[tuple[str, str]]:
        """The keys of the columns, and what stands over them."""
        if self.table is None:
            return [(ID, ""), (LABEL, "填写项"), (VALUE, "填写内容"), (NOTE, "说明")]
        lead = [(LEAD, self.table.lead)] if self.table.lead else []
        return [(ID, ""), *lead, *((f.key, named(f)) for f in self.fields)]


def named(field: FieldDefinition) -> str:
    """Return what a field or column is called, with its unit."""
    return f"{field.full_label}（{field.unit}）" if field.unit else field.full_label


def sheets(form: Form, sections: Iterable[str]) -> list[Sheet]:
    """Return the sheets of these sections, in the order of the form."""
    wanted, taken = set(sections), {ABOUT, LISTS, GUIDE}
    found: list[Sheet] = []
    for number, section in enumerate(form.sections, 1):
        if section.key not in wanted:
            continue
        if any(f.asked for f in section.fields):
            found.append(Sheet(_title(f"{number}.{section.label}", taken), section))
        for table in section.tables:
            if any(c.asked for c in table.columns):
                found.append(Sheet(_title(f"{number}.{table.label}", taken), section, table))
    return found


def _title(label: str, taken: set[str]) -> str:
    plain = _FORBIDDEN.sub("", label)[:_LONGEST]
    title, n = plain, 1
    # Excel tells sheets apart without regard to case.
    while title.casefold() in {t.casefold() for t in taken}:
        n += 1
        title = f"{plain[: _LONGEST - 4]}({n})"
    taken.add(title)
    return title


def digest(form: Form, listed: Iterable[Sheet]) -> str:
    """Return what tells one layout from another: the form's version, the sheets and their columns."""
    shape = [[s.section.key, s.table.key if s.table else "", [f.key for f in s.fields]] for s in listed]
    text = json.dumps([form.fund_type, form.version, shape], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plain(field: FieldDefinition, value: Any, choices: Mapping[str, Any]) -> str:
    """Return a value as one text by which two copies of it are told apart: as it would be kept, else as it was typed."""
    if value in (None, "", [], False):
        return ""
    try:
        return field.export(field.parse(value, choices))
    except ValueError:
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def mark(text: str) -> str:
    """Return a short mark of a text; nothing has none."""
    return hashlib.blake2s(text.encode(), digest_size=5).hexdigest() if text else ""

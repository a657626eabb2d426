"""Map the parts of one version of a form to those of another: by what the newer version says (`was`), else by the same key
in the same section, else by a key that fits only one place."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import Protocol

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.kinds import FieldDefinition

AnyPart = FieldDefinition | Table | Slot
# A section's key and a part's in it.
Place = tuple[str, str]


class Homes:
    """Old places to new ones. No two old parts come to stand in one new part, and only like parts follow each other:
    fields, tables, slots.
    """

    def __init__(self, old: Form, new: Form) -> None:
        self.old = old
        self.new = new
        self.sections = _sections(old, new)
        self.parts = _parts(old, new, self.sections)

    def of(self, section: str, part: str) -> Place | None:
        return self.parts.get((section, part))

    def then(self, later: "Homes") -> "Homes":
        """From this one's old version to the later one's new version, by way of what lies between; what has no home on
        the way may still have one at its end."""
        found = Homes(self.old, later.new)
        by_way = {at: later.parts[between] for at, between in self.parts.items() if between in later.parts}
        taken = set(by_way.values())
        rest = {at: home for at, home in found.parts.items() if at not in by_way and home not in taken}
        found.parts = {**rest, **by_way}
        sections = {
            at: later.sections[between] for at, between in self.sections.items() if between in later.sections
        }
        taken_up = set(sections.values())
        for at, home in found.sections.items():
            if at not in sections and home not in taken_up:
                sections[at] = home
        found.sections = sections
        return found


def homes(versions: Sequence[Form]) -> Homes:
    """From the first to the last of several successive versions; of one, from itself to itself."""
    if len(versions) == 1:
        return Homes(versions[0], versions[0])
    steps = [Homes(*pair) for pair in pairwise(versions)]
    return reduce(Homes.then, steps)


class Keyed(Protocol):
    """A column or a fixed row."""

    @property
    def key(self) -> str: ...

    @property
    def was(self) -> str | None: ...


def inner(old: Sequence[Keyed], new: Sequence[Keyed]) -> dict[str, str]:
    """Return the same for the columns or the fixed rows of two tables: old keys to new ones."""
    known = {part.key for part in old}
    found: dict[str, str] = {}
    rest = []
    for part in new:
        if part.was in known and part.was not in found:
            found[part.was or ""] = part.key
        else:
            rest.append(part.key)
    return found | {key: key for key in rest if key in known and key not in found}


def like(left: AnyPart, right: AnyPart) -> bool:
    """Tell whether one can hold what the other held: both tables, both slots, or both fields that are filled in."""
    if isinstance(left, Table | Slot) or isinstance(right, Table | Slot):
        return type(left) is type(right)
    return left.asked and right.asked


def _sections(old: Form, new: Form) -> dict[str, str]:
    found: dict[str, str] = {}
    for section in new.sections:
        if section.was in old.by_key and section.was not in found:
            found[section.was or ""] = section.key
    taken = set(found.values())
    for section in new.sections:
        if section.key in old.by_key and section.key not in found and section.key not in taken:
            found[section.key] = section.key
    return found


def _all(form: Form) -> Iterator[tuple[Section, AnyPart]]:
    for section in form.sections:
        for part in section.by_key.values():
            yield section, part


def _parts(old: Form, new: Form, sections: dict[str, str]) -> dict[Place, Place]:
    origin = {home: at for at, home in sections.items()}
    found: dict[Place, Place] = {}
    open_: list[tuple[Section, AnyPart]] = []

    def take(at: Place, home: Place, part: AnyPart) -> bool:
        section = old.section(at[0])
        before = section.by_key.get(at[1]) if section else None
        if before is None or at in found or not like(before, part):
            return False
        found[at] = home
        return True

    for section, part in _all(new):
        named, _, key = (part.was or "").rpartition(".")
        at = (named or origin.get(section.key, section.key), key)
        if not part.was or not take(at, (section.key, part.key), part):
            open_.append((section, part))
    waiting, open_ = open_, []
    for section, part in waiting:
        if not take((origin.get(section.key, section.key), part.key), (section.key, part.key), part):
            open_.append((section, part))
    left = [(s.key, p) for s, p in _all(old) if (s.key, p.key) not in found]
    for section, part in open_:
        fits = [(at, p) for at, p in left if p.key == part.key and _kind(p) == _kind(part)]
        rivals = sum(p.key == part.key for _, p in open_)
        if len(fits) == 1 and rivals == 1:
            take((fits[0][0], part.key), (section.key, part.key), part)
    return found


def _kind(part: AnyPart) -> str:
    return type(part).__name__ if isinstance(part, Table | Slot) else part.kind

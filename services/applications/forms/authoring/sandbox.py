"""Judge what was handed in by a form and a round that are only thought of (政策沙盘): who would be refused, what would be left, what nobody fills in.

Pure work for a process of its own. What comes back are counts, sums and numbers of cases: no value that somebody typed but the names of districts
and directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from services.applications.forms.authoring.examples import handed_in
from services.applications.forms.definition import Form, RoundFacts, Slot, Table
from services.applications.forms.filled.checks import rule_of, value_at
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.kinds import RadioField, SelectField, blank
from services.applications.forms.versions.rebase import rebase

# Cases that are named for one reason.
NAMED = 50
# Groups that are told apart; what comes later is counted together.
GROUPS = 60
NOWHERE = "（未填写）"
OTHERS = "（其余）"
Group = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """What was handed in last of an application, opened, with its version's way to the form that judges it (places in `Work.forms`)."""

    id: str
    number: str
    district: str
    applied: Decimal
    day: date
    way: tuple[int, ...]
    sections: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Work:
    """Cases with the forms on their ways, as JSON: the last is the form that judges them, in this round."""

    forms: tuple[str, ...]
    round: RoundFacts
    cases: tuple[Case, ...]


@dataclass
class Reason:
    """What refuses cases: in words, how many, and some of them by id and number."""

    words: str
    count: int = 0
    cases: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Sums:
    """Cases and 万元 of a group: as handed in, and those that would still pass."""

    cases: int = 0
    wan: Decimal = Decimal(0)
    left: int = 0
    wan_left: Decimal = Decimal(0)


@dataclass
class Tally:
    """What came of cases so far; `asked` says of each field that is asked for, in words, how often it was asked for and filled in."""

    done: int = 0
    passed: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)
    groups: dict[Group, Sums] = field(default_factory=dict)
    asked: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.done += other.done
        self.passed += other.passed
        for place, reason in other.reasons.items():
            mine = self.reasons.setdefault(place, Reason(reason.words))
            mine.count += reason.count
            mine.cases = (mine.cases + reason.cases)[:NAMED]
        for group, sums in other.groups.items():
            mine_of = self._group(group)
            mine_of.cases += sums.cases
            mine_of.wan += sums.wan
            mine_of.left += sums.left
            mine_of.wan_left += sums.wan_left
        for name, (asked, filled) in other.asked.items():
            before = self.asked.get(name, (0, 0))
            self.asked[name] = (before[0] + asked, before[1] + filled)

    def _group(self, group: Group) -> Sums:
        known = group in self.groups or sum(kind == group[0] for kind, _ in self.groups) < GROUPS
        return self.groups.setdefault(group if known else (group[0], OTHERS), Sums())

    def take(self, kind: str, name: str, applied: Decimal, left: Decimal | None) -> None:
        """Count a case in a group; `left` is what it would apply for, None where it would be refused."""
        sums = self._group((kind, name or NOWHERE))
        sums.cases += 1
        sums.wan += applied
        if left is not None:
            sums.left += 1
            sums.wan_left += left


@lru_cache(maxsize=64)
def _form(text: str) -> Form:
    return Form.model_validate_json(text)


def judge(work: Work) -> Tally:
    """Return what comes of cases. A case that cannot be judged at all counts as refused, and says so."""
    forms = [_form(text) for text in work.forms]
    new, tally = forms[-1], Tally()
    choices = new.choices(work.round)
    direction = _direction(new, work.round)
    for case in work.cases:
        facts = Facts(work.round, today=case.day, started_on=case.day)
        try:
            way = [forms[n] for n in case.way]
            sections: Mapping[str, Mapping[str, Any]] = case.sections
            if len(way) > 1:
                sections = rebase(way, case.sections, choices).sections
            kept, refused = handed_in(new, sections, facts)
            _fill(tally, Situation(new, kept, facts), sections)
        except (TypeError, ValueError, KeyError, AttributeError):
            kept, refused = {}, {"": ("内容无法按这份表单核对",)}
        tally.done += 1
        tally.passed += not refused
        for place, messages in refused.items():
            reason = tally.reasons.setdefault(place, Reason(_words(new, place, messages[0])))
            reason.count += 1
            if len(reason.cases) < NAMED:
                reason.cases.append((case.id, case.number))
        left = None if refused else _amount(new, kept, case.applied)
        tally.take("all", "合计", case.applied, left)
        tally.take("district", case.district, case.applied, left)
        if direction:
            chosen = value_at(direction, kept) or value_at(direction, case.sections)
            tally.take("direction", str(chosen or ""), case.applied, left)
    return tally


def _words(form: Form, place: str, message: str) -> str:
    """Return what refuses in words that hold for every case: the rule of a check, or the message at a field without what somebody typed."""
    check = next((check for check in form.checks if check.id == place), None)
    if check is not None:
        return rule_of(check) or check.message
    section, _, part = place.partition(".")
    found = form.section(section)
    if found is None:
        return message
    if not part:
        return f"“{found.label}”没有填写"
    key, _, column = part.partition(".")
    named = found.by_key.get(key)
    label = named.label if named else key
    if isinstance(named, Table) and column in named.by_column:
        label = f"{label} · {named.by_column[column].label}"
    return f"{found.label} · {label}：缺填或不合要求"


def _amount(form: Form, kept: Mapping[str, Mapping[str, Any]], applied: Decimal) -> Decimal:
    found = value_at(form.applied_amount, kept)
    try:
        return applied if found is None else Decimal(str(found))
    except ArithmeticError:
        return applied


def _direction(form: Form, round_: RoundFacts) -> str | None:
    """Return where an application's direction stands: the first choice among a list of the round."""
    for section in form.sections:
        for part in section.fields:
            if isinstance(part, SelectField | RadioField) and part.options_from in round_.options:
                return f"{section.key}.{part.key}"
    return None


def _fill(tally: Tally, situation: Situation, typed: Mapping[str, Mapping[str, Any]]) -> None:
    """Note of each field that is asked for whether it was filled in, rightly or not."""
    for section in situation.form.sections:
        if section.key not in typed:
            continue
        values = typed[section.key]
        for key, part in section.by_key.items():
            if key in section.not_asked or isinstance(part, Slot) or not situation.visible(section.key, key):
                continue
            if not isinstance(part, Table):
                _note(tally, f"{section.label} · {part.label}", filled=not blank(values.get(key)))
                continue
            rows = [row for row in values.get(key) or () if isinstance(row, dict)]
            for column in part.columns:
                if column.asked:
                    filled = any(not blank(row.get(column.key)) for row in rows)
                    _note(tally, f"{section.label} · {part.label} · {column.full_label}", filled=filled)


def _note(tally: Tally, name: str, *, filled: bool) -> None:
    asked, there = tally.asked.get(name, (0, 0))
    tally.asked[name] = (asked + 1, there + filled)

"""Keep examples beside a form: an application that must pass, or must be refused by a check. They are judged as a submission is, on a day and
in a round of their own, so that they say the same next year."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.applications.forms.authoring.made_up import SAMPLES, TEXT
from services.applications.forms.definition import Form, RoundFacts, Section, Slot, Table
from services.applications.forms.filled import validation
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.reading import Context, named_files
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.kinds import FieldDefinition, blank
from services.applications.forms.kinds.texts import TextAreaField, TextField

Values = Mapping[str, Any]
# What may say who somebody is, besides what a form calls sensitive.
_PERSONAL = frozenset(
    {"phone", "telephone", "web_address", "mobile", "email", "uscc", "id_card", "passport", "bank_account"}
)
_FILLER = "示例文字"


@dataclass(frozen=True)
class Example:
    """An application by example: `values` by section as 保存表单 keeps them. With `refused` it must be refused, by what `by` names (a check, or
    `section.field`) where it names something; else it must pass."""

    name: str
    refused: bool
    by: str
    values: Mapping[str, Values]
    round: RoundFacts
    day: date


@dataclass(frozen=True)
class Outcome:
    """What a form says to an example: everything that refuses it, by what refuses it."""

    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # What in its values may not stand in an example.
    forbidden: tuple[str, ...] = ()

    def disagreement(self, example: Example) -> str | None:
        """Return in words why an example and its form do not agree; None where they do."""
        if self.forbidden:
            return "；".join(self.forbidden)
        said = "；".join(message for messages in self.refused.values() for message in messages[:1])
        if not example.refused:
            return f"应当通过，却不能提交：{said}" if self.refused else None
        what = f"被“{example.by}”拦下" if example.by else "不能提交"
        if not self.refused:
            return f"应当{what}，却通过了"
        if example.by and example.by not in self.refused:
            return f"应当{what}，却是因为：{said}"
        return None


def run(form: Form, example: Example) -> Outcome:
    """Return what a form says to an example."""
    facts = Facts(example.round, today=example.day, started_on=example.day)
    values = _known_of(form, example.values)
    _, refused = handed_in(form, example.values, facts)
    return Outcome(refused, tuple(_forbidden(form, values)))


def handed_in(
    form: Form, sections: Mapping[str, Values], facts: Facts
) -> tuple[dict[str, Values], dict[str, tuple[str, ...]]]:
    """Judge values as a submission is: return what 保存表单 keeps of each section, and what refuses it, by a check's id or by where it stands."""
    values = _known_of(form, sections)
    refused: dict[str, list[str]] = {}
    kept: dict[str, Values] = {}
    for section in form.sections:
        if section.key not in values:
            continue
        files = {slot.key: named_files(section, values[section.key]) for slot in section.slots}
        others = {key: found for key, found in values.items() if key != section.key}
        context = Context(form=form, facts=facts, files=files, saved=others)
        kept[section.key], errors = validation.judged(section, values[section.key], context)
        for error in errors:
            place = ".".join(filter(None, (section.key, error.field, error.column)))
            refused.setdefault(place, []).append(f"{section.label}：{error.message}")
    situation = Situation(form, kept, facts)
    for section in form.sections:
        if section.key not in kept and situation.required(section.key):
            refused.setdefault(section.key, []).append(f"“{section.label}”没有填写")
    for outcome in evaluate(form, kept, facts):
        if outcome.known and not outcome.holds and outcome.severity == "error":
            refused.setdefault(outcome.id, []).append(outcome.sentence)
    return kept, {place: tuple(found) for place, found in refused.items()}


def _known_of(form: Form, sections: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    return {s.key: _known(s, sections[s.key]) for s in form.sections if s.key in sections}


def _known(section: Section, values: Values) -> dict[str, Any]:
    """Return the values that the section has a place for: what a form no longer asks for, nobody fills in."""
    return {key: value for key, value in values.items() if key in section.by_key and key not in section.not_asked}


def _forbidden(form: Form, values: Mapping[str, Values]) -> Iterator[str]:
    """Yield what is sensitive and is not one of the values that are made up."""
    for section in form.sections:
        for definition, value, _ in _cells(section, values.get(section.key, {})):
            if _private(definition) and not blank(value) and str(value) not in _replacements(definition):
                sample = next(iter(_replacements(definition)))
                yield f"“{section.label}·{definition.label}”是个人或敏感信息，样例里只能写示例值 {sample}"


def _private(definition: FieldDefinition) -> bool:
    return definition.asked and (definition.sensitive or definition.kind in _PERSONAL)


def _replacements(definition: FieldDefinition) -> tuple[str, ...]:
    sample = SAMPLES.get(definition.kind, TEXT)
    return (sample, TEXT) if definition.kind not in SAMPLES else (sample,)


def _cells(section: Section, values: Values) -> Iterator[tuple[FieldDefinition, Any, Any]]:
    """Yield every field and cell with its value and the group of values it stands in."""
    for key, part in section.by_key.items():
        if isinstance(part, Table):
            for row in values.get(key) or ():
                if isinstance(row, dict):
                    yield from ((column, row.get(column.key), row) for column in part.columns)
        elif not isinstance(part, Slot):
            yield part, values.get(key), values


def without_persons(form: Form, sections: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    """Return what somebody handed in as an example: amounts, dates and choices as they were; texts, numbers of persons and files made up. The same text
    is the same afterwards, of the same length; what was sealed is not opened for it."""
    texts: dict[str, str] = {}
    found: dict[str, dict[str, Any]] = {}
    for section in form.sections:
        if section.key in sections:
            found[section.key] = {
                key: _replaced(part, sections[section.key][key], texts)
                for key, part in section.by_key.items()
                if key in sections[section.key] and key not in section.not_asked
            }
    return found


def _replaced(part: FieldDefinition | Table | Slot, value: Any, texts: dict[str, str]) -> Any:
    if value is None:
        return None
    if isinstance(part, Slot):
        files = [str(UUID(int=n + 1)) for n, _ in enumerate(value)]
        return dict(zip(files, value.values(), strict=True)) if isinstance(value, dict) else files
    if isinstance(part, Table):
        return [_row(part, row, texts) for row in value if isinstance(row, dict)]
    if _private(part):
        return _replacements(part)[0]
    typed = (
        isinstance(part, TextField | TextAreaField)
        or part.kind == "target"
        or getattr(part, "options_in_rows", None)
    )
    if typed and isinstance(value, str):
        return texts.setdefault(value, _filler(len(texts) + 1, len(value)))
    return value


def _row(table: Table, row: Values, texts: dict[str, str]) -> dict[str, Any]:
    """Return a row with its id, and with the cells that people fill in."""
    cells = {key: _replaced(table.by_column[key], row[key], texts) for key in table.by_asked if key in row}
    return {**{name: row[name] for name in ("id", "row") if name in row}, **cells}


def _filler(number: int, length: int) -> str:
    """Return a text that nobody wrote, of a length; the number tells it from others where there is room for it."""
    if length < 3:
        return _FILLER[:length]
    begun = f"{_FILLER[:2]}{number}"
    return (begun + _FILLER * (length // len(_FILLER) + 1))[: max(length, len(begun))]

"""Read a draft's text as lint does: faults, outline, what it changes. Pure work for a process of its own (`judge`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter

from services.applications.forms.authoring import editing, merging
from services.applications.forms.authoring.examples import Example, run
from services.applications.forms.authoring.lint import linted
from services.applications.forms.authoring.made_up import made_up
from services.applications.forms.authoring.publishing import digest_of
from services.applications.forms.authoring.source import Source, read_form
from services.applications.forms.authoring.try_out import try_out
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.catalogue import with_parameters
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.checks import rule_of
from services.applications.forms.filled.situation import Facts
from services.applications.workbench.trial import Trial, with_lists
from shared.contract.workbench import (
    FormChange,
    FormExampleView,
    FormFault,
    FormPreview,
    FormQuestion,
    FormRead,
    FormTrial,
    FormTried,
    OutlineEntry,
)

# What a small form can set of each sort, where it is a plain value, a list of texts or a list that `_SHAPES` knows; all else is written in the text.
_CELLS = (
    "label", "kind", "required", "visible_if", "required_if", "help", "example", "unit", "min", "max", "places", "allow_zero", "allow_negative",
    "min_items", "max_items", "options", "options_from", "follows", "options_for", "specify", "must_be", "pattern", "pattern_message", "bounds",
    "value", "gives", "default", "sensitive", "audience",
)  # fmt: skip
EDITABLE: Mapping[str, tuple[str, ...]] = {
    "sections": ("label", "title", "required", "visible_if", "required_if", "help", "text", "audience"),
    "fields": (*_CELLS, "text", "formatted", "group", "prefill", "readonly"),
    "tables": (
        "label", "required", "visible_if", "required_if", "help", "fixed_rows", "row_label", "rows_from", "min_rows", "max_rows", "totals",
        "total_label", "landscape", "group", "audience",
    ),
    "columns": (*_CELLS, "width", "unique", "under"),
    "slots": (
        "label", "required", "visible_if", "required_if", "help", "accept", "max_mb", "max_files", "each_row", "personal", "group", "audience",
    ),
    "conditions": ("label", "holds"),
    "checks": ("rule", "message", "left", "op", "right", "holds", "when", "severity", "confirm", "section", "field"),
}  # fmt: skip
# Lists whose items are groups of plain texts, by the names that these may have.
_SHAPES = {"fixed_rows": {"key", "label"}, "bounds": {"op", "than", "message"}}


# What the lists of a form are called on the way to a place.
SORTS = {
    "sections": "材料", "fields": "字段", "tables": "表格", "columns": "列", "slots": "附件", "checks": "核对", "groups": "栏目",
    "fixed_rows": "固定行", "lists": "选项", "parameters": "批次参数", "conditions": "条件", "label": "名称", "help": "填写说明", "options": "选项",
    "visible_if": "显示条件", "required_if": "必填条件", "value": "计算公式", "message": "提示", "rule": "规则", "title": "标题",
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
    form, found, source = linted(text)
    faults = [FormFault(line=f.line, severity=f.severity, message=f.message) for f in found]
    if any(f.severity == "error" for f in faults):
        form = None
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
        values={name: part[name] for name in names if _plain(name, part[name])},
        by_hand=[name for name in names if not _plain(name, part[name])],
    )


def _plain(name: str, value: Any) -> bool:
    """Tell whether a small form can show a value."""
    if isinstance(value, dict):
        return name in ("options_for", "specify") and all(
            isinstance(each, str) or _plain("", each) for each in value.values()
        )
    if not isinstance(value, list):
        return isinstance(value, str | bool | int | float)
    if name in _SHAPES:
        return all(
            isinstance(i, dict) and i.keys() == _SHAPES[name] and all(isinstance(v, str) for v in i.values())
            for i in value
        )
    return all(isinstance(item, str) for item in value)


@lru_cache(maxsize=8)
def _published(text: str) -> Form | None:
    """Return the form that was published with this text; None where this release cannot read it."""
    form, faults, _ = read_form(text)
    return None if form is None or any(f.severity == "error" for f in faults) else with_parameters(form)


class KeptExample(BaseModel):
    """An example as it is kept: its values as a text in YAML, the round and the day that it is judged in."""

    name: str
    refused: bool
    by: str
    text: str
    round: RoundFacts
    day: date


_KEPT = TypeAdapter(list[KeptExample])


def look(text: str, before: str | None, examples: str = "[]") -> FormRead:
    """Return a text as its editor sees it, with what it changes against the text `before` that it began with, and what it says to its examples."""
    found = judge(text)
    old = None if before is None or found.sound is None else _published(before)
    ran = _ran(text, examples)
    return FormRead(
        faults=sorted([*found.faults, *_of_examples(found, ran)], key=lambda f: f.line),
        outline=list(found.outline),
        changes=[] if old is None or found.sound is None else differences(old, found.sound),
        examples=list(ran),
        checks={check.id: rule_of(check) or check.message for check in found.form.checks} if found.form else {},
        publishable=found.sound is not None,
    )


@lru_cache(maxsize=16)
def _ran(text: str, examples: str) -> tuple[FormExampleView, ...]:
    form = judge(text).sound
    return tuple(
        FormExampleView(**kept.model_dump(exclude={"round"}), said=_said_to(form, kept) if form else None)
        for kept in _KEPT.validate_json(examples)
    )


def _said_to(form: Form, kept: KeptExample) -> str | None:
    """Return why a form and an example do not agree; None where they do."""
    source = Source(kept.text)
    if source.faults:
        return f"第 {source.faults[0].line} 行：{source.faults[0].message}"
    values = source.data
    if not isinstance(values, dict) or not all(isinstance(v, dict) for v in values.values()):
        return "应按材料写：每项材料的代号下面是各字段的代号和值"
    example = Example(kept.name, kept.refused, kept.by, _texts(values), kept.round, kept.day)
    if unknown := [key for key in values if key not in form.by_key]:
        return f"表单里没有材料“{'、'.join(map(str, unknown))}”"
    try:
        return run(form, example).disagreement(example)
    except (TypeError, ValueError, KeyError, AttributeError):
        return "有的值写法不对，请按“以示例填写”的样例核对"


def _texts(values: Any) -> Any:
    """Return values as 保存表单 has them: whole numbers stand as numbers, all else that YAML reads as one as it was written."""
    if isinstance(values, dict):
        return {str(key): _texts(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_texts(value) for value in values]
    return str(values) if isinstance(values, float) else values


def _of_examples(found: Judged, ran: Sequence[FormExampleView]) -> Iterator[FormFault]:
    """Yield what examples and form disagree about, and the checks that no example has refused it by."""
    lines = {entry.key: entry.line for entry in found.outline if entry.sort == "checks"}
    for view in ran:
        if view.said:
            said = (
                f"样例“{view.name}”{view.said}"
                if view.said.startswith("应")
                else f"样例“{view.name}”：{view.said}"
            )
            yield FormFault(line=lines.get(view.by, 1), severity="warning", message=said)
    if ran and found.sound:
        named = {view.by for view in ran if view.refused}
        for check in found.sound.checks:
            if check.severity == "error" and check.id not in named:
                said = f"没有样例检验核对“{check.id}”：请做一个应当被它拦下的样例"
                yield FormFault(line=lines.get(check.id, 1), severity="note", message=said)


def example_made(text: str, facts: RoundFacts) -> tuple[str, RoundFacts] | None:
    """Return values that the form asks for, filled in by example, as a text in YAML, and the round that they are judged in; None while the text has
    faults."""
    if (tried := trial(text, facts)) is None:
        return None
    return as_yaml(made_up(tried.form, Facts(tried.round))), tried.round


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return values as a text that people change."""
    return str(yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False, width=120))


def joined(
    before: str, mine: str, theirs: str, choices: Mapping[str, merging.Side]
) -> tuple[str, list[FormQuestion]]:
    """Return a text with the changes of two, and what both changed, each place by its name in the form."""
    found = merging.join(before, mine, theirs, choices)
    questions = [
        FormQuestion(
            place=q.place,
            label=_called(q.place, before, mine, theirs),
            before=q.before,
            mine=q.mine,
            theirs=q.theirs,
            choice=choices.get(q.place, "mine"),
        )
        for q in found.questions
    ]
    return found.text, questions


def _called(place: str, *texts: str) -> str:
    """Return what a place of a text is called: the labels on the way to it."""
    said: list[str] = []
    data: list[Any] = [Source(text).data for text in texts]
    for step in place.split("/") if place else ():
        data = [_below(each, step) for each in data]
        known = next(
            (str(each.get("label") or each.get("rule") or step) for each in data if isinstance(each, dict)), step
        )
        said.append(SORTS.get(step, known))
    return " · ".join(said) or "整个文本"


def _below(data: Any, step: str) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    listed = data if isinstance(data, list) else ()
    named = (item for item in listed if isinstance(item, dict))
    return next((i for i in named if step in (i.get("key"), i.get("id"), i.get("label"))), None)


def tried(text: str, facts: RoundFacts, asked: FormTrial) -> FormTried:
    """Return what comes of a formula in a text, which may have faults elsewhere."""
    form = read_form(text)[0]
    if form is None:
        return FormTried(
            fault="文本还有写法上的错误，改正并保存后再试。", words="", asked=[], result=None, holds=None
        )
    given = {name: value.replace("\r\n", "\n") for name, value in asked.values.items()}
    found = try_out(form, asked.formula, asked.section, asked.table, given, with_lists(form, facts))
    return FormTried.model_validate(found, from_attributes=True)


@dataclass(frozen=True)
class Verdict:
    """What decides whether a text may be published: `sha256` says which text was judged."""

    sha256: str
    fund_type: str
    version: int
    errors: tuple[FormFault, ...]
    # What its examples and the text disagree about.
    disagreements: tuple[str, ...]


def verdict(text: str, examples: str = "[]") -> Verdict:
    """Return whether a text may be published, as far as the text itself says."""
    found = judge(text)
    errors = tuple(f for f in found.faults if f.severity == "error")
    form = found.sound
    said = tuple(f"“{view.name}”{view.said}" for view in _ran(text, examples) if view.said)
    return Verdict(digest_of(text), form.fund_type if form else "", form.version if form else 0, errors, said)


def preview(text: str, facts: RoundFacts, section: str, filled: bool) -> FormPreview | None:
    """Return a section of a text as an applicant meets it, the first one where none is named; None while the text has faults.
    `KeyError` where the form has no such section."""
    if (found := trial(text, facts)) is None:
        return None
    if filled:
        found.fill()
    return FormPreview(definition=found.definition, page=found.opened(section or found.form.sections[0].key))


def trial(text: str, facts: RoundFacts) -> Trial | None:
    """Return a text to be tried in a round; None while it has faults."""
    form = judge(text).sound
    return Trial(form, with_lists(form, facts)) if form else None


def differences(old: Form, new: Form) -> list[FormChange]:
    """Return what a form changes against another version, in words."""
    return [FormChange(where=c.where, text=c.text, attention=c.attention) for c in changes(old, new)]

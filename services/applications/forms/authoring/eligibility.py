"""Read the questions of a round's notice, which tell an enterprise before it begins whether it may apply, and judge its answers.

They are a small form in the language of forms: `fields` are the questions, `checks` what must hold, each with the office's words for whoever does
not meet it. What is asked are choices, numbers and dates: nothing that tells of a person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from services.applications.forms.authoring import lint
from services.applications.forms.authoring.name_checks import problems
from services.applications.forms.authoring.recovery import faults_of
from services.applications.forms.authoring.source import Fault, Source
from services.applications.forms.definition import Check, Form, Section
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.filled.validation import judged
from services.applications.forms.formulas.rule import Location, Problem
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import FieldDefinition, blank
from shared.errors import FieldError

# The only section of such a form.
SECTION = "eligibility"
TITLE = "申报条件"
MOST = 30
_KINDS = {
    "radio", "select", "multiselect", "checkbox", "integer", "decimal", "money", "percent", "date", "month", "year", "computed", "fixed_text",
}  # fmt: skip
_NAMES = {"fields": "问题", "checks": "核对"}
# What a field says of a person or an account, or takes from one.
_NOT_HERE = ("prefill", "sensitive", "readonly", "was")


@dataclass(frozen=True)
class Answer:
    """A question and what was answered, both as people read them."""

    label: str
    text: str


def read(text: str) -> tuple[Form | None, list[Fault]]:
    """Return the questions of a text as a form, None where it has an error; and every fault of it with its line."""
    source = Source(text)
    data = source.data
    if source.faults or not isinstance(data, dict) or not isinstance(data.get("fields"), list):
        said = Fault(
            1,
            "应写成 fields: 和各个问题，如 - {key: registered, kind: radio, label: 是否在本市登记注册, options: [是, 否]}",
        )
        return None, list(source.faults) or [said]
    faults = [
        Fault(source.line((name,)), f"“{name}”在这里没有用处，只写 fields 和 checks")
        for name in data.keys() - _NAMES.keys()
    ]
    faults += [
        Fault(source.line((name,)), f"{_NAMES[name]}最多 {MOST} 项")
        for name in _NAMES
        if isinstance(data.get(name), list) and len(data[name]) > MOST
    ]
    if faults:
        return None, faults
    try:
        form = Form.model_validate(_whole(data))
    except ValidationError as error:
        found = [{**e, "loc": _here(e["loc"]) or ()} for e in faults_of(error)]
        return None, lint.in_order([source.shape(e) for e in found])  # type: ignore[arg-type]
    listed = [*_unasked(form), *problems(form), *rules_of(form).problems, *lint.problems(form)]
    told = [Fault(source.line(at), p.message, p.severity) for p in listed if (at := _here(p.at)) is not None]
    return None if any(f.severity == "error" for f in told) else form, lint.in_order(told)


@lru_cache(maxsize=128)
def form_of(text: str) -> Form | None:
    """Return the questions of a text that was found sound; None where it asks nothing."""
    return read(text)[0] if text.strip() else None


def no_stricter(before: str, after: str) -> bool:
    """Tell whether whoever was let in by the questions `before` is let in by those `after` too, asked the same: no question is another, and
    nothing must hold that did not have to."""
    if not after.strip():
        return True
    old, new = form_of(before), form_of(after)
    if old is None or new is None or _said(old.sections) != _said(new.sections):
        return False
    held = [_held(check) for check in old.checks]
    return all(_held(check) in held for check in new.checks)


def _said(sections: tuple[Section, ...]) -> list[dict[str, Any]]:
    return [section.model_dump() for section in sections]


def _held(check: Check) -> dict[str, Any]:
    """Return what must hold, without its number and its words."""
    return check.model_dump(exclude={"id", "rule", "message", "field"})


def _whole(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the questions as a whole form, whose other parts nobody sees."""
    checks = data.get("checks") or []
    numbered = [
        {"rule": check.get("message"), **check, "id": f"c{n}", "section": SECTION}
        if isinstance(check, dict)
        else check
        for n, check in enumerate(checks if isinstance(checks, list) else [checks])
    ]
    section = {"key": SECTION, "label": TITLE, "title": TITLE, "fields": data["fields"]}
    return {
        "fund_type": SECTION, "version": 1, "label": TITLE, "title": TITLE, "document_title": TITLE,
        "project_name": SECTION, "sections": [section], "checks": numbered,
    }  # fmt: skip


def _here(at: Location) -> Location | None:
    """Return a place of the whole form as it stands in the text; None for what does not stand there."""
    if at[:2] == ("sections", 0):
        return at[2:] or None
    return at if at[:1] == ("checks",) else None


def _unasked(form: Form) -> Iterator[Problem]:
    """Yield what the language knows and these questions do not take."""
    for n, field in enumerate(form.sections[0].fields):
        at: Location = ("sections", 0, "fields", n)
        if field.kind not in _KINDS:
            yield Problem((*at, "kind"), "申报条件只问选择、数和日期，不收文字和个人信息；文字写在表单里")
        for name in _NOT_HERE:
            if getattr(field, name):
                yield Problem((*at, name), f"申报条件里不能写 {name}")
    if not any(field.asked for field in form.sections[0].fields):
        yield Problem(("sections", 0, "fields"), "还没有要回答的问题")
    for rule in rules_of(form).all():
        if any(target.of in ("others", "application") for target in rule.targets):
            yield Problem(rule.at, "申报条件在新增项目以前回答，不能用到其他申请和本申请的日期")
    for n, check in enumerate(form.checks):
        if check.severity != "error":
            yield Problem(("checks", n, "severity"), "不满足的就不能申报，不写 severity")


def judge(
    form: Form, values: Mapping[str, Any], facts: Facts
) -> tuple[dict[str, Any], list[FieldError], list[Check]]:
    """Return the answers as they are kept, what is wrong with them, and, where nothing is, what they do not meet."""
    section = _section(form)
    kept, errors = judged(section, dict(values), Context(form=form, facts=facts))
    if errors:
        return kept, errors, []
    broken = {o.id for o in evaluate(form, {SECTION: kept}, facts) if o.known and not o.holds}
    return kept, [], [check for check in form.checks if check.id in broken]


def in_words(form: Form, kept: Mapping[str, Any], facts: Facts) -> list[Answer]:
    """Return every question that was asked with its answer, computed ones among them."""
    situation = Situation(form, {SECTION: kept}, facts)
    choices = form.choices(facts.round)
    found = []
    for field in _section(form).fields:
        if field.kind == "fixed_text" or not situation.visible(SECTION, field.key):
            continue
        found.append(Answer(field.label, _shown(field, situation.kept(SECTION, field.key), choices)))
    return found


def _shown(field: FieldDefinition, value: Any, choices: Mapping[str, Any]) -> str:
    if blank(value):
        return "未回答"
    text = field.show(value, choices)
    return f"{text} {field.unit}" if field.unit else text


def _section(form: Form) -> Section:
    return form.sections[0]

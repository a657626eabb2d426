"""Find every fault of a form's file at once, with its line."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.applications.forms.authoring import reachability
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.authoring.source import Fault, Source, read_file, read_form
from services.applications.forms.definition import Form, RoundFacts, Slot, Table
from services.applications.forms.filled.checks import parameters, rule_of
from services.applications.forms.formulas.language import Place
from services.applications.forms.formulas.named import PREFIX
from services.applications.forms.formulas.names import Node
from services.applications.forms.formulas.rule import Problem, Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import FieldDefinition, FixedTextField
from services.applications.forms.kinds.choices import MultiSelectField, RadioField, SelectField
from shared.text import formatted


def lint_file(path: Path, rounds: RoundFacts | None = None) -> list[Fault]:
    """Return the faults of a file, in the order of its lines. In the catalogue, its name has to say what it is."""
    form, faults, source = read_file(path)
    if form is not None and path.parent.parent.name == "catalogue":
        wanted = Path(form.fund_type, f"{form.version}{path.suffix}")
        if wanted.parts != path.parts[-2:]:
            faults.append(
                Fault(1, f"内容是“{form.fund_type}”第 {form.version} 版，与文件的位置和名字不符，应为 {wanted}")
            )
    return in_order([*faults, *_further(form, source, rounds)])


def lint_text(text: str, rounds: RoundFacts | None = None) -> list[Fault]:
    """Return the same for a form's text."""
    return linted(text, rounds)[1]


def linted(text: str, rounds: RoundFacts | None = None) -> tuple[Form | None, list[Fault], Source]:
    """Return the same with the form itself, where its shape is sound, and its parsed text: each text is parsed once."""
    form, faults, source = read_form(text)
    return form, in_order([*faults, *_further(form, source, rounds)]), source


def _further(form: Form | None, source: Source, rounds: RoundFacts | None) -> Iterator[Fault]:
    """Yield what only this module finds, in what is sound of the form."""
    if form is not None:
        yield from map(source.fault, problems(form, rounds))
    elif source.rest is not None and source.rest.form is not None:
        for problem in problems(source.rest.form, rounds):
            if not source.rest.concerns(problem):
                yield source.fault(problem)


def in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda f: (f.line, f.severity, f.message))


def problems(form: Form, rounds: RoundFacts | None = None) -> list[Problem]:
    """Return what is without effect or without a name. With a round's facts, which checks that round leaves out."""
    return [
        *reachability.problems(form),
        *_options_nobody_has(form),
        *_lists_nobody_uses(form),
        *_parameters(form),
        *_conditions_nobody_names(form),
        *_labels(form),
        *_skipped(form, rounds),
        *_one_text(form),
        *_shown_through(form),
        *_links(form),
    ]


def _options_nobody_has(form: Form) -> Iterator[Problem]:
    """Yield a condition that compares with an option which the field does not have."""
    for rule in rules_of(form).all():
        for place, constants in _compared(rule):
            known = _options(form, place)
            for constant in constants if known else ():
                if isinstance(constant, str) and constant not in known:
                    yield Problem(rule.at, f"“{constant}”不是“{'.'.join(place.parts)}”的选项")


def _options(form: Form, place: Place) -> frozenset[str]:
    target = place.target
    if target.of not in ("field", "cell", "own", "each", "column"):
        return frozenset()
    part = form.by_key[target.section].by_key[target.part]
    if isinstance(part, Slot):
        return frozenset()
    definition = part.by_column[target.column] if isinstance(part, Table) else part
    if isinstance(definition, SelectField | RadioField | MultiSelectField):
        return frozenset(definition.labels(form.choices_of_its_own))
    return frozenset()


def _compared(rule: Rule) -> Iterator[tuple[Place, list[object]]]:
    for node in ast.walk(rule.formula.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for left, right in pairwise(sides):
            for place, other in ((left, right), (right, left)):
                if isinstance(place, Place):
                    items = other.elts if isinstance(other, ast.Tuple) else [other]
                    yield place, [item.value for item in items if isinstance(item, ast.Constant)]


def _links(form: Form) -> Iterator[Problem]:
    """Yield texts with what is meant as a link and leads nowhere."""
    for i, section in enumerate(form.sections):
        for n, field in enumerate(section.fields):
            if isinstance(field, FixedTextField) and field.formatted:
                for line, said in formatted.faults(field.text):
                    yield Problem(
                        ("sections", i, "fields", n, "text"), f"“{field.key}”的第 {line} 行：{said}", "warning"
                    )


def _lists_nobody_uses(form: Form) -> Iterator[Problem]:
    used = {
        getattr(field, "options_from", None)
        for section in form.sections
        for field in (*section.fields, *(c for t in section.tables for c in t.columns))
    }
    for name in form.lists.keys() - used:
        yield Problem(("lists", name), f"没有字段用到选项“{name}”", "warning")


def _conditions_nobody_names(form: Form) -> Iterator[Problem]:
    texts = [rule.formula.text for rule in rules_of(form).all()]
    texts += [condition.holds for condition in form.conditions.values()]
    for name in form.conditions:
        if not any(re.search(rf"\b{PREFIX}\s*\.\s*{name}\b", text) for text in texts):
            yield Problem(("conditions", name), f"没有公式用到条件“{PREFIX}.{name}”", "warning")


def _parameters(form: Form) -> Iterator[Problem]:
    """Yield the labels of parameters that nothing asks for; and, where a form has labels at all, the parameters without one."""
    asked = [need.name for need in needs(form)]
    for name in form.parameters.keys() - asked:
        yield Problem(("parameters", name), f"没有公式或选项用到批次参数“{name}”", "warning")
    for name in asked if form.parameters else ():
        if name not in form.parameters:
            yield Problem(("parameters",), f"批次参数“{name}”没有名称，请在 parameters 里写 label", "warning")


def _labels(form: Form) -> Iterator[Problem]:
    for i, section in enumerate(form.sections):
        parts = [
            *((("fields", n), p) for n, p in enumerate(section.fields)),
            *((("tables", n), p) for n, p in enumerate(section.tables)),
            *((("slots", n), p) for n, p in enumerate(section.slots)),
        ]
        seen: Counter[tuple[str | None, str]] = Counter()
        for at, part in parts:
            place = ("sections", i, *at)
            name = part.label.strip()
            if not name and not (hasattr(part, "kind") and part.kind == "fixed_text"):
                yield Problem((*place, "label"), f"“{part.key}”没有名称，请写 label")
            seen[part.group, name] += 1
            if name and seen[part.group, name] == 2:
                yield Problem((*place, "label"), f"名称“{name}”在本材料中重复出现", "warning")
        if not parts and not section.text:
            yield Problem(("sections", i), f"材料“{section.key}”里没有内容", "warning")


def _one_text(form: Form) -> Iterator[Problem]:
    """Yield checks that say only what is wrong: people also read them where they are met."""
    for i, check in enumerate(form.checks):
        if rule_of(check) is None:
            yield Problem(
                ("checks", i, "message"),
                f"核对“{check.id}”请写两个文字：rule 写规则（作标题，如“合计等于申请金额”），message 写不符合时的提示",
                "warning",
            )


def _shown_through(form: Form) -> Iterator[Problem]:
    """Yield computed values that would show what a sensitive one says."""
    for (node, role), rule in rules_of(form).of.items():
        if role == "value" and not _definition(form, node).sensitive:
            named = (target.node for target in rule.targets if target.of in ("field", "own", "cell", "source"))
            if any(found and _definition(form, found).sensitive for found in named):
                yield Problem(rule.at, "由敏感内容算出，也请写 sensitive: true", "warning")


def _definition(form: Form, node: Node) -> FieldDefinition:
    part: Any = form.by_key[node[0]].by_key[node[1]]
    found: FieldDefinition = part.by_column[node[2]] if node[2] else part
    return found


def _skipped(form: Form, rounds: RoundFacts | None) -> Iterator[Problem]:
    for i, check in enumerate(form.checks):
        needed = sorted(parameters(form, check) - {"closes_on"})
        lacking = [name for name in needed if rounds is not None and rounds.value(name) is None]
        if lacking:
            yield Problem(
                ("checks", i),
                f"本批次没有参数 {'、'.join(lacking)}，不做核对“{check.id}”",
                "warning",
            )
        elif needed and rounds is None:
            yield Problem(("checks", i), f"批次没有参数 {'、'.join(needed)} 时，不做核对“{check.id}”", "note")

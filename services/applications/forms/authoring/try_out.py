"""Try a formula with values that somebody gives: what it asks for, what it says in words, what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from services.applications.forms.definition import Form, RoundFacts, Slot, Table
from services.applications.forms.filled.situation import Facts
from services.applications.forms.formulas import types
from services.applications.forms.formulas.evaluator import Evaluator, TooMuchWork
from services.applications.forms.formulas.in_words import in_words
from services.applications.forms.formulas.language import Mistake
from services.applications.forms.formulas.named import compiled
from services.applications.forms.formulas.names import Target
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.kinds import FieldDefinition, Wrong
from services.applications.forms.kinds.choices import CheckboxField, RadioField, SelectField

# Rows that somebody may give.
MAX_ROWS = 200
_TICKS = {"是": True, "否": False}


@dataclass(frozen=True)
class Asked:
    """A value that a formula looks at: the name it is given by, what it is called, what may be chosen, whether it is given row by row (a
    line each), what was given, and what is wrong with that."""

    name: str
    label: str
    options: tuple[str, ...]
    lines: bool
    given: str
    wrong: str | None


@dataclass(frozen=True)
class Tried:
    """What came of a formula: `fault` where it is none; `result` in words, `holds` of a condition; both None while a value is wrong."""

    fault: str | None
    words: str
    asked: tuple[Asked, ...]
    result: str | None
    holds: bool | None


def try_out(form: Form, text: str, section: str, table: str, given: Mapping[str, str], facts: RoundFacts) -> Tried:
    """Return what a formula comes to that stands in a section, and in a column of a table of it; with neither, as in a check."""
    home = form.section(section)
    rows = home.table(table) if home and table else None
    try:
        formula = compiled(form, text, home, rows)
        kind = types.of(formula)
    except Mistake as mistake:
        return Tried(f"公式“{text}”：{mistake}", "", (), None, None)
    rule = Rule(
        formula, (), (section, "", "") if home else None, "holds", kind, tuple(p.target for p in formula.places)
    )
    values = _Values(form, facts, given)
    asked = tuple(values.ask(target) for target in {_name(t): t for t in rule.targets}.values())
    words = in_words(form, rule)
    if any(a.wrong for a in asked):
        return Tried(None, words, asked, None, None)
    try:
        found = Evaluator().value(formula, values.look_up, values)
    except TooMuchWork:
        return Tried("计算量太大，请减少行数或改简单些。", words, asked, None, None)
    return Tried(None, words, asked, _said(found, kind), found is True if kind == "bool" else None)


def _said(found: Any, kind: str) -> str:
    if found is None:
        return (
            "不知道：有没填的值。条件不知道时当作不成立，核对不知道时不做。"
            if kind == "bool"
            else "不知道：有没填的值。"
        )
    if isinstance(found, bool):
        return "成立" if found else "不成立"
    if isinstance(found, Decimal):
        return f"{found.normalize():f}"
    return (
        "、".join(_said(each, "any") for each in found) or "（没有）" if isinstance(found, tuple) else str(found)
    )


def _name(target: Target) -> str:
    match target.of:
        case "round" | "others" | "application":
            return f"{target.of}.{target.part}"
        case "today":
            return "today"
        case "own" | "source":
            return f"{target.of}.{target.column}"
        case "cell":
            return f"{target.section}.{target.part}.{target.row}.{target.column}"
    return ".".join(filter(None, (target.section, target.part, target.column)))


class _Values:
    """Values by the names of places, as people gave them, read as formulas see them."""

    def __init__(self, form: Form, facts: RoundFacts, given: Mapping[str, str]) -> None:
        self._form = form
        self._given = given
        self._choices = form.choices(facts)
        self._facts = Facts(facts)
        # What was read already, by name: a loop looks at a column once a row.
        self._known: dict[str, Any] = {}

    def ask(self, target: Target) -> Asked:
        name = _name(target)
        lines = target.of in ("column", "each")
        given = self._given.get(name, self._usual(target))
        wrong = None
        try:
            self._read(target, given)
        except Wrong as error:
            wrong = error.message
        return Asked(
            name, self._label(target), self._options(target), lines or target.type == "list", given, wrong
        )

    def _usual(self, target: Target) -> str:
        """Return what stands there before anybody gives another value."""
        if target.of == "today":
            return self._facts.today.isoformat()
        if target.of == "others":
            return "0"
        if target.of == "round" and (known := self._facts.round.value(target.part)) is not None:
            return "\n".join(known) if isinstance(known, tuple) else str(known)
        return ""

    def _label(self, target: Target) -> str:
        if target.of == "round":
            return (
                "批次的截止日期"
                if target.part == "closes_on"
                else f"批次：{self._form.parameter_label(target.part)}"
            )
        if not target.section:
            return {"today": "当天", "application": "本申请新建的日期"}.get(target.of, _name(target))
        section = self._form.by_key[target.section]
        part = section.by_key[target.part]
        names = [section.label, part.label]
        if isinstance(part, Table) and target.row:
            names.append(part.by_row[target.row].label)
        if isinstance(part, Table) and target.column:
            names.append(part.by_column[target.column].label)
        said = {
            "table": "（几行）",
            "slot": "（几个文件）",
            "column": "（每行一个）",
            "each": "（每行一个）",
            "own": "（本行）",
            "source": "（所随的行）",
        }
        return " · ".join(names) + said.get(target.of, "")

    def _options(self, target: Target) -> tuple[str, ...]:
        if target.of in ("column", "each"):
            return ()
        definition = self._definition(target)
        if isinstance(definition, CheckboxField) or (definition is not None and definition.type == "bool"):
            return tuple(_TICKS)
        if isinstance(definition, SelectField | RadioField) and not definition.options_in_rows:
            return tuple(definition.labels(self._choices))
        return ()

    def _definition(self, target: Target) -> FieldDefinition | None:
        part = self._form.by_key[target.section].by_key[target.part] if target.section else None
        if isinstance(part, Table):
            return part.by_column.get(target.column)
        return None if isinstance(part, Slot) else part

    def look_up(self, target: Target, variables: Mapping[str, int], row: Any) -> Any:
        """Return the value of a place, for the evaluator: a row of a table is its number."""
        if target.of == "table":
            return tuple(range(self._rows(target)))
        name = _name(target)
        if name not in self._known:
            self._known[name] = self._read(target, self._given.get(name, self._usual(target)))
        found = self._known[name]
        if target.of == "each":
            index = variables[target.variable]
            return found[index] if index < len(found) else None
        return found

    def _rows(self, target: Target) -> int:
        """Return how many rows a table has: as many as were said, or as the longest of its columns has lines."""
        prefix = f"{target.section}.{target.part}"
        said = self._given.get(prefix, "").strip()
        columns = [len(v.split("\n")) for n, v in self._given.items() if n.startswith(f"{prefix}.") and v.strip()]
        return min(max([int(said) if said.isdecimal() and len(said) < 4 else 0, *columns]), MAX_ROWS)

    def _read(self, target: Target, given: str) -> Any:
        """Return what was given as formulas see it; `Wrong` says why it cannot be."""
        if target.of in ("column", "each"):
            rows = given.rstrip("\n").split("\n")[:MAX_ROWS] if given.strip() else []
            return tuple(self._one(target, line) for line in rows)
        if target.of in ("table", "slot"):
            text = given.strip()
            if text and not (text.isascii() and text.isdecimal() and len(text) < 4):
                raise Wrong("not_integer", "应为个数，如 3")
            return tuple(range(min(int(text), MAX_ROWS))) if text else ()
        return self._one(target, given)

    def _one(self, target: Target, text: str) -> Any:
        if not text.strip():
            return None
        definition = self._definition(target)
        if definition is not None and definition.asked:
            kept = definition.parse(text, self._choices)
            return definition.typed(kept)
        return _plain(text.strip(), target.type.removeprefix("column of "))


def _plain(text: str, type: str) -> Any:
    """Return a value of a type of formulas: of what nobody fills in, or the round's."""
    try:
        if type in ("number", "any"):
            return Decimal(text.replace(",", ""))
        if type == "date":
            return date.fromisoformat(text).isoformat()
    except (InvalidOperation, ValueError):
        if type == "any":
            lines = tuple(text.split("\n"))
            return lines if len(lines) > 1 else text
        raise Wrong("type", "应为数，如 12.5" if type == "number" else "应为日期，如 2026-05-31") from None
    if type == "bool":
        if text not in _TICKS:
            raise Wrong("type", "应为是或否")
        return _TICKS[text]
    return text

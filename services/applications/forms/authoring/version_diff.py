"""Say in Chinese what a new version of a form changes for an applicant, part by part."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.applications.forms.authoring import part_diff
from services.applications.forms.definition import Check, Form, Section, Slot, Table
from services.applications.forms.formulas.in_words import in_words
from services.applications.forms.formulas.names import Node
from services.applications.forms.formulas.rule import Rule
from services.applications.forms.formulas.rules import rules_of
from services.applications.forms.kinds import (
    FieldDefinition,
    FixedTextField,
    MultiSelectField,
    RadioField,
    SelectField,
)

Named = FieldDefinition | Table | Slot


@dataclass(frozen=True)
class Change:
    """One change: where, what is said about it, and whether somebody who had filled in the old version has to look.

    `code`: `added`, `removed`, `moved` or `changed`. `section` and `part` are keys of the new form, of the old one
    where the place is gone; `aspect` is the attribute that changed.
    """

    code: str
    section: str
    part: str
    column: str
    where: str
    text: str
    attention: bool
    aspect: str = ""

    def __str__(self) -> str:
        return f"{self.where}：{self.text}" if self.where else self.text


def changes(old: Form, new: Form) -> list[Change]:
    """Return every change in the order of the new form; what is gone stands last in its section."""
    return list(_Comparison(old, new).all())


class _Comparison:
    def __init__(self, old: Form, new: Form) -> None:
        self._old, self._new = old, new
        # Where a key that left its section may have gone: only where it is unmistakable.
        self._homes = {key: s for s in new.sections for key in s.by_key if _count(new, key) == 1}

    def all(self) -> Iterator[Change]:
        for name, what in (("label", "类型名称"), ("title", "标题"), ("document_title", "申报书标题")):
            before, after = getattr(self._old, name), getattr(self._new, name)
            if before != after:
                yield Change("changed", "", "", "", "", f"{what}由“{before}”改为“{after}”", False, name)
        for section in self._new.sections:
            before_section = self._old.section(section.key)
            if before_section is None:
                yield self._section_added(section)
            else:
                yield from self._section(before_section, section)
        for section in self._old.sections:
            if section.key not in self._new.by_key:
                yield from self._section_removed(section)
        order = [s.key for s in self._new.sections if s.key in self._old.by_key]
        if order != [s.key for s in self._old.sections if s.key in self._new.by_key]:
            labels = "、".join(section.label for section in self._new.sections)
            yield Change("moved", "", "", "", "", f"材料的顺序改为：{labels}", False, "order")
        yield from self._checks()

    # ---- sections ----------------------------------------------------------------------------------------------

    def _section_added(self, section: Section) -> Change:
        parts = "、".join(p.label for p in section.by_key.values() if p.label)
        text = f"新增材料{self._whether(section, (section.key, '', ''))}" + (f"，含：{parts}" if parts else "")
        return Change("added", section.key, "", "", section.label, text, section.required)

    def _section_removed(self, section: Section) -> Iterator[Change]:
        yield Change("removed", section.key, "", "", section.label, "取消此项材料", True)
        for part in section.by_key.values():
            if (home := self._homes.get(part.key)) and part.key not in self._old_keys(home.key):
                yield self._moved(section, part, home)

    def _old_keys(self, section: str) -> Iterable[str]:
        found = self._old.section(section)
        return found.by_key if found else ()

    def _section(self, old: Section, new: Section) -> Iterator[Change]:
        for aspect in part_diff.of_part(old, new):
            yield Change("changed", new.key, "", "", new.label, aspect.text, aspect.attention, aspect.name)
        yield from self._rules(new, "", "", new.label)
        for part in _ordered(new):
            where = f"{new.label} · {part.label}" if part.label else new.label
            before = old.by_key.get(part.key)
            if before is None:
                if not self._came_from_elsewhere(new, part):
                    yield self._added(new, part, where)
            elif _sort(before) != _sort(part):
                text = f"由{part_diff.sort_of(before)}改为{part_diff.sort_of(part)}，需重新填写"
                yield Change("changed", new.key, part.key, "", where, text, True, "sort")
            else:
                yield from self._part(new, before, part, where)
        for part in _ordered(old):
            if part.key not in new.by_key:
                home = self._homes.get(part.key)
                if home is not None and part.key not in self._old_keys(home.key):
                    yield self._moved(old, part, home)
                else:
                    yield Change("removed", new.key, part.key, "", f"{new.label} · {part.label}", f"取消此{_what(part)}", True)  # fmt: skip
        yield from self._groups(old, new)

    def _came_from_elsewhere(self, section: Section, part: Named) -> bool:
        return self._homes.get(part.key) is section and any(
            part.key in s.by_key and part.key not in self._new_keys(s.key) for s in self._old.sections
        )

    def _new_keys(self, section: str) -> Iterable[str]:
        found = self._new.section(section)
        return found.by_key if found else ()

    def _moved(self, old: Section, part: Named, home: Section) -> Change:
        text = f"由“{old.label}”移到“{home.label}”"
        return Change("moved", home.key, part.key, "", f"{home.label} · {part.label}", text, True)

    def _added(self, section: Section, part: Named, where: str) -> Change:
        if isinstance(part, FixedTextField):
            return Change("added", section.key, part.key, "", where, "新增说明文字", False)
        asked = isinstance(part, Table | Slot) or part.asked
        text = f"新增{part_diff.sort_of(part)}{self._whether(part, (section.key, part.key, '')) if asked else ''}"
        return Change("added", section.key, part.key, "", where, text, asked and _wanted(part))

    def _groups(self, old: Section, new: Section) -> Iterator[Change]:
        for label, group in new.by_group.items():
            before = old.by_group.get(label)
            if group.help != (before.help if before else None):
                yield Change("changed", new.key, "", "", f"{new.label} · {label}", "填写说明改变", False, "help")
            yield from self._rule(
                rules_of(self._old).groups.get((new.key, label)), rules_of(self._new).groups.get((new.key, label)),
                "显示", new.key, "", "", f"{new.label} · {label}", "visible_if",
            )  # fmt: skip

    # ---- fields, tables and slots ------------------------------------------------------------------------------

    def _part(self, section: Section, old: Named, new: Named, where: str) -> Iterator[Change]:
        lists = (self._old.choices_of_its_own, self._new.choices_of_its_own)
        for aspect in part_diff.of_part(old, new, lists):
            yield Change("changed", section.key, new.key, "", where, aspect.text, aspect.attention, aspect.name)
        yield from self._rules(section, new.key, "", where)
        if isinstance(old, Table) and isinstance(new, Table):
            for column in new.columns:
                here = f"{where} · {column.label}"
                if (before := old.by_column.get(column.key)) is None:
                    said = f"新增一列（{part_diff.sort_of(column)}）{self._whether(column, (section.key, new.key, column.key)) if column.asked else ''}"
                    attention = column.asked and _wanted(column)
                    yield Change("added", section.key, new.key, column.key, here, said, attention)
                    continue
                for aspect in part_diff.of_part(before, column, lists):
                    yield Change("changed", section.key, new.key, column.key, here, aspect.text, aspect.attention, aspect.name)  # fmt: skip
                yield from self._rules(section, new.key, column.key, here)
            for column in old.columns:
                if column.key not in new.by_column:
                    here = f"{where} · {column.label}"
                    yield Change("removed", section.key, new.key, column.key, here, "取消此列", True)

    def _rules(self, section: Section, part: str, column: str, where: str) -> Iterator[Change]:
        node = (section.key, part, column)
        for role, word in (("visible_if", "显示"), ("required_if", "必填"), ("value", "计算")):
            old, new = (rules_of(form).of.get((node, role)) for form in (self._old, self._new))
            yield from self._rule(old, new, word, *node, where, role)
        yield from self._defaults(section, part, column, where)
        before = {self._bound(self._old, r): r for r in rules_of(self._old).bounds.get(node, ())}
        after = {self._bound(self._new, r): r for r in rules_of(self._new).bounds.get(node, ())}
        for said in (said for said in after if said not in before):
            yield Change("changed", *node, where, f"新增限制：{said}", True, "bounds")
        for said in (said for said in before if said not in after):
            yield Change("changed", *node, where, f"取消限制：{said}", False, "bounds")

    def _defaults(self, section: Section, part: str, column: str, where: str) -> Iterator[Change]:
        def said(form: Form) -> str:
            found = {k[3]: r for k, r in rules_of(form).defaults.items() if k[:3] == (section.key, part, column)}
            return "；".join(in_words(form, rule) for _, rule in sorted(found.items()))

        before, after = said(self._old), said(self._new)
        if before != after:
            text = f"先填好的值改为：{after}" if after else "不再先填好"
            yield Change("changed", section.key, part, column, where, text, False, "default")

    def _bound(self, form: Form, rule: Rule) -> str:
        section, part, column = rule.node or ("", "", "")
        found: Any = form.by_key[section].by_key[part]
        field = found.by_column[column] if column else found
        bound = field.bounds[int(rule.at[-2])]
        return f"应{part_diff.COMPARED[bound.op]}{in_words(form, rule)}（{bound.message}）"

    def _rule(
        self,
        old: Rule | None,
        new: Rule | None,
        word: str,
        section: str,
        part: str,
        column: str,
        where: str,
        aspect: str,
    ) -> Iterator[Change]:
        before = in_words(self._old, old) if old else None
        after = in_words(self._new, new) if new else None
        if before == after:
            return
        if word == "计算":
            text = f"计算方法由 {before} 改为 {after}"
        elif after is None:
            text = f"取消{word}条件（原为：{before}）"
        elif before is None:
            text = f"改为在以下情况{word}：{after}"
        else:
            text = f"{word}条件由“{before}”改为“{after}”"
        yield Change("changed", section, part, column, where, text, True, aspect)

    def _whether(self, part: Section | Named, node: Node) -> str:
        """（必填）, （选填） or under which condition."""
        if rule := rules_of(self._new).of.get((node, "required_if")):
            return f"（{in_words(self._new, rule)}时必填）"
        return "（必填）" if part.required else "（选填）"

    # ---- checks ------------------------------------------------------------------------------------------------

    def _checks(self) -> Iterator[Change]:
        before, after = _checks(self._old), _checks(self._new)
        for id, check in after.items():
            severity = "不满足不能提交" if check.severity == "error" else "不满足时提示"
            severity += "，须说明情况" if check.confirm else ""
            if id not in before:
                yield self._check(
                    "added", check, f"新增核对：{check.message}（{severity}）", check.severity == "error"
                )
            elif self._sides(self._old, before[id]) != self._sides(self._new, check):
                yield self._check("changed", check, f"核对改变：{check.message}", True)
            elif before[id].confirm != check.confirm:
                what = "改为须说明情况后才能提交" if check.confirm else "不再要求说明情况"
                yield self._check("changed", check, f"核对“{check.message}”{what}", check.confirm)
            elif before[id].severity != check.severity:
                yield self._check(
                    "changed", check, f"核对“{check.message}”改为{severity}", check.severity == "error"
                )
        for id, check in before.items():
            if id not in after:
                yield self._check("removed", check, f"取消核对：{check.message}", False)

    def _check(self, code: str, check: Check, text: str, attention: bool) -> Change:
        form = self._old if code == "removed" else self._new
        section = form.section(check.section)
        return Change(code, check.section, "", "", section.label if section else "", text, attention, "check")

    @staticmethod
    def _sides(form: Form, check: Check) -> tuple[Any, ...]:
        rules = (rules_of(form).checks.get((check.id, side)) for side in ("left", "right", "holds", "when"))
        return (check.op, *(in_words(form, rule) if rule else None for rule in rules))


def _checks(form: Form) -> Mapping[str, Check]:
    return {check.id: check for check in form.checks}


def _count(form: Form, key: str) -> int:
    return sum(key in section.by_key for section in form.sections)


def _ordered(section: Section) -> Sequence[Named]:
    return (*section.fields, *section.tables, *section.slots)


def _wanted(part: Named) -> bool:
    return part.required or part.required_if is not None


def _sort(part: Named) -> str:
    """Return what makes typed values of one no values of the other."""
    if isinstance(part, Table):
        return f"table_{part_diff.sort_of(part)}"
    if isinstance(part, Slot):
        return "slot_of_rows" if part.each_row else "slot"
    return (
        "choice"
        if isinstance(part, SelectField | RadioField)
        else "choices"
        if isinstance(part, MultiSelectField)
        else "field"
    )


def _what(part: Named) -> str:
    return "表" if isinstance(part, Table) else "附件" if isinstance(part, Slot) else "项"

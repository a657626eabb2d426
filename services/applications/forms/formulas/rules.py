"""Compile the formulas of a form: parse, bind names, check types, find cycles. Once a form, used for every validation."""

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

from services.applications.forms.definition import Form, Section, Table
from services.applications.forms.formulas import type_names, types
from services.applications.forms.formulas.cycles import MAX_CHAIN, Walk
from services.applications.forms.formulas.language import Mistake
from services.applications.forms.formulas.named import compiled
from services.applications.forms.formulas.names import Node
from services.applications.forms.formulas.rule import Location, Problem, Rule
from services.applications.forms.kinds import ComputedField

# How long a chain may be before `Situation` works it out in order.
DEEP_CHAIN = 30
# Per value the values it depends on, and the formula that makes it so (None where it only stands inside the other).
Edges = dict[Node, dict[Node, Rule | None]]


def rules_of(form: Form) -> "Rules":
    """Return the compiled formulas of a form. They are compiled at the first call and kept with the form."""
    # A form has no hash to be found by in a cache: its rules stand where `cached_property` would keep them.
    kept: Rules | None = vars(form).get("rules")
    if kept is None:
        kept = vars(form)["rules"] = Rules(form)
    return kept


class Rules:
    """Every compiled formula of a form by its place, and every fault of those that are wrong."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.problems: list[Problem] = []
        # By (section, part, column) and role: `visible_if`, `required_if`, `value`.
        self.of: dict[tuple[Node, str], Rule] = {}
        # By (section, table, fixed row), (section, group) and check.
        self.rows: dict[tuple[str, str, str], Rule] = {}
        self.groups: dict[tuple[str, str], Rule] = {}
        self.bounds: dict[Node, tuple[Rule, ...]] = {}
        # By (section, part, column, fixed row): what stands there before anybody types.
        self.defaults: dict[tuple[str, str, str, str], Rule] = {}
        self.checks: dict[tuple[str, str], Rule] = {}
        for name, condition in form.conditions.items():
            # Where a fault of it is told; what it says is a part of every formula that names it.
            self._rule(condition.holds, ("conditions", name, "holds"), None, "holds", None, None)
        for i, section in enumerate(form.sections):
            self._section(("sections", i), section)
        for i, check in enumerate(form.checks):
            for side in ("left", "right", "holds", "when"):
                if (text := getattr(check, side)) and (rule := self._check(text, ("checks", i, side), side)):
                    self.checks[check.id, side] = rule
        # How long the chain is that a value follows from, and what follows from itself; filled by `_find_circles`.
        self.depth: dict[Node, int] = {}
        self.circular: set[Node] = set()
        self._find_circles()

    # ---- reading ---------------------------------------------------------------------------------------------

    def all(self) -> Iterator[Rule]:
        """Yield every rule of the form."""
        yield from self.of.values()
        yield from self.rows.values()
        yield from self.groups.values()
        for bounds in self.bounds.values():
            yield from bounds
        yield from self.defaults.values()
        yield from self.checks.values()

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The parameters of the round that formulas name, without its close."""
        named = frozenset(name for rule in self.all() for name in rule.parameters)
        return named - {"closes_on"}

    @cached_property
    def asks_for_others(self) -> bool:
        """Whether anything looks at the enterprise's other applications."""
        return any(target.of == "others" for rule in self.all() for target in rule.targets)

    @cached_property
    def sections_asking_for_others(self) -> frozenset[str]:
        """The sections whose own conditions, bounds and computed values do."""
        return frozenset(
            rule.node[0]
            for rule in self.all()
            if rule.node and any(target.of == "others" for target in rule.targets)
        )

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """Per section every other section whose values can change how it stands."""
        found = {key: set(names) for key, names in self.sections_named.items()}
        changed = True
        while changed:
            changed = False
            for key, names in found.items():
                more = {n for name in names for n in found[name]} - names - {key}
                names.update(more)
                changed = changed or bool(more)
        return {key: frozenset(names) for key, names in found.items()}

    @cached_property
    def fields_named(self) -> dict[str, frozenset[str]]:
        """Per section the fields of it that any formula looks at: how a section stands follows from these, its tables and its files."""
        named = {(t.section, t.part) for rule in self.all() for t in rule.targets if t.of == "field"}
        return {
            section.key: frozenset(f.key for f in section.fields if (section.key, f.key) in named)
            for section in self.form.sections
        }

    @cached_property
    def alone(self) -> frozenset[str]:
        """The sections that look at nothing beside themselves and the round."""
        return frozenset(key for key, names in self.needs.items() if not names) - self.sections_asking_for_others

    @cached_property
    def unconditional(self) -> frozenset[str]:
        """The sections without conditions and computed values. Bounds may stand in them: they hide and compute nothing."""
        ruled = {node[0] for node, _ in self.of} | {key for key, *_ in self.rows} | {key for key, _ in self.groups}
        ruled |= {
            section.key
            for section in self.form.sections
            if section.options_in_rows
            or any(table.subtotals or table.source for table in section.tables)
            or any(slot.each_row for slot in section.slots)
        }
        return frozenset(section.key for section in self.form.sections) - ruled

    @cached_property
    def conditional_sections(self) -> bool:
        """Whether a whole section is shown or required under a condition."""
        return any(node[1] == "" for node, _ in self.of)

    @cached_property
    def sections_named(self) -> dict[str, frozenset[str]]:
        """Per section the other sections that its own conditions, bounds, computed values and options look at."""
        found = {
            section.key: {place[0] for place in section.options_in_rows.values()}.union(
                table.source[0] for table in section.tables if table.source
            )
            & self.form.by_key.keys()
            for section in self.form.sections
        }
        for rule in self.all():
            # A default is worked out once, when the section is opened.
            if rule.node and rule.role != "default":
                found[rule.node[0]] |= {t.section for t in rule.targets if t.section}
        return {key: frozenset(names - {key}) for key, names in found.items()}

    @cached_property
    def deep_order(self) -> tuple[Node, ...]:
        """The values in the order they follow from one another, where chains are long; empty where they are not."""
        if self.problems or max(self.depth.values(), default=0) <= DEEP_CHAIN:
            return ()
        return tuple(sorted(self.depth, key=self.depth.__getitem__))

    def _section(self, at: Location, section: Section) -> None:
        node = (section.key, "", "")
        self._conditions(section, at, node, section, None)
        for i, group in enumerate(section.groups):
            if group.visible_if:
                rule = self._rule(
                    group.visible_if, (*at, "groups", i, "visible_if"), node, "visible_if", section, None
                )
                if rule:
                    self.groups[section.key, group.label] = rule
        for i, field in enumerate(section.fields):
            place = (*at, "fields", i)
            self._field(place, (section.key, field.key, ""), field, section, None)
            self._specified(place, (section.key, "", ""), field, section, None)
        for i, slot in enumerate(section.slots):
            self._conditions(slot, (*at, "slots", i), (section.key, slot.key, ""), section, None)
        for i, table in enumerate(section.tables):
            here = (*at, "tables", i)
            self._conditions(table, here, (section.key, table.key, ""), section, None)
            for j, row in enumerate(table.fixed_rows):
                if row.visible_if:
                    place = (*here, "fixed_rows", j, "visible_if")
                    rule = self._rule(
                        row.visible_if, place, (section.key, table.key, ""), "visible_if", section, None
                    )
                    if rule:
                        self.rows[section.key, table.key, row.key] = rule
                for key, text in row.defaults.items():
                    if column := table.by_column.get(key):
                        node = (section.key, table.key, key)
                        self._default(
                            text, (*here, "fixed_rows", j, "defaults", key), node, column, section, row.key
                        )
            for j, column in enumerate(table.columns):
                place = (*here, "columns", j)
                self._field(place, (section.key, table.key, column.key), column, section, table)
                self._specified(place, (section.key, table.key, ""), column, section, table)

    def _field(self, at: Location, node: Node, field: Any, section: Section, table: Table | None) -> None:
        self._conditions(field, at, node, section, table)
        if isinstance(field, ComputedField):
            rule = self._rule(field.value, (*at, "value"), node, "value", section, table)
            if rule:
                self.of[node, "value"] = rule
                if not types.fits(rule.type, field.type):
                    self._fault(
                        rule.at,
                        f"公式得出的是{type_names.of_type(rule.type)}，gives 要的是{type_names.of_type(field.type)}",
                    )
        if field.default:
            self._default(field.default, (*at, "default"), node, field, section)
        bounds = []
        for i, bound in enumerate(field.bounds):
            rule = self._rule(bound.than, (*at, "bounds", i, "than"), node, "than", section, table)
            if rule:
                bounds.append(rule)
                if not types.comparable(field.type, rule.type):
                    self._fault(
                        rule.at, f"{type_names.of_type(field.type)}不能与{type_names.of_type(rule.type)}比较"
                    )
        if bounds and len(bounds) == len(field.bounds):
            self.bounds[node] = tuple(bounds)

    def _specified(self, at: Location, node: Node, field: Any, section: Section, table: Table | None) -> None:
        """Show what says which while its option is chosen; whether it is there is `name_checks`' matter."""
        beside = table.by_column if table else section.by_key
        for option, key in getattr(field, "specify", {}).items():
            if key not in beside:
                continue
            text = f"{json.dumps(option, ensure_ascii=False)} in {field.key}"
            if field.type == "text":
                text = f"{field.key} == {json.dumps(option, ensure_ascii=False)}"
            place = (node[0], node[1], key) if table else (node[0], key, "")
            if rule := self._rule(text, (*at, "specify", option), place, "visible_if", section, table):
                self.of[place, "visible_if"] = rule

    def _default(self, text: str, at: Location, node: Node, field: Any, section: Section, row: str = "") -> None:
        # Read as a field's, not as a cell's: the row it is for is empty.
        rule = self._rule(text, at, node, "default", section, None)
        if rule:
            self.defaults[*node, row] = rule
            if not types.fits(rule.type, field.type):
                said = f"默认值得出的是{type_names.of_type(rule.type)}，这里要{type_names.of_type(field.type)}"
                self._fault(at, said)

    def _conditions(self, part: Any, at: Location, node: Node, section: Section, table: Table | None) -> None:
        for role in ("visible_if", "required_if"):
            if text := getattr(part, role):
                rule = self._rule(text, (*at, role), node, role, section, table)
                if rule:
                    self.of[node, role] = rule

    def _fault(self, at: Location, message: str) -> None:
        self.problems.append(Problem(at, message))

    def _check(self, text: str, at: Location, side: str) -> Rule | None:
        """Compile a side of a check. Its names are those of the whole form; where the form is one section, also that section's own."""
        told = len(self.problems)
        rule = self._rule(text, at, None, side, None, None)
        if rule is None and len(self.form.sections) == 1:
            del self.problems[told:]
            rule = self._rule(text, at, None, side, self.form.sections[0], None)
        return rule

    def _rule(
        self, text: str, at: Location, node: Node | None, role: str, section: Section | None, table: Table | None
    ) -> Rule | None:
        try:
            formula = compiled(self.form, text, section, table)
            found = types.of(formula)
        except Mistake as mistake:
            self._fault(at, f"公式“{text}”：{mistake}")
            return None
        if role in ("visible_if", "required_if", "holds", "when") and not types.fits(found, "bool"):
            self._fault(
                at, f"公式“{text}”：这里要的是条件，得出的却是{type_names.of_type(found)}；请写成比较，如 n > 3"
            )
            return None
        return Rule(formula, at, node, role, found, tuple(p.target for p in formula.places))

    def _find_circles(self) -> None:
        """Report every dependency cycle once, and chains that are too long; set `depth` and `circular`."""
        edges = _edges_of(self)
        walk = Walk(edges)
        self.depth = walk.depth
        self.circular = {node for circle in walk.circles for node in circle}
        told: set[Location] = set()
        for circle in walk.circles:
            rule, names = _described(circle, edges)
            at = rule.at if rule else ("sections",)
            if at not in told:
                told.add(at)
                self._fault(at, f"互相决定，绕成了一圈：{names}")
        for (node, _), rule in self.of.items():
            if self.depth.get(node, 0) > MAX_CHAIN:
                self._fault(rule.at, f"要从 {MAX_CHAIN} 个以上的值一步步推算出来，太长")
                break


def _edges_of(rules: Rules) -> Edges:
    """Return what each value depends on: its conditions, its formula, and the visibility of what it stands in."""
    edges: Edges = {}
    for section in rules.form.sections:
        _add_containers(rules, section, edges)
    for (node, role), rule in rules.of.items():
        if role != "required_if":
            _add_names(edges, node, rule)
    for (section_key, table, _), rule in rules.rows.items():
        _add_names(edges, (section_key, table, ""), rule)
    return edges


def _add_containers(rules: Rules, section: Section, edges: Edges) -> None:
    for part in (*section.fields, *section.slots, *section.tables):
        node = (section.key, part.key, "")
        edges.setdefault(node, {}).setdefault((section.key, "", ""), None)
        if part.group and (rule := rules.groups.get((section.key, part.group))):
            _add_names(edges, node, rule)
        if isinstance(part, Table) and part.source:
            edges[node].setdefault((*part.source, ""), None)
        for column in part.columns if isinstance(part, Table) else ():
            edges.setdefault((section.key, part.key, column.key), {}).setdefault(node, None)


def _add_names(edges: Edges, node: Node, rule: Rule) -> None:
    for target in rule.targets:
        if target.node:
            edges.setdefault(node, {}).setdefault(target.node, rule)


def _described(circle: list[Node], edges: Edges) -> tuple[Rule | None, str]:
    """Return the first formula of a circle, and its places in order."""
    rule = next((r for a, b in pairwise(circle) if (r := edges[a].get(b)) is not None), None)
    return rule, " → ".join(".".join(part for part in node if part) for node in circle)

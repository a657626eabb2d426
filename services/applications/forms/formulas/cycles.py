"""What follows from what, and whether it comes round to itself."""

from itertools import pairwise
from typing import TYPE_CHECKING

from services.applications.forms.definition import Section, Table
from services.applications.forms.formulas.names import Node

if TYPE_CHECKING:
    from services.applications.forms.formulas.rules import Rule, Rules

# How many values may follow from one another.
MAX_CHAIN = 1000

Edges = dict[Node, dict[Node, "Rule | None"]]


def edges_of(rules: "Rules") -> Edges:
    """What each value hangs on: its conditions, its formula, and the visibility of what it stands in."""
    edges: Edges = {}
    for section in rules.form.sections:
        _stands_in(rules, section, edges)
    for (node, role), rule in rules.of.items():
        if role != "required_if":
            _names(edges, node, rule)
    for (section_key, table, _), rule in rules.rows.items():
        _names(edges, (section_key, table, ""), rule)
    return edges


def _stands_in(rules: "Rules", section: Section, edges: Edges) -> None:
    for part in (*section.fields, *section.slots, *section.tables):
        node = (section.key, part.key, "")
        edges.setdefault(node, {}).setdefault((section.key, "", ""), None)
        if part.group and (rule := rules.groups.get((section.key, part.group))):
            _names(edges, node, rule)
        for column in part.columns if isinstance(part, Table) else ():
            edges.setdefault((section.key, part.key, column.key), {}).setdefault(node, None)


def _names(edges: Edges, node: Node, rule: "Rule") -> None:
    for target in rule.targets:
        if target.node:
            edges.setdefault(node, {}).setdefault(target.node, rule)


class Walk:
    """One walk over all edges: `depth`, how long the chain is that each value follows from, and every `circle`."""

    def __init__(self, edges: Edges) -> None:
        self.depth: dict[Node, int] = {}
        self.circles: list[list[Node]] = []
        self._edges = edges
        for start in edges:
            self._from(start)

    def _from(self, start: Node) -> None:
        # Without recursion: chains may be long.
        trail: dict[Node, None] = {}
        stack: list[tuple[Node, bool]] = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            others = self._edges.get(node, {})
            if leaving:
                del trail[node]
                self.depth[node] = 1 + max((self.depth.get(n, 0) for n in others), default=0)
            elif node in trail:
                around = list(trail)
                self.circles.append([*around[around.index(node) :], node])
            elif node not in self.depth:
                trail[node] = None
                stack.append((node, True))
                stack += [(other, False) for other in others]


def said(circle: list[Node], edges: Edges) -> "tuple[Rule | None, str]":
    """The first formula of a circle, and its places in order."""
    rule = next((r for a, b in pairwise(circle) if (r := edges[a].get(b)) is not None), None)
    return rule, " → ".join(".".join(part for part in node if part) for node in circle)

"""Find dependency cycles and long chains among values that follow from one another."""

from collections.abc import Iterable, Mapping

from services.applications.forms.formulas.names import Node

# How many values may follow from one another.
MAX_CHAIN = 1000


class Walk:
    """One depth-first walk over a graph of dependencies (per value the values it depends on): `depth` is the length of
    the longest chain below each value, `circles` every cycle, its first value again at its end."""

    def __init__(self, edges: Mapping[Node, Iterable[Node]]) -> None:
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

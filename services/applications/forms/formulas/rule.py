"""Define one compiled formula of a form, and a fault found in a definition."""

from dataclasses import dataclass

from services.applications.forms.formulas.language import Formula
from services.applications.forms.formulas.names import Node, Target

# The path of a part in a form's file: keys and positions.
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """A fault of a definition: where it stands, what is wrong (Chinese), and its severity, `error` or `note`."""

    at: Location
    message: str
    severity: str = "error"


@dataclass(frozen=True)
class Rule:
    """A compiled formula. `node` is the value it decides on (None for a check), `role` what it decides (`visible_if`,
    `required_if`, `value`, `than`, or the side of a check), `type` what it gives, `targets` what its names lead to."""

    formula: Formula
    at: Location
    node: Node | None
    role: str
    type: str
    targets: tuple[Target, ...]

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters of the round that the formula names, `closes_on` among them."""
        return frozenset(t.part for t in self.targets if t.of == "round")

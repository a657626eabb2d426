"""What stands in the way of a submission: the checks across sections, and everything else, each at its place."""

from typing import Literal

from pydantic import BaseModel

from shared.text import amounts


class Outcome(BaseModel):
    """One check's result: its `rule`, both sides and their difference (null where something is not known yet, and where there are no
    two sides to compare), and where to go to mend it. `message` says what is wrong where it does not hold; `left_of` and
    `right_of` say what stands on each side."""

    id: str
    holds: bool
    severity: str
    # A warning that is submitted only with a reason; `reason` is what the applicant said when they last submitted.
    confirm: bool = False
    reason: str | None = None
    # How the sides compare; null for a condition.
    op: str | None = None
    left: str | None
    right: str | None
    left_of: str | None = None
    right_of: str | None = None
    difference: str | None
    # Empty where there is but one text, which is `message`.
    rule: str = ""
    message: str
    section: str
    field: str | None = None
    # Whether it could be judged. A check that could not holds when all that must be saved is saved.
    known: bool = True

    @property
    def title(self) -> str:
        """The rule, which is met or not."""
        return self.rule or self.message

    @property
    def sentence(self) -> str:
        """The message with both sides and their difference, where it has them."""
        if self.left is None or self.right is None:
            return self.message
        apart = f"，相差 {amounts.show(self.difference)}" if self.difference else ""
        return f"{self.message}（{amounts.show(self.left)} 与 {amounts.show(self.right)}{apart}）"


class Obstacle(BaseModel):
    """One thing that stands in the way of a submission, at its place (`place`: the row in words); a warning does not stop it."""

    section: str | None = None
    field: str | None = None
    row: str | None = None
    column: str | None = None
    place: str | None = None
    code: str
    message: str
    severity: Literal["error", "warning"] = "error"
    # A warning that is submitted only with a reason.
    confirm: bool = False

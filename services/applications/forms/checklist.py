"""Say what a reviewer looks at in 形式审查: the lines of a fund type, in `<fund type>.checklist.yaml` beside the folder of its form.

A line is what no check can decide: whether a paper is genuine, whether two papers agree. It belongs to the fund type and not to a
version of its form, so that the office's own list can change without a new form for applicants.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from services.applications.forms import catalogue
from services.applications.forms.definition import RoundFacts
from services.applications.forms.filled.checks import value_at
from services.applications.forms.kinds.base import Part

ENDING = ".checklist.yaml"
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Place = Annotated[str, StringConstraints(pattern="^[a-z0-9_]+\\.[a-z0-9_]+$")]


class Line(Part):
    """One thing to look at: its text, where the notice asks for it, and where it stands (`section.part`). `of` and `not_of` name
    a round's list of directions that it is asked of, or not asked of; without either it is asked of all."""

    id: Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
    text: Text
    source: Text
    look: tuple[Place, ...] = ()
    of: str | None = None
    not_of: str | None = None


class Checklist(Part):
    """The lines of a fund type; `direction` is the field that tells an application's direction."""

    direction: Place | None = None
    lines: tuple[Line, ...] = Field(default=(), max_length=60)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len({line.id for line in self.lines}) != len(self.lines):
            raise ValueError("各条的 id 不得重复")
        if any(line.of and line.not_of for line in self.lines):
            raise ValueError("一条只写 of、not_of 之一")
        if self.direction is None and any(line.of or line.not_of for line in self.lines):
            raise ValueError("按方向区分的清单应写明 direction")
        return self

    def lines_for(self, sections: Mapping[str, Mapping[str, Any] | None], facts: RoundFacts) -> list[Line]:
        """Return the lines that an application is looked at by. A round without the list that a line names asks it of nobody by
        `of`, and of everybody by `not_of`."""
        chosen = value_at(self.direction, sections)

        def among(name: str | None) -> bool:
            listed = facts.parameters.get(name or "")
            return isinstance(listed, list) and chosen in listed

        return [
            line
            for line in self.lines
            if (line.of is None or among(line.of)) and (line.not_of is None or not among(line.not_of))
        ]


@cache
def checklist(fund_type: str) -> Checklist:
    """Return a fund type's list; an empty one where it has none. `ValueError` for a file that says it wrongly."""
    for folder in catalogue.FOLDERS:
        file: Path = folder / f"{fund_type}{ENDING}"
        if file.is_file():
            return Checklist.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    return Checklist()

"""Read the rules of `rules.yaml`: from a kind of event to who is told, by which channel."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.messages import AnyEvent, Person

Who = Literal["contact", "handler"]


class Rule(BaseModel):
    """One kind's rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: list[Who] = Field(min_length=1)
    channels: list[str] = Field(min_length=1)
    reminder: bool = False
    paced: bool = False
    supersedes: list[str] = []


@cache
def rules() -> dict[str, Rule]:
    """Every kind's rule, read once."""
    text = Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Rule]).validate_python(yaml.safe_load(text))


def people(event: AnyEvent) -> list[Person]:
    """Whom an event is for, the first to be tried first; the contact stands there even without an address."""
    known = {"contact": event.to, "handler": event.fallback}
    found = [person for who in rules()[event.kind].to if (person := known[who]) is not None]
    return [p for n, p in enumerate(found) if n == 0 or p.email]

"""Read 名词解释: what the words of the applicants' pages mean."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter


@dataclass(frozen=True)
class Word:
    """A word of the pages and what it means."""

    term: str
    meaning: str


@cache
def glossary() -> list[Word]:
    """Return the words in the order in which an applicant meets them."""
    file = Path(__file__).with_name("glossary.yaml")
    return TypeAdapter(list[Word]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))

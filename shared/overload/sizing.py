"""Say how many of each process the minutes before a close need. The figures are those of the model of a night (`make capacity`), which writes
them into `sizes.json`; here they are looked up.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

SIZES = Path(__file__).with_name("sizes.json")
# Enough from so long before a close, while the line forms, to so long after it, when what was submitted has been made.
BEFORE, AFTER = timedelta(minutes=30), timedelta(minutes=30)
PROCESSES = ("gateway", "applications", "documents", "notify-worker")


@dataclass(frozen=True)
class Closing:
    """A round, or an extension of it, that ends at an instant, and how many enterprises may come until then."""

    title: str
    at: datetime
    enterprises: int


@dataclass(frozen=True)
class Stretch:
    """A time in which so many of each process should run: for these closings, and all who may come to them."""

    since: datetime
    until: datetime
    titles: tuple[str, ...]
    enterprises: int

    @property
    def sizes(self) -> dict[str, int]:
        return sizes(self.enterprises)


@cache
def _table() -> dict[int, dict[str, int]]:
    """Return the model's sizes by the number of enterprises, the smallest first."""
    steps = json.loads(SIZES.read_text(encoding="utf-8"))["steps"]
    return {step["enterprises"]: {name: step[name] for name in PROCESSES} for step in steps}


def sizes(enterprises: int) -> dict[str, int]:
    """Return how many of each process a night of so many enterprises needs: those of the next larger night that was played, or in proportion
    where none was."""
    table = _table()
    played = next((number for number in table if number >= enterprises), None)
    if played is not None:
        return dict(table[played])
    largest = max(table)
    return {name: math.ceil(size * enterprises / largest) for name, size in table[largest].items()}


def stretches(closings: Iterable[Closing]) -> list[Stretch]:
    """Join closings whose times meet; who may come to one of them may come at the same minute as who comes to another."""
    found: list[Stretch] = []
    for one in sorted(closings, key=lambda closing: closing.at):
        since, until = one.at - BEFORE, one.at + AFTER
        if found and since <= found[-1].until:
            last = found.pop()
            found.append(Stretch(last.since, until, (*last.titles, one.title), last.enterprises + one.enterprises))
        else:
            found.append(Stretch(since, until, (one.title,), one.enterprises))
    return found

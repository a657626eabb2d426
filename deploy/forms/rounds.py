"""Rounds for trying a form: what a file like `demo_rounds.yaml` says of its fund type."""

from pathlib import Path
from typing import Any

import yaml

from services.applications.forms.definition import RoundFacts
from services.applications.forms.source import read_file
from shared import clock


def _entries(rounds: Path, fund_type: str) -> list[RoundFacts]:
    listed: list[dict[str, Any]] = yaml.safe_load(rounds.read_text("utf-8")) or []
    closes = clock.today().replace(month=12, day=31).isoformat()
    return [
        RoundFacts(parameters=entry.get("parameters") or {}, closes_on=closes)
        for entry in listed
        if entry.get("fund_type") == fund_type
    ]


def facts_for(file: Path, rounds: Path | None) -> list[RoundFacts | None]:
    """The rounds a form is linted with: each of its type, or none."""
    if rounds is None:
        return [None]
    form, _, _ = read_file(file)
    found: list[RoundFacts | None] = list(_entries(rounds, form.fund_type)) if form else []
    return found or [None]

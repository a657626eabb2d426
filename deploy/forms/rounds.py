"""Make rounds for trying a form: what a file like `demo_rounds.yaml` says of its fund type."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.applications.forms.authoring.source import read_file
from services.applications.forms.definition import Form, RoundFacts
from services.applications.workbench.trial import with_lists
from shared import clock


class BadRounds(ValueError):
    """A file of rounds that cannot be used; the message says why."""


def _entries(rounds: Path, fund_type: str) -> list[RoundFacts]:
    try:
        listed: Any = yaml.safe_load(rounds.read_text("utf-8")) or []
    except (yaml.YAMLError, UnicodeDecodeError):
        raise BadRounds(f"{rounds}: 不是正确的 YAML，或不是 UTF-8 编码") from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise BadRounds(f"{rounds}: 应是一列批次，每个批次写 fund_type 和 parameters")
    closes = clock.today().replace(month=12, day=31).isoformat()
    try:
        return [
            RoundFacts(parameters=entry.get("parameters") or {}, closes_on=closes)
            for entry in listed
            if entry.get("fund_type") == fund_type
        ]
    except ValidationError as error:
        name = ".".join(str(step) for step in error.errors()[0]["loc"][:2])
        raise BadRounds(f"{rounds}: “{fund_type}”的 {name} 应为加引号的数、日期或文字，或一列选项") from None


def facts_for(file: Path, rounds: Path | None) -> list[RoundFacts | None]:
    """Return the rounds a form is linted with: each of its type, or none."""
    if rounds is None:
        return [None]
    form, _, _ = read_file(file)
    found: list[RoundFacts | None] = list(_entries(rounds, form.fund_type)) if form else []
    return found or [None]


def facts_to_try(form: Form, rounds: Path) -> RoundFacts:
    """Return a round to fill a form in: the first of its type, with something to choose from in every list it lacks."""
    return with_lists(form, next(iter(_entries(rounds, form.fund_type)), RoundFacts()))

"""Lay out a round's parameters and times as controls, and read them back.

Input names: `p.<n>.name`, `p.<n>.kind` (number or options) and `p.<n>.value`: one option a line, or one each where they are
ticked; `p.<n>.none` says that the round has no such limit, or ticks no option.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from services.gateway.web.form_data import Values
from shared import clock, codes
from shared.contract.rounds import NO_LIMIT, RoundNeed
from shared.errors import FieldError

TIMES = {"opens_at": "开始时间", "closes_at": "截止时间", "until": "延期截止时间"}


@dataclass(frozen=True)
class Parameter:
    """One line: `needed` ones have a fixed name, are called `label` with their `unit`, and say what they are for. `choices` are ticked, those of `chosen_from`; `none`
    says that there is no limit, or no option; what limits money has to say so where it has no value."""

    name: str
    kind: str
    value: str
    needed: bool = False
    used_by: tuple[str, ...] = ()
    error: str | None = None
    none: bool = False
    limits_money: bool = False
    choices: tuple[str, ...] | None = None
    chosen_from: str | None = None
    label: str = ""
    unit: str | None = None
    help: str | None = None
    may_be_none: bool = False

    @property
    def ticked(self) -> list[str]:
        return self.value.splitlines()

    @property
    def strange(self) -> list[str]:
        """What is in the list and no option of the field: shown, so that it can be taken out."""
        return [option for option in self.ticked if option not in (self.choices or ())]


class Parameters(Protocol):
    """What has values for the parameters of a round, and says which are needed."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def needs(self) -> Sequence[RoundNeed]: ...


def rows_of(round_: Parameters, typed: list[Parameter] | None, errors: list[FieldError]) -> list[Parameter]:
    """What the form needs first, then what else the round has; as typed, if it was."""
    wrong = {e.field: e.message for e in reversed(errors)}
    kept = {name: _kept(name, value) for name, value in round_.parameters.items()}
    given = kept if typed is None else {row.name: row for row in typed if row.name}
    rows = [
        replace(
            given.get(need.name) or Parameter(need.name, need.kind, ""),
            kind=need.kind,
            needed=True,
            used_by=tuple(need.used_by),
            error=wrong.get(f"parameters.{need.name}"),
            limits_money=need.limits_money,
            choices=_choices(need, given),
            chosen_from=need.chosen_from,
            label=need.label,
            unit=need.unit,
            help=need.help,
            may_be_none=need.may_be_none,
        )
        for need in round_.needs
    ]
    needed = {row.name for row in rows}
    others = [row for row in given.values() if row.name not in needed]
    return rows + [
        Parameter(r.name, r.kind, r.value, error=wrong.get(f"parameters.{r.name}"), label=r.name) for r in others
    ]


def _kept(name: str, value: str | int | list[str]) -> Parameter:
    if isinstance(value, list):
        return Parameter(name, "options", "\n".join(value), none=not value)
    return Parameter(name, "number", "" if value == NO_LIMIT else str(value), none=value == NO_LIMIT)


def _choices(need: RoundNeed, given: dict[str, Parameter]) -> tuple[str, ...] | None:
    """Return the options that a list is ticked among: as they were typed, where they are a parameter themselves."""
    if need.choices is None:
        return None
    source = given.get(need.choices_from or "")
    return tuple(_options(source.value)) if source else tuple(need.choices)


def _options(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_parameters(form: Values) -> list[Parameter]:
    """The lines as they were typed."""
    numbers = sorted(int(found[1]) for name in form if (found := re.fullmatch(r"p\.([0-9]{1,3})\.name", name)))

    def part(n: int, name: str) -> str:
        return "\n".join(form.get(f"p.{n}.{name}", [])).strip()

    return [
        Parameter(part(n, "name"), part(n, "kind"), part(n, "value"), none=f"p.{n}.none" in form) for n in numbers
    ]


def parameters_of(rows: list[Parameter]) -> dict[str, str | list[str]]:
    """What is filled in, as the contract's parameters. An emptied line takes its parameter away, unless it says that there is none."""
    return {
        row.name: _options(row.value) if row.kind == "options" else row.value or NO_LIMIT
        for row in rows
        if row.name and (row.value or row.none)
    }


def both(rows: list[Parameter]) -> list[FieldError]:
    """Mistakes at lines that say there is none and yet have a value."""
    said = "已勾选“本批次不设限”或“本批次没有”，又填写了内容，请只留一样"
    return [
        FieldError(field=f"parameters.{row.name}", code=codes.MALFORMED, message=said)
        for row in rows
        if row.name and row.none and row.value
    ]


def read_window(
    form: Values, names: tuple[str, ...] = ("opens_at", "closes_at")
) -> tuple[dict[str, str], list[FieldError]]:
    """Instants out of date-and-time controls, which are in Beijing's time; with a mistake at each that is none."""
    found, errors = {}, []
    for name in names:
        text = form.get(name, [""])[0].strip()
        try:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is not None:
                raise ValueError("a zone of its own")
            found[name] = instant.replace(tzinfo=clock.SHANGHAI).isoformat()
        except (ValueError, OverflowError):
            errors.append(
                FieldError(field=name, code=codes.NOT_TIME, message=f"请填写{TIMES[name]}，如 2026-05-31 17:30:00")
            )
    return found, errors

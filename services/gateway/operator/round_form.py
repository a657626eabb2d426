"""Lay out a round's parameters and times as controls, and read them back.

Input names: `p.<n>.name`, `p.<n>.kind` (number or options) and `p.<n>.value`, one option a line.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from services.gateway.web.form_data import Values
from shared import clock, codes
from shared.contract.rounds import RoundDetail
from shared.errors import FieldError

SPARE = 2
TIMES = {"opens_at": "开始时间", "closes_at": "截止时间", "until": "延期截止时间"}


@dataclass(frozen=True)
class Parameter:
    """One line: `needed` ones have a fixed name and say what they are for."""

    name: str
    kind: str
    value: str
    needed: bool = False
    used_by: tuple[str, ...] = ()
    error: str | None = None


def rows_of(round_: RoundDetail, typed: list[Parameter] | None, errors: list[FieldError]) -> list[Parameter]:
    """What the form needs first, then what else the round has, then some empty lines; as typed, if it was."""
    wrong = {e.field: e.message for e in reversed(errors)}
    kept = {
        name: Parameter(
            name, "options" if isinstance(v, list) else "number", "\n".join(v) if isinstance(v, list) else str(v)
        )
        for name, v in round_.parameters.items()
    }
    given = kept if typed is None else {row.name: row for row in typed if row.name}
    rows = [
        Parameter(
            need.name, need.kind, given[need.name].value if need.name in given else "", True,
            tuple(need.used_by), wrong.get(f"parameters.{need.name}"),
        )
        for need in round_.needs
    ]  # fmt: skip
    needed = {row.name for row in rows}
    others = [row for row in given.values() if row.name not in needed]
    rows += [Parameter(r.name, r.kind, r.value, error=wrong.get(f"parameters.{r.name}")) for r in others]
    return rows + [Parameter("", "number", "")] * SPARE


def read_parameters(form: Values) -> list[Parameter]:
    """The lines as they were typed."""
    numbers = sorted(int(found[1]) for name in form if (found := re.fullmatch(r"p\.([0-9]{1,3})\.name", name)))

    def part(n: int, name: str) -> str:
        return form.get(f"p.{n}.{name}", [""])[0].strip()

    return [Parameter(part(n, "name"), part(n, "kind"), part(n, "value")) for n in numbers]


def parameters_of(rows: list[Parameter]) -> dict[str, str | list[str]]:
    """What is filled in, as the contract's parameters. An emptied line takes its parameter away."""
    return {
        row.name: [line.strip() for line in row.value.splitlines() if line.strip()]
        if row.kind == "options"
        else row.value
        for row in rows
        if row.name and row.value
    }


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

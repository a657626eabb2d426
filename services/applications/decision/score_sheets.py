"""Score sheets as data, and what an expert's points come to. Pure but for reading the sheets' files once.

A sheet's weights add up to 100, every criterion takes 0 to 100 points with at most one decimal, and a total is the
weighted mean, rounded to two decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared import codes
from shared.contract.decision import ScoreSheet
from shared.errors import FieldError, Invalid, NotFound
from shared.text import amounts
from shared.text.typed_text import UnreadableText, cleaned

FOLDER = Path(__file__).with_name("sheets")
# The sheet that cases given to experts from now on are scored by.
CURRENT = "standard/1"
MAX_POINTS = Decimal(100)
MAX_TEXT = 2000
_CENT = Decimal("0.01")


class Criterion(BaseModel):
    """One line of a sheet. A comment is required always, or below so many points."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern="^[a-z][a-z_]*$")
    label: str
    help: str
    weight: int = Field(gt=0, le=100)
    comment: Literal["always"] | None = None
    comment_below: int | None = Field(default=None, gt=0, le=100)

    def wants_comment(self, points: Decimal) -> bool:
        return self.comment == "always" or (self.comment_below is not None and points < self.comment_below)


class Sheet(BaseModel):
    """A published score sheet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    version: int
    title: str
    min_experts: int = Field(ge=1)
    wide: int = Field(gt=0)
    criteria: list[Criterion] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(c.weight for c in self.criteria) != 100:
            raise ValueError("the weights do not add up to 100")
        if len({c.key for c in self.criteria}) != len(self.criteria):
            raise ValueError("two criteria have the same key")
        return self

    @property
    def name(self) -> str:
        return f"{self.key}/{self.version}"


@cache
def sheet(name: str) -> Sheet:
    """Return the sheet of this `key/version`; `NotFound` for any other name."""
    file = FOLDER / f"{name.replace('/', '-')}.yaml"
    if file.parent != FOLDER or not file.is_file():
        raise NotFound("没有这份评审表。")
    return Sheet.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


@cache
def sheet_view(name: str) -> ScoreSheet:
    """Return the same as the public contract shows it."""
    return ScoreSheet.model_validate(sheet(name).model_dump())


@dataclass(frozen=True)
class Judged:
    """What was given, in its usual form, and what it comes to."""

    values: dict[str, Any]
    total: Decimal


def _points(given: object) -> Decimal | None:
    """Read what was given; None for what is no number of points, `Unclear` for what could be one."""
    try:
        points = amounts.read(str(given), unit="分")
    except amounts.Unclear:
        raise
    except amounts.NotANumber:
        return None
    if not 0 <= points <= MAX_POINTS or points != points.quantize(Decimal("0.1")):
        return None
    return points.quantize(Decimal("0.1"))


def _text(typed: str, field: str, errors: list[FieldError]) -> str:
    try:
        return cleaned(typed).strip()
    except UnreadableText as error:
        errors.append(FieldError(field=field, code=codes.CONTROL_CHARACTER, message=str(error)))
        return typed.strip()


def judge(sheet: Sheet, scores: Mapping[str, Any], comments: Mapping[str, str], opinion: str) -> Judged:
    """Return a whole assessment; `Invalid` with every mistake at its criterion."""
    errors: list[FieldError] = []
    kept, total = {}, Decimal(0)
    comments = {key: _text(text, f"comments.{key}", errors) for key, text in comments.items()}
    opinion = _text(opinion, "opinion", errors)
    for criterion in sheet.criteria:
        given, field = scores.get(criterion.key), f"scores.{criterion.key}"
        if given is None or not str(given).strip():
            errors.append(FieldError(field=field, code=codes.REQUIRED, message=f"请为“{criterion.label}”评分"))
            continue
        try:
            points = _points(given)
        except amounts.Unclear as error:
            errors.append(FieldError(field=field, code=codes.SCORE_OUT_OF_RANGE, message=str(error)))
            continue
        if points is None:
            message = f"“{criterion.label}”应为 0 至 100 的分数，最多一位小数"
            errors.append(FieldError(field=field, code=codes.SCORE_OUT_OF_RANGE, message=message))
            continue
        if criterion.wants_comment(points) and not comments.get(criterion.key, ""):
            below = f"低于 {criterion.comment_below} 分的，" if criterion.comment is None else ""
            message = f"{below}请填写“{criterion.label}”的评语"
            errors.append(
                FieldError(field=f"comments.{criterion.key}", code=codes.COMMENT_REQUIRED, message=message)
            )
        kept[criterion.key] = str(points)
        total += points * criterion.weight
    known = {c.key for c in sheet.criteria}
    for key in sorted((scores.keys() | comments.keys()) - known):
        errors.append(FieldError(field=f"scores.{key}", code=codes.UNKNOWN_CRITERION, message="评审表没有这一项"))
    if not opinion:
        errors.append(FieldError(field="opinion", code=codes.REQUIRED, message="请填写总体评审意见"))
    if errors:
        raise Invalid(errors)
    values = {
        "scores": kept,
        "comments": {k: text for k, text in comments.items() if text},
        "opinion": opinion,
    }
    return Judged(values, (total / 100).quantize(_CENT, ROUND_HALF_UP))


def mean(totals: list[Decimal]) -> Decimal:
    """Return the case's score: the mean of its experts' totals."""
    return (sum(totals, Decimal(0)) / len(totals)).quantize(_CENT, ROUND_HALF_UP)

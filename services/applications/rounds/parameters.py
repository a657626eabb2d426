"""Compare the parameters of a round with what its form needs: each mistake at its name."""

import re
from collections.abc import Collection, Mapping

from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.definition import Form
from services.applications.forms.formulas.functions import day
from shared import codes
from shared.errors import FieldError, Invalid
from shared.text import amounts, printable
from shared.text.typed_text import UnreadableText, cleaned

Parameters = Mapping[str, str | int | list[str]]
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_OPTIONS = 200


def fitted(form: Form, parameters: Parameters) -> dict[str, str | int | list[str]]:
    """Return the parameters as they are kept: texts as people see them, numbers as plain decimals. `Invalid` for names and values that no form
    could use, and for a value of another kind than this form needs; what is missing is said when the round is published."""
    kinds = {need.name: need.kind for need in needs(form)}
    errors: list[FieldError] = []
    kept = {name: _as_seen(name, value, errors) for name, value in parameters.items()}
    for name, value in list(kept.items()):
        if not NAME.fullmatch(name):
            errors.append(_wrong(name[:64], "bad_name", "参数名应以小写字母开头，由小写字母、数字和下划线组成"))
        elif isinstance(value, list) and (message := _bad_options(value)):
            errors.append(_wrong(name, "bad_options", message))
        elif kinds.get(name) == "number":
            try:
                kept[name] = _number(value)
            except amounts.Unclear as error:
                errors.append(_wrong(name, error.code, str(error)))
            except amounts.NotANumber:
                errors.append(_wrong(name, "not_number", "应为不小于 0 的数值，如 50 或 0.30"))
        elif kinds.get(name) == "date":
            # `20260101` is a day as well, and would be compared as a number.
            if (found := day(value)) is None:
                errors.append(_wrong(name, "not_date", "应为日期，如 2026-01-01"))
            else:
                kept[name] = found.isoformat()
        elif kinds.get(name) == "text" and not (isinstance(value, str) and 0 < len(value.strip()) <= 200):
            errors.append(_wrong(name, "not_text", "应为 1 至 200 字的文字"))
        elif kinds.get(name) == "options" and not isinstance(value, list):
            errors.append(_wrong(name, "not_options", "应为选项列表，至少一项"))
    if errors:
        raise Invalid(errors, "批次参数有误，请按提示修改。")
    return kept


def numbers_missing(form: Form, parameters: Parameters) -> frozenset[str]:
    """Return the numbers and dates that a form needs and a round lacks."""
    return frozenset(n.name for n in needs(form) if n.name not in parameters and n.kind != "options")


def must_be_complete(
    form: Form, parameters: Parameters, *, accept_missing: bool, accepted: Collection[str] = ()
) -> list[str]:
    """`Invalid` naming what the form needs and the round lacks. With `accept_missing` the names of the numbers that
    are missing are returned instead, as always for those `accepted` before; a list of options is never done without."""
    lacking = [need for need in needs(form) if need.name not in parameters]
    errors = [
        _wrong(
            need.name,
            "parameter_missing",
            f"表单需要参数 {need.name}（{'、'.join(need.used_by)}）"
            + ("，缺少时无法填写" if need.kind == "options" else "，缺少时不作此项核对"),
        )
        for need in lacking
        if need.kind == "options" or not (accept_missing or need.name in accepted)
    ]
    if errors:
        raise Invalid(errors, "表单需要的批次参数尚未填写完整。", code=codes.PARAMETERS_MISSING)
    return [need.name for need in lacking]


def _wrong(name: str, code: str, message: str) -> FieldError:
    return FieldError(field=f"parameters.{name}", code=code, message=message)


def _as_seen(name: str, value: str | int | list[str], errors: list[FieldError]) -> str | int | list[str]:
    """Return a value without marks that nobody sees; note what could not be kept or printed, for applicants choose it."""
    if isinstance(value, int):
        return value
    try:
        texts = [cleaned(text) for text in ([value] if isinstance(value, str) else value)]
    except UnreadableText as error:
        errors.append(_wrong(name[:64], "control_character", str(error)))
        return value
    if said := next((said for text in texts if (said := printable.complaint(text))), None):
        errors.append(_wrong(name[:64], "unprintable", said))
    return texts[0] if isinstance(value, str) else texts


def _bad_options(value: list[str]) -> str | None:
    if not 0 < len(value) <= MAX_OPTIONS:
        return f"选项应为 1 至 {MAX_OPTIONS} 项"
    if any(not 0 < len(item.strip()) <= 200 or item != item.strip() for item in value):
        return "每个选项应为 1 至 200 字，首尾不留空格"
    return "选项重复" if len(set(value)) != len(value) else None


def _number(value: str | int | list[str]) -> str | int:
    """Return a number that is not below zero; an integer stays one."""
    number = amounts.read(value if isinstance(value, str) else str(value))
    if number < 0:
        raise amounts.NotANumber
    return value if isinstance(value, int) else f"{number:f}"

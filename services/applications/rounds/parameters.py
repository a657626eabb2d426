"""Compare the parameters of a round with what its form needs: each mistake at its name."""

import re
from collections.abc import Collection, Mapping

from services.applications.forms.authoring.round_needs import Need, needs
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.formulas.functions import day
from shared import codes
from shared.contract.rounds import NO_LIMIT, Sort
from shared.errors import FieldError, Invalid
from shared.text import amounts, printable
from shared.text.typed_text import UnreadableText, cleaned

Parameter = str | int | list[str]
Parameters = Mapping[str, Parameter]
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_OPTIONS = 200
# What the office itself asks of a round, whatever the form: how many working days a return proposes.
WORKING_DAYS = "correction_working_days"
MOST_WORKING_DAYS = 120
WORKING_DAYS_LABEL = "补正期限"
# Whether an enterprise's own checker confirms a draft before it is submitted: a list with this option or without.
CONFIRMATION = "unit_confirmation"
CONFIRMATION_LABEL = "单位确认"
CONFIRMATION_ASKED = "提交前须由申报单位的审核人员确认"
# What a round proposes that follows one of the time before rounds had the parameter.
USUAL_WORKING_DAYS = "10"


def fitted(form: Form, parameters: Parameters) -> dict[str, Parameter]:
    """Return the parameters as they are kept: texts as people see them, numbers as plain decimals. `Invalid` for names and values that no form
    could use, and for a value of another kind than this form needs; what is missing is said when the round is published."""
    wanted = {need.name: need for need in needs(form)}
    kinds = {name: need.kind for name, need in wanted.items()}
    errors: list[FieldError] = []
    kept = {name: _as_seen(name, value, errors) for name, value in parameters.items()}
    for name, value in list(kept.items()):
        if not NAME.fullmatch(name):
            errors.append(_wrong(name[:64], "bad_name", "参数名应以小写字母开头，由小写字母、数字和下划线组成"))
        elif isinstance(value, list) and (
            message := _bad_options(value, least=0 if name == CONFIRMATION or _ticked(wanted, name) else 1)
        ):
            errors.append(_wrong(name, "bad_options", message))
        elif name == WORKING_DAYS:
            kept[name] = _days(value, errors)
        elif name == CONFIRMATION and value not in ([], [CONFIRMATION_ASKED]):
            errors.append(_wrong(name, codes.NOT_AN_OPTION, f"应为“{CONFIRMATION_ASKED}”，或不勾选"))
        elif name in kinds:
            kept[name] = _of_kind(kinds[name], name, _as_share(form, name, value), errors)
    if errors:
        raise Invalid(errors, "批次参数有误，请按提示修改。")
    return kept


def parameter_label(form: Form, name: str) -> str:
    """Return what people call a parameter of a round; its name where nobody has said."""
    own = {WORKING_DAYS: WORKING_DAYS_LABEL, CONFIRMATION: CONFIRMATION_LABEL}
    return own.get(name) or form.parameter_label(name)


def _days(value: Parameter, errors: list[FieldError]) -> Parameter:
    said = str(value).strip()
    if said.isdecimal() and len(said) <= 3 and 1 <= int(said) <= MOST_WORKING_DAYS:
        return str(int(said))
    errors.append(_wrong(WORKING_DAYS, codes.NOT_INTEGER, f"应为 1 至 {MOST_WORKING_DAYS} 的整数"))
    return value


def _as_share(form: Form, name: str, value: Parameter) -> Parameter:
    """Return `30%` as the part of one that a share is; anything else as it was typed."""
    said = form.parameters.get(name)
    if said is None or not said.share or not isinstance(value, str) or value.strip()[-1:] not in ("%", "％"):
        return value
    try:
        return f"{(amounts.read(value.strip()[:-1]) / 100).normalize():f}"
    except amounts.NotANumber:
        return value


def _of_kind(kind: Sort, name: str, value: Parameter, errors: list[FieldError]) -> Parameter:
    """Return a value as its kind is kept; note what is wrong with it."""
    match kind:
        case "number" | "date" if value == NO_LIMIT:
            return value
        case "number":
            try:
                return _number(value)
            except amounts.Unclear as error:
                errors.append(_wrong(name, error.code, str(error)))
            except amounts.NotANumber:
                errors.append(_wrong(name, "not_number", "应为不小于 0 的数值，如 50 或 0.30"))
        case "date":
            # `20260101` is a day as well, and would be compared as a number.
            if (found := day(value)) is not None:
                return found.isoformat()
            errors.append(_wrong(name, "not_date", "应为日期，如 2026-01-01"))
        case "text" if not (isinstance(value, str) and 0 < len(value.strip()) <= 200):
            errors.append(_wrong(name, "not_text", "应为 1 至 200 字的文字"))
        case "options" if not isinstance(value, list):
            errors.append(_wrong(name, "not_options", "应为选项列表，至少一项"))
    return value


def _ticked(wanted: Mapping[str, Need], name: str) -> bool:
    """Tell whether a list is ticked among a field's options: none of them may be."""
    return name in wanted and wanted[name].chosen_from is not None


def must_be_ticked(form: Form, parameters: Parameters) -> None:
    """`Invalid` where a list that is ticked among a field's options has one that the field does not have: a direction mistyped by
    one character would be without the limits of its kind, and nobody would see it."""
    choices = form.choices(RoundFacts(parameters=dict(parameters)))
    errors = []
    for need in needs(form):
        given = parameters.get(need.name)
        if need.chosen_from is None or not isinstance(given, list):
            continue
        known = need.chosen_from.labels(choices)
        if known and (strange := [f"“{option}”" for option in given if option not in known]):
            message = f"{'、'.join(strange)}不是“{need.chosen_from.label}”的选项，请在选项中勾选"
            errors.append(_wrong(need.name, codes.NOT_AN_OPTION, message))
    if errors:
        raise Invalid(errors, "批次参数有误，请按提示修改。")


def working_days(parameters: Parameters) -> int | None:
    """Return how many working days a return of this round proposes for the correction; None where nobody has said."""
    found = parameters.get(WORKING_DAYS)
    return int(found) if isinstance(found, int | str) else None


def asks_confirmation(parameters: Parameters) -> bool:
    """Tell whether a round asks for 单位确认 before 提交申请."""
    return parameters.get(CONFIRMATION) == [CONFIRMATION_ASKED]


def numbers_missing(form: Form, parameters: Parameters) -> frozenset[str]:
    """Return the numbers and dates that a form needs and a round lacks."""
    return frozenset(n.name for n in needs(form) if n.name not in parameters and n.kind != "options")


def must_be_complete(
    form: Form, parameters: Parameters, *, accept_missing: bool, accepted: Collection[str] = ()
) -> list[str]:
    """`Invalid` naming what the form needs and the round lacks. With `accept_missing` the names of the numbers that
    are missing are returned instead, as always for those `accepted` before. A list of options is never done without, nor is
    what limits money: that is set, or marked `NO_LIMIT`."""
    lacking = [need for need in needs(form) if need.name not in parameters]
    errors = [
        _wrong(
            need.name,
            "parameter_missing",
            f"表单需要参数“{form.parameter_label(need.name)}”（{'、'.join(need.used_by)}）" + _without(need),
        )
        for need in lacking
        if need.kind == "options" or not (need.name in accepted or (accept_missing and not need.limits_money))
    ]
    if errors:
        raise Invalid(errors, "表单需要的批次参数尚未填写完整。", code=codes.PARAMETERS_MISSING)
    return [need.name for need in lacking]


def _without(need: Need) -> str:
    if need.chosen_from is not None:
        return "，请勾选；一项也没有的，勾选“本批次没有”"
    if need.kind == "options":
        return "，缺少时无法填写"
    if need.limits_money:
        return "，关系到金额，请填写；不设的，勾选“本批次不设限”"
    return "，缺少时不作此项核对"


def _wrong(name: str, code: str, message: str) -> FieldError:
    return FieldError(field=f"parameters.{name}", code=code, message=message)


def _as_seen(name: str, value: Parameter, errors: list[FieldError]) -> Parameter:
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


def _bad_options(value: list[str], least: int) -> str | None:
    if not least <= len(value) <= MAX_OPTIONS:
        return f"选项应为 1 至 {MAX_OPTIONS} 项"
    if any(not 0 < len(item.strip()) <= 200 or item != item.strip() for item in value):
        return "每个选项应为 1 至 200 字，首尾不留空格"
    return "选项重复" if len(set(value)) != len(value) else None


def _number(value: Parameter) -> str | int:
    """Return a number that is not below zero; an integer stays one."""
    number = amounts.read(value if isinstance(value, str) else str(value))
    if number < 0:
        raise amounts.NotANumber
    return value if isinstance(value, int) else f"{number:f}"

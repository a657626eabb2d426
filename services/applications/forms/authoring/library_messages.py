"""Say in Chinese what YAML and pydantic find wrong with a form's file. Their wording changes between versions: a message
that no pattern knows is told in general, with its place."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from services.applications.forms.formulas import type_names
from services.applications.forms.kinds.base import FORMER_KEY, KEY, PREFILL

Patterns = tuple[tuple[str, str], ...]
_YAML: Patterns = (
    ("mapping values are not allowed", "多了一个冒号，或缩进不齐；内容里有冒号时请给整段内容加引号"),
    ("cannot start any token", "内容不能以这个字符开头：缩进请用空格，不用 Tab；以 @、`、% 等开头的内容请加引号"),
    ("tab character", "缩进请用空格，不用 Tab"),
    (r"unexpected end of stream", "引号没有成对"),
    (r"(',' or '[\]}]'|flow (mapping|sequence))", "{ } 或 [ ] 没有成对，或各项之间少了逗号"),
    (r"expected ':'|could not find", "少了冒号；冒号要用半角“:”，后面空一格"),
    (r"block sequence entries", "“-”前面不能有别的内容，请另起一行"),
    (r"'-' indicator|expected key|<block end>", "缩进不齐：同一级的各行要左对齐，每行写成“名称: 内容”"),
    (r"node content", "这里缺少内容，或有不能用的字符"),
    (r"undefined alias", "“*”后面的名字没有用“&”定义过；内容以“*”开头时请加引号"),
    (r"duplicate anchor", "同一个“&”名字定义了两次"),
    (r"scanning an (alias|anchor)|alphabetic or numeric", "内容以“*”或“&”开头时请加引号"),
    (r"escape", "双引号里的“\\”写法不对；请改用单引号"),
    (r"control characters|special characters|unacceptable|invalid (leading|trailing)", "有不能用的控制字符"),
    (r"single document|document start", "一个文件只能写一份表单，不能有“---”分隔的第二份"),
    (r"constructor|undefined tag|tag", "不能用以“!”开头的标记；内容以“!”开头时请加引号"),
    (r"block scalar", "“|”或“>”后面不能再写内容，内容请另起一行并缩进"),
    (r"unhashable|merging", "这里的名称或“<<”不对"),
)  # fmt: skip
_LIMITS: Mapping[str, str] = {
    "string_too_long": "不能超过 {max_length} 字",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "too_long": "最多 {max_length} 项，现有 {actual_length} 项",
}
_PATTERNS = {
    KEY: "应以英文字母开头，只用字母、数字和下划线",
    FORMER_KEY: "应写成“key”或“材料的 key.key”",
    PREFILL: "应写成“registry.…”或“account.…”",
}
_OF_TYPES: Patterns = (
    (r"string_", "应为文字，数字和 true、false 请加引号"),
    (r"int_", "应为整数"),
    (r"(decimal|float|finite)", "应为数"),
    (r"bool_", "应为 true 或 false"),
    (r"(tuple|list|set|iterable)_", "应为一列内容，写成 [甲, 乙] 或每行以“- ”开头"),
    (r"(model|dict|mapping|dataclass)_", "应为一组“名称: 内容”"),
)


def of_yaml(problem: str, context: str, start: int | None) -> str:
    """Return a fault of YAML; `start` is the line on which what is broken began, where that is another."""
    found = (words for said in (problem, context) for pattern, words in _YAML if re.search(pattern, said))
    begun = f"（从第 {start} 行开始的内容）" if start else ""
    return f"不是正确的 YAML{begun}：{next(found, '请核对缩进、冒号、引号和括号')}"


def of_shape(error: Mapping[str, Any], at: tuple[str | int, ...]) -> str:  # noqa: PLR0911 (one case a kind of fault)
    """Return what pydantic found wrong at a part of the file; `at` is the path of what stands there."""
    kind, limits = str(error["type"]), error.get("ctx") or {}
    match kind:
        case "value_error" | "assertion_error":
            return str(error["msg"]).partition(", ")[2] or "写法不对"
        case "union_tag_invalid":
            return _no_such_kind(str(limits["tag"]))
        case "union_tag_not_found":
            return "缺少“kind”，即这是哪一种字段"
        case "missing":
            return f"缺少“{error['loc'][-1]}”"
        case "extra_forbidden":
            return f"“{error['loc'][-1]}”在这里没有用处，请核对拼写或删去"
        case "invalid_key":
            return f"名称“{error['loc'][-1]}”应为文字，请加引号"
    if "input" in error and error["input"] is None:
        return f"{_name(at)}后面没有内容"
    return f"{_name(at)}{_wrong(kind, limits)}{_shown(error.get('input'))}"


def _wrong(kind: str, limits: Mapping[str, Any]) -> str:
    match kind:
        case "string_too_short" | "too_short":
            least = limits["min_length"]
            return "不能为空" if least == 1 else f"至少 {least} {'字' if kind.startswith('string') else '项'}"
        case "string_pattern_mismatch":
            return _PATTERNS.get(limits["pattern"], "写法不对")
        case "literal_error":
            known = re.findall(r"'([^']*)'", str(limits["expected"]))
            return f"应为以下之一：{'、'.join(known)}"
        case _ if kind in _LIMITS:
            return _LIMITS[kind].format(**limits)
    return _of_type(kind)


def _of_type(kind: str) -> str:
    return next((words for pattern, words in _OF_TYPES if re.match(pattern, kind)), "写法不对")


def _name(at: tuple[str | int, ...]) -> str:
    """Return the last name of a path; what has none is counted."""
    match at:
        case (*_, str(name), int(index)):
            return f"“{name}”的第 {index + 1} 项"
        case (*_, last):
            return f"“{last}”"
    return "表单"


def _shown(value: Any) -> str:
    """Return what stands there, where it is short enough to be shown."""
    if isinstance(value, bool):
        return f"（现为 {str(value).lower()}）"
    if isinstance(value, str | int | float):
        text = str(value)
        short = text if len(text) <= 40 else f"{text[:40]}…"
        return f"（现为“{short}”）" if text.strip() else ""
    return ""


def _no_such_kind(written: str) -> str:
    """With the kind that was meant, where that can be guessed, else with all there are."""
    meant = [kind for kind, noun in type_names.KINDS.items() if noun == written]
    meant = meant or difflib.get_close_matches(written, type_names.KINDS, n=1, cutoff=0.7)
    if meant:
        return f"没有“{written}”这种字段，要写的可能是 {meant[0]}（{type_names.KINDS[meant[0]]}）"
    return (
        f"没有“{written}”这种字段；有 {'、'.join(f'{kind}（{noun}）' for kind, noun in type_names.KINDS.items())}"
    )

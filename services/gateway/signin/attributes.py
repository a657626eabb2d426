"""What the platform's `tokeninfo` says, in its own dialect (RULES, the city's identity platform)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Unavailable


@dataclass(frozen=True)
class Person:
    """Somebody the platform vouches for. `attributes` are the extended properties by name."""

    subject: str
    name: str
    uscc: str | None
    enterprise_name: str | None
    attributes: dict[str, Any] = field(default_factory=dict)


def properties(listed: object) -> dict[str, str]:
    """`["KEY=VALUE", …]` as a mapping: values may contain `=`, and "null" arrives as text."""
    if not isinstance(listed, list):
        return {}
    pairs = (item.partition("=") for item in listed if isinstance(item, str))
    return {key: value for key, mark, value in pairs if mark and key and value and value != "null"}


def person(info: Mapping[str, Any]) -> Person:
    """A person out of the answer; `Unavailable` when it does not even say who."""
    subject = info.get("uid")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise Unavailable("统一身份认证平台的应答无法识别，请稍后再试。", code="idp_answer")
    extended = properties(info.get("extProperties"))
    unit = extended.get("ORG_NAME") or _text(info.get("cn"))
    return Person(
        subject=subject,
        name=extended.get("BLR_NAME") or unit or subject,
        uscc=extended.get("UNION_CODE"),
        enterprise_name=unit if extended.get("UNION_CODE") else None,
        attributes={**extended, "credenceClass": _text(info.get("credenceClass"))},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value and value != "null" else None

"""Map a provider's claims to a person. One YAML file says which claim gives which field."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from services.gateway.accounts.person import Person
from shared import codes
from shared.errors import NotAllowed, Unavailable
from shared.text import identifiers

FILE = Path(__file__).with_name("claims.yaml")
MAX_LENGTH = 500


class Claims(BaseModel):
    """One dialect's part of the file."""

    model_config = ConfigDict(extra="forbid")

    pairs: list[str] = []
    subject: list[str]
    name: list[str]
    enterprise: list[str]
    enterprise_name: list[str]
    credential: list[str] = []
    credentials: dict[str, str] = {}
    pass_on: list[str] = []
    attributes: dict[str, list[str]] = {}

    def person(self, claims: Mapping[str, Any], id_token: str | None = None) -> Person:
        """Read a person out of claims. `Unavailable` when they name no subject; `NotAllowed` for an enterprise whose
        统一社会信用代码 cannot be one."""
        read = {**claims, **{name: pairs(claims.get(name)) for name in self.pairs}}
        subject = _first(read, self.subject)
        if subject is None or len(subject) > 200:
            raise Unavailable("统一身份认证平台的应答无法识别，请稍后再试。", code=codes.IDP_ANSWER)
        uscc = _first(read, self.enterprise)
        if uscc is not None:
            try:
                uscc = identifiers.uscc(uscc)
            except ValueError as error:
                raise NotAllowed(
                    f"平台登记的统一社会信用代码有误（{error}），请联系 010-58511090。", code=codes.ENTERPRISE_CODE
                ) from error
        attributes = {key: value for name in self.pass_on for key, value in _texts(read.get(name)).items()}
        named = {name: _first(read, paths) for name, paths in self.attributes.items()}
        attributes |= {name: value for name, value in named.items() if value is not None}
        return Person(
            subject=subject,
            name=_first(read, self.name) or subject,
            uscc=uscc,
            enterprise_name=_first(read, self.enterprise_name) if uscc else None,
            attributes=attributes,
            credential=self.credentials.get(_first(read, self.credential) or ""),
            id_token=id_token,
            session=_text(claims.get("sid")) if id_token else None,
        )


def load(dialect: str, file: Path | None = None) -> Claims:
    """The part of the file for a dialect; `ValueError` when the file does not say it."""
    said = yaml.safe_load((file or FILE).read_text(encoding="utf-8"))
    if not isinstance(said, dict) or dialect not in said:
        raise ValueError(f"{file or FILE} 没有 {dialect} 一节")
    return Claims.model_validate(said[dialect])


def pairs(listed: object) -> dict[str, str]:
    """`["KEY=VALUE", …]` as a mapping: values may contain `=`, and "null" arrives as text."""
    if not isinstance(listed, list):
        return {}
    split = (item.partition("=") for item in listed if isinstance(item, str))
    return {key: value for key, mark, value in split if mark and key and _text(value)}


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or value.strip() in {"", "null"}:
        return None
    return value.strip()[:MAX_LENGTH]


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    read = {str(key): _text(item) for key, item in value.items()}
    return {key: item for key, item in read.items() if item is not None}


def _first(claims: Mapping[str, Any], paths: list[str]) -> str | None:
    for path in paths:
        # A claim's own name may have dots in it, as those that are addresses do.
        found: Any = claims.get(path)
        if found is None:
            found = claims
            for step in path.split("."):
                found = found.get(step) if isinstance(found, Mapping) else None
        if (text := _text(found)) is not None:
            return text
    return None

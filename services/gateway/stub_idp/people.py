"""Enter the demo people and enterprises, and say what `tokeninfo` tells of a person."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.models import StubAccount, StubBinding, StubRegistryEntry
from services.gateway.stub_idp.passwords import HASHER

FILE = Path(__file__).with_name("accounts.yaml")
DEMO_PASSWORD = "Demo#2024"  # noqa: S105 (printed at every start: it protects nothing)
PASSWORD, CERTIFICATE = "Credence_002", "Credence_001"
_PASSED_ON = ("UNION_CODE", "ORG_NAME", "LEGAL_PERSON", "REG_DATE")


class DemoPerson(BaseModel):
    username: str
    name: str
    enterprise: str | None = None
    mobile: str | None = None
    email: str | None = None
    reviewer: bool = False


class Demo(BaseModel):
    """The file `accounts.yaml`."""

    enterprises: list[dict[str, str]]
    people: list[DemoPerson]
    bindings: dict[str, str] = {}


def demo() -> Demo:
    return Demo.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def subject_of(username: str) -> str:
    return f"stub-{username}"


async def seed(session: AsyncSession) -> int:
    """Put the demo accounts in, or leave them as they are; how many there are."""
    data = demo()
    units = {entry["UNION_CODE"]: entry for entry in data.enterprises}
    for uscc, entry in units.items():
        await session.execute(
            insert(StubRegistryEntry).values(uscc=uscc, attributes=entry).on_conflict_do_nothing()
        )
    password_hash = HASHER.hash(DEMO_PASSWORD)
    new = []
    for person in data.people:
        unit = units[person.enterprise] if person.enterprise else None
        account = {
            "username": person.username,
            "subject": subject_of(person.username),
            "password_hash": password_hash,
            "attributes": tokeninfo(
                subject_of(person.username), person.name, unit, mobile=person.mobile, email=person.email
            ),
            "uscc": person.enterprise,
            "email": person.email,
            "is_reviewer": person.reviewer,
            "status": "active",
        }
        added = insert(StubAccount).values(account).on_conflict_do_nothing().returning(StubAccount.username)
        new.append(await session.scalar(added))
    for uscc, holder in data.bindings.items():
        # Once: a binding that was ended stays ended.
        if any(name is not None for name in new):
            await session.execute(insert(StubBinding).values(uscc=uscc, holder=holder).on_conflict_do_nothing())
    return len(data.people)


def tokeninfo(
    subject: str,
    name: str,
    unit: Mapping[str, str] | None,
    *,
    mobile: str | None,
    email: str | None,
    credential: str = PASSWORD,
) -> dict[str, Any]:
    """What the platform says of somebody, as `unit`'s person where there is one."""
    properties = {"BLR_NAME": name, "BLR_MOBILE": mobile, "BLR_EMAIL": email}
    if unit:
        properties |= {key: unit.get(key) for key in _PASSED_ON}
    return {
        "uid": subject,
        "cn": unit["ORG_NAME"] if unit else name,
        "idCardNumber": unit["UNION_CODE"] if unit else "null",
        "credenceClass": credential,
        "trustLevel": "L3" if credential == CERTIFICATE else "L2",
        # The platform sends a missing value as the text "null".
        "extProperties": [f"{key}={value or 'null'}" for key, value in properties.items()],
    }


def extended(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The extended properties of what `tokeninfo` made, without those that are missing."""
    split = (item.partition("=") for item in attributes["extProperties"])
    return {key: value for key, _, value in split if value != "null"}

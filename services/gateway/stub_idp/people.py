"""The stub's people: put there from data, and their passwords checked."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.models import Account
from services.gateway.stub_idp.models import StubAccount, StubRegistryEntry
from shared import clock
from shared.errors import NotAllowed
from shared.identity import Role

FILE = Path(__file__).with_name("accounts.yaml")
DEMO_PASSWORD = "Demo#2024"  # noqa: S105 (printed at every start: it protects nothing)

# GB/T 22239: lock after five failures in a row.
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)

HASHER = PasswordHasher()
# Checked when there is no such account, so that the time an answer takes does not tell.
NOBODYS_HASH = HASHER.hash("nobody's password")


class DemoPerson(BaseModel):
    username: str
    name: str
    enterprise: str | None = None
    mobile: str | None = None
    email: str | None = None
    roles: list[Role] = []


class Demo(BaseModel):
    """The file `accounts.yaml`."""

    enterprises: list[dict[str, str]]
    people: list[DemoPerson]


def demo() -> Demo:
    return Demo.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def subject_of(username: str) -> str:
    return f"stub-{username}"


async def seed(session: AsyncSession) -> int:
    """Put the demo accounts in, or leave them as they are; how many there are."""
    data = demo()
    units = {entry["UNION_CODE"]: entry for entry in data.enterprises}
    for uscc, entry in units.items():
        row = {"uscc": uscc, "attributes": entry}
        await session.execute(insert(StubRegistryEntry).values(row).on_conflict_do_nothing())
    password_hash = HASHER.hash(DEMO_PASSWORD)
    for person in data.people:
        unit = units[person.enterprise] if person.enterprise else None
        account = {
            "username": person.username,
            "subject": subject_of(person.username),
            "password_hash": password_hash,
            "attributes": _tokeninfo(person, unit),
            "failures": 0,
        }
        await session.execute(insert(StubAccount).values(account).on_conflict_do_nothing())
        if person.roles:
            staff = {
                "id": uuid4(),
                "subject": subject_of(person.username),
                "name": person.name,
                "roles": person.roles,
                "attributes": {},
            }
            await session.execute(
                insert(Account).values(staff).on_conflict_do_nothing(index_elements=[Account.subject])
            )
    return len(data.people)


def _tokeninfo(person: DemoPerson, unit: dict[str, str] | None) -> dict[str, Any]:
    properties = {"BLR_NAME": person.name, "BLR_MOBILE": person.mobile, "BLR_EMAIL": person.email}
    if unit:
        properties |= {name: unit[name] for name in ("UNION_CODE", "ORG_NAME", "LEGAL_PERSON", "REG_DATE")}
    return {
        "uid": subject_of(person.username),
        "cn": unit["ORG_NAME"] if unit else person.name,
        "idCardNumber": unit["UNION_CODE"] if unit else "null",
        "credenceClass": "Credence_002",
        "trustLevel": "L2",
        # The platform sends a missing value as the text "null".
        "extProperties": [f"{name}={value or 'null'}" for name, value in properties.items()],
    }


async def check_password(session: AsyncSession, username: str, password: str) -> StubAccount | None:
    """The account, or None for a wrong name or password; `NotAllowed` while it is locked."""
    account = await session.scalar(select(StubAccount).where(StubAccount.username == username).with_for_update())
    now = clock.now()
    if account and account.locked_until and account.locked_until > now:
        raise NotAllowed("密码连续错误次数过多，账号已锁定 15 分钟，请稍后再试。", code="account_locked")
    try:
        HASHER.verify(account.password_hash if account else NOBODYS_HASH, password)
    except VerificationError:
        if account:
            account.failures += 1
            if account.failures >= MAX_FAILURES:
                account.failures, account.locked_until = 0, now + LOCK
        return None
    if account:
        account.failures, account.locked_until = 0, None
    return account

"""Realistic values, people and keys for the tests. Everything here is invented."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from deploy.demo.values import ENTERPRISE_1, PDF, REWARD_SLOTS, file_for, reward_values
from shared import clock
from shared.identity import Actor, Role, public_key
from shared.messages import ApplicationReturned, OpinionText, Person, SubmissionReceived
from tests.fund_types import PLATFORM, PRODUCTION, SLOTS, values_of

__all__ = [
    "ENTERPRISE_1",
    "PDF",
    "PLATFORM",
    "PRODUCTION",
    "REWARD_SLOTS",
    "SLOTS",
    "file_for",
    "reward_values",
    "values_of",
]

SERVICES = ("gateway", "applications", "documents", "notify")

# 统一社会信用代码 with right check characters.
ENTERPRISE_2 = ("911101080000000194", "北京雕漆艺术有限公司")


def private_key(service: str) -> bytes:
    """A service's signing key, the same in every test."""
    return hashlib.sha256(f"test key of {service}".encode()).digest()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def trusted_keys(services: Iterable[str] = SERVICES) -> str:
    """`GM_TRUSTED_KEYS` of a system whose services hold `private_key`."""
    return ",".join(f"{name}={b64(public_key(private_key(name)))}" for name in services)


def applicant(enterprise: tuple[str, str] = ENTERPRISE_1, account: str = "acc-applicant") -> Actor:
    return Actor(
        account=f"{account}-{enterprise[0]}",
        name="李响",
        roles=frozenset({Role.APPLICANT}),
        enterprise=enterprise[0],
        enterprise_name=enterprise[1],
        received_at=clock.now(),
    )


def staff(role: Role, name: str = "审核员") -> Actor:
    return Actor(account=f"acc-{role}-{name}", name=name, roles=frozenset({role}), received_at=clock.now())


def returned_event(**changes: Any) -> ApplicationReturned:
    """A return with two opinions, for the first enterprise."""
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "occurred_at": clock.now(),
        "to": Person(name="李响", email="lixiang@example.com", enterprise=ENTERPRISE_1[0]),
        "application_id": uuid4(),
        "project_name": "景泰蓝国礼",
        "fund_type_label": "奖励类",
        "number": "GM2026-000001",
        "revision": 1,
        "correct_by": clock.now() + timedelta(days=5),
        "opinions": [
            OpinionText(material="保护发展资金使用规划", field="开户银行", text="请填写开户行全称"),
            OpinionText(material="项目联系人", field=None, text="请核对 <联系方式>"),
        ],
        **changes,
    }
    return ApplicationReturned(**values)


def received_event(**changes: Any) -> SubmissionReceived:
    """A submission of the first enterprise."""
    base = returned_event().model_dump(exclude={"kind", "correct_by", "opinions"})
    return SubmissionReceived(**{**base, "received_at": clock.now(), "sha256": "ab" * 32, **changes})

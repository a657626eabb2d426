"""What production refuses, and duties that must stay apart."""

from itertools import combinations

import pytest
from pydantic import ValidationError

from services.gateway.accounts import role_rules
from services.gateway.accounts.role_rules import DutiesConflict
from services.gateway.settings import GatewaySettings
from shared.identity import Role
from tests.integration.gateway.conftest import make_settings

PRODUCTION = {
    "environment": "production",
    "public_url": "https://gongmei.example",
    "idp_url": None,
    "idp_issuer": "https://idp.example",
    "stub_idp": False,
    "second_factor": True,
    "consent_required": True,
    "gateway_port": 8080,
    "gateway_internal_port": 8090,
}


def settings(**changes: object) -> GatewaySettings:
    return make_settings("postgresql://u:p@127.0.0.1/d", "redis://127.0.0.1", **{**PRODUCTION, **changes})


def test_production_starts_with_everything_on() -> None:
    assert settings().https


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stub_idp": True}, "GM_STUB_IDP"),
        ({"registry_url": "http://registry.example"}, "GM_REGISTRY_URL"),
        ({"second_factor": False}, "GM_SECOND_FACTOR"),
        ({"consent_required": False}, "GM_CONSENT_REQUIRED"),
        ({"public_url": "http://gongmei.example"}, "GM_PUBLIC_URL"),
        ({"idp_issuer": "http://idp.example"}, "GM_IDP_ISSUER"),
        ({"idp_issuer": None}, "GM_IDP_ISSUER"),
        ({"personal_keys": ""}, "personal_keys"),
        ({"personal_keys": "c2hvcnQ"}, "32"),
        ({"trusted_proxies": "the proxy"}, "the proxy"),
    ],
    ids=str,
)
def test_production_refuses_what_is_for_demonstrations(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(**changes)


def test_duties_are_kept_apart() -> None:
    people = [role for role in Role if role is not Role.SYSTEM]
    for role in people:
        assert role_rules.check([role]) == {role}
    allowed = {frozenset(pair) for pair in combinations(people, 2) if not _refused(pair)}
    # 审核, 评审, 审定, writing rounds and writing forms may go together in a small office; the others never do.
    office = (Role.REVIEWER, Role.EXPERT, Role.DIRECTOR, Role.OFFICER, Role.FORM_EDITOR)
    assert allowed == {frozenset(p) for p in combinations(office, 2)}
    for roles in ([], ["system"]):
        with pytest.raises(DutiesConflict):
            role_rules.check(roles)


def _refused(roles: tuple[Role, ...]) -> bool:
    try:
        role_rules.check(roles)
    except DutiesConflict:
        return True
    return False

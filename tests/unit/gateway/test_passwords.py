"""What a new password must be."""

import pytest

from services.gateway.stub_idp import passwords


@pytest.mark.parametrize("password", ["Jingtai#2026", "long enough 7X", "雕漆Qi-2026x", "aB3$aB3$"])
def test_good_passwords(password: str) -> None:
    assert passwords.fault(password, "someone") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("aB3$aB3", "8 至 64 位"),
        ("aB3$" * 17, "8 至 64 位"),
        ("aB3$\x07aB3$", "8 至 64 位"),
        ("lowercase only", "至少三种"),
        ("12345678", "至少三种"),
        ("Someone#2026", "不得包含用户名"),
        ("Password#26", "过于常见"),
        ("Aaaaaa#826", "过于常见"),
        ("Qz#91234x", "过于常见"),
    ],
)
def test_bad_passwords_say_why(password: str, why: str) -> None:
    assert why in (passwords.fault(password, "someone") or "")


def test_hashes_are_argon2id() -> None:
    assert passwords.HASHER.hash("x").startswith("$argon2id$")


def test_a_name_that_nobody_has_costs_what_a_real_one_costs() -> None:
    assert not passwords.HASHER.check_needs_rehash(passwords.NOBODYS_HASH)

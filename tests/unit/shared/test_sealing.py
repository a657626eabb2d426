"""Encryption at rest and the change of its keys."""

import pytest

from shared.sealing import CannotOpen, Keyring

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_is_sealed_opens_in_its_place_only() -> None:
    ring = Keyring([NEW])
    sealed = ring.seal("王㙍".encode(), b"account 1")
    assert "王㙍".encode() not in sealed
    assert ring.open(sealed, b"account 1").decode() == "王㙍"
    assert sealed != ring.seal("王㙍".encode(), b"account 1")
    with pytest.raises(CannotOpen):
        ring.open(sealed, b"account 2")


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_changed_bytes_are_refused(place: int) -> None:
    ring = Keyring([NEW])
    sealed = bytearray(ring.seal(b"a secret of some length", b""))
    sealed[place] ^= 1
    with pytest.raises(CannotOpen):
        ring.open(bytes(sealed), b"")
    for short in (b"", b"x", bytes(sealed[:10])):
        with pytest.raises(CannotOpen):
            ring.open(short, b"")


def test_keys_change_one_by_one() -> None:
    before = Keyring([OLD]).seal(b"kept", b"c")
    both = Keyring([NEW, OLD])
    assert both.open(before, b"c") == b"kept"
    assert not both.is_current(before)
    after = both.seal(both.open(before, b"c"), b"c")
    assert both.is_current(after)
    assert Keyring([NEW]).open(after, b"c") == b"kept"
    with pytest.raises(CannotOpen):
        Keyring([NEW]).open(before, b"c")


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="至少需要一个密钥"):
        Keyring([])

"""Tokens between services while a service changes its key."""

import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import clock
from shared.errors import NotSignedIn
from shared.identity import Signer, Verifier, public_key
from shared.settings import Settings
from tests import factories

OLD, NEW, FOREIGN = (bytes([n]) * 32 for n in (1, 2, 3))


def _said(key: bytes) -> str:
    return Signer("gateway", key).headers("applications", "GET", "/x")["Authorization"]


def test_both_keys_open_while_one_follows_the_other() -> None:
    verifier = Verifier("applications", {"gateway": (public_key(OLD), public_key(NEW))})
    assert {verifier.caller(_said(key), "GET", "/x").service for key in (OLD, NEW)} == {"gateway"}
    with pytest.raises(NotSignedIn):
        verifier.caller(_said(FOREIGN), "GET", "/x")


def test_key_that_was_taken_out_opens_nothing() -> None:
    verifier = Verifier("applications", {"gateway": (public_key(NEW),)})
    with pytest.raises(NotSignedIn):
        verifier.caller(_said(OLD), "GET", "/x")


def _of_the_release_before() -> str:
    """A token that names no request."""
    now = int(clock.now().timestamp())
    said = {"iss": "gateway", "aud": "applications", "sub": "gateway", "iat": now, "exp": now + 60}
    key = Ed25519PrivateKey.from_private_bytes(NEW)
    return f"Bearer {jwt.encode(said, key, algorithm='EdDSA', headers={'kid': 'gateway'})}"


def test_during_an_upgrade_tokens_of_the_release_before_open_as_well() -> None:
    known = {"gateway": (public_key(NEW),)}
    with pytest.raises(NotSignedIn):
        Verifier("applications", known).caller(_of_the_release_before(), "GET", "/x")
    upgrading = Verifier("applications", known, unbound=True)
    assert upgrading.caller(_of_the_release_before(), "GET", "/x").service == "gateway"
    # A token that names its request opens no other one, even then.
    assert upgrading.caller(_said(NEW), "GET", "/x").service == "gateway"
    for method, target in (("POST", "/x"), ("GET", "/y"), ("GET", "/x?a=1")):
        with pytest.raises(NotSignedIn):
            upgrading.caller(_said(NEW), method, target)


def test_setting_names_a_service_once_for_each_of_its_keys() -> None:
    keys = [factories.b64(public_key(key)) for key in (OLD, NEW, FOREIGN)]
    text = f"gateway={keys[0]}, documents={keys[2]},gateway={keys[1]}"
    settings = Settings.model_validate({"signing_key": OLD, "trusted_keys": text})
    assert settings.trusted_keys == {
        "gateway": (public_key(OLD), public_key(NEW)),
        "documents": (public_key(FOREIGN),),
    }


@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"5", b'"kid"', b"{}", b'{"kid": {}}', b'{"kid": null}', b"{", b"\xff\xfe", b"[" * 100_000],
    ids=lambda header: header[:12].decode("latin-1") or "none",
)
def test_a_header_that_is_none_opens_nothing(header: bytes) -> None:
    """It is read before anything is known of who wrote it."""
    verifier = Verifier("applications", {"gateway": (public_key(NEW),)})
    _, payload, signature = _said(NEW).split(".")
    forged = base64.urlsafe_b64encode(header).decode().rstrip("=")
    for token in (
        f"Bearer {forged}.{payload}.{signature}",
        f"Bearer {forged}",
        f"Bearer 密.{payload}.{signature}",
    ):
        with pytest.raises(NotSignedIn):
            verifier.caller(token, "GET", "/x")
